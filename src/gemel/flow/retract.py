"""`gemel twin retract`: a wrong image, contour or entry is withdrawn, and what rested on it no longer counts."""

from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.core.time import iso
from gemel.flow.restate import restate
from gemel.flow.standing import ASIDE, REPLACES, standing
from gemel.flow.words import in_words
from gemel.store import Event, Store

SHORTEST = 8


@dataclass(frozen=True)
class Retraction:
    """The retraction; what counted before it and does not now, itself first; facts that were said again because they still count."""

    event: Event
    fallen: tuple[Event, ...]
    restated: tuple[Event, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Line by line what was withdrawn, what fell with it, and what still counts."""
        gone, *derived = self.fallen
        lines = [f"withdrawn: {_line(gone)}; {self.event.payload['reason']}"]
        lines += [f"no longer counts: {_line(event)}" for event in derived]
        lines += [f"still counts: {_line(event)}" for event in self.restated]
        return (*lines, f"to compute again: gemel twin recompute {self.event.twin}") if derived else tuple(lines)


def retract(store: Store, twin_id: str, which: str | int, reason: str, *, actor: str = "") -> Retraction:
    """Withdraws an entry of a twin, by its version or its hash (or the first 8 digits or more of it).

    Facts that do not depend on it are said again, so that they stand on their own. Raises InputError for an unknown twin or entry,
    without a reason, and for what was withdrawn already.
    """
    with store.lease(twin_id, actor), store.together():
        history = tuple(store.events(twin_id))
        target = find(history, twin_id, which)
        before = standing(history, store.tainted())
        _require_present(history, target)
        if target.kind in ASIDE or "imported" in target.payload:
            found = f"an entry of kind {target.kind}, which says something of others"
            raise InputError(found, where=f"{twin_id} version {target.version}", remedy="withdraw a scan, a decision or what was given")
        event = store.retract(target, reason, actor=actor)
        restated = restate(store, twin_id, actor=actor)
        counts = {e.hash for e in standing(tuple(store.events(twin_id)), store.tainted())}
    again = {name for e in restated for name in e.payload[REPLACES]}
    fell = tuple(e for e in before if e.hash not in counts | again | {target.hash})
    return Retraction(event, (target, *fell), restated)


def find(history: tuple[Event, ...], twin_id: str, which: str | int) -> Event:
    """The entry of that version or hash. Raises InputError when there is none, or more than one whose hash begins so."""
    if not history:
        raise InputError(f"no twin {twin_id!r}", where="the record", remedy="correct the id: gemel twin show lists none that is not there")
    text = str(which)
    if text.isdecimal() and len(text) < SHORTEST:
        found = [event for event in history if event.version == int(text)]
    else:
        found = [event for event in history if len(text) >= SHORTEST and event.hash.startswith(text.lower())]
    if len(found) != 1:
        remedy = f"name one of versions 1 to {history[-1].version}, or the first {SHORTEST} digits of its hash; see: gemel twin show"
        raise InputError(f"{len(found) or 'no'} entries {text!r}", where=twin_id, remedy=remedy)
    return found[0]


def _require_present(history: tuple[Event, ...], target: Event) -> None:
    """Raises InputError for an entry in whose place another stands: that one is to be withdrawn."""
    stands = [event for event in history if target.hash in event.payload.get(REPLACES, ())]
    if stands:
        found = f"version {target.version}, in whose place version {stands[-1].version} stands"
        raise InputError(found, where=target.twin, remedy=f"withdraw version {stands[-1].version}")


def _line(event: Event) -> str:
    return f"version {event.version}, {event.kind} of {iso(event.valid_s)}, {in_words(event)}"

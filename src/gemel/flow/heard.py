"""What another record states of a twin's patient (what was given, laboratory values): taken once, corrected, or taken back."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from gemel.core import twin as twins
from gemel.core.errors import ConflictError, InputError
from gemel.core.record import Action
from gemel.core.system import Progress, silent
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.act import require_possible
from gemel.flow.observe import observe
from gemel.flow.recompute import left, recompute
from gemel.flow.retract import retract
from gemel.flow.session import Session, open_session
from gemel.flow.standing import standing
from gemel.store import Event, Store

LABS = "labs"
GIVEN, SEEN = "given", "seen"
NEW, KNOWN, CHANGED, WITHDRAWN, UNUSED = "new", "known", "changed", "withdrawn", "unused"
SAME_s = DAY_S / 2
"""What gemel's own record and another's tell within this is one thing: infusions take time, planning data are kept by the day."""
SAME_1 = 0.1
"""Relative difference of their amounts that is let pass; assumed."""


@dataclass(frozen=True)
class Said:
    """A statement: `mark` names it and `digest` what it says (hashes); something given (an action's kind, amount, unit) or seen (a value).

    `withdrawn`: why it does not hold any more; `once`: not to be corrected where it is known.
    """

    mark: str
    digest: str
    sort: str = ""
    what: str = ""
    at: str = ""
    amount: float = 0.0
    unit: str = ""
    once: bool = False
    withdrawn: str = ""

    @property
    def t_s(self) -> float:
        """When, to the second, as `iso` tells it: what is told of one second is of one time."""
        return float(math.floor(seconds(self.at)))


@dataclass(frozen=True)
class Verdict:
    """What becomes of a statement, in a word and in words; the entry that it stands in already."""

    said: Said
    state: str
    words: str
    event: Event | None = None


def stated_in(entries: Sequence[Event]) -> dict[str, tuple[Event, Mapping[str, Any]]]:
    """By mark the entry that a statement stands in, and what it says there."""
    return {row["mark"]: (e, row) for e in entries for row in e.payload.get("stated", {}).values()}


def weighed(session: Session, said: Sequence[Said]) -> tuple[Verdict, ...]:
    """What would become of each statement; nothing is written. One that is made twice at once is taken once.

    Raises InputError for what the model refuses, ConflictError for another amount than gemel's own record has for that time.
    """
    held, first = stated_in(session.entries), {one.mark: number for number, one in reversed([*enumerate(said)])}
    found = (_weighed(session, held, one) if first[one.mark] == number else _again(one) for number, one in enumerate(said))
    return tuple(found)


def hear(store: Store, twin_id: str, said: Sequence[Said], *, actor: str = "", progress: Progress = silent) -> tuple[Verdict, ...]:
    """Takes, corrects and withdraws, all or nothing, in order of time; what fell is then computed again. Raises what `weighed` raises."""
    with store.together():
        found = weighed(open_session(store, twin_id), said)
        for one in found:
            if one.event is not None and one.said.sort != SEEN and one.state in (CHANGED, WITHDRAWN) and one.event.kind == "Acted":
                retract(store, twin_id, one.event.hash, _reason(one), actor=actor)
        for one in sorted(found, key=lambda v: v.said.t_s if v.said.at else 0.0):
            if one.said.sort == GIVEN and one.state in (NEW, CHANGED):
                _give(store, twin_id, one.said, actor)
        for t_s in sorted(_times(found)):
            _look(store, twin_id, t_s, found, actor, progress)
    if left(store, twin_id):
        recompute(store, twin_id, actor=actor, progress=progress)
    return found


def _again(said: Said) -> Verdict:
    return Verdict(said, KNOWN, "said twice at once, taken once")


def _weighed(session: Session, held: Mapping[str, tuple[Event, Mapping[str, Any]]], said: Said) -> Verdict:
    event, row = held.get(said.mark, (None, {}))
    if said.withdrawn:
        words = f"version {event.version} is withdrawn" if event else "nothing of it was taken"
        return Verdict(said, WITHDRAWN if event else KNOWN, words, event)
    if event is not None and (said.once or row["digest"] == said.digest):
        return Verdict(said, KNOWN, f"known already, version {event.version}", event)
    if said.t_s <= session.twin.start_s:
        return _beside(said, UNUSED, f"not used: of {said.at}, before the twin's start ({iso(session.twin.start_s)})", event)
    own = _own_given(session, said) if said.sort == GIVEN else _own_seen(session, said)
    if own:
        return _beside(said, KNOWN, own, event)
    if said.sort == GIVEN:
        require_possible(session, action_of(session, said))
    words = f"version {event.version} is corrected" if event else f"taken: {said.what}, {_amount(said.amount, said.unit)}"
    return Verdict(said, CHANGED if event else NEW, words, event)


def _beside(said: Said, state: str, words: str, event: Event | None) -> Verdict:
    """What is not taken; where it corrects what was, that does not hold any more."""
    return Verdict(said, WITHDRAWN, f"version {event.version} is withdrawn; {words}", event) if event else Verdict(said, state, words)


def action_of(session: Session, said: Said) -> Action:
    """The action, as the twin's case names it."""
    made = Action(said.what, said.t_s, said.amount, said.unit, said.mark)
    return session.system.receive(session.case, made) if session.system.receive else made


def _own_given(session: Session, said: Said) -> str:
    """Where gemel's own record tells of it already. Raises ConflictError where it tells of another amount."""
    marks, action = stated_in(session.entries), action_of(session, said)
    own = [one for one in twins.given(session.twin) if one.source not in marks]
    parts = session.system.given(session.case, own) if session.system.given else own
    near = [one for one in parts if one.kind == action.kind and abs(one.t_s - action.t_s) < SAME_s]
    if not near:
        return ""
    same = min(near, key=lambda one: abs(one.t_s - action.t_s))
    if abs(same.amount - action.amount) > SAME_1 * same.amount:
        told, known = (_amount(one.amount, one.unit) for one in (action, same))
        found = f"{told} of {action.kind}, where the record has {known} at {iso(same.t_s)}"
        raise ConflictError(found, where=session.id, remedy="withdraw that entry first if this counts, or make the twin anew with it")
    return f"known already: the record has {_amount(same.amount, same.unit)} of {same.kind} at {iso(same.t_s)}"


def _own_seen(session: Session, said: Said) -> str:
    """Whether values of that time were observed from a file: they are not mixed."""
    seen = [e for e in session.entries if e.kind == "Observed" and e.valid_s == said.t_s and "stated" not in e.payload]
    return f"known already: version {seen[0].version} is of that time" if seen else ""


def _amount(amount: float, unit: str) -> str:
    return f"{amount:.4g} {'' if unit == '1' else unit}".rstrip()


def _reason(one: Verdict) -> str:
    return f"its sender withdrew it ({one.said.withdrawn})" if one.said.withdrawn else "its sender corrected it"


def _give(store: Store, twin_id: str, said: Said, actor: str) -> None:
    """The entry of something given; the statement is kept as its source."""
    with store.lease(twin_id, actor):
        session = open_session(store, twin_id)
        action, row = action_of(session, said), {"mark": said.mark, "digest": said.digest}
        require_possible(session, action)
        source = store.artefacts.put(json.dumps(asdict(said), sort_keys=True).encode())
        payload = {"plan": action.kind, "recommended": "", "note": "", "action": asdict(action), "stated": {action.kind: row}}
        store.append(
            twin_id,
            "Acted",
            payload,
            valid_s=action.t_s,
            actor=actor,
            seed=session.twin.seed,
            inputs=(source,),
            expected_version=session.version,
        )


def _times(found: Sequence[Verdict]) -> set[float]:
    """Times whose laboratory values change."""
    moved = [one.event.valid_s for one in found if one.event and one.event.kind == "Observed" and one.state in (CHANGED, WITHDRAWN)]
    return {*moved, *(one.said.t_s for one in found if one.said.sort == SEEN and one.state in (NEW, CHANGED))}


def _look(store: Store, twin_id: str, t_s: float, found: Sequence[Verdict], actor: str, progress: Progress) -> None:
    """The values of one time, as they are known now, in place of those that were observed."""
    entries = standing(tuple(store.events(twin_id)), store.tainted())
    before = [e for e in entries if e.kind == "Observed" and e.valid_s == t_s and "stated" in e.payload]
    rows: dict[str, Any] = {name: row for e in before for name, row in e.payload["stated"].items()}
    touched = {one.said.mark for one in found if one.state in (CHANGED, WITHDRAWN)}
    wanted = {name: row for name, row in rows.items() if row["mark"] not in touched}
    now = [one.said for one in found if one.said.sort == SEEN and one.state in (NEW, CHANGED) and one.said.t_s == t_s]
    _require_apart(now, wanted, twin_id)
    wanted |= {one.what: {"mark": one.mark, "digest": one.digest, "amount": one.amount, "unit": one.unit} for one in now}
    reason = next((_reason(one) for one in found if one.said.mark in touched), "its sender told more of that time")
    for event in before:
        retract(store, twin_id, event.hash, reason, actor=actor)
    if wanted:
        values = {name: [row["amount"], row["unit"]] for name, row in wanted.items()}
        with TemporaryDirectory(prefix="gemel-") as folder:
            path = Path(folder) / "labs.json"
            path.write_text(json.dumps({"time": iso(t_s), **values, "stated": wanted}, sort_keys=True))
            observe(store, twin_id, path, kind=LABS, actor=actor, progress=progress)


def _require_apart(now: Sequence[Said], wanted: Mapping[str, Any], where: str) -> None:
    """Raises InputError for one value of one time under two names."""
    for one in now:
        if one.what in wanted:
            remedy = "send a correction under its first identifier, or take that one back (entered-in-error)"
            raise InputError(f"a second {one.what} of {one.at}", where=where, remedy=remedy)

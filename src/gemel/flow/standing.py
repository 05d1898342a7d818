"""Which entries of a record still count: not what was withdrawn, what was computed from it, or what another entry replaces."""

from collections.abc import Iterable, Sequence, Set

from gemel.store import Event

FACTS = ("Ingested", "Observed", "Acted", "Adapted")
"""What was seen, given or made. A fact falls when it is withdrawn itself, or what it shows is; not because a forecast before it fell."""
ASIDE = ("Retracted", "Erased", "Quarantined")
"""What is said of other entries."""
REPLACES = "replaces"


def standing(entries: Sequence[Event], tainted: Set[str]) -> tuple[Event, ...]:
    """The entries that count, in their order. `tainted`: hashes of what depends on a retracted entry (`Store.tainted`).

    A fact stands unless it was withdrawn, or an original that it was read from is tainted, or, for a plan made on a day, that day fell;
    a computation (forecast, belief, decision, library) stands unless it is tainted. What stands in for another entry names it.
    """
    gone = withdrawn(entries) | replaced(entries)
    known = {entry.hash for entry in entries}
    fallen: set[str] = set()
    for entry in entries:
        if entry.hash in gone or (entry.kind not in FACTS and entry.hash in tainted) or _groundless(entry, tainted - known, gone | fallen):
            fallen.add(entry.hash)
    return tuple(e for e in entries if e.hash not in fallen and e.kind not in ASIDE and "imported" not in e.payload)


def _groundless(entry: Event, tainted: Set[str], fallen: Set[str]) -> bool:
    """Whether a fact has lost what it was read from or made on. What was given stays given, for whatever reason it was."""
    if entry.kind not in FACTS or entry.kind == "Acted":
        return False
    return bool(tainted & set(entry.inputs)) or (entry.kind == "Adapted" and entry.inputs[0] in fallen)


def withdrawn(entries: Iterable[Event]) -> frozenset[str]:
    """Hashes of the entries that were retracted."""
    return frozenset(name for entry in entries if entry.kind == "Retracted" for name in entry.inputs)


def replaced(entries: Iterable[Event]) -> frozenset[str]:
    """Hashes of the entries in whose place others stand."""
    return frozenset(name for entry in entries for name in entry.payload.get(REPLACES, ()))


def evidence(entries: Iterable[Event]) -> tuple[str, ...]:
    """What a belief rests on: hashes of the facts and libraries among entries that stand. A retraction of any of them is felt by it."""
    return tuple(entry.hash for entry in entries if entry.kind in ("Ingested", "Observed", "Acted", "Promoted"))

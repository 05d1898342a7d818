"""Is the record whole? Every entry against its hash, its columns, the entry before it and its twin's count."""

from collections.abc import Iterable
from dataclasses import dataclass

from gemel.core.errors import StoreError
from gemel.store.artefacts import PACKED, Artefacts, is_whole, stored
from gemel.store.event import GENESIS, KINDS, Event, hash_of, parse
from gemel.store.rows import Row


@dataclass(frozen=True)
class Finding:
    """Something wrong with the record: where, and what."""

    where: str
    what: str


def read(row: Row) -> Event:
    """The event of a row. Raises StoreError when body, hash and columns do not agree."""
    sequence, *columns, hash, body = row
    event = parse(body)
    repeated = [event.twin, event.version, event.kind, event.valid_s, event.known_s]
    if event.hash != hash or repr(repeated) != repr(columns):
        remedy = "the file was altered; restore a copy"
        raise StoreError("an entry that does not match its hash", where=f"entry {sequence}", remedy=remedy)
    return event


def chain_findings(rows: Iterable[Row], head: str | None) -> list[Finding]:
    """Every break of the chain h_i = SHA-256(body_i), body_i ∋ h_(i−1); and, when an exported head is not among the hashes, truncation."""
    found: list[Finding] = []
    previous, versions, seen = GENESIS, dict[str, int](), {GENESIS}
    for count, row in enumerate(rows, start=1):
        where = f"entry {row[0]} ({row[1]} version {row[2]})"
        found += [Finding(where, what) for what in _row_faults(row, count, previous, versions)]
        previous = row[6]
        seen.add(previous)
    if head is not None and head not in seen:
        found.append(Finding("head", f"{head} is not in the record: entries were cut off or rewritten since it was exported"))
    return found


def _row_faults(row: Row, count: int, previous: str, versions: dict[str, int]) -> list[str]:
    faults = [] if row[0] == count else [f"number {count} in order"]
    if not isinstance(row[7], str) or hash_of(row[7]) != row[6]:
        return [*faults, "its body does not match its hash"]
    try:
        event = read(row)
    except StoreError as error:
        return [*faults, str(error)]
    expected = versions.get(event.twin, 0) + 1
    versions[event.twin] = event.version
    faults += [] if event.previous == previous else ["it does not follow the entry before it"]
    faults += [] if event.version == expected else [f"version {expected} was due"]
    return faults + ([] if event.kind in KINDS else [f"unknown kind {event.kind!r}"])


def artefact_findings(artefacts: Artefacts, events: Iterable[Event]) -> list[Finding]:
    """Artefacts that are torn, altered, missing though an event relies on them, or there though they were erased."""
    whole = {path.name.removesuffix(PACKED): is_whole(path) for path in stored(artefacts)}
    reliant, erased = dict[str, Event](), set[str]()
    for event in events:
        for name in (*event.kept, event.environment):
            reliant.setdefault(name, event)
            erased.discard(name)
        for name in event.payload["artefacts"] if event.kind == "Erased" else ():
            reliant.pop(name, None)
            erased.add(name)
    found = [Finding(name, "its bytes do not match its name") for name, sound in whole.items() if not sound]
    found += [
        Finding(name, f"missing; {event.twin} version {event.version} relies on it") for name, event in reliant.items() if name not in whole
    ]
    return found + [Finding(name, "was erased and is still there: erase again") for name in sorted(erased & whole.keys())]

"""What the record asks of its rows: each statement is written here once, in SQL that SQLite and PostgreSQL share."""

from collections.abc import Sequence
from dataclasses import astuple, dataclass

from gemel.core.errors import StoreError
from gemel.store.event import Event
from gemel.store.process import Process
from gemel.store.rows import Row, Rows

COLUMNS = "sequence, twin, version, kind, valid_s, known_s, hash, body"
LEASE_COLUMNS = "twin, token, actor, since_s, host, boot, pid, started"


@dataclass(frozen=True)
class Lease:
    """A process's sole right to change a twin until it gives it back or dies."""

    twin: str
    token: str
    actor: str
    since_s: float
    holder: Process


def insert_event(rows: Rows, sequence: int, event: Event, body: str) -> None:
    """Adds the next event."""
    values = (sequence, event.twin, event.version, event.kind, event.valid_s, event.known_s, event.hash, body)
    rows.execute(f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def last_event(rows: Rows) -> tuple[int, str] | None:
    """Sequence number and hash of the newest event in the file."""
    found = rows.select("SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else None


def last_version(rows: Rows, twin: str) -> int:
    """Version of a twin; 0 before its first event."""
    return int(rows.select("SELECT coalesce(max(version), 0) FROM event WHERE twin = ?", (twin,))[0][0])


def event_rows(rows: Rows, twin: str | None = None, as_of: float | int | None = None, known_at: float | int | None = None) -> list[Row]:
    """Rows of one twin, or of all, that speak of times up to `as_of` and were known by `known_at`, in order of commit."""
    limits = {"twin = ?": twin, "valid_s <= ?": as_of, "known_s <= ?": known_at}
    wanted = {clause: value for clause, value in limits.items() if value is not None}
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    return rows.select(f"SELECT {COLUMNS} FROM event {where} ORDER BY sequence", tuple(wanted.values()))


def rows_of_kind(rows: Rows, kinds: Sequence[str], twin: str | None = None) -> list[Row]:
    """Rows of some kinds, of one twin or of all, in order of commit."""
    marks = ", ".join("?" * len(kinds))
    clause, values = (" AND twin = ?", (twin,)) if twin is not None else ("", ())
    return rows.select(f"SELECT {COLUMNS} FROM event WHERE kind IN ({marks}){clause} ORDER BY sequence", (*kinds, *values))


def first_rows(rows: Rows) -> list[Row]:
    """The first row of every twin."""
    return rows.select(f"SELECT {COLUMNS} FROM event WHERE version = 1 ORDER BY sequence")


def bodies(rows: Rows) -> list[str]:
    """Bodies of all events in order of commit. Raises StoreError for one that is no text: the file is damaged."""
    found = [body for (body,) in rows.select("SELECT body FROM event ORDER BY sequence")]
    if not all(isinstance(body, str) for body in found):
        raise StoreError("an entry without a body", where=rows.place, remedy="the file is damaged: restore a copy")
    return found


def row_of(rows: Rows, hash: str) -> Row | None:
    """The row of one event."""
    found = rows.select(f"SELECT {COLUMNS} FROM event WHERE hash = ?", (hash,))
    return found[0] if found else None


def rows_after(rows: Rows, sequence: int) -> list[Row]:
    """Sequence, twin, version, kind and hash of the events after one, in order of commit: what is new, without reading it."""
    return rows.select("SELECT sequence, twin, version, kind, hash FROM event WHERE sequence > ? ORDER BY sequence", (sequence,))


def twin_names(rows: Rows) -> list[str]:
    """Twins in order of their first event."""
    return [name for (name,) in rows.select("SELECT twin FROM event WHERE version = 1 ORDER BY sequence")]


def leases(rows: Rows, twin: str | None = None) -> list[Lease]:
    """Leases now held, of one twin or of all."""
    clause, values = ("WHERE twin = ?", (twin,)) if twin is not None else ("", ())
    found = rows.select(f"SELECT {LEASE_COLUMNS} FROM lease {clause} ORDER BY twin", values)
    return [Lease(twin, token, actor, since_s, Process(*holder)) for twin, token, actor, since_s, *holder in found]


def insert_lease(rows: Rows, lease: Lease) -> None:
    """Gives a twin to a holder, in place of any other."""
    values = (lease.twin, lease.token, lease.actor, lease.since_s, *astuple(lease.holder))
    rows.execute("DELETE FROM lease WHERE twin = ?", (lease.twin,))
    rows.execute(f"INSERT INTO lease ({LEASE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def delete_lease(rows: Rows, twin: str, token: str | None = None) -> bool:
    """Ends the lease of a twin, or only the one with this token; False when there was none."""
    return rows.execute("DELETE FROM lease WHERE twin = ? AND token = coalesce(?, token)", (twin, token)) > 0


def insert_person(rows: Rows, reference: str, salt: str, details: str) -> None:
    """Adds what is known of a person."""
    rows.execute("INSERT INTO person (reference, salt, details) VALUES (?, ?, ?)", (reference, salt, details))


def persons(rows: Rows, reference: str | None = None) -> list[Row]:
    """Reference, salt and details of one person, or of all."""
    clause, values = ("WHERE reference = ?", (reference,)) if reference is not None else ("", ())
    return rows.select(f"SELECT reference, salt, details FROM person {clause} ORDER BY reference", values)


def delete_person(rows: Rows, reference: str) -> bool:
    """Forgets a person; False when nobody was known by that reference."""
    return rows.execute("DELETE FROM person WHERE reference = ?", (reference,)) > 0


def insert_object(rows: Rows, uid: str, hash: str, event: str) -> None:
    """Notes that these bytes came under this UID, and the event that says so."""
    rows.execute("INSERT INTO object (uid, hash, event) VALUES (?, ?, ?)", (uid, hash, event))


def objects(rows: Rows, uid: str | None = None) -> list[Row]:
    """UID, hash and event of the objects of one UID, or of all, in order of UID and hash."""
    clause, values = ("WHERE uid = ?", (uid,)) if uid is not None else ("", ())
    return rows.select(f"SELECT uid, hash, event FROM object {clause} ORDER BY uid, hash", values)

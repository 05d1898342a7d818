"""What the record asks of its rows: each statement is written here once, so that another database needs only this file again."""

from dataclasses import astuple, dataclass

from gemel.store.event import Event
from gemel.store.process import Process
from gemel.store.sqlite import Row, Rows, execute, select

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
    execute(rows, f"INSERT INTO event ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def last_event(rows: Rows) -> tuple[int, str] | None:
    """Sequence number and hash of the newest event in the file."""
    found = select(rows, "SELECT sequence, hash FROM event ORDER BY sequence DESC LIMIT 1")
    return (found[0][0], found[0][1]) if found else None


def last_version(rows: Rows, twin: str) -> int:
    """Version of a twin; 0 before its first event."""
    return int(select(rows, "SELECT coalesce(max(version), 0) FROM event WHERE twin = ?", (twin,))[0][0])


def event_rows(rows: Rows, twin: str | None = None, as_of: float | int | None = None, known_at: float | int | None = None) -> list[Row]:
    """Rows of one twin, or of all, that speak of times up to `as_of` and were known by `known_at`, in order of commit."""
    limits = {"twin = ?": twin, "valid_s <= ?": as_of, "known_s <= ?": known_at}
    wanted = {clause: value for clause, value in limits.items() if value is not None}
    where = f"WHERE {' AND '.join(wanted)}" if wanted else ""
    return select(rows, f"SELECT {COLUMNS} FROM event {where} ORDER BY sequence", tuple(wanted.values()))


def bodies(rows: Rows) -> list[str]:
    """Bodies of all events in order of commit."""
    return [body for (body,) in select(rows, "SELECT body FROM event ORDER BY sequence")]


def row_of(rows: Rows, hash: str) -> Row | None:
    """The row of one event."""
    found = select(rows, f"SELECT {COLUMNS} FROM event WHERE hash = ?", (hash,))
    return found[0] if found else None


def twin_names(rows: Rows) -> list[str]:
    """Twins in order of their first event."""
    return [name for (name,) in select(rows, "SELECT twin FROM event WHERE version = 1 ORDER BY sequence")]


def leases(rows: Rows, twin: str | None = None) -> list[Lease]:
    """Leases now held, of one twin or of all."""
    clause, values = ("WHERE twin = ?", (twin,)) if twin is not None else ("", ())
    found = select(rows, f"SELECT {LEASE_COLUMNS} FROM lease {clause} ORDER BY twin", values)
    return [Lease(twin, token, actor, since_s, Process(*holder)) for twin, token, actor, since_s, *holder in found]


def insert_lease(rows: Rows, lease: Lease) -> None:
    """Gives a twin to a holder, in place of any other."""
    values = (lease.twin, lease.token, lease.actor, lease.since_s, *astuple(lease.holder))
    execute(rows, f"INSERT OR REPLACE INTO lease ({LEASE_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)


def delete_lease(rows: Rows, twin: str, token: str | None = None) -> bool:
    """Ends the lease of a twin, or only the one with this token; False when there was none."""
    return execute(rows, "DELETE FROM lease WHERE twin = ? AND token = coalesce(?, token)", (twin, token)) > 0

"""Time as seconds since 1970-01-01T00:00:00 UTC; intervals are half-open [t0, t1)."""

from datetime import UTC, datetime

from gemel.core.errors import InputError

DAY_S = 86_400.0


def seconds(iso_8601: str) -> float:
    """Seconds since the epoch of an ISO 8601 date and time. A time without a zone is read as UTC. Raises InputError."""
    try:
        moment = datetime.fromisoformat(iso_8601)
    except ValueError as error:
        raise InputError(f"a time {iso_8601!r}", remedy="write it as 2026-01-31T08:30 (ISO 8601)") from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def iso(t_s: float) -> str:
    """ISO 8601 in UTC, to the second; inverse of `seconds` for whole seconds."""
    return datetime.fromtimestamp(t_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

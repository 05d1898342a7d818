"""Sessions of people: a random secret in a cookie, its hash in a row, ended by idleness, age or sign-out."""

from dataclasses import dataclass

from gemel.service.security import secret
from gemel.service.security.guard import Guard

COOKIE, OVER_TLS = "gemel_session", "__Host-gemel_session"
TOUCH_S = 60.0  # how exactly the last request's time is kept


@dataclass(frozen=True)
class Session:
    """A session that is open: whose it is, and its row's name."""

    name: str
    kept: str


def begin(guard: Guard, name: str) -> str:
    """Opens a session and returns its secret; those that have ended are cleared away."""
    made, now = secret.fresh(), guard.clock()
    with guard.database.change() as rows:
        limits = (now - guard.times.idle_s, now - guard.times.absolute_s)
        rows.execute("DELETE FROM session WHERE seen_s < ? OR made_s < ?", limits)
        rows.execute("INSERT INTO session VALUES (?, ?, ?, ?)", (secret.kept(made), name, now, now))
    return made


def cookie_name(scheme: str) -> str:
    """What the cookie is called: over TLS with a prefix that no other host, not even a sibling's, can set (RFC 6265bis §4.1.3.2)."""
    return OVER_TLS if scheme == "https" else COOKIE


def find(guard: Guard, told: str, *, renew: bool = True) -> Session | None:
    """The open session of a secret; its idle time begins anew, unless not to `renew`."""
    name, now = secret.kept(told), guard.clock()
    found = guard.database.select("SELECT name, made_s, seen_s FROM session WHERE secret = ?", (name,))
    if not found or now - found[0][2] > guard.times.idle_s or now - found[0][1] > guard.times.absolute_s:
        return None
    if renew and now - found[0][2] > min(TOUCH_S, guard.times.idle_s / 4):
        with guard.database.change() as rows:
            rows.execute("UPDATE session SET seen_s = ? WHERE secret = ?", (now, name))
    return Session(found[0][0], name)


def end(guard: Guard, told: str) -> None:
    """Closes a session."""
    with guard.database.change() as rows:
        rows.execute("DELETE FROM session WHERE secret = ?", (secret.kept(told),))


def csrf(told: str) -> str:
    """What a page must send with every change, as `X-CSRF`: other sites cannot read it, and it tells nothing of the cookie."""
    return secret.derived(told, "csrf")

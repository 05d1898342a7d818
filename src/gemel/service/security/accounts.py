"""Accounts: a name, its roles, and a password kept by Argon2id (RFC 9106, second recommended choice: 64 MiB, 3 passes)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from gemel.core.errors import ConflictError, InputError, UnknownError
from gemel.service.security.guard import Guard

if TYPE_CHECKING:
    from argon2 import PasswordHasher

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
SHORTEST, LONGEST = 12, 256  # NIST SP 800-63B §3.1.1.2 asks for length (15 where it is the only factor), and for no composition rules
LOCAL, PROVIDER = "local", "oidc"


@dataclass(frozen=True)
class Account:
    """Somebody who may come in."""

    name: str
    roles: tuple[str, ...]
    origin: str = LOCAL
    has_password: bool = False


@cache
def hasher() -> "PasswordHasher":
    """Argon2id with the library's RFC 9106 parameters; loaded when the first password comes."""
    from argon2 import PasswordHasher

    return PasswordHasher()


@cache
def nobody() -> str:
    """A hash that no password has, so that an unknown name takes as long as a known one."""
    return hasher().hash("nobody has this password")


def add(guard: Guard, name: str, roles: Iterable[str], *, password: str = "", origin: str = LOCAL) -> Account:
    """Makes an account. Raises InputError for a name, role or password that cannot be, ConflictError for a name that is taken."""
    wanted = known_roles(guard, roles)
    if not NAME.fullmatch(name):
        raise InputError(f"the name {name!r}", where="account", remedy="use letters, digits and ._@+- , beginning with a letter or digit")
    if find(guard, name):
        raise ConflictError(f"an account {name!r} already", where="account", remedy="choose another name, or remove it first")
    kept = hasher().hash(required_password(password)) if password else ""
    with guard.database.change() as rows:
        rows.execute("INSERT INTO account VALUES (?, ?, ?, ?, ?)", (name, " ".join(wanted), kept, origin, guard.clock()))
    return Account(name, wanted, origin, bool(kept))


def find(guard: Guard, name: str) -> Account | None:
    """The account of that name."""
    found = guard.database.select("SELECT name, roles, origin, password <> '' FROM account WHERE name = ?", (name,))
    return Account(found[0][0], tuple(found[0][1].split()), found[0][2], bool(found[0][3])) if found else None


def require(guard: Guard, name: str) -> Account:
    """The account of that name. Raises UnknownError."""
    found = find(guard, name)
    if found is None:
        raise UnknownError(f"no account {name!r}", where="account", remedy="list them: gemel user list")
    return found


def listed(guard: Guard) -> list[Account]:
    """All accounts by name."""
    rows = guard.database.select("SELECT name, roles, origin, password <> '' FROM account ORDER BY name")
    return [Account(name, tuple(roles.split()), origin, bool(has)) for name, roles, origin, has in rows]


def set_roles(guard: Guard, name: str, roles: Iterable[str]) -> Account:
    """Gives other roles. Raises UnknownError, or InputError for a role that is not in the policy."""
    account, wanted = require(guard, name), known_roles(guard, roles)
    with guard.database.change() as rows:
        rows.execute("UPDATE account SET roles = ? WHERE name = ?", (" ".join(wanted), name))
    return Account(name, wanted, account.origin, account.has_password)


def set_password(guard: Guard, name: str, password: str) -> None:
    """Changes the password and ends every session of the account. Raises UnknownError or InputError."""
    require(guard, name)
    kept = hasher().hash(required_password(password))
    with guard.database.change() as rows:
        rows.execute("UPDATE account SET password = ? WHERE name = ?", (kept, name))
        rows.execute("DELETE FROM session WHERE name = ?", (name,))


def bind(guard: Guard, name: str, sub: str) -> bool:
    """Whether a provider's name is that person's, by the id that is never given to another (OpenID Connect Core 1.0 §5.7); the first
    who comes is kept."""
    asked = "SELECT sub FROM identity WHERE name = ?"
    kept = guard.database.select(asked, (name,))
    if not kept:
        with guard.database.change() as rows:
            rows.execute("INSERT OR IGNORE INTO identity VALUES (?, ?)", (name, sub))
        kept = guard.database.select(asked, (name,))
    return kept == [(sub,)]


def remove(guard: Guard, name: str) -> None:
    """Ends an account with its sessions, tokens, links and relations. Raises UnknownError."""
    require(guard, name)
    with guard.database.change() as rows:
        for table in ("session", "token", "link", "member", "identity"):
            rows.execute(f"DELETE FROM {table} WHERE name = ?", (name,))
        rows.execute("DELETE FROM care WHERE party = ?", (name,))
        rows.execute("DELETE FROM account WHERE name = ?", (name,))


def opens(guard: Guard, name: str, password: str) -> bool:
    """Whether the password is the account's; takes as long for a name that is unknown. About 50 ms: call it off the event loop."""
    from argon2.exceptions import InvalidHashError, VerificationError

    found = guard.database.select("SELECT password FROM account WHERE name = ? AND password <> ''", (name,))
    try:
        hasher().verify(found[0][0] if found else nobody(), password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return bool(found)


def required_password(password: str) -> str:
    """The password. Raises InputError for one that is too short or too long."""
    if SHORTEST <= len(password) <= LONGEST:
        return password
    remedy = f"choose {SHORTEST} to {LONGEST} characters; a few words are good"
    raise InputError(f"a password of {len(password)} characters", where="password", remedy=remedy)


def known_roles(guard: Guard, roles: Iterable[str]) -> tuple[str, ...]:
    """The roles, once each. Raises InputError for one that is not in the policy."""
    wanted = tuple(dict.fromkeys(roles))
    strange = [role for role in wanted if role not in guard.policy.roles]
    if strange or not wanted:
        found = f"the role {strange[0]!r}" if strange else "no role"
        raise InputError(found, where="roles", remedy=f"choose of {', '.join(guard.policy.roles)}")
    return wanted

"""Tokens for programs: made for an account, with scopes of its actions and an end; kept as hashes."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from gemel.core.errors import InputError, UnknownError
from gemel.core.time import DAY_S
from gemel.service.security import accounts, secret
from gemel.service.security.guard import Guard

MARK = "gemel_"
LONGEST_S = 366 * DAY_S
NOT_FOR_PROGRAMS = frozenset({"self", "care:break"})
"""What a person alone may do: a token that makes tokens, or breaks the glass, would widen itself."""


@dataclass(frozen=True)
class Token:
    """A token as it is listed: never its secret."""

    id: str
    title: str
    name: str
    scopes: tuple[str, ...]
    until_s: float


def make(guard: Guard, name: str, scopes: Iterable[str], *, title: str = "", lasts_s: float = 90 * DAY_S) -> tuple[str, Token]:
    """The secret, which is shown once, and the token. Raises InputError for a scope that is no action, or an end too far."""
    accounts.require(guard, name)
    wanted, known = tuple(dict.fromkeys(scopes)), guard.policy.actions - NOT_FOR_PROGRAMS
    strange = [scope for scope in wanted if scope not in known]
    if strange or not wanted:
        found = f"the scope {strange[0]!r}" if strange else "no scope"
        raise InputError(found, where="token", remedy=f"choose of {', '.join(sorted(known))}")
    if not 0 < lasts_s <= LONGEST_S:
        raise InputError(f"a token for {lasts_s / DAY_S:.0f} days", where="token", remedy=f"choose 1 to {LONGEST_S / DAY_S:.0f} days")
    made = Token(secrets.token_hex(6), title, name, wanted, guard.clock() + lasts_s)
    told = MARK + secret.fresh()
    row = (secret.kept(told), made.id, title, name, " ".join(wanted), guard.clock(), made.until_s)
    with guard.database.change() as rows:
        rows.execute("INSERT INTO token VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return told, made


def find(guard: Guard, told: str) -> Token | None:
    """The token of a secret, unless it has ended."""
    columns = "id, title, name, scopes, until_s"
    found = guard.database.select(f"SELECT {columns} FROM token WHERE secret = ? AND until_s > ?", (secret.kept(told), guard.clock()))
    return _token(found[0]) if found else None


def listed(guard: Guard, name: str = "") -> list[Token]:
    """Tokens of one account, or all, those that have ended too."""
    of, values = (" WHERE name = ?", (name,)) if name else ("", ())
    return [_token(row) for row in guard.database.select(f"SELECT id, title, name, scopes, until_s FROM token{of} ORDER BY made_s", values)]


def revoke(guard: Guard, identifier: str, name: str = "") -> None:
    """Ends a token, of that account if stated. Raises UnknownError."""
    of, values = (" AND name = ?", (identifier, name)) if name else ("", (identifier,))
    with guard.database.change() as rows:
        gone = rows.execute(f"DELETE FROM token WHERE id = ?{of}", values).rowcount
    if not gone:
        raise UnknownError(f"no token {identifier!r}", where="token", remedy="list them: gemel user tokens")


def _token(row: tuple[str, str, str, str, float]) -> Token:
    return Token(row[0], row[1], row[2], tuple(row[3].split()), row[4])

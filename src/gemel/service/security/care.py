"""Relations of people to patients: the care team, a study's group, or the glass broken in an emergency."""

from collections.abc import Mapping
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.service.security.guard import Guard

CARE, STUDY, GLASS = "care", "study", "break-glass"
RELATIONS = (CARE, STUDY, GLASS)
EVERYBODY = "*"
GLASS_S = 3600.0
SHORTEST_REASON = 8


@dataclass(frozen=True)
class Relation:
    """A party (an account's name, or @group) to a subject (a key, or * for everybody), until a time if stated, s since 1970."""

    party: str
    subject: str
    relation: str
    until_s: float | None = None
    reason: str = ""


def relate(guard: Guard, wanted: Relation, *, made_by: str) -> Relation:
    """Keeps a relation. Raises InputError for one that is not known."""
    if wanted.relation not in RELATIONS:
        raise InputError(f"the relation {wanted.relation!r}", where="care", remedy=f"choose of {', '.join(RELATIONS)}")
    if not wanted.party or not wanted.subject:
        raise InputError("a relation of nobody, or to nobody", where="care", remedy="name the account or @group, and the patient")
    row = (wanted.party, wanted.subject, wanted.relation, wanted.until_s, wanted.reason, made_by, guard.clock())
    with guard.database.change() as rows:
        rows.execute("INSERT OR REPLACE INTO care VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    return wanted


def part(guard: Guard, party: str, subject: str, relation: str) -> bool:
    """Ends a relation; False when there was none."""
    with guard.database.change() as rows:
        key = (party, subject, relation)
        return rows.execute("DELETE FROM care WHERE party = ? AND subject = ? AND relation = ?", key).rowcount > 0


def join(guard: Guard, name: str, party: str) -> None:
    """Makes an account a member of a group, written @name. Raises InputError."""
    if not party.startswith("@") or len(party) < 2:
        raise InputError(f"the group {party!r}", where="care", remedy="write it as @name")
    with guard.database.change() as rows:
        rows.execute("INSERT OR IGNORE INTO member VALUES (?, ?)", (name, party))


def leave(guard: Guard, name: str, party: str) -> bool:
    """Ends a membership; False when there was none."""
    with guard.database.change() as rows:
        return rows.execute("DELETE FROM member WHERE name = ? AND party = ?", (name, party)).rowcount > 0


def break_glass(guard: Guard, name: str, subject: str, reason: str) -> Relation:
    """An hour's relation in an emergency. Raises InputError without a reason."""
    if len(reason.strip()) < SHORTEST_REASON:
        raise InputError("no reason", where="break-glass", remedy=f"say why, in {SHORTEST_REASON} letters or more; it is kept")
    return relate(guard, Relation(name, subject, GLASS, guard.clock() + GLASS_S, reason.strip()), made_by=name)


def relations(guard: Guard, name: str) -> Mapping[str, frozenset[str]]:
    """Relations of an account, its own and its groups', by subject; those of * are to everybody."""
    statement = """SELECT subject, relation FROM care WHERE (party = ?1 OR party IN (SELECT party FROM member WHERE name = ?1))
        AND (until_s IS NULL OR until_s > ?2)"""
    found: dict[str, frozenset[str]] = {}
    for subject, relation in guard.database.select(statement, (name, guard.clock())):
        found[subject] = found.get(subject, frozenset()) | {relation}
    return found


def listed(guard: Guard) -> list[Relation]:
    """All relations that hold."""
    statement = "SELECT party, subject, relation, until_s, reason FROM care WHERE until_s IS NULL OR until_s > ? ORDER BY party, subject"
    return [Relation(*row) for row in guard.database.select(statement, (guard.clock(),))]

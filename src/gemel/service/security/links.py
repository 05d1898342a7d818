"""One-time links: a secret that signs one person in once, printed in the terminal and nowhere else."""

from gemel.core.errors import InputError
from gemel.service.security import accounts, care, secret
from gemel.service.security.guard import Guard

LASTS_S = 3600.0


def single_user(guard: Guard, name: str) -> str:
    """The account of whoever started the service, who has every role and cares for everybody; made when there is none."""
    if accounts.find(guard, name) is None:
        accounts.add(guard, name, guard.policy.roles)
        for relation in (care.CARE, care.STUDY):
            care.relate(guard, care.Relation(name, care.EVERYBODY, relation, reason="whoever starts the service"), made_by=name)
    return name


def fresh(guard: Guard, name: str) -> str:
    """A secret for one sign-in within an hour."""
    accounts.require(guard, name)
    made = secret.fresh()
    with guard.database.change() as rows:
        rows.execute("DELETE FROM link WHERE until_s < ?", (guard.clock(),))
        rows.execute("INSERT INTO link VALUES (?, ?, ?)", (secret.kept(made), name, guard.clock() + LASTS_S))
    return made


def use(guard: Guard, told: str) -> str:
    """Whose link it is; it is used up. Raises InputError for one that was used, is old, or never was."""
    with guard.database.change() as rows:
        found = rows.execute("DELETE FROM link WHERE secret = ? RETURNING name, until_s", (secret.kept(told),)).fetchall()
    if not found or found[0][1] < guard.clock():
        raise InputError("a sign-in link that was used or is old", where="/login", remedy="ask for another: gemel user link")
    return str(found[0][0])

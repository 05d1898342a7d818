"""`gemel user`: who may come in, as what, to whom; at the terminal of the machine that serves."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from gemel.cli.shell import AsJson, StoreAt, app, err, out, say, speaking
from gemel.core.errors import InputError
from gemel.core.time import DAY_S, iso
from gemel.service.security import accounts, care, links, tokens
from gemel.service.security.audit import Entry, open_audit
from gemel.service.security.guard import Guard, open_guard
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import Settings, beside

user = typer.Typer(no_args_is_help=True, help="Accounts of `gemel serve`: add, list, remove, password, grant, token, link.")
app.add_typer(user, name="user")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The account.")]
FolderOf = Annotated[Path | None, typer.Option("--folder", help="The service's folder; beside the record unless stated.", file_okay=False)]
Roles = Annotated[list[str], typer.Option("--role", help="viewer, physicist, physician, modeller, admin or auditor. May be repeated.")]


@contextmanager
def guarding(at: str, folder: Path | None, action: str, detail: str | Callable[[Guard], str]) -> Iterator[Guard]:
    """The accounts beside a record; what is changed is written to the audit log first. Looking (no action) makes no folder."""
    place = folder or beside(at)
    with speaking():
        if not place.is_dir():
            if not action:
                raise InputError("no accounts", where=str(place), remedy="correct --store or --folder; or start `gemel serve` there once")
            err.print(f"a new folder: {place}. Is it beside the record that is served?", soft_wrap=True, highlight=False, markup=False)
        guard = open_guard(Settings(at, place))
        try:
            if action:
                audit = open_audit(guard.database.path.parent)
                said = detail if isinstance(detail, str) else detail(guard)
                audit.now(Entry(getpass.getuser(), action, "asked", by="terminal", detail=said))
                audit.close()
            yield guard
        finally:
            guard.database.close()


def asked_twice() -> str:
    """A password typed twice, never shown."""
    return str(typer.prompt("password", hide_input=True, confirmation_prompt=True, err=True))


@user.command("add")
def add(name: Name, role: Roles, at: StoreAt = "twins.db", folder: FolderOf = None) -> None:
    """Make an account; asks for its password."""
    password = asked_twice()
    with guarding(at, folder, "users:add", f"{name}: {' '.join(role)}") as guard:
        accounts.add(guard, name, role, password=password)
    err.print(f"{name} may sign in; they see nobody until they have a relation: gemel user grant", highlight=False)


@user.command("list")
def listed(at: StoreAt = "twins.db", folder: FolderOf = None, as_json: AsJson = False) -> None:
    """Accounts and their roles."""
    with guarding(at, folder, "", "") as guard:
        found = accounts.listed(guard)
    rows = [{"name": one.name, "roles": one.roles, "origin": one.origin, "password": one.has_password} for one in found]
    say(as_json, rows, "\n".join(f"{one.name}: {', '.join(one.roles)}" for one in found) or "no account yet")


@user.command("roles")
def roles(name: Name, role: Roles, at: StoreAt = "twins.db", folder: FolderOf = None) -> None:
    """Give an account other roles."""
    with guarding(at, folder, "users:roles", f"{name}: {' '.join(role)}") as guard:
        accounts.set_roles(guard, name, role)


@user.command("remove")
def remove(name: Name, at: StoreAt = "twins.db", folder: FolderOf = None) -> None:
    """End an account with its sessions, tokens and relations."""
    with guarding(at, folder, "users:remove", name) as guard:
        accounts.remove(guard, name)


@user.command("password")
def password(name: Name, at: StoreAt = "twins.db", folder: FolderOf = None) -> None:
    """Change a password; ends the account's sessions."""
    told = asked_twice()
    with guarding(at, folder, "users:password", name) as guard:
        accounts.set_password(guard, name, told)


@user.command("grant")
def grant(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An account, or @group.")],
    patient: Annotated[str, typer.Option(help="PatientID, or * for everybody. Kept as a pseudonym.")] = "",
    issuer: Annotated[str, typer.Option(help="IssuerOfPatientID.")] = "",
    relation: Annotated[str, typer.Option(help="care or study.")] = care.CARE,
    group: Annotated[str, typer.Option(help="Make the account a member of this @group instead; with --end, no more.")] = "",
    days: Annotated[float | None, typer.Option(help="For how long; without end unless stated.", min=0.01)] = None,
    end: Annotated[bool, typer.Option("--end", help="End the relation.")] = False,
    at: StoreAt = "twins.db",
    folder: FolderOf = None,
) -> None:
    """Relate an account or a group to a patient: what it may see depends on it."""
    if not group and not patient:
        with speaking():
            raise InputError("no patient", where="gemel user grant", remedy="give --patient PATIENTID, or --group @NAME")

    def told(guard: Guard) -> str:
        return f"{name} {group}" if group else f"{name} {relation} {_subject(guard, patient, issuer)}"

    with guarding(at, folder, "care:end" if end else "care:grant", told) as guard:
        if not name.startswith("@") and accounts.find(guard, name) is None:
            err.print(f"no account {name} yet: it counts once there is one", highlight=False, markup=False)
        if group:
            _group(guard, name, group, end)
            return
        subject = _subject(guard, patient, issuer)
        if end:
            held = care.part(guard, name, subject, relation)
            err.print(f"{name}: {relation} of {patient} {'ended' if held else 'was not there'}", highlight=False, markup=False)
            return
        until = guard.clock() + days * DAY_S if days else None
        care.relate(guard, care.Relation(name, subject, relation, until), made_by=getpass.getuser())
    err.print(f"{name}: {relation} of {'everybody' if patient == care.EVERYBODY else patient}", highlight=False, markup=False)


def _subject(guard: Guard, patient: str, issuer: str) -> str:
    return care.EVERYBODY if patient == care.EVERYBODY else subject_of_person(guard.key, patient, issuer)


def _group(guard: Guard, name: str, group: str, end: bool) -> None:
    """Into a group, or out of it."""
    if end:
        left = care.leave(guard, name, group)
        err.print(f"{name} {'belongs no more' if left else 'did not belong'} to {group}", highlight=False, markup=False)
        return
    care.join(guard, name, group)
    err.print(f"{name} belongs to {group}", highlight=False, markup=False)


@user.command("token")
def token(
    name: Name,
    scope: Annotated[list[str], typer.Option("--scope", help="An action, such as twins:read. May be repeated.")],
    title: Annotated[str, typer.Option(help="What it is for.")] = "",
    days: Annotated[float, typer.Option(help="For how many days.", min=0.01, max=366.0)] = 90.0,
    at: StoreAt = "twins.db",
    folder: FolderOf = None,
    as_json: AsJson = False,
) -> None:
    """Make a token for a program and print it, once."""
    with guarding(at, folder, "users:token", f"{name}: {' '.join(scope)}") as guard:
        told, made = tokens.make(guard, name, scope, title=title, lasts_s=days * DAY_S)
    say(as_json, {"token": told, "id": made.id, "until": iso(made.until_s)}, told)


@user.command("tokens")
def tokens_listed(at: StoreAt = "twins.db", folder: FolderOf = None, as_json: AsJson = False) -> None:
    """Tokens, without their secrets."""
    with guarding(at, folder, "", "") as guard:
        found = tokens.listed(guard)
    rows = [{"id": t.id, "name": t.name, "title": t.title, "scopes": t.scopes, "until": iso(t.until_s)} for t in found]
    say(as_json, rows, "\n".join(f"{t.id} {t.name} until {iso(t.until_s)}: {' '.join(t.scopes)}" for t in found) or "no token")


@user.command("revoke")
def revoke(identifier: Annotated[str, typer.Argument(metavar="ID")], at: StoreAt = "twins.db", folder: FolderOf = None) -> None:
    """End a token."""
    with guarding(at, folder, "users:revoke", identifier) as guard:
        tokens.revoke(guard, identifier)


@user.command("link")
def link(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="The account; your own unless stated.")] = "",
    url: Annotated[str, typer.Option(help="Where the page is.")] = "http://127.0.0.1:8080",
    at: StoreAt = "twins.db",
    folder: FolderOf = None,
) -> None:
    """Print a link that signs in once, within an hour."""
    with guarding(at, folder, "users:link", name or getpass.getuser()) as guard:
        told = links.fresh(guard, name or links.single_user(guard, getpass.getuser()))
    out.print(f"{url.rstrip('/')}/login?token={told}", soft_wrap=True, highlight=False)

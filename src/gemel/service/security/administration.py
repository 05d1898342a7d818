"""Accounts, tokens and relations over HTTP, for those who administer; and the emergency's way past a missing relation."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from gemel.core.errors import InputError, UnknownError
from gemel.core.time import DAY_S, iso
from gemel.service.security import accounts, care, tokens
from gemel.service.security.access import SELF, Caller, needs
from gemel.service.security.entering import log
from gemel.service.security.subjects import subject_of_person, subject_of_study, subject_of_twin
from gemel.service.state import Held, Service

router = APIRouter(prefix="/api", tags=["administration"])
Admin = Annotated[Caller, needs("users:admin")]
Me = Annotated[Caller, needs(SELF)]
Short = Annotated[str, Field(max_length=200)]
STRICT = ConfigDict(extra="forbid")


class UserIn(BaseModel):
    """A new account."""

    model_config = STRICT
    name: Short
    roles: list[Short] = Field(max_length=16)
    password: str = Field(default="", max_length=accounts.LONGEST)


class UserOut(BaseModel):
    """An account."""

    name: str
    roles: list[str]
    origin: str
    has_password: bool


class TokenIn(BaseModel):
    """A token to be made for oneself."""

    model_config = STRICT
    scopes: list[Short] = Field(max_length=64)
    title: Short = ""
    days: float = Field(default=90.0, gt=0, le=366, allow_inf_nan=False)


class TokenOut(BaseModel):
    """A token; its secret in the answer that made it alone."""

    id: str
    name: str
    title: str
    scopes: list[str]
    until: str
    token: str = ""


class Relation(BaseModel):
    """An account or @group, related to a patient: by the subject key, by PatientID, or * for everybody."""

    model_config = STRICT
    party: Short
    subject: Short = ""
    patient_id: Short = ""
    issuer: Short = ""
    relation: Short = care.CARE
    days: float | None = Field(default=None, gt=0, le=3660, allow_inf_nan=False)
    reason: Short = ""


class RelationOut(BaseModel):
    """A relation that holds."""

    party: str
    subject: str
    relation: str
    until: str
    reason: str


class Glass(BaseModel):
    """An emergency: which twin or study must be seen now, and why."""

    model_config = STRICT
    twin: Short = ""
    study: Short = ""
    reason: Annotated[str, Field(min_length=care.SHORTEST_REASON, max_length=500)]


@router.get("/users")
def users(service: Held, admin: Admin) -> list[UserOut]:
    """All accounts."""
    return [_user(one) for one in accounts.listed(service.guard)]


@router.post("/users", status_code=201)
def add_user(service: Held, request: Request, admin: Admin, told: UserIn) -> UserOut:
    """Makes an account. 409 when the name is taken."""
    log(service, request, admin.name, "users:add", "asked", f"{told.name}: {' '.join(told.roles)}")
    return _user(accounts.add(service.guard, told.name, told.roles, password=told.password))


@router.delete("/users/{name}", status_code=204)
def remove_user(service: Held, admin: Admin, name: str) -> None:
    """Ends an account, its sessions, tokens and relations."""
    if name == admin.name:
        raise InputError("your own account", where="users", remedy="let another administrator remove it")
    accounts.remove(service.guard, name)


@router.get("/tokens")
def own_tokens(service: Held, me: Me) -> list[TokenOut]:
    """The caller's tokens, without their secrets."""
    return [_token(one) for one in tokens.listed(service.guard, me.name)]


@router.post("/tokens", status_code=201)
def make_token(service: Held, me: Me, told: TokenIn, request: Request) -> TokenOut:
    """Makes a token for the caller; its secret is in this answer alone."""
    log(service, request, me.name, "token", "asked", " ".join(told.scopes))
    secret, made = tokens.make(service.guard, me.name, told.scopes, title=told.title, lasts_s=told.days * DAY_S)
    return _token(made, secret)


@router.delete("/tokens/{identifier}", status_code=204)
def revoke_token(service: Held, me: Me, identifier: str) -> None:
    """Ends one of the caller's tokens."""
    tokens.revoke(service.guard, identifier, me.name)


@router.get("/care")
def relations(service: Held, admin: Admin) -> list[RelationOut]:
    """All relations that hold."""
    return [_relation(one) for one in care.listed(service.guard)]


@router.post("/care", status_code=201)
def relate(service: Held, request: Request, admin: Admin, told: Relation) -> RelationOut:
    """Relates an account or a group to a patient."""
    if told.relation == care.GLASS:
        raise InputError(
            "the relation 'break-glass'", where="care", remedy="only who is in the emergency takes it: POST /api/care/emergency"
        )
    until_s = service.guard.clock() + told.days * DAY_S if told.days else None
    wanted = care.Relation(told.party, _subject(service, told), told.relation, until_s, told.reason)
    log(service, request, admin.name, "care:grant", "asked", f"{wanted.party} {wanted.relation} {wanted.subject}")
    return _relation(care.relate(service.guard, wanted, made_by=admin.name))


@router.delete("/care", status_code=204)
def part(service: Held, request: Request, admin: Admin, party: str, subject: str, relation: Annotated[str, Query()] = care.CARE) -> None:
    """Ends a relation."""
    log(service, request, admin.name, "care:end", "asked", f"{party} {relation} {subject}")
    if not care.part(service.guard, party, subject, relation):
        raise UnknownError("no such relation", where="care", remedy="list them: GET /api/care")


@router.post("/care/emergency", status_code=201)
def break_glass(service: Held, request: Request, me: Annotated[Caller, needs("care:break")], told: Glass) -> RelationOut:
    """An hour's relation to the patient of a twin or study, for a reason that the audit log keeps."""
    guard = service.guard
    subject = (
        subject_of_twin(guard.key, service.store, told.twin) if told.twin else subject_of_study(guard.key, service.archive, told.study)
    )
    if not subject:
        raise UnknownError("no such twin or study of a patient", where="emergency", remedy="check the twin's id or the StudyInstanceUID")
    log(service, request, me.name, "break-glass", "taken", f"{subject}: {told.reason}")
    return _relation(care.break_glass(guard, me.name, subject, told.reason))


def _subject(service: Service, told: Relation) -> str:
    if told.patient_id and not told.subject:
        return subject_of_person(service.guard.key, told.patient_id, told.issuer)
    return told.subject


def _user(one: accounts.Account) -> UserOut:
    return UserOut(name=one.name, roles=list(one.roles), origin=one.origin, has_password=one.has_password)


def _token(one: tokens.Token, secret: str = "") -> TokenOut:
    return TokenOut(id=one.id, name=one.name, title=one.title, scopes=list(one.scopes), until=iso(one.until_s), token=secret)


def _relation(one: care.Relation) -> RelationOut:
    until = iso(one.until_s) if one.until_s is not None else ""
    return RelationOut(party=one.party, subject=one.subject, relation=one.relation, until=until, reason=one.reason)

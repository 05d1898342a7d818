"""The one gate: every route names what it needs; nothing is answered without it, and every read of a patient is written down first."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.routing import APIRoute, RouteContext, iter_route_contexts
from starlette.concurrency import run_in_threadpool

from gemel.core.errors import AccessError, ConformanceError, UnknownError
from gemel.service.security import care
from gemel.service.security.audit import Entry
from gemel.service.security.identity import SAFE, SESSION, Identity, forged, identify, presented
from gemel.service.security.policy import Asked, allowed_for
from gemel.service.security.subjects import NOBODY, subject_of_study, subject_of_twin
from gemel.service.security.tokens import NOT_FOR_PROGRAMS

PUBLIC = "public"
SELF = "self"
UNKNOWN = "unknown"
PASSED = "gemel.access"
"""Where a request keeps that it went through a gate, and what the audit log is to say of it."""
NAMES = "persons:read"
MACHINES = "scanners:write"
"""What a change of a scanner's twin needs besides its own action: it is no patient's, so that no relation guards it."""
TWIN, STUDY, PATIENT = "twin_id", "study", "patient_id"


def _nothing(subject: str) -> bool:
    return False


@dataclass(frozen=True)
class Caller:
    """Who asks: name, roles, scopes of the token (empty: a person's session), purpose of use.

    `sees(subject)`: whether this action is allowed on that subject, which the audit log then names; `knows(subject)`: whether the
    person's name and number may be shown as well; `may(action)`: whether another action is theirs, whoever it is about.
    """

    name: str
    roles: tuple[str, ...]
    scopes: tuple[str, ...] = ()
    purpose: str = ""
    sees: Callable[[str], bool] = field(default=_nothing, repr=False)
    knows: Callable[[str], bool] = field(default=_nothing, repr=False)
    may: Callable[[str], bool] = field(default=_nothing, repr=False)


@dataclass
class Access:
    """What the audit log is to say of a request: filled while it is answered, written before the answer leaves.

    `still()`: whether who asks is still signed in, and may still see everybody whom the answer has shown: asked anew in a long answer.
    """

    action: str
    user: str = ""
    by: str = ""
    purpose: str = ""
    subjects: dict[str, None] = field(default_factory=dict)
    written: int = 0
    still: Callable[[], bool] = field(default=lambda: True, repr=False)


def needs(action: str, patient: str = "") -> Any:
    """The dependency of a route that needs a permission; `patient` names the path parameter that tells whose data it gives:
    `twin_id`, `study` (StudyInstanceUID) or `patient_id` (a subject key).

    A list over many patients names none: its handler keeps what `caller.sees(subject)`.
    """
    if patient not in ("", TWIN, STUDY, PATIENT):
        raise ConformanceError(f"needs(patient={patient!r})", where=action, remedy=f"use {TWIN}, {STUDY} or {PATIENT}")

    async def gate(request: Request) -> Caller:
        access = Access(action)
        request.scope[PASSED] = access
        if action == PUBLIC:
            return Caller("", ())
        caller = await run_in_threadpool(_enter, request, access, patient)
        access.still = partial(_still, request, access)
        if request.method not in SAFE and action != SELF:
            entry = Entry(caller.name, action, "asked", tuple(access.subjects), caller.purpose, access.by, place=request.url.path)
            await asyncio.wrap_future(request.app.state.service.audit.write(entry))
        return caller

    gate.action = action  # type: ignore[attr-defined]
    gate.patient = patient  # type: ignore[attr-defined]
    return Depends(gate)


@dataclass(frozen=True)
class Gated:
    """A route with what it needs: its path, its methods, the action, and the parameter that names the patient."""

    path: str
    methods: tuple[str, ...]
    action: str
    patient: str


def require_guarded(app: FastAPI) -> list[Gated]:
    """Every route with what it needs.

    Raises ConformanceError for one that needs nothing, names no patient though its path has one, or that no gate can stand before (a mount,
    a socket): none can be forgotten.
    """
    found = []
    for route in iter_route_contexts(app.routes):
        gates = _gates(route) if isinstance(route.original_route, APIRoute) else []
        if not gates:
            raise ConformanceError("a route without a need", where=str(route.path), remedy="give it `needs(...)`, or needs(PUBLIC)")
        gate = Gated(str(route.path), tuple(sorted(route.methods or ())), *gates[0])
        named = next((name for name in (TWIN, STUDY, PATIENT) if f"{{{name}}}" in gate.path), "")
        if gate.action != PUBLIC and named and gate.patient != named:
            raise ConformanceError("a route that does not say whose data it gives", where=gate.path, remedy=f"needs(…, patient={named!r})")
        found.append(gate)
    return found


def _gates(route: RouteContext) -> list[tuple[str, str]]:
    """Action and patient of each gate of a route."""
    return [(d.call.action, d.call.patient) for d in route.dependant.dependencies if hasattr(d.call, "action")]


def _enter(request: Request, access: Access, patient: str) -> Caller:
    """The caller. Raises HTTPException 401, AccessError or UnknownError; what is not to be seen is answered as what is not there."""
    service = request.app.state.service
    who = identify(service.guard, service.provider.bearer if service.provider else None, request)
    if who is None:
        access.user = UNKNOWN if presented(request) else ""
        raise HTTPException(401, "not signed in", headers={"WWW-Authenticate": "Bearer"})
    access.user, access.by = who.name, who.by
    if not request.app.state.rates.take(f"caller {who.name}"):
        raise HTTPException(429, "too many requests at once", headers={"Retry-After": "1"})
    _require_own(request, who, access.action)
    purpose, held = request.headers.get("x-purpose", ""), care.relations(service.guard, who.name)
    caller = _caller(service, who, access, purpose, held)
    if patient:
        subject = _subject(service, patient, request.path_params[patient])
        if subject is None or not caller.sees(subject):
            remedy = "check it; if it is there, ask for a relation to this patient, or in an emergency break the glass"
            raise UnknownError(f"nothing of {request.path_params[patient]!r} that you may see", remedy=remedy)
        if subject == NOBODY and request.method not in SAFE:
            require_machines(caller)
    return caller


def require_machines(caller: Caller) -> None:
    """Raises AccessError for who may not change scanners."""
    if not caller.may(MACHINES):
        raise AccessError(f"{MACHINES} is not yours", remedy="ask a physicist, or whoever administers this gemel for the role or scope")


def _still(request: Request, access: Access) -> bool:
    """Whether the caller would be let in again now, and see all that was shown."""
    service = request.app.state.service
    who = identify(service.guard, service.provider.bearer if service.provider else None, request)
    if who is None or who.name != access.user:
        return False
    purpose, held = request.headers.get("x-purpose", ""), care.relations(service.guard, who.name)
    try:
        caller = _caller(service, who, Access(access.action), purpose, held)
    except AccessError:
        return False
    return all(caller.sees(subject) for subject in tuple(access.subjects))


def _require_own(request: Request, who: Identity, action: str) -> None:
    """Raises AccessError for a change that another site may have sent, and for a token without the scope."""
    if who.by == SESSION and forged(request):
        remedy = "send X-CSRF as GET /api/session gives it, from a page of this address"
        raise AccessError("a change without the mark of this session", remedy=remedy)
    within = request.method in SAFE if action == SELF else who.scopes is None or (action in who.scopes and action not in NOT_FOR_PROGRAMS)
    if who.scopes is not None and not within:
        raise AccessError(f"a token without the scope {action}", remedy=f"make one with it: gemel user token --scope {action}")


def _caller(service: Any, who: Identity, access: Access, purpose: str, held: Any) -> Caller:
    """The caller with their sight. Raises AccessError when no role of theirs may do this for any patient."""
    policy, always = service.guard.policy, held.get(care.EVERYBODY, frozenset())

    def allowed(action: str, subject: str | None) -> str:
        related = None if subject is None or subject == NOBODY else always | held.get(subject, frozenset())
        return allowed_for(policy, Asked(who.roles, action, related, purpose))

    def sees(subject: str) -> bool:
        found = allowed(access.action, subject)
        if found and subject != NOBODY:
            access.subjects[subject] = None
            if found != access.purpose and found not in access.purpose.split():  # a list may show some for another purpose
                access.purpose = f"{access.purpose} {found}".strip()
        return bool(found)

    def knows(subject: str) -> bool:
        return _scoped(who, NAMES) and bool(allowed(NAMES, subject))

    def may(action: str) -> bool:
        return _scoped(who, action) and bool(allowed(action, None))

    found = allowed(access.action, None)
    if not found:
        words = f"{access.action} is not for {', '.join(who.roles)}" + (f" for {purpose}" if purpose else "")
        raise AccessError(words, remedy="ask whoever administers this gemel for the role")
    access.purpose = purpose
    return Caller(who.name, who.roles, tuple(sorted(who.scopes or ())), purpose or found, sees, knows, may)


def _scoped(who: Identity, action: str) -> bool:
    return who.scopes is None or action in who.scopes


def _subject(service: Any, patient: str, value: str) -> str | None:
    if patient == TWIN:
        return subject_of_twin(service.guard.key, service.store, value)
    return subject_of_study(service.guard.key, service.archive, value) if patient == STUDY else value

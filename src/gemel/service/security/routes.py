"""Signing in and out, and who one is."""

from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from gemel import __version__
from gemel.core.errors import AccessError, InputError
from gemel.core.notice import NOTICE
from gemel.service.security import accounts, links, sessions
from gemel.service.security.access import PUBLIC, SELF, Caller, needs
from gemel.service.security.entering import entered, log
from gemel.service.security.identity import SESSION, foreign, identify
from gemel.service.security.policy import purposes_of
from gemel.service.state import Held, Service

router = APIRouter(tags=["session"])
Me = Annotated[Caller, needs(SELF)]
EXPIRED = "/?link=expired"


class SignIn(BaseModel):
    """A name and a password."""

    model_config = ConfigDict(extra="forbid")
    user: str = Field(max_length=64)
    password: str = Field(max_length=accounts.LONGEST)


class Purpose(BaseModel):
    """A purpose of use that the caller may state as `X-Purpose`."""

    name: str
    words: str


class SessionOut(BaseModel):
    """Who one is here."""

    user: str
    roles: list[str]
    purpose: str
    purposes: list[Purpose]
    csrf: str
    research_notice: str
    version: str


class Ways(BaseModel):
    """How one may sign in here."""

    password: bool
    provider: str = Field(description="The address that begins a sign-in by the provider; empty without one.")
    link: bool = Field(description="Whether `gemel user link` at the terminal is the way.")


@router.get("/login", dependencies=[needs(PUBLIC)], include_in_schema=False)
def login(request: Request, service: Held, token: str = "") -> Response:
    """Signs in by a one-time link, and goes on to the page; with a link that is used up, to the page that says how to get another."""
    try:
        name = links.use(service.guard, token)
    except InputError as error:
        log(service, request, "", "login", "link refused", error.found)
        who = identify(service.guard, None, request)
        return RedirectResponse("/" if who and who.by == SESSION else EXPIRED, 303)
    log(service, request, name, "login", "in", "one-time link")
    answer = RedirectResponse("/", 303)
    entered(request, service, name, answer)
    return answer


@router.get("/api/ways", dependencies=[needs(PUBLIC)])
def ways(service: Held) -> Ways:
    """How one may sign in."""
    has = any(account.has_password for account in accounts.listed(service.guard))
    return Ways(password=has, provider="/oidc/login" if service.provider else "", link=not has and service.provider is None)


@router.post("/api/session", dependencies=[needs(PUBLIC)])
async def sign_in(request: Request, service: Held, told: SignIn, response: Response) -> SessionOut:
    """Signs in by name and password. 401 when they do not fit, 429 after too many tries."""
    if foreign(request):
        raise AccessError("a sign-in from another site", remedy="sign in on gemel's own page")
    keys = (f"name {told.user.casefold()}", f"peer {request.client.host if request.client else ''}")
    wait_s = service.throttle.wait_s(*keys)
    if wait_s > 0:
        raise HTTPException(429, f"too many wrong passwords: wait {wait_s:.0f} s", headers={"Retry-After": f"{wait_s:.0f}"})
    async with service.guessing:
        right = await run_in_threadpool(accounts.opens, service.guard, told.user, told.password)
    if not right:
        service.throttle.wrong(*keys)
        await run_in_threadpool(log, service, request, _known(service, told.user), "login", "refused", "password")
        raise HTTPException(401, "name and password do not fit")
    service.throttle.right(*keys)
    await run_in_threadpool(log, service, request, told.user, "login", "in", "password")
    made = entered(request, service, told.user, response)
    account = accounts.require(service.guard, told.user)
    return _session(service, account.name, account.roles, "", made)


@router.get("/api/session")
def session(request: Request, service: Held, me: Me) -> SessionOut:
    """Who one is, and the mark that a page sends with every change."""
    return _session(service, me.name, me.roles, request.headers.get("x-purpose", ""), request.cookies.get(sessions.COOKIE, ""))


@router.delete("/api/session", status_code=204)
def sign_out(request: Request, service: Held, me: Me, response: Response) -> None:
    """Ends the session."""
    sessions.end(service.guard, request.cookies.get(sessions.COOKIE, ""))
    log(service, request, me.name, "logout", "out")
    response.delete_cookie(sessions.COOKIE)


def _session(service: Service, name: str, roles: tuple[str, ...], purpose: str, cookie: str) -> SessionOut:
    policy = service.guard.policy
    found = purposes_of(policy, roles)
    listed = [Purpose(name=one, words=policy.purposes[one].words) for one in found]
    mark = sessions.csrf(cookie) if cookie else ""
    chosen = purpose or (found[0] if found else "")
    return SessionOut(user=name, roles=list(roles), purpose=chosen, purposes=listed, csrf=mark, research_notice=NOTICE, version=__version__)


def _known(service: Service, name: str) -> str:
    """The name if there is such an account: what else was typed there may be a password."""
    return name if accounts.find(service.guard, name) else "unknown"

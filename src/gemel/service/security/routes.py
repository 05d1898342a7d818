"""Signing in and out, and who one is."""

import math
from typing import Annotated

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from gemel import __version__
from gemel.core.errors import AccessError, InputError
from gemel.core.notice import NOTICE
from gemel.service.security import accounts, links, sessions
from gemel.service.security.access import PUBLIC, SELF, Caller, needs
from gemel.service.security.entering import entered, log
from gemel.service.security.identity import SESSION, cookie_of, foreign, identify
from gemel.service.security.policy import purposes_of
from gemel.service.state import Held, Service

router = APIRouter(tags=["session"])
Me = Annotated[Caller, needs(SELF)]
EXPIRED = "/?link=expired"
ELSEWHERE = (
    '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>gemel</title></head>'
    "<body><h1>A sign-in link, followed from another page</h1>"
    "<p>Copy it into the browser's address bar: a page elsewhere must not sign you in. The link is still good.</p></body></html>"
)


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
    """Signs in by a one-time link, and goes on to the page; with a link that is used up, to the page that says how to get another.

    A link that another site's page follows is not used: that page could sign its reader in as somebody else.
    """
    if foreign(request):
        return HTMLResponse(ELSEWHERE, 403)
    try:
        name = links.use(service.guard, token)
    except InputError as error:
        if request.app.state.unknown.take(f"peer {request.client.host if request.client else ''}"):  # a row each would fill the disk
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
    if not await _fits(request, service, told):
        await run_in_threadpool(log, service, request, _known(service, told.user), "login", "refused", "password")
        raise HTTPException(401, "name and password do not fit")
    await run_in_threadpool(log, service, request, told.user, "login", "in", "password")
    made = entered(request, service, told.user, response)
    account = accounts.require(service.guard, told.user)
    return _session(service, account.name, account.roles, "", made)


@router.get("/api/session")
def session(request: Request, service: Held, me: Me) -> SessionOut:
    """Who one is, and the mark that a page sends with every change."""
    return _session(service, me.name, me.roles, request.headers.get("x-purpose", ""), cookie_of(request))


@router.delete("/api/session", status_code=204)
def sign_out(request: Request, service: Held, me: Me, response: Response) -> None:
    """Ends the session."""
    sessions.end(service.guard, cookie_of(request))
    log(service, request, me.name, "logout", "out")
    name = sessions.cookie_name(request.url.scheme)
    response.delete_cookie(name, secure=name == sessions.OVER_TLS, httponly=True, samesite="strict")


async def _fits(request: Request, service: Service, told: SignIn) -> bool:
    """Whether the password is right. Raises HTTPException 429 for who must wait, also for those that came all at once and wait in line."""
    name, peer = told.user.casefold(), request.client.host if request.client else ""
    _require_no_wait(service, name, peer)
    async with service.guessing:
        _require_no_wait(service, name, peer)
        right = await run_in_threadpool(accounts.opens, service.guard, told.user, told.password)
        if right:
            service.throttle.right(name)
        else:
            service.throttle.wrong(name)
            service.crowd.wrong(peer)
    return right


def _require_no_wait(service: Service, name: str, peer: str) -> None:
    wait_s = math.ceil(max(service.throttle.wait_s(name), service.crowd.wait_s(peer)))
    if wait_s:
        raise HTTPException(429, f"too many wrong passwords: wait {wait_s} s", headers={"Retry-After": f"{wait_s}"})


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

"""Who a request comes from: a session's cookie, a program's token, or a provider's access token."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.requests import HTTPConnection

from gemel.service.security import accounts, secret, sessions, tokens
from gemel.service.security.guard import Guard

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
SESSION, TOKEN, PROVIDER = "session", "token", "provider"


@dataclass(frozen=True)
class Identity:
    """Somebody known: name, roles, the scopes of a token (None: a person's session, which has no narrower ones), and how they came.

    `sub`: who that is at the provider.
    """

    name: str
    roles: tuple[str, ...]
    scopes: frozenset[str] | None
    by: str
    sub: str = ""


Bearer = Callable[[str], Identity | None]
"""Tells whose access token of a provider it is."""
STREAM = "text/event-stream"
"""A page that is left open follows events by itself: that is nobody's doing, and keeps no session open."""


def identify(guard: Guard, provider: Bearer | None, request: HTTPConnection) -> Identity | None:
    """Who asks. A header goes before the cookie, and a header that is wrong is nobody: the cookie is then not looked at."""
    header = request.headers.get("authorization")
    if header is not None:
        kind, _, told = header.partition(" ")
        return _bearer(guard, provider, told.strip()) if kind.casefold() == "bearer" else None
    cookie = cookie_of(request)
    session = sessions.find(guard, cookie, renew=STREAM not in request.headers.get("accept", "")) if cookie else None
    account = accounts.find(guard, session.name) if session else None
    return Identity(account.name, account.roles, None, SESSION) if account else None


def cookie_of(request: HTTPConnection) -> str:
    """The session's secret that came with a request; empty without one."""
    return request.cookies.get(sessions.cookie_name(request.url.scheme), "")


def presented(request: HTTPConnection) -> bool:
    """Whether the request tried to say who it is."""
    return "authorization" in request.headers or bool(cookie_of(request))


def forged(request: HTTPConnection) -> bool:
    """Whether a change that a cookie vouches for may come from another site: no `X-CSRF` of this session, or a foreign `Origin`."""
    if request.scope["method"] in SAFE:
        return False
    told = request.headers.get("x-csrf", "")
    return foreign(request) or not secret.same(told, sessions.csrf(cookie_of(request)))


def foreign(request: HTTPConnection) -> bool:
    """Whether the browser says that another site's page sent this (RFC 6454 §7; Fetch Metadata)."""
    origin, here = request.headers.get("origin"), request.headers.get("host", "")
    crossed = request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")
    return crossed or (origin is not None and origin.partition("://")[2] != here)


def _bearer(guard: Guard, provider: Bearer | None, told: str) -> Identity | None:
    if told.startswith(tokens.MARK):
        token = tokens.find(guard, told)
        account = accounts.find(guard, token.name) if token else None
        return Identity(account.name, account.roles, frozenset(token.scopes), TOKEN) if token and account else None
    found = provider(told) if provider else None
    local = accounts.find(guard, found.name) if found else None
    if found is None or (local and local.origin != accounts.PROVIDER) or not accounts.bind(guard, found.name, found.sub):
        return None
    return found

"""Signing in by a provider: authorisation code with PKCE (RFC 6749 §4.1, RFC 7636), bound to the browser that began it (RFC 9700)."""

import base64
import hashlib
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse

from gemel.core.errors import AccessError, UnknownError
from gemel.service.security import accounts, secret
from gemel.service.security.access import PUBLIC, needs
from gemel.service.security.entering import entered, log
from gemel.service.security.guard import Guard
from gemel.service.security.oidc import Provider, person
from gemel.service.state import Held, Service

router = APIRouter(prefix="/oidc", tags=["session"], include_in_schema=False)
COOKIE, OVER_TLS = "gemel_oidc", "__Host-gemel_oidc"
"""Over TLS no other host, not even a sibling's, can set it: who could would sign somebody in as themselves (RFC 6265bis §4.1.3.2)."""
LASTS_S = 600
LONGEST = 2048
MOST_KEPT = 10_000  # sign-ins that were begun: a flood of them ends the oldest, not the disk


@router.get("/login", dependencies=[needs(PUBLIC)])
def begin(request: Request, service: Held, next: Annotated[str, Query(max_length=LONGEST)] = "/") -> RedirectResponse:
    """Sends the browser to the provider."""
    provider = _provider(service)
    state, nonce, verifier = secret.fresh(), secret.fresh(), secret.fresh()
    with service.guard.database.change() as rows:
        rows.execute("DELETE FROM login WHERE until_s < ?", (service.guard.clock(),))
        rows.execute("DELETE FROM login WHERE rowid <= (SELECT max(rowid) FROM login) - ?", (MOST_KEPT,))
        row = (secret.kept(state), nonce, verifier, onward(next), service.guard.clock() + LASTS_S)
        rows.execute("INSERT INTO login VALUES (?, ?, ?, ?, ?)", row)
    asked = {"response_type": "code", "client_id": provider.told.client_id, "redirect_uri": _back(request), "scope": "openid profile"}
    asked |= {"state": state, "nonce": nonce, "code_challenge": challenge(verifier), "code_challenge_method": "S256"}
    answer = RedirectResponse(f"{provider.endpoint('authorization_endpoint')}?{urlencode(asked)}", 303)
    name = _cookie(request)
    answer.set_cookie(name, state, max_age=LASTS_S, httponly=True, samesite="lax", secure=name == OVER_TLS, path="/")
    return answer


@router.get("/callback", dependencies=[needs(PUBLIC)])
def end(
    request: Request,
    service: Held,
    state: Annotated[str, Query(max_length=LONGEST)] = "",
    code: Annotated[str, Query(max_length=LONGEST)] = "",
    iss: Annotated[str, Query(max_length=LONGEST)] = "",
) -> RedirectResponse:
    """Takes the code that the browser brings back, and opens a session for whom the provider names."""
    provider = _provider(service)
    nonce, verifier, next = _begun(service.guard, request.cookies.get(_cookie(request), ""), state)
    if not code or (iss and iss != provider.told.issuer):
        raise AccessError("a sign-in that the provider did not confirm", where="/oidc/callback", remedy="sign in again")
    claims = provider.claims(_identity_token(provider, request, code, verifier), provider.told.client_id, nonce)
    name, roles = person(provider.told, claims)
    _require_same(service.guard, name, claims.get("sub"))
    _account(service.guard, name, roles)
    log(service, request, name, "login", "in", "provider")
    answer = RedirectResponse(next, 303)
    answer.delete_cookie(_cookie(request), path="/", secure=_cookie(request) == OVER_TLS, httponly=True, samesite="lax")
    entered(request, service, name, answer)
    return answer


def onward(path: str) -> str:
    """Where to go on after signing in: a place of this page, or its beginning."""
    strange = (
        not path.startswith("/") or path.startswith("//") or "\\" in path or any(ord(letter) < 33 or ord(letter) > 126 for letter in path)
    )
    return "/" if strange else path


def challenge(verifier: str) -> str:
    """S256 of a verifier (RFC 7636 §4.2)."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _provider(service: Service) -> Provider:
    if service.provider is None:
        raise UnknownError("no provider of identities", where="/oidc", remedy="sign in with name and password, or name one under [oidc]")
    return service.provider


def _cookie(request: Request) -> str:
    return OVER_TLS if request.url.scheme == "https" else COOKIE


def _back(request: Request) -> str:
    """Where the provider sends the browser back; the host was checked."""
    return f"{str(request.base_url).rstrip('/')}/oidc/callback"


def _begun(guard: Guard, cookie: str, state: str) -> tuple[str, str, str]:
    """What was kept when this browser began; used up. Raises AccessError when it did not, or too long ago."""
    found = []
    if cookie and secret.same(cookie, state):
        with guard.database.change() as rows:
            statement = "DELETE FROM login WHERE state = ? RETURNING nonce, verifier, onward, until_s"
            found = rows.execute(statement, (secret.kept(state),)).fetchall()
    if not found or found[0][3] < guard.clock():
        raise AccessError("a sign-in that this browser did not begin", where="/oidc/callback", remedy="begin again at /oidc/login")
    return found[0][0], found[0][1], found[0][2]


def _identity_token(provider: Provider, request: Request, code: str, verifier: str) -> str:
    told = provider.told
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": _back(request), "client_id": told.client_id}
    form["code_verifier"] = verifier
    if told.client_secret_file is not None:
        form["client_secret"] = told.client_secret_file.read_text(encoding="utf-8").strip()
    return str(provider.ask(provider.endpoint("token_endpoint"), form).get("id_token", ""))


def _account(guard: Guard, name: str, roles: tuple[str, ...]) -> None:
    """The provider's account of that name, with the roles that it now says. Raises AccessError where a local one has the name."""
    held = accounts.find(guard, name)
    if held is None:
        accounts.add(guard, name, roles, origin=accounts.PROVIDER)
    elif held.origin != accounts.PROVIDER:
        raise AccessError(f"{name} has an account of this machine", where="oidc", remedy="sign in with its password, or remove it first")
    elif held.roles != roles:
        accounts.set_roles(guard, name, roles)


def _require_same(guard: Guard, name: str, sub: Any) -> None:
    """Raises AccessError for a name that was another's at the provider when it came first."""
    if not isinstance(sub, str) or not sub or not accounts.bind(guard, name, sub):
        remedy = "where the provider gave the name to somebody else, remove the old account first: gemel user remove"
        raise AccessError(f"{name} is another person's account", where="oidc", remedy=remedy)

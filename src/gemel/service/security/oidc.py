"""A provider of identities (OpenID Connect Core 1.0, Discovery 1.0): where it is, its keys, and who a token of its speaks of."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any
from urllib.parse import urlsplit

from gemel.core.errors import AccessError, InputError, StoreError
from gemel.service.security.accounts import NAME
from gemel.service.security.identity import PROVIDER, Identity
from gemel.service.security.jwt import Expected, header_of, refused, verified
from gemel.service.settings import Oidc

AGAIN_S = 60.0  # a key that is not known makes us ask again, at most so often
RECOVERY_S = 10.0  # a provider that did not answer is not asked by everybody who comes meanwhile
TIMEOUT_S = 5.0
LONGEST = 1 << 20
ENDPOINTS = ("authorization_endpoint", "token_endpoint", "jwks_uri")

Ask = Callable[[str, Mapping[str, str] | None], dict[str, Any]]
"""Gets an address, or posts a form to it, and returns the JSON object that is answered."""


@dataclass
class Known:
    """What the provider has said: its endpoints, its keys by id, and when they were asked for."""

    endpoints: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Any] = field(default_factory=dict)
    asked_s: float = float("-inf")
    failed_s: float = float("-inf")


@dataclass(frozen=True)
class Provider:
    """A provider, asked when it is first needed."""

    told: Oidc
    ask: Ask
    clock: Callable[[], float] = time.time
    known: Known = field(default_factory=Known)
    turn: Lock = field(default_factory=Lock)

    def endpoint(self, name: str) -> str:
        """One of its addresses. Raises StoreError when it cannot be asked, InputError when it is not the provider named."""
        with self.turn:
            if not self.known.endpoints:
                found = self._asked(f"{self.told.issuer.rstrip('/')}/.well-known/openid-configuration")
                if found.get("issuer") != self.told.issuer:
                    raise InputError("a provider that gives another name for itself", where="oidc", remedy="write `issuer` as it does")
                self.known.endpoints = {one: require_address(str(found.get(one, ""))) for one in ENDPOINTS}
        return self.known.endpoints[name]

    def keys(self, token: str) -> dict[str, Any]:
        """Its keys, asked again when the token's is not among them, but not more than once a minute."""
        wanted, address = header_of(token)["kid"], self.endpoint("jwks_uri")
        with self.turn:
            if wanted not in self.known.keys and self.clock() - self.known.asked_s > AGAIN_S:
                self.known.asked_s = self.clock()
                listed = self._asked(address).get("keys", [])
                self.known.keys = {key["kid"]: key for key in listed if isinstance(key, dict) and isinstance(key.get("kid"), str)}
        return self.known.keys

    def _asked(self, address: str) -> dict[str, Any]:
        """What an address of its says. Raises StoreError, at once where it did not answer a moment ago: each who waits holds a thread."""
        if self.clock() - self.known.failed_s < RECOVERY_S:
            raise StoreError("a provider that did not answer", where=urlsplit(address).netloc, remedy="try again in a while")
        try:
            return self.ask(address, None)
        except StoreError:
            self.known.failed_s = self.clock()
            raise

    def claims(self, token: str, audience: str, nonce: str | None = None) -> dict[str, Any]:
        """Claims of a token for an audience. Raises AccessError."""
        expected = Expected(self.told.issuer, audience, self.told.algorithms, self.clock(), nonce)
        return verified(token, self.keys(token), expected)

    def bearer(self, token: str) -> Identity | None:
        """Whose access token for the API it is; None for one that does not hold, or where none are taken."""
        if not self.told.audience:
            return None
        try:
            claims = self.claims(token, self.told.audience)
            name, roles = person(self.told, claims)
        except AccessError:
            return None
        sub = claims.get("sub")  # RFC 9068 §2.2 asks for it
        if not isinstance(sub, str) or not sub:
            return None
        return Identity(name, roles, frozenset(str(claims.get("scope", "")).split()), PROVIDER, sub)


def person(told: Oidc, claims: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Name and roles of whom the claims speak; a role of the provider's that is not mapped counts for nothing. Raises AccessError."""
    name, said = claims.get(told.name_claim), claims.get(told.roles_claim)
    if not isinstance(name, str) or not NAME.fullmatch(name):  # a name such as @trial7 would be a group's
        raise refused(f"no {told.name_claim} that can be an account's")
    listed = said if isinstance(said, list) else []
    roles = tuple(dict.fromkeys(told.roles[role] for role in listed if isinstance(role, str) and role in told.roles))
    if not roles:
        raise AccessError(f"{name} has no role here", where="oidc", remedy="ask whoever administers the provider for one")
    return name, roles


def provider_of(told: Oidc | None) -> Provider | None:
    """The provider that the settings name. Raises InputError for an address that is not safe, or an audience that is our own id."""
    if told is None:
        return None
    require_address(told.issuer)
    weak = [name for name in told.algorithms if not name.startswith(("RS", "PS", "ES", "Ed"))]
    if weak:
        raise InputError(f"the algorithm {weak[0]!r}", where="[oidc]", remedy="name signatures by public key: RS256, PS256, ES256")
    if told.audience == told.client_id:
        raise InputError(
            "an audience that is the client's own id", where="[oidc]", remedy="name the API's audience: identity tokens are no keys"
        )
    return Provider(told, over_network)


def require_address(url: str) -> str:
    """The address. Raises InputError for one that is neither https nor on this machine."""
    parts = urlsplit(url)
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    if parts.hostname and (parts.scheme == "https" or (parts.scheme == "http" and here)):
        return url
    raise InputError(f"the address {url!r}", where="oidc", remedy="it must begin with https://")


def over_network(url: str, form: Mapping[str, str] | None) -> dict[str, Any]:
    """Asks by HTTP; redirects are not followed. Raises StoreError when the provider does not answer with JSON."""
    import httpx

    try:
        method, data = ("GET", None) if form is None else ("POST", dict(form))
        answer = httpx.request(method, url, data=data, timeout=TIMEOUT_S, headers={"Accept": "application/json"})
        found = answer.json() if answer.is_success and len(answer.content) <= LONGEST else None
    except (httpx.HTTPError, ValueError) as error:
        raise StoreError("a provider that does not answer", where=urlsplit(url).netloc, remedy="try again; look whether it runs") from error
    if not isinstance(found, dict):
        raise StoreError("a provider that refuses", where=urlsplit(url).netloc, remedy="sign in again; look at the provider's log")
    return found

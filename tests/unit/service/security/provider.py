"""A provider of identities made for the tests: its keys, its tokens, and its answers, without a network."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, OctKey, RSAKey

from gemel.service.security.oidc import Provider
from gemel.service.settings import Oidc

ISSUER, CLIENT, API = "https://id.example", "gemel", "gemel-api"
NOW_S = 1_800_000_000.0
TOLD = Oidc(ISSUER, CLIENT, API, roles={"arzt": "physician", "pruefer": "auditor"})


@dataclass
class Fake:
    """Keys by id, what the token endpoint gives next, and what was asked."""

    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}))
    curve: ECKey = field(default_factory=lambda: ECKey.generate_key("P-256", {"kid": "two"}))
    identity: str = ""
    asked: list[tuple[str, Mapping[str, str] | None]] = field(default_factory=list)

    def ask(self, url: str, form: Mapping[str, str] | None) -> dict[str, Any]:
        """What it answers."""
        self.asked.append((url, form))
        if url.endswith("openid-configuration"):
            places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
            return {"issuer": ISSUER} | {name: f"{ISSUER}/{place}" for name, place in places.items()}
        if url.endswith("/keys"):
            listed = [self.key.as_dict(private=False), self.curve.as_dict(private=False)]
            return {"keys": [*listed, OctKey.import_key("s" * 32, {"kid": "shared"}).as_dict(private=True)]}
        return {"id_token": self.identity}

    def provider(self, **changes: Any) -> Provider:
        """gemel's side, at a fixed time."""
        return Provider(TOLD, self.ask, clock=lambda: NOW_S)

    def signed(self, claims: Mapping[str, Any], *, key: Any = None, **header: Any) -> str:
        """A token of it, or of another key, with a header of one's own."""
        told = {"alg": "RS256", "kid": "one", "typ": "JWT"} | header
        registry = jws.JWSRegistry(strict_check_header=False, algorithms=[told["alg"]])
        return jws.serialize_compact(told, json.dumps(dict(claims)), key or self.key, registry=registry)


def claims(**changes: Any) -> dict[str, Any]:
    """Claims of a good access token, some changed; None leaves one out."""
    good = {"iss": ISSUER, "aud": API, "exp": NOW_S + 300, "iat": NOW_S - 5, "preferred_username": "dora", "roles": ["arzt"]}
    good["sub"] = f"id of {changes.get('preferred_username', 'dora')}"
    return {name: value for name, value in (good | {"scope": "openid twins:read", **changes}).items() if value is not None}


def unsigned(claims: Mapping[str, Any], header: Mapping[str, Any], signature: str = "") -> str:
    """A token put together by hand."""
    parts = [base64.urlsafe_b64encode(json.dumps(dict(part)).encode()).rstrip(b"=").decode() for part in (header, claims)]
    return ".".join([*parts, signature])

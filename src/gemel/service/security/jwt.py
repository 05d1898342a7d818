"""Signed tokens of a provider, believed only if every claim holds (RFC 7519; RFC 8725, best current practices).

The algorithm is one of a pinned list of signatures by public key, the key one of the provider's own set by its id, and what the token
itself says about keys (`jwk`, `jku`, `x5u`, `x5c`) is a reason to refuse it.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import AccessError

LEEWAY_s = 60.0
LONGEST = 16_384
KINDS = ("", "jwt", "at+jwt", "application/at+jwt")
PUBLIC_KEYS = ("RSA", "EC", "OKP")
ALLOWED = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256", "cty"})


@dataclass(frozen=True)
class Expected:
    """Who must have made a token, for whom, how it may be signed, and when it is, s since 1970; `nonce` where one was sent."""

    issuer: str
    audience: str
    algorithms: tuple[str, ...]
    now_s: float
    nonce: str | None = None


def verified(token: str, keys: Mapping[str, Any], expected: Expected) -> dict[str, Any]:
    """The claims of a token that holds. `keys` are JWK by id. Raises AccessError."""
    header = header_of(token)
    key = keys.get(header["kid"])
    if header["alg"] not in expected.algorithms:
        raise refused("an algorithm that is not taken")
    if key is None or key.get("kty") not in PUBLIC_KEYS or key.get("use", "sig") != "sig":
        raise refused("a key that is not the provider's")
    if key.get("alg", header["alg"]) != header["alg"]:
        raise refused("an algorithm that is not its key's")
    claims = _signed(token, key, header["alg"])
    _require(claims, expected)
    return claims


def header_of(token: str) -> dict[str, str]:
    """The header of a token. Raises AccessError for one that cannot be read, names no key, or brings its own."""
    parts = token.split(".")
    if len(token) > LONGEST or len(parts) != 3:
        raise refused("no token")
    try:
        found = json.loads(base64.urlsafe_b64decode(parts[0] + "=" * (-len(parts[0]) % 4)))
    except (binascii.Error, ValueError) as error:
        raise refused("a header that cannot be read") from error
    if not isinstance(found, dict) or not isinstance(found.get("alg"), str) or not isinstance(found.get("kid"), str):
        raise refused("a header without algorithm or key")
    if found.keys() - ALLOWED or str(found.get("typ", "")).casefold() not in KINDS:
        raise refused("a header that brings what is not taken")
    return found


def refused(words: str) -> AccessError:
    """What is said of a token that does not hold."""
    return AccessError(f"a token with {words}", where="Authorization", remedy="sign in again with the provider")


def _signed(token: str, key: Mapping[str, Any], algorithm: str) -> dict[str, Any]:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import JWKRegistry

    try:
        claims = jwt.decode(token, JWKRegistry.import_key(dict(key)), algorithms=[algorithm]).claims
    except (JoseError, ValueError) as error:
        raise refused("a signature that does not hold") from error
    return dict(claims)


def _require(claims: Mapping[str, Any], expected: Expected) -> None:
    """Raises AccessError for claims that are not as expected."""
    audience = claims.get("aud")
    heard = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != expected.issuer:
        raise refused("another issuer")
    if expected.audience not in heard or (len(heard) > 1 and claims.get("azp", expected.audience) != expected.audience):
        raise refused("another audience")
    if not _seconds(claims.get("exp")) or claims["exp"] + LEEWAY_s < expected.now_s:
        raise refused("an end that has passed")
    if any(name in claims and (not _seconds(claims[name]) or claims[name] - LEEWAY_s > expected.now_s) for name in ("nbf", "iat")):
        raise refused("a beginning that has not come")
    if expected.nonce is not None and claims.get("nonce") != expected.nonce:
        raise refused("another sign-in's number")


def _seconds(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value

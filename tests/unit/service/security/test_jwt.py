"""Tokens of a provider: a good one is taken; each known way to forge one is refused."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from joserfc.jwk import ECKey, OctKey, RSAKey

from gemel.core.errors import AccessError, InputError
from gemel.service.security.jwt import Expected, verified
from gemel.service.security.oidc import provider_of
from gemel.service.settings import Oidc
from tests.unit.service.security.provider import CLIENT, ISSUER, NOW_S, TOLD, Fake, claims, unsigned

FAKE = Fake()
STRANGE = RSAKey.generate_key(2048, {"kid": "one"})


def test_a_good_token_tells_who_it_is() -> None:
    found = FAKE.provider().bearer(FAKE.signed(claims()))
    assert found is not None
    assert (found.name, found.roles, found.scopes) == ("dora", ("physician",), {"openid", "twins:read"})


def test_a_good_token_by_the_other_key_is_taken() -> None:
    assert FAKE.provider().bearer(FAKE.signed(claims(), key=FAKE.curve, alg="ES256", kid="two")) is not None


def public_pem() -> bytes:
    """The provider's public key, which anybody may have."""
    return FAKE.key.as_pem(private=False)


def shared_with_public_key() -> str:
    """HS256 keyed by the public key's text: what a verifier that lets the token choose would take."""
    token = unsigned(claims(), {"alg": "HS256", "kid": "one", "typ": "JWT"})
    body = token.rpartition(".")[0]
    made = hmac.new(public_pem(), body.encode(), hashlib.sha256).digest()
    return f"{body}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


FORGED: dict[str, Callable[[], str]] = {
    "a foreign key under a known id": lambda: FAKE.signed(claims(), key=STRANGE),
    "an unknown key's id": lambda: FAKE.signed(claims(), key=STRANGE, kid="mine"),
    "no key's id": lambda: unsigned(claims(), {"alg": "RS256"}, "AAAA"),
    "a key's id that is a path": lambda: FAKE.signed(claims(), key=STRANGE, kid="../../dev/null"),
    "a key's id that is a query": lambda: FAKE.signed(claims(), key=STRANGE, kid="one' UNION SELECT 'x"),
    "a key in the header": lambda: FAKE.signed(claims(), key=STRANGE, jwk=STRANGE.as_dict(private=False)),
    "a key's address in the header": lambda: FAKE.signed(claims(), key=STRANGE, jku="https://evil.example/keys"),
    "a certificate's address in the header": lambda: FAKE.signed(claims(), x5u="https://evil.example/cert"),
    "a certificate in the header": lambda: FAKE.signed(claims(), x5c=["MIIB"]),
    "a critical extension": lambda: _critical(),
    "the algorithm none": lambda: unsigned(claims(), {"alg": "none", "kid": "one"}),
    "the algorithm NoNe": lambda: unsigned(claims(), {"alg": "NoNe", "kid": "one"}),
    "HS256 with the public key": shared_with_public_key,
    "HS256 with the provider's shared key": lambda: unsigned(claims(), {"alg": "HS256", "kid": "shared"}, "AAAA"),
    "RS512, which is not listed": lambda: FAKE.signed(claims(), alg="RS512"),
    "another curve's key": lambda: FAKE.signed(claims(), key=ECKey.generate_key("P-256", {"kid": "two"}), alg="ES256", kid="two"),
    "a signature cut off": lambda: FAKE.signed(claims()).rpartition(".")[0] + ".",
    "claims changed": lambda: _changed(FAKE.signed(claims())),
    "another issuer": lambda: FAKE.signed(claims(iss="https://evil.example")),
    "an issuer that begins alike": lambda: FAKE.signed(claims(iss=f"{ISSUER}.evil.example")),
    "another audience": lambda: FAKE.signed(claims(aud="other-api")),
    "an identity token": lambda: FAKE.signed(claims(aud=CLIENT)),
    "no audience": lambda: FAKE.signed(claims(aud=None)),
    "audiences, issued to another": lambda: FAKE.signed(claims(aud=["gemel-api", "x"], azp="x")),
    "an end that has passed": lambda: FAKE.signed(claims(exp=NOW_S - 61)),
    "no end": lambda: FAKE.signed(claims(exp=None)),
    "an end in words": lambda: FAKE.signed(claims(exp="2099-01-01")),
    "an end that is true": lambda: FAKE.signed(claims(exp=True)),
    "not yet valid": lambda: FAKE.signed(claims(nbf=NOW_S + 61)),
    "made in the future": lambda: FAKE.signed(claims(iat=NOW_S + 61)),
    "another kind of token": lambda: FAKE.signed(claims(), typ="logout+jwt"),
    "no name": lambda: FAKE.signed(claims(preferred_username=None)),
    "no role of ours": lambda: FAKE.signed(claims(roles=["admin", "physician"])),
    "five parts": lambda: "a.b.c.d.e",
    "a long one": lambda: FAKE.signed(claims(pad="x" * 20_000)),
    "nothing": lambda: "",
    "noise": lambda: "ÿ.ÿ.ÿ",
}


@pytest.mark.parametrize("way", FORGED)
def test_a_forged_token_is_nobody(way: str) -> None:
    assert FAKE.provider().bearer(FORGED[way]()) is None


def test_a_shared_key_is_none_even_if_its_algorithm_were_listed() -> None:
    shared = OctKey.import_key("s" * 32, {"kid": "shared"})
    token = FAKE.signed(claims(), key=shared, alg="HS256", kid="shared")
    with pytest.raises(AccessError, match="not the provider's"):
        verified(token, {"shared": shared.as_dict(private=True)}, Expected(ISSUER, TOLD.audience, ("HS256",), NOW_S))


def test_clocks_may_differ_by_a_minute_and_no_more() -> None:
    assert FAKE.provider().bearer(FAKE.signed(claims(exp=NOW_S - 59))) is not None
    assert FAKE.provider().bearer(FAKE.signed(claims(nbf=NOW_S + 59))) is not None


def test_the_provider_is_not_asked_again_for_every_unknown_key() -> None:
    fake = Fake()
    provider = fake.provider()
    for _ in range(20):
        assert provider.bearer(fake.signed(claims(), key=STRANGE, kid="mine")) is None
    assert [url for url, _ in fake.asked].count(f"{ISSUER}/keys") == 1


def test_an_identity_of_another_sign_in_is_refused() -> None:
    token = FAKE.signed(claims(aud=CLIENT, nonce="one"))
    assert FAKE.provider().claims(token, CLIENT, "one")["preferred_username"] == "dora"
    with pytest.raises(AccessError, match="another sign-in"):
        FAKE.provider().claims(token, CLIENT, "two")


@pytest.mark.parametrize(
    "told",
    [
        Oidc("http://id.example", CLIENT),
        Oidc("file:///etc", CLIENT),
        Oidc(ISSUER, CLIENT, CLIENT),
        Oidc(ISSUER, CLIENT, algorithms=("HS256",)),
        Oidc(ISSUER, CLIENT, algorithms=("none",)),
    ],
)
def test_settings_that_are_not_safe_are_refused(told: Oidc) -> None:
    with pytest.raises(InputError):
        provider_of(told)


def test_settings_that_are_safe_are_taken() -> None:
    assert provider_of(TOLD) is not None
    assert provider_of(None) is None


def _critical() -> str:
    """A good token whose header names an extension that must be understood, signed well (RFC 7515 §4.1.11)."""
    key = serialization.load_pem_private_key(FAKE.key.as_pem(private=True), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    body = unsigned(claims(), {"alg": "RS256", "kid": "one", "crit": ["exp"]}).rpartition(".")[0]
    made = key.sign(body.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{body}.{base64.urlsafe_b64encode(made).rstrip(b'=').decode()}"


def _changed(token: str) -> str:
    head, _, signature = token.split(".")
    body: Any = unsigned(claims(preferred_username="root"), {}).split(".")[1]
    return f"{head}.{body}.{signature}"

"""Signing in by a provider, step by step as a browser goes, and what breaks when a step is not that browser's own."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service.app import create_app
from gemel.service.security import accounts
from gemel.service.security.oidc_routes import COOKIE, OVER_TLS, challenge
from tests.unit.service.entered import HERE
from tests.unit.service.security import house
from tests.unit.service.security.provider import CLIENT, ISSUER, TOLD, Fake, claims

FAKE = Fake()


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(house.settings(tmp_path_factory.mktemp("house"), oidc=TOLD))


@pytest.fixture(scope="module")
def opened(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE, follow_redirects=False) as client:
        object.__setattr__(app.state.service, "provider", FAKE.provider())
        yield client


@pytest.fixture
def client(opened: TestClient) -> TestClient:
    opened.cookies.clear()
    return opened


def begun(client: TestClient, next: str = "/#/twins") -> dict[str, str]:
    """What the browser is sent to the provider with."""
    answer = client.get("/oidc/login", params={"next": next})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{ISSUER}/authorize?")
    return {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def test_a_person_comes_in(client: TestClient, app: FastAPI) -> None:
    asked = begun(client)
    assert (asked["response_type"], asked["code_challenge_method"], asked["client_id"]) == ("code", "S256", CLIENT)
    FAKE.identity = FAKE.signed(claims(aud=CLIENT, nonce=asked["nonce"]))
    answer = client.get("/oidc/callback", params={"code": "c0de", "state": asked["state"], "iss": ISSUER})
    assert (answer.status_code, answer.headers["location"]) == (303, "/#/twins")
    assert client.get("/api/session").json()["user"] == "dora"
    form = FAKE.asked[-1][1] or next(form for _, form in reversed(FAKE.asked) if form)
    assert challenge(form["code_verifier"]) == asked["code_challenge"]
    assert form["redirect_uri"] == asked["redirect_uri"] == f"{HERE}/oidc/callback"
    made = accounts.find(app.state.service.guard, "dora")
    assert made is not None
    assert (made.roles, made.origin) == (("physician",), "oidc")


def test_a_state_is_used_once(client: TestClient) -> None:
    asked = begun(client)
    kept = client.cookies[COOKIE]
    FAKE.identity = FAKE.signed(claims(aud=CLIENT, nonce=asked["nonce"]))
    told = {"code": "c0de", "state": asked["state"]}
    assert client.get("/oidc/callback", params=told).status_code == 303
    client.cookies.set(COOKIE, kept)
    assert client.get("/oidc/callback", params=told).status_code == 403


def test_over_tls_no_sibling_host_can_begin_a_sign_in(client: TestClient) -> None:
    """Its page could bring its own code, and sign the reader in as somebody else."""
    there = "https://localhost/oidc"
    cookie = client.get(f"{there}/login").headers["set-cookie"]
    assert cookie.startswith(f"{OVER_TLS}=")
    assert {"Secure", "HttpOnly", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    state = cookie.split(";")[0].partition("=")[2]
    client.cookies.clear()
    planted = client.get(f"{there}/callback", params={"state": state}, headers={"Cookie": f"{COOKIE}={state}"})
    assert "did not begin" in planted.text, "any host may set that one"
    own = client.get(f"{there}/callback", params={"state": state}, headers={"Cookie": f"{OVER_TLS}={state}"})
    assert "did not confirm" in own.text, "this browser began it; only the code lacks"


@pytest.mark.parametrize("way", ["no cookie", "another state", "no state", "no code", "another issuer", "another number", "for the API"])
def test_a_step_of_somebody_else_is_refused(client: TestClient, way: str) -> None:
    asked = begun(client)
    nonce, audience = ("stolen" if way == "another number" else asked["nonce"]), (TOLD.audience if way == "for the API" else CLIENT)
    FAKE.identity = FAKE.signed(claims(aud=audience, nonce=nonce))
    told = {"code": "c0de", "state": asked["state"]}
    changes = {
        "another state": {"state": "x" * 43},
        "no state": {"state": ""},
        "no code": {"code": ""},
        "another issuer": {"iss": "https://evil.example"},
    }
    if way == "no cookie":
        client.cookies.clear()
    answer = client.get("/oidc/callback", params=told | changes.get(way, {}))
    assert answer.status_code == 403
    assert client.get("/api/session").status_code == 401


def test_an_account_of_this_machine_is_not_taken_over(client: TestClient, app: FastAPI) -> None:
    guard = app.state.service.guard
    accounts.add(guard, "local", ["admin"], password="nine brown horses")
    asked = begun(client)
    FAKE.identity = FAKE.signed(claims(aud=CLIENT, nonce=asked["nonce"], preferred_username="local"))
    assert client.get("/oidc/callback", params={"code": "c0de", "state": asked["state"]}).status_code == 403
    token = FAKE.signed(claims(preferred_username="local"))
    assert client.get("/api/session", headers={"Authorization": f"Bearer {token}"}).status_code == 401


@pytest.mark.parametrize("sub", ["id of another", None, "", 7])
def test_a_name_that_was_given_to_another_opens_no_account(client: TestClient, app: FastAPI, sub: object) -> None:
    """What a person is called at the provider may change hands; who they are may not (OpenID Connect Core 1.0 §5.7)."""
    for told, status, seen in (({}, 303, 200), ({"sub": sub, "roles": ["pruefer"]}, 403, 401)):
        asked = begun(client)
        FAKE.identity = FAKE.signed(claims(aud=CLIENT, nonce=asked["nonce"], preferred_username="nora", **told))
        assert client.get("/oidc/callback", params={"code": "c0de", "state": asked["state"]}).status_code == status
        assert client.get("/api/session").status_code == seen
        client.cookies.clear()
    kept = accounts.find(app.state.service.guard, "nora")
    assert kept is not None
    assert kept.roles == ("physician",), "nor does who was refused change it"


def test_roles_are_those_that_the_provider_says_now(client: TestClient, app: FastAPI) -> None:
    for said, role in (("arzt", "physician"), ("pruefer", "auditor")):
        asked = begun(client)
        FAKE.identity = FAKE.signed(claims(aud=CLIENT, nonce=asked["nonce"], preferred_username="rita", roles=[said]))
        client.get("/oidc/callback", params={"code": "c0de", "state": asked["state"]})
        assert client.get("/api/session").json()["roles"] == [role]


def test_an_access_token_opens_the_api_within_its_scopes(client: TestClient) -> None:
    header = {"Authorization": f"Bearer {FAKE.signed(claims())}"}
    assert client.get("/api/session", headers=header).json()["user"] == "dora"
    assert client.get("/api/users", headers=header).status_code == 403
    assert client.post("/api/tokens", headers=header, json={"scopes": ["twins:read"]}).status_code == 403
    wide = {"Authorization": f"Bearer {FAKE.signed(claims(scope='self care:break twins:read'))}"}
    assert client.post("/api/tokens", headers=wide, json={"scopes": ["twins:read"]}).status_code == 403


def test_it_leads_nowhere_else(client: TestClient) -> None:
    asked = begun(client, next="//evil.example")
    FAKE.identity = FAKE.signed(claims(aud=CLIENT, nonce=asked["nonce"]))
    assert client.get("/oidc/callback", params={"code": "c", "state": asked["state"]}).headers["location"] == "/"

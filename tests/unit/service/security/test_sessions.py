"""Coming in and going out: links, passwords, cookies, and what other sites may not do with them."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.core.errors import InputError
from gemel.service.app import create_app
from gemel.service.security import accounts, links, sessions
from gemel.service.security.guard import Guard
from tests.unit.service.entered import HERE, entered, sign_in
from tests.unit.service.security import house

PASSWORD = "nine brown horses"


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(house.settings(tmp_path_factory.mktemp("house")))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> TestClient:
    with TestClient(app, base_url=HERE) as opened:
        accounts.add(app.state.service.guard, "vera", ["viewer"], password=PASSWORD)
        yield opened


@pytest.fixture(autouse=True)
def _nobody_is_in(client: TestClient) -> None:
    client.cookies.clear()


def guard(app: FastAPI) -> Guard:
    found: Guard = app.state.service.guard
    return found


def test_nothing_is_open_without_signing_in(client: TestClient) -> None:
    answer = client.get("/api/session")
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert "gemel user link" in answer.json()["remedy"]


def test_a_link_signs_in_once(client: TestClient, app: FastAPI) -> None:
    token = links.fresh(guard(app), "vera")
    first = client.get("/login", params={"token": token}, follow_redirects=False)
    assert (first.status_code, first.headers["location"]) == (303, "/")
    assert client.get("/api/session").json()["user"] == "vera"
    client.cookies.clear()
    second = client.get("/login", params={"token": token}, follow_redirects=False)
    assert second.headers["location"] == "/?link=expired"
    assert client.get("/api/session").status_code == 401


def test_a_link_is_old_after_an_hour(tmp_path: Path) -> None:
    times = [1000.0]
    from gemel.service.security.guard import open_guard

    held = open_guard(house.settings(tmp_path), clock=lambda: times[0])
    token = links.fresh(held, links.single_user(held, "me"))
    times[0] += links.LASTS_S + 1
    with pytest.raises(InputError, match="used or is old"):
        links.use(held, token)


def test_the_cookie_is_for_this_site_and_no_script(client: TestClient) -> None:
    answer = client.post("/api/session", json={"user": "vera", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    assert answer.status_code == 200
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    assert "Secure" not in cookie, "over plain HTTP on this machine a Secure cookie would not come back"


def test_a_session_that_came_along_is_not_kept(client: TestClient, app: FastAPI) -> None:
    """Fixation: a cookie that somebody planted must not become the session of whoever then signs in."""
    planted = sessions.begin(guard(app), "vera")
    client.cookies.set(sessions.COOKIE, planted)
    answer = client.post("/api/session", json={"user": "vera", "password": PASSWORD})
    made = answer.headers["set-cookie"].split(";")[0].partition("=")[2]
    assert made != planted
    assert sessions.find(guard(app), planted) is None


def test_going_out_ends_the_session(client: TestClient, app: FastAPI) -> None:
    made = client.post("/api/session", json={"user": "vera", "password": PASSWORD}).json()["csrf"]
    cookie = client.cookies[sessions.COOKIE]
    assert client.delete("/api/session", headers={"X-CSRF": made}).status_code == 204
    assert sessions.find(guard(app), cookie) is None


def test_sessions_end_by_idleness_and_by_age(tmp_path: Path) -> None:
    from gemel.service.security.guard import open_guard

    times = [1000.0]
    held = open_guard(house.settings(tmp_path), clock=lambda: times[0])
    accounts.add(held, "vera", ["viewer"])
    idle = sessions.begin(held, "vera")
    times[0] += held.times.idle_s + 1
    assert sessions.find(held, idle) is None
    busy = sessions.begin(held, "vera")
    for _ in range(int(held.times.absolute_s / 900)):
        assert sessions.find(held, busy) is not None
        times[0] += 900.0
    times[0] += 1
    assert sessions.find(held, busy) is None


def test_secrets_are_kept_as_hashes(app: FastAPI, client: TestClient) -> None:
    made = sessions.begin(guard(app), "vera")
    link = links.fresh(guard(app), "vera")
    folder = app.state.service.settings.folder
    for path in folder.glob("access.db*"):
        held = path.read_bytes()
        assert made.encode() not in held
        assert link.encode() not in held
        assert PASSWORD.encode() not in held


def test_other_sites_cannot_change_anything(client: TestClient, app: FastAPI) -> None:
    sign_in(client, app, "carl", ["viewer"])
    mark = client.headers.pop("X-CSRF")
    tried = {
        "no mark": {},
        "an empty mark": {"X-CSRF": ""},
        "the mark of another session": {"X-CSRF": sessions.csrf(sessions.begin(guard(app), "carl"))},
        "a foreign origin": {"X-CSRF": mark, "Origin": "https://evil.example"},
        "a null origin": {"X-CSRF": mark, "Origin": "null"},
        "a cross-site fetch": {"X-CSRF": mark, "Sec-Fetch-Site": "cross-site"},
        "another port's page": {"X-CSRF": mark, "Origin": "http://localhost:9999"},
    }
    for way, headers in tried.items():
        assert client.delete("/api/session", headers=headers).status_code == 403, way
    assert client.delete("/api/session", headers={"X-CSRF": mark, "Origin": HERE}).status_code == 204


def test_other_sites_cannot_sign_somebody_in(client: TestClient) -> None:
    told = {"user": "vera", "password": PASSWORD}
    assert client.post("/api/session", json=told, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.post("/api/session", data=told).status_code == 422, "a form needs no permission of the browser to be sent"


def test_guessing_becomes_slow(client: TestClient, app: FastAPI) -> None:
    told = {"user": "vera", "password": "wrong wrong wrong"}
    statuses = [client.post("/api/session", json=told).status_code for _ in range(8)]
    assert statuses[:5] == [401] * 5
    assert 429 in statuses[5:]
    assert client.post("/api/session", json={"user": "vera", "password": PASSWORD}).status_code == 429, "the right one waits too"
    app.state.service.throttle.tried.clear()


def test_a_password_typed_as_a_name_is_not_logged(client: TestClient, app: FastAPI) -> None:
    client.post("/api/session", json={"user": PASSWORD, "password": "x" * 12})
    rows = app.state.service.audit.database.select("SELECT body FROM audit")
    assert not [body for (body,) in rows if PASSWORD in body]
    app.state.service.throttle.tried.clear()


@pytest.mark.parametrize("password", ["short", "", "x" * 300])
def test_a_password_of_a_wrong_length_is_refused(app: FastAPI, client: TestClient, password: str) -> None:
    with pytest.raises(InputError, match="characters"):
        accounts.required_password(password)


def test_a_header_that_is_wrong_is_not_saved_by_the_cookie(client: TestClient, app: FastAPI) -> None:
    sign_in(client, app, "emma", ["viewer"])
    assert client.get("/api/session").status_code == 200
    for header in ("Bearer gemel_nonsense", "Bearer", "Basic dmVyYTp4", "bearer a.b.c"):
        assert client.get("/api/session", headers={"Authorization": header}).status_code == 401, header


def test_the_single_user_has_everything(tmp_path: Path) -> None:
    with entered(create_app(house.settings(tmp_path))) as client:
        told = client.get("/api/session").json()
        assert told["roles"] == ["viewer", "physicist", "physician", "modeller", "admin", "auditor"]
        assert "Not a medical device" in told["research_notice"]

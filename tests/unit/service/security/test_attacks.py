"""What a patient stranger tries at the doors themselves: crowds of guesses, borrowed names, streams that outlive a permission."""

import asyncio
import json
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import Annotated, Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, WebSocket
from fastapi.responses import StreamingResponse
from starlette.staticfiles import StaticFiles
from starlette.testclient import TestClient

from gemel.core.errors import ConformanceError, StoreError
from gemel.service.security import accounts, care, links, sessions, tokens
from gemel.service.security.access import PUBLIC, Caller, needs
from gemel.service.security.audit import Entry, open_audit
from gemel.service.security.audit_check import findings
from gemel.service.security.audited import Audited
from gemel.service.security.guard import Guard, open_guard
from gemel.service.security.hosts import called
from gemel.service.security.oidc import Provider
from gemel.service.security.throttle import FREE_OF_PEER
from gemel.service.state import Held
from tests.unit.service.entered import HERE, sign_in
from tests.unit.service.security import house
from tests.unit.service.security.provider import TOLD, Fake, claims

PASSWORD = "nine brown horses"
ROOMS = APIRouter(prefix="/rooms")


@ROOMS.get("/news")
async def news(request: Request, caller: Annotated[Caller, needs("twins:read")]) -> StreamingResponse:
    """Events of patients, as the API has them: each is looked at when it comes."""

    async def told() -> AsyncIterator[str]:
        yield ": following\n\n"
        while subject := await request.app.state.said.get():
            yield f"data: {subject}\n\n" if caller.sees(subject) else ": nothing\n\n"

    return StreamingResponse(told(), media_type="text/event-stream")


@ROOMS.get("/both")
def both(service: Held, caller: Annotated[Caller, needs("twins:read")]) -> list[bool]:
    """Which of two patients are seen."""
    return [caller.sees(house.subject(service.guard, twin)) for twin in (house.ANNA, house.BORIS)]


@ROOMS.get("/fails/{word}", dependencies=[needs(PUBLIC)])
def fails(word: str) -> None:
    """Raises what nobody thought of."""
    raise RuntimeError("x")


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return house.with_routes(house.settings(tmp_path_factory.mktemp("house")), ROOMS)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as opened:
        accounts.add(app.state.service.guard, "vera", ["viewer"], password=PASSWORD)
        yield opened


@pytest.fixture(autouse=True)
def _nothing_was_tried(client: TestClient, app: FastAPI) -> None:
    client.cookies.clear()
    client.headers.pop("X-CSRF", None)
    app.state.service.throttle.tried.clear()
    app.state.service.crowd.tried.clear()


def guard(app: FastAPI) -> Guard:
    found: Guard = app.state.service.guard
    return found


ENDS: dict[str, Callable[[Guard, str], object]] = {
    "the relation ends": lambda held, anna: care.part(held, "dora", anna, care.CARE),
    "the token is revoked": lambda held, anna: tokens.revoke(held, tokens.listed(held, "dora")[0].id),
    "the account is removed": lambda held, anna: accounts.remove(held, "dora"),
    "the role is taken": lambda held, anna: accounts.set_roles(held, "dora", ["auditor"]),
    "nothing ends": lambda held, anna: None,
}


async def followed(app: FastAPI, way: str) -> list[str]:
    """What a stream tells of Anna before and after something ends."""
    async with app.router.lifespan_context(app):
        held, got, app.state.said = guard(app), list[str](), asyncio.Queue[str]()
        anna = house.subject(held, house.ANNA)
        accounts.add(held, "dora", ["physician"])
        care.relate(held, care.Relation("dora", anna, care.CARE), made_by="test")
        header = f"Bearer {tokens.make(held, 'dora', ['twins:read'])[0]}"
        headers = [(b"host", b"localhost"), (b"authorization", header.encode())]
        scope = {"type": "http", "method": "GET", "path": "/rooms/news", "headers": headers, "query_string": b"", "scheme": "http"}
        over = asyncio.Event()

        async def receive() -> dict[str, Any]:
            if not over.is_set() and not asked:
                asked.append(1)
                return {"type": "http.request", "body": b"", "more_body": False}
            await over.wait()
            return {"type": "http.disconnect"}

        async def send(message: Mapping[str, Any]) -> None:
            got.append(message.get("body", b"").decode())
            if message["type"] == "http.response.body" and not message.get("more_body"):
                over.set()

        asked = list[int]()
        following = asyncio.ensure_future(app(scope | {"http_version": "1.1", "root_path": "", "client": ("c", 1)}, receive, send))
        for n, subject in enumerate((anna, anna, "")):
            if n == 1:
                ENDS[way](held, anna)
            app.state.said.put_nowait(subject)
            await asyncio.sleep(0.3)
        over.set()
        await asyncio.wait_for(following, 5)
        return [one for one in got if anna in one]


@pytest.mark.parametrize("way", ENDS)
def test_a_stream_does_not_outlive_its_permission(tmp_path: Any, way: str) -> None:
    told = asyncio.run(followed(house.with_routes(house.settings(tmp_path), ROOMS), way))
    assert len(told) == (2 if way == "nothing ends" else 1)


def test_a_page_left_open_keeps_no_session_open(client: TestClient, app: FastAPI) -> None:
    """It follows events by itself, for ever: that is not somebody at work."""
    sign_in(client, app, "ida", ["viewer"])
    held = guard(app)
    cookie = client.cookies[sessions.COOKIE]

    def seen_after(headers: dict[str, str]) -> bool:
        with held.database.change() as rows:
            rows.execute("UPDATE session SET seen_s = seen_s - 600")
        before = held.database.select("SELECT seen_s FROM session WHERE name = 'ida'")
        assert client.get("/api/session", headers=headers).status_code == 200
        return held.database.select("SELECT seen_s FROM session WHERE name = 'ida'") != before

    assert cookie
    assert not seen_after({"Accept": "text/event-stream"})
    assert seen_after({"Accept": "application/json"})


async def guesses(app: FastAPI, number: int) -> Counter[int]:
    """Statuses of wrong passwords that come all at once."""
    async with app.router.lifespan_context(app):
        accounts.add(guard(app), "vera", ["viewer"], password=PASSWORD)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=HERE) as client:
            tried = [client.post("/api/session", json={"user": "vera", "password": f"wrong horses {n}"}) for n in range(number)]
            return Counter(answer.status_code for answer in await asyncio.gather(*tried))


def test_guesses_that_come_all_at_once_wait_as_well(tmp_path: Any) -> None:
    found = asyncio.run(guesses(house.with_routes(house.settings(tmp_path)), 20))
    assert found[401] <= 7, "five are free, and two are looked at at once"
    assert found[429] == 20 - found[401]


def test_ones_own_password_does_not_buy_more_guesses(client: TestClient, app: FastAPI) -> None:
    crowd = app.state.service.crowd
    for _ in range(FREE_OF_PEER - 1):
        crowd.wrong("testclient")
    assert client.post("/api/session", json={"user": "vera", "password": PASSWORD}).status_code == 200
    assert client.post("/api/session", json={"user": "nobody", "password": "wrong wrong wrong"}).status_code == 401
    answer = client.post("/api/session", json={"user": "vera", "password": PASSWORD})
    assert answer.status_code == 429, "what one gets right says nothing of what one guesses"
    assert int(answer.headers["retry-after"]) >= 1


def test_wrong_ones_of_long_ago_are_forgotten(app: FastAPI) -> None:
    from gemel.service.security.throttle import FORGOTTEN_S, Throttle

    times = [0.0]
    throttle = Throttle(clock=lambda: times[0])
    for _ in range(8):
        throttle.wrong("vera")
    times[0] += FORGOTTEN_S + 100.0
    throttle.wrong("vera")
    assert throttle.wait_s("vera") == 0.0


def test_wrong_links_do_not_fill_the_log(client: TestClient, app: FastAPI) -> None:
    before = app.state.service.audit.head()[0]
    for n in range(120):
        client.get("/login", params={"token": f"guess {n}"}, follow_redirects=False)
    assert 0 < app.state.service.audit.head()[0] - before <= 60


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_page_elsewhere_signs_nobody_in(client: TestClient, app: FastAPI, site: str) -> None:
    path = f"/login?token={links.fresh(guard(app), 'vera')}"
    answer = client.get(path, headers={"Sec-Fetch-Site": site}, follow_redirects=False)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)
    assert "address bar" in answer.text
    assert client.get(path, headers={"Sec-Fetch-Site": "none"}, follow_redirects=False).headers["location"] == "/", "it was not used up"


def test_a_list_for_two_purposes_says_both(app: FastAPI, client: TestClient) -> None:
    """One who broke the glass sees her own patients and that one: the log must not call it all treatment."""
    sign_in(client, app, "ella", ["physician"], to=[(house.subject(guard(app), house.ANNA), "care")])
    told = {"twin": house.BORIS, "reason": "shock room, no relation yet"}
    assert client.post("/api/care/emergency", json=told).status_code == 201
    client.get("/rooms/both")
    body = app.state.service.audit.database.select("SELECT body FROM audit WHERE body ->> '$.place' = 'GET /rooms/both'")[-1][0]
    assert json.loads(body)["purpose"].split() == ["TREAT", "ETREAT"]


@pytest.mark.parametrize("host", ["[::1]evil.example", "[::1", "localhost:80:80", "localhost:x", "localhost:", "[localhost]"])
def test_a_host_that_is_none_is_refused(host: str) -> None:
    assert not called([host], frozenset({"localhost", "[::1]"}))


def test_over_tls_no_sibling_host_can_plant_the_cookie(app: FastAPI, client: TestClient) -> None:
    told = {"user": "vera", "password": PASSWORD}
    there = "https://localhost/api/session"
    cookie = client.post(there, json=told).headers["set-cookie"]
    assert cookie.startswith("__Host-gemel_session=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= {part.strip() for part in cookie.split(";")}
    assert "Domain" not in cookie
    value = cookie.split(";")[0].partition("=")[2]
    client.cookies.clear()
    assert client.get(there, headers={"Cookie": f"{sessions.COOKIE}={value}"}).status_code == 401, "any host may set that one"
    mark = client.get(there, headers={"Cookie": f"{sessions.OVER_TLS}={value}"}).json()["csrf"]
    gone = client.delete(there, headers={"Cookie": f"{sessions.OVER_TLS}={value}", "X-CSRF": mark})
    assert gone.status_code == 204
    assert "Secure" in gone.headers["set-cookie"], "a browser ignores the end of such a cookie without it"


@pytest.mark.parametrize("name", ["@trial7", "*", "", "a b", "dora\n", "x" * 65, 7])
def test_a_providers_name_is_no_groups(name: Any, app: FastAPI, client: TestClient) -> None:
    fake = Fake()
    assert fake.provider().bearer(fake.signed(claims(preferred_username=name))) is None


@pytest.mark.parametrize("roles", ["arzt", {"arzt": 1}, None, 7, [["arzt"]]])
def test_a_providers_roles_are_a_list(roles: Any) -> None:
    fake = Fake()
    assert fake.provider().bearer(fake.signed(claims(roles=roles))) is None


def test_a_name_that_the_provider_gave_to_another_is_not_theirs(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    fake, held = Fake(), guard(app)
    accounts.add(held, "rosa", ["physician"], origin=accounts.PROVIDER)
    assert accounts.bind(held, "rosa", "id of rosa")
    object.__setattr__(app.state.service, "provider", fake.provider())
    try:
        for sub, status in (("id of rosa", 200), ("id of another", 401), (None, 401)):
            header = {"Authorization": f"Bearer {fake.signed(claims(preferred_username='rosa', sub=sub))}"}
            assert client.get("/api/session", headers=header).status_code == status, sub
    finally:
        object.__setattr__(app.state.service, "provider", None)
    accounts.remove(held, "rosa")
    assert accounts.bind(held, "rosa", "id of another"), "who is removed leaves the name free"


def test_a_name_is_its_first_ones_for_programs_too(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never signs in by the page has no account here; the name is theirs all the same."""
    fake = Fake()
    object.__setattr__(app.state.service, "provider", fake.provider())
    try:
        for sub, status in (("", 401), (7, 401), ("id of nils", 200), ("id of another", 401), ("id of nils", 200)):
            header = {"Authorization": f"Bearer {fake.signed(claims(preferred_username='nils', sub=sub))}"}
            assert client.get("/api/session", headers=header).status_code == status, sub
    finally:
        object.__setattr__(app.state.service, "provider", None)
    assert accounts.find(guard(app), "nils") is None


def test_a_provider_that_is_down_holds_nobody_up() -> None:
    asked, times = [], [1000.0]

    def down(url: str, form: Mapping[str, str] | None) -> dict[str, Any]:
        asked.append(url)
        raise StoreError("a provider that does not answer")

    provider, token = Provider(TOLD, down, clock=lambda: times[0]), Fake().signed(claims())
    for _ in range(20):
        with pytest.raises(StoreError):
            provider.bearer(token)
    assert len(asked) == 1, "each would hold a thread for 5 s"
    times[0] += 11.0
    with pytest.raises(StoreError):
        provider.bearer(token)
    assert len(asked) == 2


def test_no_text_stops_the_audit_log(tmp_path: Any) -> None:
    log = open_audit(tmp_path)
    for user in ("\ud800", "\x00", "é漢\u2028", "a\nb"):
        assert log.now(Entry(user, "twins:read", "200")) > 0
    log.close()
    promised = log.write(Entry("late", "twins:read", "200"))
    with pytest.raises(StoreError, match="closed"):
        promised.result(timeout=1)
    reopened = open_audit(tmp_path)
    assert findings(reopened.database) == []
    reopened.close()


def test_a_path_is_one_line_of_the_log(client: TestClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        assert client.get("/rooms/fails/x%0aINFO gemel.audit audit head 1:forged".replace(" ", "%20")).status_code == 500
    told = [one for one in caplog.messages if "forged" in one]
    assert len(told) >= 2, "the failure and the answer"
    assert not [one for one in told if "\n" in one]


def opened_widely(way: str) -> APIRouter:
    """A router with a way in that no gate can stand before."""
    router = APIRouter()
    if way == "a socket":

        @router.websocket("/open")
        async def socket(socket: WebSocket) -> None:
            await socket.accept()
    elif way == "a socket of the page":
        router.add_websocket_route("/open", lambda socket: None)  # type: ignore[arg-type, return-value]
    elif way == "files":
        router.mount("/open", StaticFiles(directory="."))
    else:
        inner = APIRouter(prefix="/in")
        inner.mount("/open", StaticFiles(directory="."))
        router.include_router(inner)
    return router


@pytest.mark.parametrize("way", ["a socket", "a socket of the page", "files", "files within"])
def test_a_way_in_without_a_gate_stops_the_application(tmp_path: Any, way: str) -> None:
    with pytest.raises(ConformanceError, match="a route without a need"):
        house.with_routes(house.settings(tmp_path), opened_widely(way))


@pytest.mark.parametrize("way", ["files", "a socket"])
def test_a_way_in_made_later_gives_nothing(tmp_path: Any, way: str) -> None:
    (tmp_path / "secret.txt").write_text("all data")
    app = house.with_routes(house.settings(tmp_path))
    if way == "files":
        app.mount("/late", StaticFiles(directory=tmp_path))
        with TestClient(app, base_url=HERE) as client:
            answer = client.get("/late/secret.txt")
            assert (answer.status_code, "all data" in answer.text) == (503, False)
        return
    sent = []

    async def send(message: Mapping[str, Any]) -> None:
        sent.append(message)

    asyncio.run(Audited(app)({"type": "websocket"}, None, send))  # type: ignore[arg-type]
    assert [message["type"] for message in sent] == ["websocket.close"]


def test_an_older_folder_is_closed_to_others(tmp_path: Any) -> None:
    told = house.settings(tmp_path)
    told.folder.mkdir()
    told.folder.chmod(0o777)
    open_guard(told).database.close()
    assert told.folder.stat().st_mode & 0o777 == 0o700

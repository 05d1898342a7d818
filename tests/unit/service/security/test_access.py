"""The gate: no route without one, nobody sees another's patient, every read is written down first, and without a row nothing leaves."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.testclient import TestClient

from gemel.core.errors import ConformanceError, StoreError
from gemel.service.security import accounts, tokens
from gemel.service.security.access import Caller, needs
from gemel.service.security.subjects import subject_of_twin
from gemel.service.state import Held
from tests.unit.service.entered import HERE, sign_in
from tests.unit.service.security import house

ROOMS = APIRouter(prefix="/rooms")


@ROOMS.get("/twins")
def every_twin(service: Held, caller: Annotated[Caller, needs("twins:read")]) -> dict[str, Any]:
    """Those that the caller sees, as a list of the API does it."""
    key, record = service.guard.key, service.store
    seen = [twin for twin in record.twins() if caller.sees(subject_of_twin(key, record, twin) or "")]
    return {"twins": seen, "names": [caller.knows(subject_of_twin(key, record, twin) or "") for twin in seen]}


@ROOMS.get("/twins/{twin_id}")
def one_twin(twin_id: str, caller: Annotated[Caller, needs("twins:read", patient="twin_id")]) -> dict[str, str]:
    """One."""
    return {"twin": twin_id, "for": caller.name}


@ROOMS.post("/twins/{twin_id}/act")
def act(twin_id: str, caller: Annotated[Caller, needs("twins:decide", patient="twin_id")]) -> dict[str, str]:
    """A change."""
    CHANGED.append(twin_id)
    return {"changed": twin_id}


@ROOMS.get("/stream", dependencies=[needs("models:read")])
def stream() -> StreamingResponse:
    """Events without end, as long as somebody listens."""
    return StreamingResponse((b"data: x\n\n" for _ in range(100_000)), media_type="text/event-stream")


@ROOMS.get("/fails/{twin_id}")
def fails(twin_id: str, caller: Annotated[Caller, needs("twins:read", patient="twin_id")]) -> dict[str, str]:
    """Raises what nobody thought of, with a folder of this machine in its words."""
    raise RuntimeError(f"{__file__} password=hunter2")


CHANGED: list[str] = []


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return house.with_routes(house.settings(tmp_path_factory.mktemp("house")), ROOMS)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as opened:
        anna, boris = (house.subject(app.state.service.guard, twin) for twin in (house.ANNA, house.BORIS))
        for name, role, to in (("dora", "physician", anna), ("boerge", "physician", boris), ("mo", "modeller", anna)):
            relation = "study" if role == "modeller" else "care"
            sign_in(opened, app, name, [role], to=[(to, relation)])
            opened.cookies.clear()
        accounts.add(app.state.service.guard, "audrey", ["auditor"])
        yield opened


def bearer(app: FastAPI, name: str, *scopes: str) -> dict[str, str]:
    """The header of a token made for somebody."""
    return {"Authorization": f"Bearer {tokens.make(app.state.service.guard, name, scopes)[0]}"}


def rows(app: FastAPI) -> list[dict[str, Any]]:
    """The audit log."""
    return [json.loads(body) for (body,) in app.state.service.audit.database.select("SELECT body FROM audit ORDER BY sequence")]


@pytest.mark.parametrize("way", ["without a gate", "without saying whose data", "mounted", "plain"])
def test_a_route_that_escapes_the_gate_stops_the_application(tmp_path: Path, way: str) -> None:
    router = APIRouter()
    if way == "without a gate":
        router.add_api_route("/open", lambda: {"all": "data"})
    elif way == "without saying whose data":
        router.add_api_route("/open/{twin_id}", lambda twin_id: {}, dependencies=[needs("twins:read")])
    elif way == "mounted":
        router.mount("/open", Starlette())
    else:
        router.add_route("/open", lambda request: PlainTextResponse("all data"))
    with pytest.raises(ConformanceError, match=r"/open|a route"):
        house.with_routes(house.settings(tmp_path), router)


def test_an_answer_that_passed_no_gate_does_not_leave(app: FastAPI, client: TestClient) -> None:
    """A route added behind the check's back."""
    app.router.add_route("/behind", lambda request: PlainTextResponse("all data"))
    answer = client.get("/behind")
    assert answer.status_code == 503
    assert "all data" not in answer.text


def test_a_patient_of_another_is_not_there(app: FastAPI, client: TestClient) -> None:
    dora = bearer(app, "dora", "twins:read", "twins:decide")
    assert client.get(f"/rooms/twins/{house.ANNA}", headers=dora).json() == {"twin": house.ANNA, "for": "dora"}
    hidden, absent = (client.get(f"/rooms/twins/{twin}", headers=dora) for twin in (house.BORIS, "nobody-9"))
    assert (hidden.status_code, absent.status_code) == (404, 404)
    assert hidden.text.replace(house.BORIS, "nobody-9") == absent.text, "an answer must not tell that the twin is there"
    assert client.post(f"/rooms/twins/{house.BORIS}/act", headers=dora).status_code == 404
    assert house.BORIS not in CHANGED


@pytest.mark.parametrize("path", ["anna-1/../boris-1", "anna-1%2f..%2fboris-1", "%62oris-1", "boris-1%00", "boris-1;anna-1", "BORIS-1 "])
def test_a_patient_of_another_is_not_there_by_another_spelling(app: FastAPI, client: TestClient, path: str) -> None:
    answer = client.get(f"/rooms/twins/{path}", headers=bearer(app, "dora", "twins:read"))
    assert answer.status_code in (404, 422), answer.text
    assert house.ANNA not in answer.text or house.ANNA in path


def test_a_list_shows_those_that_one_sees(app: FastAPI, client: TestClient) -> None:
    shown = {
        name: client.get("/rooms/twins", headers=bearer(app, name, "twins:read", "persons:read")).json()
        for name in ("dora", "boerge", "mo")
    }
    assert shown["dora"] == {"twins": [house.ANNA, "scanner-1"], "names": [True, True]}
    assert shown["boerge"]["twins"] == [house.BORIS, "scanner-1"]
    assert shown["mo"] == {"twins": [house.ANNA, "scanner-1"], "names": [False, False]}, "research sees no names"


def test_a_token_does_no_more_than_its_scopes(app: FastAPI, client: TestClient) -> None:
    reader = bearer(app, "dora", "twins:read")
    assert client.post(f"/rooms/twins/{house.ANNA}/act", headers=reader).status_code == 403
    assert client.get("/api/users", headers=reader).status_code == 403
    assert client.post("/api/tokens", headers=reader, json={"scopes": ["twins:decide"]}).status_code == 403, "a token makes no token"
    assert client.get("/api/session", headers=reader).json()["user"] == "dora"


def test_a_token_does_no_more_than_its_owner(app: FastAPI, client: TestClient) -> None:
    assert client.get(f"/rooms/twins/{house.ANNA}", headers=bearer(app, "audrey", "twins:read")).status_code == 403


def test_a_token_ends(app: FastAPI, client: TestClient) -> None:
    guard = app.state.service.guard
    told, made = tokens.make(guard, "dora", ["twins:read"], lasts_s=0.0001)
    assert client.get("/api/session", headers={"Authorization": f"Bearer {told}"}).status_code == 401
    told, made = tokens.make(guard, "dora", ["twins:read"])
    assert client.get("/api/session", headers={"Authorization": f"Bearer {told}"}).status_code == 200
    tokens.revoke(guard, made.id)
    assert client.get("/api/session", headers={"Authorization": f"Bearer {told}"}).status_code == 401


def test_an_account_that_is_removed_is_out_at_once(app: FastAPI, client: TestClient) -> None:
    guard = app.state.service.guard
    accounts.add(guard, "gone", ["viewer"])
    header = bearer(app, "gone", "models:read")
    assert client.get("/api/session", headers=header).status_code == 200
    accounts.remove(guard, "gone")
    assert client.get("/api/session", headers=header).status_code == 401


def test_a_read_is_written_down_with_whose_data_it_was(app: FastAPI, client: TestClient) -> None:
    before = len(rows(app))
    client.get(f"/rooms/twins/{house.ANNA}", headers=bearer(app, "dora", "twins:read") | {"X-Purpose": "TREAT"})
    client.get("/rooms/twins", headers=bearer(app, "mo", "twins:read"))
    client.get(f"/rooms/twins/{house.BORIS}", headers=bearer(app, "dora", "twins:read"))
    anna = house.subject(app.state.service.guard, house.ANNA)
    told = [(row["user"], row["outcome"], row["subjects"], row["purpose"], row["by"]) for row in rows(app)[before:]]
    assert told == [
        ("dora", "200", [anna], "TREAT", "token"),
        ("mo", "200", [anna], "HRESCH", "token"),
        ("dora", "404", [], "", "token"),
    ]


def test_a_change_is_written_down_before_it_is_made(app: FastAPI, client: TestClient) -> None:
    before = len(rows(app))
    assert client.post(f"/rooms/twins/{house.ANNA}/act", headers=bearer(app, "dora", "twins:decide")).status_code == 200
    assert [row["outcome"] for row in rows(app)[before:]] == ["asked", "200"]


def test_without_the_log_nothing_is_shown_and_nothing_changed(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import gemel.service.security.audit as module

    def broken(database: Any, bodies: list[str]) -> int:
        raise StoreError("database or disk is full", where="audit.db", remedy="free some space")

    CHANGED.clear()
    monkeypatch.setattr(module, "_insert", broken)
    headers = bearer(app, "dora", "twins:read", "twins:decide")
    shown = client.get(f"/rooms/twins/{house.ANNA}", headers=headers)
    assert (shown.status_code, house.ANNA in shown.text) == (503, False)
    assert client.get("/rooms/twins", headers=headers).status_code == 503
    assert client.post(f"/rooms/twins/{house.ANNA}/act", headers=headers).status_code == 503
    assert CHANGED == []
    assert client.get("/healthz").status_code == 200


def test_a_failure_tells_nothing_of_the_machine(app: FastAPI, client: TestClient) -> None:
    answer = client.get(f"/rooms/fails/{house.ANNA}", headers=bearer(app, "dora", "twins:read"))
    assert answer.status_code == 500
    assert answer.headers["content-security-policy"]
    assert not [word for word in ("Traceback", "hunter2", ".py", "RuntimeError") if word in answer.text]


def test_the_glass_is_broken_with_a_reason_for_an_hour(app: FastAPI, client: TestClient) -> None:
    sign_in(client, app, "erik", ["physician"])
    path, told = f"/rooms/twins/{house.BORIS}", {"twin": house.BORIS, "reason": "shock room, no relation yet"}
    assert client.get(path).status_code == 404
    assert client.post("/api/care/emergency", json=told | {"reason": "x"}).status_code == 422
    assert client.post("/api/care/emergency", json=told).status_code == 201
    assert client.get(path).status_code == 200
    assert client.get(path, headers={"X-Purpose": "TREAT"}).status_code == 404, "the glass was broken for an emergency only"
    client.cookies.clear()
    taken = [row for row in rows(app) if row["action"] == "break-glass"]
    assert taken[-1]["user"] == "erik"
    assert "shock room" in taken[-1]["detail"]
    assert [row["purpose"] for row in rows(app) if row["user"] == "erik" and row["outcome"] == "200" and row["action"] == "twins:read"] == [
        "ETREAT"
    ]


def test_a_stream_ends_so_that_permission_is_asked_again(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    import gemel.service.security.audited as module

    monkeypatch.setattr(module, "STREAM_S", 0.05)
    answer = client.get("/rooms/stream", headers=bearer(app, "dora", "models:read"))
    assert answer.status_code == 200
    assert 0 < len(answer.content) < 900_000


@pytest.mark.parametrize("scope", ["self", "care:break", "everything", ""])
def test_no_token_for_what_a_person_alone_may_do(app: FastAPI, client: TestClient, scope: str) -> None:
    from gemel.core.errors import InputError

    with pytest.raises(InputError, match="scope"):
        tokens.make(app.state.service.guard, "dora", [scope])

"""Who administers gives others their sight, and not their own; who audits reads what they did with it."""

from collections.abc import Iterator
from typing import Annotated

import pytest
from fastapi import APIRouter, FastAPI
from starlette.testclient import TestClient

from gemel.service.security import accounts, tokens
from gemel.service.security.access import Caller, needs
from tests.unit.service.entered import HERE
from tests.unit.service.security import house

ROOMS = APIRouter()


@ROOMS.get("/rooms/{twin_id}")
def room(twin_id: str, caller: Annotated[Caller, needs("twins:read", patient="twin_id")]) -> dict[str, str]:
    """A patient's room."""
    return {"twin": twin_id}


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return house.with_routes(house.settings(tmp_path_factory.mktemp("house")), ROOMS)


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app, base_url=HERE) as opened:
        accounts.add(app.state.service.guard, "adam", ["admin"])
        accounts.add(app.state.service.guard, "audrey", ["auditor"])
        yield opened


def by(app: FastAPI, name: str, *scopes: str) -> dict[str, str]:
    """The header of somebody's token."""
    return {"Authorization": f"Bearer {tokens.make(app.state.service.guard, name, scopes)[0]}"}


def test_sight_is_given_by_number_and_taken_again(app: FastAPI, client: TestClient) -> None:
    adam = by(app, "adam", "users:admin")
    made = client.post("/api/users", headers=adam, json={"name": "vera", "roles": ["viewer"], "password": "nine brown horses"})
    assert (made.status_code, made.json()["has_password"]) == (201, True)
    assert client.post("/api/users", headers=adam, json={"name": "vera", "roles": ["viewer"]}).status_code == 409
    vera, path = by(app, "vera", "twins:read"), f"/rooms/{house.ANNA}"
    assert client.get(path, headers=vera).status_code == 404
    told = {"party": "vera", "patient_id": house.PATIENT_IDS[house.ANNA]}
    related = client.post("/api/care", headers=adam, json=told).json()
    assert client.get(path, headers=vera).status_code == 200
    assert client.get(f"/rooms/{house.BORIS}", headers=vera).status_code == 404
    assert related in client.get("/api/care", headers=adam).json()
    assert client.delete("/api/care", headers=adam, params={"party": "vera", "subject": related["subject"]}).status_code == 204
    assert client.get(path, headers=vera).status_code == 404
    assert client.delete("/api/users/vera", headers=adam).status_code == 204
    assert client.get("/api/session", headers=vera).status_code == 401


def test_a_relation_ends_by_itself(app: FastAPI, client: TestClient) -> None:
    guard = app.state.service.guard
    accounts.add(guard, "wanda", ["viewer"])
    told = {"party": "wanda", "patient_id": house.PATIENT_IDS[house.ANNA], "days": 1e-9}
    assert client.post("/api/care", headers=by(app, "adam", "users:admin"), json=told).status_code == 201
    assert client.get(f"/rooms/{house.ANNA}", headers=by(app, "wanda", "twins:read")).status_code == 404


def test_a_group_lends_its_sight(app: FastAPI, client: TestClient) -> None:
    from gemel.service.security import care

    guard, adam = app.state.service.guard, by(app, "adam", "users:admin")
    accounts.add(guard, "mo", ["modeller"])
    told = {"party": "@trial7", "patient_id": house.PATIENT_IDS[house.ANNA], "relation": "study"}
    assert client.post("/api/care", headers=adam, json=told).status_code == 201
    mo = by(app, "mo", "twins:read")
    assert client.get(f"/rooms/{house.ANNA}", headers=mo).status_code == 404
    care.join(guard, "mo", "@trial7")
    assert client.get(f"/rooms/{house.ANNA}", headers=mo).status_code == 200


@pytest.mark.parametrize(
    ("told", "status"),
    [
        ({"party": "x", "subject": "y", "relation": "break-glass"}, 422),
        ({"party": "x", "subject": "y", "relation": "friend"}, 422),
        ({"party": "", "subject": "y"}, 422),
        ({"party": "x"}, 422),
        ({"party": "x", "subject": "y", "days": -1}, 422),
        ({"party": "x", "subject": "y", "days": 1e300}, 422),
        ({"party": "x" * 1000, "subject": "y"}, 422),
    ],
)
def test_relations_that_cannot_be_are_refused(app: FastAPI, client: TestClient, told: dict[str, object], status: int) -> None:
    assert client.post("/api/care", headers=by(app, "adam", "users:admin"), json=told).status_code == status


@pytest.mark.parametrize("name", ["", "a b", "../x", "ä", "x" * 65, "a\x00b", "-x"])
def test_names_that_cannot_be_are_refused(app: FastAPI, client: TestClient, name: str) -> None:
    told = {"name": name, "roles": ["viewer"]}
    assert client.post("/api/users", headers=by(app, "adam", "users:admin"), json=told).status_code == 422


def test_nobody_shuts_themselves_out(app: FastAPI, client: TestClient) -> None:
    assert client.delete("/api/users/adam", headers=by(app, "adam", "users:admin")).status_code == 422


def test_who_administers_sees_no_patient(app: FastAPI, client: TestClient) -> None:
    told = {"party": "adam", "patient_id": house.PATIENT_IDS[house.ANNA]}
    assert client.post("/api/care", headers=by(app, "adam", "users:admin"), json=told).status_code == 201
    assert client.get(f"/rooms/{house.ANNA}", headers=by(app, "adam", "twins:read")).status_code == 403


def test_who_audits_reads_it_all_by_person_and_patient(app: FastAPI, client: TestClient) -> None:
    guard, audrey = app.state.service.guard, by(app, "audrey", "audit:read")
    anna = house.subject(guard, house.ANNA)
    rows = client.get("/api/audit", headers=audrey, params={"user": "mo", "patient": anna}).json()["rows"]
    assert [(row["user"], row["subjects"], row["outcome"], row["purpose"]) for row in rows] == [("mo", [anna], "200", "HRESCH")]
    assert client.get("/api/audit", headers=audrey, params={"until": "2020-01-01"}).json()["rows"] == []
    assert len(client.get("/api/audit", headers=audrey, params={"since": "2020-01-01", "limit": 3}).json()["rows"]) == 3
    assert client.get("/api/audit", headers=audrey, params={"since": "yesterday"}).status_code == 422
    assert client.get("/api/audit", headers=by(app, "adam", "users:admin")).status_code == 403
    number, sealed = app.state.service.audit.head()
    told = client.get("/api/audit/head", headers=audrey).json()
    assert (told["number"] >= number, len(told["hash"]), sealed != "") == (True, 64, True)


def test_a_flood_of_wrong_tokens_does_not_fill_the_log(app: FastAPI, client: TestClient) -> None:
    before = app.state.service.audit.head()[0]
    for _ in range(120):
        assert client.get(f"/rooms/{house.ANNA}", headers={"Authorization": "Bearer gemel_wrong"}).status_code == 401
    added = app.state.service.audit.head()[0] - before
    assert 20 <= added <= 60


def test_what_was_given_to_whom_is_in_the_log(app: FastAPI, client: TestClient) -> None:
    adam, audrey = by(app, "adam", "users:admin"), by(app, "audrey", "audit:read")
    client.post("/api/users", headers=adam, json={"name": "petra", "roles": ["physicist", "viewer"]})
    told = {"party": "petra", "patient_id": house.PATIENT_IDS[house.ANNA]}
    subject = client.post("/api/care", headers=adam, json=told).json()["subject"]
    client.delete("/api/care", headers=adam, params={"party": "petra", "subject": subject})
    rows = client.get("/api/audit", headers=audrey, params={"user": "adam"}).json()["rows"]
    details = [(row["action"], row["detail"]) for row in reversed(rows) if "petra" in row["detail"]]
    wanted = [("users:add", "petra: physicist viewer"), ("care:grant", f"petra care {subject}"), ("care:end", f"petra care {subject}")]
    assert details == wanted

"""The application as a whole: every part behind the gate, described, opened and closed."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.core.errors import StoreError
from gemel.service.app import ROUTERS, create_app, routers
from gemel.service.security.access import PUBLIC, SELF, Gated
from gemel.service.security.policy import policy
from tests.unit.service.entered import HERE
from tests.unit.service.security import house

OPEN = {
    "/healthz",
    "/readyz",
    "/openapi.json",
    "/login",
    "/api/session",
    "/api/ways",
    "/oidc/login",
    "/oidc/callback",
    "/",
    "/favicon.svg",
    "/assets/{name}",
    "/cds-services",
    "/fhir/metadata",
}
"""What anybody may ask for: nothing of a patient."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(house.settings(tmp_path_factory.mktemp("house")))


@pytest.fixture(scope="module")
def gates(app: FastAPI) -> list[Gated]:
    found: list[Gated] = app.state.gates
    return found


def test_every_part_is_there(gates: list[Gated]) -> None:
    assert all(routers(name) for name in ROUTERS)
    paths = {gate.path for gate in gates}
    assert {"/api/twins", "/api/twins/{twin_id}", "/dicom-web/studies", "/fhir/metadata", "/healthz", "/metrics"} <= paths


def test_only_what_is_listed_is_open(gates: list[Gated]) -> None:
    assert {gate.path for gate in gates if gate.action == PUBLIC} <= OPEN


def test_every_action_is_in_the_policy(gates: list[Gated]) -> None:
    assert {gate.action for gate in gates} - {PUBLIC, SELF} <= policy().actions


def test_what_changes_something_does_not_go_by_reading_alone(gates: list[Gated]) -> None:
    """A route that takes POST, PUT or DELETE needs an action that is not of reading."""
    changing = [gate for gate in gates if set(gate.methods) & {"POST", "PUT", "DELETE", "PATCH"} and gate.action not in (PUBLIC, SELF)]
    assert changing
    asking = {"/cds-services/gemel-forecast"}  # CDS Hooks ask by POST
    assert {gate.path for gate in changing if gate.action.endswith(":read")} <= asking


def test_nobody_gets_anything_without_signing_in(app: FastAPI, gates: list[Gated]) -> None:
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as client:
        shut = [(gate, method) for gate in gates if gate.action != PUBLIC for method in gate.methods if method != "HEAD"]
        answers = {f"{method} {gate.path}": client.request(method, gate.path).status_code for gate, method in shut}
    assert len(shut) > 50
    assert {where: status for where, status in answers.items() if status != 401} == {}


def test_it_describes_itself(app: FastAPI) -> None:
    described = app.openapi()
    assert described["info"]["title"] == "gemel"
    assert "/api/twins/{twin_id}" in described["paths"]


def test_a_folder_that_another_service_uses_is_refused(app: FastAPI, tmp_path: Path) -> None:
    one, other = (create_app(house.settings(tmp_path)) for _ in range(2))
    with TestClient(one, base_url=HERE), pytest.raises(StoreError, match="another process"), TestClient(other, base_url=HERE):
        pass


def test_it_is_ready_while_the_record_can_be_read(app: FastAPI) -> None:
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as client:
        assert client.get("/readyz").json() == {"status": "ready"}
        app.state.service.guard.database.close()
        assert client.get("/readyz").status_code == 503
        assert client.get("/healthz").status_code == 200

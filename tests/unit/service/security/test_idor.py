"""One patient's caller walks every address of the real application with the names of another patient's things, and gets none of them."""

from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service.app import create_app
from gemel.service.security import subjects
from gemel.service.security.access import PUBLIC, Gated
from tests.unit.service.entered import HERE, sign_in
from tests.unit.service.security import house
from tests.unit.service.slices import ct_file

OWN, OTHERS = 1, 2
NAMES_OF_OTHERS = ("Marie2", '"P2"', ">P2<", "SECRET^", house.BORIS, f"1.2.826.0.1.{OTHERS}")
FHIR = ("Patient", "ImagingStudy", "Observation", "RiskAssessment", "DiagnosticReport", "Provenance", "Condition", "Procedure")


def uid(study: int, *parts: int) -> str:
    """UID of a study, a series or an instance of the slices."""
    return ".".join(["1.2.826.0.1", str(study), *map(str, parts)])


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(house.settings(tmp_path_factory.mktemp("house")))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Dora, who treats patient P1 and Anna, with a slice of P1 and one of P2 in the archive."""
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as opened:
        for study in (OWN, OTHERS):
            app.state.service.archive.put(ct_file(1, study=study), source="test")
        guard = app.state.service.guard
        mine = [subjects.subject_of_person(guard.key, "P1"), house.subject(guard, house.ANNA)]
        sign_in(opened, app, "dora", ["physician", "physicist"], to=[(one, "care") for one in mine])
        yield opened


def readable(app: FastAPI) -> list[Gated]:
    """Addresses that are read and end."""
    gates: list[Gated] = app.state.gates
    return [gate for gate in gates if gate.methods == ("GET",) and gate.action != PUBLIC and not gate.path.endswith("/events")]


def filled(path: str, names: dict[str, str]) -> str:
    """An address with names in its places."""
    for name, value in names.items():
        path = path.replace(f"{{{name}}}", value).replace(f"{{{name}:path}}", value)
    return path


def tried(app: FastAPI) -> list[str]:
    """Every address with every mixture of one's own names and another's, that names something of the other."""
    mine, other = OWN, OTHERS
    subject = subjects.subject_of_person(app.state.service.guard.key, "P2")
    found: dict[str, None] = {}
    for gate, a, b, c in product(readable(app), (mine, other), (mine, other), (mine, other)):
        if (a, b, c) == (mine, mine, mine) and "{series}" in gate.path + "{instance}":
            continue
        names = {"study": uid(a), "series": uid(b, 1), "instance": uid(c, 1, 1), "twin_id": house.BORIS, "patient_id": subject}
        names |= {
            "numbers": "1",
            "path": "7fe00010",
            "key": "0" * 64,
            "job_id": "1",
            "name": "x",
            "identifier": "x",
            "workitem": uid(other),
        }
        for kind in FHIR if "{kind}" in gate.path else ("",):
            found[filled(gate.path, names | {"kind": kind, "resource_id": subject})] = None
    return [path for path in found if "{" not in path]


def told_of_another(answer: Any) -> list[str]:
    """What an answer tells of the other patient, apart from the names that one asked by."""
    body = answer.content.decode("latin-1")
    asked = str(answer.request.url)
    return [name for name in NAMES_OF_OTHERS if name in body and name not in asked and name.strip('"><') not in asked]


def test_one_sees_ones_own(client: TestClient) -> None:
    """What follows would be empty if nothing could be seen at all."""
    assert client.get(f"/dicom-web/studies/{uid(OWN)}/metadata").status_code == 200
    assert "Marie1" in client.get("/dicom-web/studies").text
    assert client.get("/api/jobs").status_code == 200


def test_nothing_of_another_is_given(app: FastAPI, client: TestClient) -> None:
    paths = tried(app)
    assert len(paths) > 100
    leaks, failures = {}, {}
    for path in paths:
        answer = client.get(path)
        if found := told_of_another(answer):
            leaks[path] = (answer.status_code, found)
        if answer.status_code >= 500 and path != "/api/scanners":  # the scanner of this house is a name alone
            failures[path] = answer.text[:200]
        names_other = any(part in path for part in (uid(OTHERS), house.BORIS))
        if names_other and "workitems" not in path and answer.status_code < 400 and answer.text != "[]":
            leaks[path] = (answer.status_code, ["answered"])
    assert leaks == {}
    assert failures == {}


@pytest.mark.parametrize(
    "query", ["PatientID=P2", "PatientID=*", "PatientName=*Marie2*", f"StudyInstanceUID={uid(OTHERS)}", "includefield=all", ""]
)
@pytest.mark.parametrize("level", ["studies", "series", "instances"])
def test_a_search_does_not_find_another(client: TestClient, level: str, query: str) -> None:
    answer = client.get(f"/dicom-web/{level}?{query}")
    assert answer.status_code in (200, 204)
    assert "Marie2" not in answer.text
    assert uid(OTHERS, 1) not in answer.text


@pytest.mark.parametrize("query", ["", "identifier=P2", "name=Marie2", "_id=*", "_count=1000"])
@pytest.mark.parametrize("kind", FHIR)
def test_fhir_does_not_find_another(app: FastAPI, client: TestClient, kind: str, query: str) -> None:
    answer = client.get(f"/fhir/{kind}?{query}")
    assert answer.status_code < 500, answer.text
    other = [subjects.subject_of_person(app.state.service.guard.key, "P2"), house.subject(app.state.service.guard, house.BORIS)]
    assert [name for name in (*other, "Marie2", "SECRET^boris") if name in answer.text] == []


def test_what_dora_tried_is_in_the_log(app: FastAPI, client: TestClient) -> None:
    client.get(f"/dicom-web/studies/{uid(OTHERS)}/metadata")
    body = app.state.service.audit.database.select("SELECT body FROM audit ORDER BY sequence DESC LIMIT 1")[0][0]
    assert '"outcome":"404"' in body
    assert '"user":"dora"' in body


def test_the_folder_holds_names_in_the_phi_plane_alone(app: FastAPI, client: TestClient) -> None:
    """Names and numbers are in the archive and the record's person table; not among accounts, jobs or the audit log."""
    folder: Path = app.state.service.settings.folder
    for path in (*folder.glob("access.db*"), *folder.glob("audit.db*"), *folder.glob("jobs.db*")):
        held = path.read_bytes()
        assert [name for name in (b"Marie1", b"Marie2", b"SECRET^") if name in held] == [], path.name

"""What a curious colleague plants: objects, steps, twins and file names that are another patient's, sent through doors of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.core.errors import InputError
from gemel.service.app import create_app
from gemel.service.jobs.wants import require_known
from gemel.service.security import subjects, tokens
from gemel.service.security.access import MACHINES
from tests.unit.service.entered import HERE, sign_in
from tests.unit.service.security import house
from tests.unit.service.slices import ct_file

STEP = {
    "00741000": {"vr": "CS", "Value": ["SCHEDULED"]},
    "00741200": {"vr": "CS", "Value": ["MEDIUM"]},
    "00741204": {"vr": "LO", "Value": ["measure"]},
    "00741202": {"vr": "LO", "Value": ["gemel"]},
    "00404005": {"vr": "DT", "Value": ["20260101"]},
    "00404041": {"vr": "CS", "Value": ["READY"]},
}
OTHERS = "1.2.826.0.1.2"
"""Study of P2, whom nobody here has a relation to."""


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(house.settings(tmp_path_factory.mktemp("house")))


@pytest.fixture(scope="module")
def client(app: FastAPI) -> Iterator[TestClient]:
    """Dora, who treats P1 and Anna; slices of P1 and P2 are in the archive, Boris is in the record alone."""
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as opened:
        for study in (1, 2):
            app.state.service.archive.put(ct_file(1, study=study), source="test")
        guard = app.state.service.guard
        mine = [subjects.subject_of_person(guard.key, "P1"), house.subject(guard, house.ANNA)]
        sign_in(opened, app, "dora", ["physician"], to=[(one, "care") for one in mine])
        yield opened


def stowed(client: TestClient, content: bytes) -> tuple[int, str]:
    """Status and words of a store of one object."""
    body = b"--b\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n--b--"
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=b', "Accept": "application/dicom+json"}
    answer = client.post("/dicom-web/studies", content=body, headers=headers)
    return answer.status_code, answer.text


PLANTED: dict[str, Any] = {
    "a patient of the archive": {"PatientID": "P2"},
    "the same with a space that is none": {"PatientID": " P2 "},
    "a patient of the record alone": {"PatientID": house.PATIENT_IDS[house.BORIS]},
    "one's own patient in another's study": {"PatientID": "P1", "StudyInstanceUID": OTHERS},
    "one's own patient in another's series": {"PatientID": "P1", "SeriesInstanceUID": f"{OTHERS}.1"},
    "one's own patient under another's object": {"PatientID": "P1", "SOPInstanceUID": f"{OTHERS}.1.1"},
}


@pytest.mark.parametrize("way", PLANTED)
def test_an_object_is_not_planted_with_another_patient(app: FastAPI, client: TestClient, way: str) -> None:
    kept = len(app.state.service.archive.quarantined())
    status, words = stowed(client, ct_file(7, study=30, **PLANTED[way]))
    assert status == 409, words
    assert "no relation" in words
    assert OTHERS not in words.replace(f"{OTHERS}.1.1", ""), "the answer must not tell where it would have collided"
    assert len(app.state.service.archive.quarantined()) == kept, "what is in quarantine holds up the routing of the other's series"


def test_ones_own_and_new_patients_are_taken(client: TestClient) -> None:
    assert stowed(client, ct_file(2, study=1))[0] == 200
    assert stowed(client, ct_file(1, study=22))[0] == 200


def test_a_study_of_another_does_not_tell_its_series(client: TestClient) -> None:
    answer = client.post(f"/api/twins/{house.ANNA}/observe", json={"study": OTHERS}, headers={"If-Match": '"1"'})
    assert answer.status_code == 404
    assert f"{OTHERS}.1" not in answer.text


def test_a_step_does_not_move_to_another_patient(client: TestClient) -> None:
    headers = {"Content-Type": "application/dicom+json"}
    mine = STEP | {"00100020": {"vr": "LO", "Value": ["P1"]}}
    assert client.post("/dicom-web/workitems?1.2.3", json=[mine], headers=headers).status_code == 201
    moves = ({"00100020": {"vr": "LO", "Value": ["P2"]}}, {"00100020": {"vr": "LO"}}, {"00100021": {"vr": "LO", "Value": ["X"]}})
    for move in moves:
        assert client.post("/dicom-web/workitems/1.2.3", json=[move], headers=headers).status_code == 422, move
    assert client.get("/dicom-web/workitems/1.2.3").status_code == 200


@pytest.mark.parametrize("verb", ["act", "retract", "decide", "recompute"])
def test_a_scanner_is_changed_by_physicists_alone(client: TestClient, verb: str) -> None:
    body = {"act": {"plan": "x"}, "retract": {"event": "1", "reason": "sabotage"}}.get(verb)
    answer = client.post(f"/api/twins/scanner-1/{verb}", json=body, headers={"If-Match": '"1"'})
    assert answer.status_code == 403, answer.text
    assert MACHINES in answer.text


def test_a_scanner_is_not_made_of_a_patients_images(client: TestClient) -> None:
    """What is a scanner's is seen by everybody."""
    answer = client.post("/api/twins", json={"system": "ct_scanner", "series": ["1.2.826.0.1.1.1"]})
    assert answer.status_code == 403, answer.text


def test_no_file_of_this_machine_is_read_for_a_caller(client: TestClient) -> None:
    asked = {"system": "glioma", "inputs": {"mri": ["1.2.826.0.1.1.1"]}, "options": {"prior": "/etc/passwd"}}
    answer = client.post("/api/twins", json=asked)
    assert answer.status_code == 422
    assert "prior" in answer.text
    with pytest.raises(InputError, match="named by its file"):
        require_known("new", {"system": "glioma", "options": {"prior": "notes.txt"}})


@pytest.mark.parametrize(("told", "status"), [({"Modality": "US"}, 403), ({"BurnedInAnnotation": "YES"}, 403), ({}, 200)])
def test_a_picture_that_may_show_a_name_is_for_who_may_know_it(app: FastAPI, client: TestClient, told: Any, status: int) -> None:
    """The same caller, by a program that was not given names."""
    program = {"Authorization": f"Bearer {tokens.make(app.state.service.guard, 'dora', ['images:read'])[0]}", "Accept": "*/*"}
    number = 70 + len(told) + len(str(told))
    uid = f"1.2.826.0.1.1.{number}.1"
    app.state.service.archive.put(ct_file(1, study=1, series=number, **told), source="test")
    path = f"/dicom-web/studies/1.2.826.0.1.1/series/1.2.826.0.1.1.{number}"
    for place in (f"/instances/{uid}/rendered", f"/instances/{uid}/frames/1", f"/instances/{uid}/thumbnail", "/thumbnail"):
        assert client.get(path + place).status_code == 200, place
        assert client.get(path + place, headers=program).status_code == status, place


def test_a_record_and_its_folders_are_their_owners_alone(tmp_path: Path) -> None:
    told = house.settings(tmp_path)
    told.folder.mkdir()
    told.folder.chmod(0o755)
    with TestClient(create_app(told), base_url=HERE):
        found = [tmp_path / "twins.db", told.folder, told.folder / "archive", *told.folder.glob("a*.db*")]
        assert len(found) > 3
        assert [path.name for path in found if path.stat().st_mode & 0o077] == []

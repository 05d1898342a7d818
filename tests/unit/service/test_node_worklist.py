"""Work over UPS-RS: claimed by one, ended by the one who claimed it, seen by those who may; and series as work."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from gemel.core.errors import ConflictError
from gemel.service.app import create_app
from gemel.service.node import routing_book as books
from gemel.service.node import worklist, worklist_series
from gemel.service.node.routing_book import Routed
from gemel.service.node.worklist_items import dataset
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import Settings
from tests.unit.service.entered import entered, sign_in

AT = "/dicom-web/workitems"
NEW = dataset(
    ProcedureStepState="SCHEDULED", ScheduledProcedureStepPriority="MEDIUM", ProcedureStepLabel="contour", WorklistLabel="physics",
    ScheduledProcedureStepStartDateTime="20260302090000", InputReadinessState="READY", PatientID="P1",
)  # fmt: skip
DONE = {
    "00741216": {
        "vr": "SQ",
        "Value": [dataset(PerformedProcedureStepStartDateTime="20260302", PerformedProcedureStepEndDateTime="20260302")],
    }
}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    folder = tmp_path_factory.mktemp("worklist")
    with entered(create_app(Settings(str(folder / "twins.db"), folder / "service"))) as client:
        yield client


def state(client: TestClient, uid: str, to: str, lock: str) -> int:
    return client.put(f"{AT}/{uid}/state", json=dataset(ProcedureStepState=to, TransactionUID=lock)).status_code


def test_a_step_is_created_found_claimed_changed_and_completed_by_one(client: TestClient) -> None:
    made = client.post(f"{AT}?1.2.3", json=[NEW])
    assert (made.status_code, made.headers["location"]) == (201, f"{AT}/1.2.3")
    assert client.post(f"{AT}?1.2.3", json=[NEW]).status_code == 409
    (found,) = client.get(AT, params={"ProcedureStepLabel": "cont*", "00741000": "SCHEDULED"}).json()
    assert found["00080018"]["Value"] == ["1.2.3"]
    assert client.get(AT, params={"WorklistLabel": "other"}).status_code == 204
    assert state(client, "1.2.3", "COMPLETED", "1.9") == 409  # nobody has begun it
    assert state(client, "1.2.3", "IN PROGRESS", "1.9") == 200
    assert state(client, "1.2.3", "IN PROGRESS", "1.8") == 409
    assert client.post(f"{AT}/1.2.3", json=[DONE]).status_code == 409  # without the lock
    assert state(client, "1.2.3", "COMPLETED", "1.9") == 409  # nothing says what was done
    assert client.post(f"{AT}/1.2.3?1.9", json=[DONE]).status_code == 200
    assert state(client, "1.2.3", "COMPLETED", "1.8") == 409
    assert state(client, "1.2.3", "COMPLETED", "1.9") == 200
    assert client.put(f"{AT}/1.2.3/state", json=dataset(ProcedureStepState="COMPLETED", TransactionUID="1.9")).headers["warning"]
    shown = client.get(f"{AT}/1.2.3").json()[0]
    assert shown["00741000"]["Value"] == ["COMPLETED"]
    assert "00081195" not in shown  # the lock is its holder's alone


def test_cancellation_is_for_what_nobody_has_begun(client: TestClient) -> None:
    assert [client.post(f"{AT}?{uid}", json=[NEW]).status_code for uid in ("1.2.5", "1.2.6")] == [201, 201]
    assert state(client, "1.2.6", "IN PROGRESS", "1.9") == 200
    answers = [client.post(f"{AT}/{uid}/cancelrequest", json=[dataset(ReasonForCancellation="moved")]) for uid in ("1.2.5", "1.2.6")]
    assert [answer.status_code for answer in answers] == [202, 409]
    assert client.get(f"{AT}/1.2.5").json()[0]["00741000"]["Value"] == ["CANCELED"]


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b"[]", "application/json", "DICOM JSON"),
        (b"{", "application/json", "not JSON"),
        (b'[{"00741000": 3}]', "application/dicom+json", "DICOM JSON"),
        (b'[{"00741000": {"vr": "CS", "Value": NaN}}]', "application/dicom+json", "not JSON"),
        (b"[" * 100_000, "application/json", "not JSON"),
        (b"{}", "application/json", "ProcedureStepState"),
        (b"<x/>", "application/xml", "send application/dicom+json"),
        (b'[{"00741000": {"vr": "CS", "Value": ["COMPLETED"]}}]', "application/json", "ScheduledProcedureStepPriority"),
    ],
)  # fmt: skip
def test_a_body_that_is_none_is_refused_in_words(client: TestClient, body: bytes, kind: str, words: str) -> None:
    answer = client.post(AT, content=body, headers={"content-type": kind})
    assert answer.status_code in (415, 422)
    assert words in answer.json()["detail"]


@pytest.mark.parametrize("query", ["Nonsense=1", "99999999=1", "limit=0", "limit=x"])
def test_a_search_that_cannot_be_meant_is_refused(client: TestClient, query: str) -> None:
    assert client.get(f"{AT}?{query}").status_code == 422


@pytest.mark.parametrize("uid", ["../etc", "1..2", "a.b", "1." * 40 + "1"])
def test_a_uid_that_is_none_is_refused(client: TestClient, uid: str) -> None:
    assert client.post(f"{AT}?{uid}", json=[NEW]).status_code == 422


def test_work_on_other_peoples_patients_is_as_if_it_were_not_there(tmp_path: Path) -> None:
    app = create_app(Settings(str(tmp_path / "twins.db"), tmp_path / "service"))
    with entered(app) as everybodys:
        for uid, patient in (("1.2.7", "P1"), ("1.2.8", "P2")):
            assert everybodys.post(f"{AT}?{uid}", json=[NEW | dataset(PatientID=patient)]).status_code == 201
        mine = subject_of_person(app.state.service.guard.key, "P1")
        sign_in(everybodys, app, "anna", ("physicist",), to=[(mine, "care")])
        assert [row["00080018"]["Value"] for row in everybodys.get(AT).json()] == [["1.2.7"]]
        assert everybodys.get(f"{AT}/1.2.7").status_code == 200
        assert everybodys.get(f"{AT}/1.2.8").status_code == everybodys.get(f"{AT}/1.2.9").status_code == 404
        assert state(everybodys, "1.2.8", "IN PROGRESS", "1.9") == 404
        assert everybodys.post(f"{AT}?1.2.10", json=[NEW | dataset(PatientID="P2")]).status_code == 404


def test_strangers_get_nothing(tmp_path: Path) -> None:
    with TestClient(create_app(Settings(str(tmp_path / "twins.db"), tmp_path / "service")), base_url="http://127.0.0.1:8080") as stranger:
        assert stranger.get(AT).status_code == 401
        assert stranger.post(AT, json=[NEW]).status_code in (401, 403)
        assert stranger.get(f"{AT}/1.2.3").status_code == 401


@contextmanager
def book(folder: Path) -> Iterator[Any]:
    opened = books.open_book(folder)
    yield opened
    opened.close()


def test_series_are_work_and_a_person_may_close_what_was_laid_before_them(tmp_path: Path) -> None:
    routed = Routed("1.2.840.1", "1.2.840.2", "d", books.ASKED, "observe", "daily", why="no twin", modality="CT", patient_id="P1")
    with book(tmp_path) as opened:
        books.keep(opened, routed)
        item = worklist_series.noted(opened, routed, 1.0)
        assert item is not None
        assert (item.state, item.patient) == ("SCHEDULED", ("P1", ""))
        assert not worklist_series.closed(opened, routed)
        worklist.cancel(opened, item.uid, "not ours", now_s=2.0)
        assert worklist_series.closed(opened, routed)
        with pytest.raises(ConflictError):
            worklist.change(opened, item.uid, "IN PROGRESS", "1.2", now_s=3.0)

"""An EHR's day with one twin, as its HTTP client walks it: person, diagnosis, drugs, rays, images, decision, and where it all came from."""

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import flow, store
from gemel.core.time import DAY_S, iso
from gemel.io.fhir.checked import checked
from gemel.io.fhir.statements import DOSE
from gemel.io.fhir.vocabulary import table
from gemel.io.labs import LOINC
from gemel.service.app import create_app
from gemel.service.settings import Settings
from tests.unit.flow.test_glioma import START_s, installed, written
from tests.unit.service.api.conftest import in_here
from tests.unit.service.entered import entered
from tests.unit.service.slices import ct_file

__all__ = ["installed"]
PARTS = (*(f"gemel.service.{name}" for name in ("health", "security.routes", "api", "dicomweb", "fhir")),)
KIND = {"Content-Type": "application/fhir+json"}
WHO = {"subject": {"reference": "Patient/ehr"}}
PERSON = {"resourceType": "Patient", "id": "ehr", "identifier": [{"value": "P"}, {"system": "urn:insurer", "value": "I-7"}]}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("walk")
    with store.open(folder / "twins.db") as record:
        visits = [written(folder, START_s), written(folder, START_s + 14 * DAY_S)]
        return folder, flow.new(record, "glioma", visits, options={"radiotherapy": iso(START_s + 15 * DAY_S)})


@pytest.fixture
def twin(begun: tuple[Path, str]) -> str:
    return begun[1]


@pytest.fixture
def app(begun: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FastAPI:
    monkeypatch.setattr("gemel.service.app.ROUTERS", PARTS)
    for place in ("jobs.running", "api.reading"):
        monkeypatch.setattr(f"gemel.service.{place}.children", in_here)
    shutil.copytree(begun[0], tmp_path / "store")
    return create_app(Settings(store=str(tmp_path / "store" / "twins.db"), folder=tmp_path / "service"))


@pytest.fixture
def client(app: FastAPI) -> Iterator[TestClient]:
    with entered(app, "ehr") as client:
        yield client


def coded(system: str, code: str) -> dict[str, Any]:
    return {"coding": [{"system": system, "code": code}]}


def drug(day: int, amount: float = 75.0, unit: str = "mg/m2", **more: Any) -> dict[str, Any]:
    """Temozolomide so many days after the last visit."""
    return {
        "resourceType": "MedicationAdministration",
        "identifier": [{"system": "urn:pharmacy", "value": f"tmz-{day}"}],
        "status": "completed",
        "medicationCodeableConcept": coded("http://www.whocc.no/atc", "L01AX03"),
        "effectiveDateTime": iso(START_s + (14 + day) * DAY_S),
        "dosage": {"dose": {"value": amount, "code": unit}},
    } | WHO | more  # fmt: skip


def fraction(day: int, dose_Gy: float = 2.0, **more: Any) -> dict[str, Any]:
    dose = [
        {"url": "totalDoseDelivered", "valueQuantity": {"value": dose_Gy, "code": "Gy"}},
        {"url": "fractionsDelivered", "valueUnsignedInt": 1},
    ]
    return {
        "resourceType": "Procedure",
        "identifier": [{"system": "urn:ris", "value": f"fx-{day}"}],
        "status": "completed",
        "code": coded("http://snomed.info/sct", "1217123003"),
        "performedDateTime": iso(START_s + (14 + day) * DAY_S + 3600),
        "extension": [{"url": DOSE, "extension": dose}],
    } | WHO | more  # fmt: skip


def measured(code: str, value: float, unit: str, day: int = 1) -> dict[str, Any]:
    at = iso(START_s + (14 + day) * DAY_S)
    quantity = {"value": value, "code": unit}
    named = {"code": coded("http://loinc.org", code), "effectiveDateTime": at, "valueQuantity": quantity}
    return {"resourceType": "Observation", "status": "final"} | named | WHO


def sent(client: TestClient, *resources: dict[str, Any], status: int = 200) -> list[str]:
    """Posts a transaction and waits for its jobs; the words of every entry."""
    body = {"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": one} for one in resources]}
    answer = client.post("/fhir", content=json.dumps(body), headers=KIND)
    assert answer.status_code == status, answer.text
    told = checked(answer.json())
    if status != 200:
        return [str(told["issue"][0]["diagnostics"]), *told["issue"][0].get("expression", ())]
    waited(client)
    return [entry["response"]["outcome"]["issue"][0]["diagnostics"] for entry in told["entry"]]


def waited(client: TestClient) -> None:
    """Until every job is over; none may have failed."""
    for _ in range(600):
        jobs = client.get("/api/jobs").json()["jobs"]
        if all(job["state"] in ("done", "failed") for job in jobs):
            assert [job["error"] for job in jobs if job["error"]] == []
            return
        time.sleep(0.02)
    raise AssertionError("jobs that do not end")


def found(client: TestClient, path: str) -> list[dict[str, Any]]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [checked(entry["resource"]) for entry in checked(answer.json()).get("entry", [])]


def test_an_ehr_walks_from_the_person_to_the_provenance_of_a_decision(client: TestClient, twin: str) -> None:
    known, diagnosis = sent(client, PERSON, {"resourceType": "Condition", "code": coded("http://hl7.org/fhir/sid/icd-10", "C71.1")} | WHO)
    subject = known.partition("Patient/")[2]
    assert diagnosis.startswith(f"in keeping with {twin}")
    before = found(client, f"/fhir/Observation?patient={subject}")
    given = [drug(2), fraction(2), measured("29463-7", 80.0, "kg"), measured("8302-2", 180.0, "cm"), drug(3, 150.0, "mg"), fraction(3)]
    told = sent(client, PERSON, *given)
    assert [f"{twin}: taken" in words for words in told] == [False, True, True, False, False, True, True]
    after = found(client, f"/fhir/Observation?patient={subject}")
    assert [one["valueQuantity"]["value"] for one in after] != [one["valueQuantity"]["value"] for one in before]
    assert all("known already" in words for n, words in enumerate(sent(client, PERSON, *reversed(given)), 0) if n in (1, 2, 5, 6))
    assert client.post(f"/api/twins/{twin}/decide", json={}, headers={"If-Match": f'"{version(client, twin)}"'}).status_code == 202
    waited(client)
    risks = found(client, f"/fhir/RiskAssessment?patient={subject}")
    assert risks
    assert all(one["prediction"][0]["probabilityDecimal"] <= 100 and one["occurrenceDateTime"] for one in risks)
    (report,) = found(client, f"/fhir/DiagnosticReport?patient={subject}")
    page, paper = report["presentedForm"]
    assert (page["contentType"], paper["contentType"]) == ("text/html", "application/pdf")
    answer = client.get(paper["url"].removeprefix("http://localhost"), headers={"Accept": "application/pdf"})
    assert (answer.status_code, answer.headers["content-type"], answer.content[:5]) == (200, "application/pdf", b"%PDF-")
    lineage = found(client, f"/fhir/Provenance?patient={subject}&_count=500")
    decided = next(one for one in lineage if one["activity"]["text"] == "Decided")
    acted = [one for one in lineage if one["activity"]["text"] == "Acted"]
    assert {f"RiskAssessment/{one['id']}" for one in risks} <= {ref.get("reference") for ref in decided["target"]}
    sources = {entity["what"]["identifier"]["value"] for entity in decided["entity"]}
    assert len(acted) == 4
    assert {one["target"][-1]["identifier"]["value"] for one in acted} <= sources
    assert {one["agent"][0]["who"]["display"] for one in acted} == {"ehr"}


def version(client: TestClient, twin: str) -> int:
    return int(client.get(f"/api/twins/{twin}").json()["version"])


def test_images_that_came_are_laid_before_a_person(app: FastAPI, client: TestClient, twin: str) -> None:
    uid = "1.2.826.0.1.3680043.8.498.7"
    study = {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}"}],
    } | WHO
    assert "not in the archive" in sent(client, PERSON, study)[1]
    name = "1b"
    part = f"--{name}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    stow = {"Content-Type": f'multipart/related; type="application/dicom"; boundary={name}'}
    data = ct_file(1, PatientID="P", IssuerOfPatientID="", StudyInstanceUID=uid)
    assert client.post("/dicom-web/studies", content=part + data + f"\r\n--{name}--".encode(), headers=stow).status_code == 200
    assert "1 series wait for a person" in sent(client, PERSON, study)[1]
    (row,) = client.get("/api/queue").json()["received"]
    assert (row["state"], row["twin"], "ImagingStudy" in row["why"]) == ("asked", twin, True)
    app.state.service.archive.put(ct_file(2, PatientID="OTHER", StudyInstanceUID=f"{uid}.9", SeriesInstanceUID=f"{uid}.8"), source="test")
    study["identifier"] = [{"system": "urn:dicom:uid", "value": f"urn:oid:{uid}.9"}]
    assert "another patient" in sent(client, PERSON, study)[1]


def test_a_correction_and_an_end_at_the_resources_own_address(client: TestClient, twin: str) -> None:
    def put(resource: dict[str, Any]) -> str:
        body = resource | {"id": "m1", "subject": {"identifier": {"value": "P"}}}
        answer = client.put("/fhir/MedicationAdministration/m1", content=json.dumps(body), headers=KIND)
        assert answer.status_code in (200, 202), answer.text
        waited(client)
        return str(checked(answer.json())["issue"][0]["diagnostics"])

    assert "taken: temozolomide, 1" in put(drug(2))
    assert "is corrected" in put(drug(2, 150.0))
    assert "known already" in put(drug(2, 150.0))
    once = {**KIND, "If-None-Exist": "identifier=urn:pharmacy|tmz-2"}
    body = json.dumps(drug(2, 75.0) | {"subject": {"identifier": {"value": "P"}}})
    answer = client.post("/fhir/MedicationAdministration", content=body, headers=once)
    assert "known already" in answer.text
    assert "is withdrawn" in put(drug(2, status="entered-in-error"))
    assert "nothing of it was taken" in put(drug(2, status="entered-in-error"))
    kinds = [row["kind"] for row in client.get(f"/api/twins/{twin}/events").json()["events"] if row["counts"]]
    assert "Acted" not in kinds


def test_a_second_number_leads_to_the_same_twin_once_the_patient_said_so(client: TestClient, twin: str) -> None:
    other = {"subject": {"identifier": {"system": "urn:insurer", "value": "I-7"}}}
    assert "no twin of this patient" in sent(client, drug(2) | other)[0]
    sent(client, PERSON)
    assert f"{twin}: taken" in sent(client, drug(2) | other)[0]


REFUSED = {
    "a dose in mg of somebody without a weight": (drug(4, 150.0, "mg"), "without weight and height"),
    "more than can be": (fraction(2, 60.0), "of radiotherapy fraction"),
    "the future": (drug(4000), "which is to come"),
    "a merged patient": (PERSON | {"link": [{"other": {"reference": "Patient/x"}, "type": "replaced-by"}]}, "another record replaces"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_nothing_of_a_transaction_is_taken_where_one_entry_is_refused(client: TestClient, twin: str, case: str) -> None:
    wrong, words = REFUSED[case]
    before = version(client, twin)
    status = 409 if "merged" in case else 422
    said, where = sent(client, PERSON, drug(2), wrong, status=status)
    assert (words in said, where) == (True, "entry 2"), said
    assert (version(client, twin), client.get("/api/jobs").json()["jobs"]) == (before, [])


def test_the_example_of_the_page_is_taken_as_it_stands(client: TestClient, twin: str) -> None:
    page = (Path(__file__).parents[4] / "docs" / "interoperability.md").read_text()
    example = json.loads(page.partition("```json")[2].partition("```")[0])
    known, drug_words, weight, height, rays = sent(client, *(entry["resource"] for entry in example["entry"]))
    assert ("known as" in known, "weight kept" in weight, "height kept" in height) == (True, True, True)
    assert f"{twin}: taken: temozolomide, 0.9759" in drug_words
    assert f"{twin}: taken: radiotherapy fraction, 2 Gy" in rays
    for name in (*table()["given"], *table()["body"], *(one for one in table()["unused"] if one[0].islower()), *LOINC):
        assert name.replace("glomerular filtration rate", "eGFR") in page, name

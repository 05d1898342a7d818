"""What is served as FHIR: true, checked, paged, pseudonymous, of those whom the caller may see alone, and errors in FHIR's words."""

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import flow
from gemel.io.fhir.checked import checked
from gemel.store import Store
from tests.unit.flow.heights import IDENTITY
from tests.unit.service.entered import entered, sign_in
from tests.unit.service.slices import ct_file

KIND = "application/fhir+json"
MINE = ("Observation", "RiskAssessment", "DiagnosticReport", "Provenance")


def get(client: TestClient, path: str, **asked: Any) -> Any:
    """A checked resource."""
    answer = client.get(path, **asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == KIND
    return checked(answer.json())


def found(client: TestClient, path: str) -> list[Any]:
    """The resources of a search."""
    return [checked(entry["resource"]) for entry in get(client, path).get("entry", [])]


@pytest.fixture
def subject(client: TestClient) -> str:
    """The key of the one patient."""
    (patient,) = found(client, "/fhir/Patient")
    return str(patient["id"])


def test_the_statement_says_what_there_is(client: TestClient) -> None:
    client.cookies.clear()
    told = get(client, "/fhir/metadata")
    assert told["fhirVersion"] == "4.0.1"
    assert {row["type"] for row in told["rest"][0]["resource"]} >= {"Patient", "ImagingStudy", "Device", "AuditEvent", *MINE}


def test_the_statement_is_true(client: TestClient) -> None:
    """What it names is there (an unknown id is 404, a body that is none 415 or 422), and what it does not name is not."""
    for row in get(client, "/fhir/metadata")["rest"][0]["resource"]:
        kind, codes = row["type"], {one["code"] for one in row["interaction"]}
        assert (client.get(f"/fhir/{kind}/none.x1").status_code == 404) == ("read" in codes), kind
        assert (client.post(f"/fhir/{kind}", json={"resourceType": kind}).status_code in (200, 422)) == ("create" in codes), kind
        assert (client.put(f"/fhir/{kind}/a", json={"resourceType": kind, "id": "a"}).status_code in (200, 422)) == ("update" in codes), (
            kind
        )
        for name in (one["name"] for one in row.get("searchParam", ())):
            value = {"date": "ge2026-03-01", "identifier": "1.2"}.get(name, "none")
            assert client.get(f"/fhir/{kind}", params={name: value}).status_code in (200, 404), (kind, name)
        assert client.get(f"/fhir/{kind}", params={"_since": "yesterday"}).status_code in (400, 405), kind


def test_a_forecast_is_an_observation_with_its_interval(client: TestClient, tower: Store, twin: str, subject: str) -> None:
    held = flow.show(tower, twin)
    seen = found(client, f"/fhir/Observation?patient={subject}")
    assert [one["code"]["text"] for one in seen] == [row.name for row in held.expected]
    for one, row in zip(seen, held.expected, strict=True):
        parts = {part["code"]["coding"][0]["code"]: part["valueQuantity"]["value"] for part in one["component"]}
        assert (parts["median"], parts["p05"], parts["p95"]) == pytest.approx((row.median, row.low, row.high), rel=1e-5)
        assert (one["status"], one["effectiveDateTime"], one["valueQuantity"]["code"]) == ("preliminary", held.next_at, "mm")
        assert one["note"][-1]["text"].startswith("Research use.")


def test_each_plan_is_a_risk_with_its_probabilities(client: TestClient, tower: Store, twin: str, subject: str) -> None:
    decided = [event for event in tower.events(twin) if event.kind == "Decided"][-1].payload
    risks = found(client, f"/fhir/RiskAssessment?patient=Patient/{subject}")
    assert [one["code"]["text"] for one in risks] == [row["name"] for row in decided["options"]]
    for one, row in zip(risks, decided["options"], strict=True):
        said = {p["outcome"]["text"]: p["probabilityDecimal"] for p in one["prediction"] if "probabilityDecimal" in p}
        assert said["the best of the plans"] == pytest.approx(100 * row["p_best"])
        assert {name: said[name] for name in row["p_limits"]} == pytest.approx({name: 100 * p for name, p in row["p_limits"].items()})
        for p in one["prediction"]:
            if "probabilityRange" in p:
                assert p["probabilityRange"]["low"]["value"] <= said[p["outcome"]["text"]] <= p["probabilityRange"]["high"]["value"]
        assert one["basis"]


def test_the_report_links_to_the_twin_and_every_entry_has_its_provenance(client: TestClient, tower: Store, twin: str, subject: str) -> None:
    (report,) = found(client, f"/fhir/DiagnosticReport?patient={subject}")
    assert report["presentedForm"][0]["url"] == f"http://localhost/twins/{twin}"
    assert "not a medical device" in report["conclusion"]
    lineage = found(client, f"/fhir/Provenance?patient={subject}&_count=500")
    events = tower.events(twin)
    assert [one["target"][-1]["identifier"]["value"] for one in lineage] == [event.hash for event in events]
    for one, event in zip(lineage, events, strict=True):
        assert {entity["what"]["identifier"]["value"] for entity in one.get("entity", [])} == set(event.inputs)
        assert (one["agent"][0]["who"].get("display", "") == event.actor) or not event.actor


def test_whatever_a_search_finds_can_be_read_by_its_address(client: TestClient, subject: str) -> None:
    for kind in MINE:
        for entry in get(client, f"/fhir/{kind}?patient={subject}")["entry"]:
            assert get(client, entry["fullUrl"].removeprefix("http://localhost")) == entry["resource"]
            assert [one["id"] for one in found(client, f"/fhir/{kind}?_id={entry['resource']['id']}")] == [entry["resource"]["id"]]


def test_references_lead_to_resources_that_are_there(client: TestClient, subject: str) -> None:
    named: set[str] = set()
    for kind in MINE:
        text = client.get(f"/fhir/{kind}?patient={subject}").text
        named |= set(re.findall(r'"reference":"([^"]+)"', text))
    assert len(named) > 5
    for name in named:
        assert client.get(f"/fhir/{name}").status_code == 200, name


def test_pages_follow_each_other(client: TestClient, subject: str) -> None:
    whole = found(client, f"/fhir/Provenance?patient={subject}&_count=500")
    path, pages = f"/fhir/Provenance?patient={subject}&_count=4", []
    while path:
        page = get(client, path)
        assert page["total"] == len(whole)
        pages += [entry["resource"] for entry in page.get("entry", [])]
        path = next((link["url"].removeprefix("http://localhost") for link in page["link"] if link["relation"] == "next"), "")
    assert pages == whole
    assert "entry" not in get(client, f"/fhir/Provenance?patient={subject}&_count=0")


def test_the_person_is_told_to_those_who_may_know(client: TestClient, app: FastAPI, subject: str) -> None:
    mine = get(client, f"/fhir/Patient/{subject}")
    assert IDENTITY.patient_id in str(mine)
    client.cookies.clear()
    sign_in(client, app, "rita", ["modeller"], to=[(subject, "study")])
    hidden = get(client, f"/fhir/Patient/{subject}")
    assert hidden["meta"]["security"][0]["code"] == "PSEUDED"
    everything = str(hidden) + "".join(client.get(f"/fhir/{kind}?patient={subject}").text for kind in MINE)
    assert IDENTITY.patient_id not in everything
    assert "LOVELACE" not in everything


def test_nothing_is_told_of_those_whom_the_caller_may_not_see(app: FastAPI, client: TestClient, twin: str, subject: str) -> None:
    client.cookies.clear()
    sign_in(client, app, "vera", ["viewer"])
    assert get(client, "/fhir/Patient")["total"] == 0
    for kind in MINE:
        assert get(client, f"/fhir/{kind}?patient={subject}")["total"] == 0
    for path in (f"Patient/{subject}", f"Observation/{twin}.x1", f"DiagnosticReport/{twin}.report"):
        answer = client.get(f"/fhir/{path}")
        assert (answer.status_code, answer.json()["issue"][0]["code"]) == (404, "not-found")
    assert client.get("/fhir/AuditEvent").status_code == 403


WRONG = {
    "/fhir/Observation": (400, "without a patient"),
    "/fhir/Observation?patient=a&color=red": (400, "color"),
    "/fhir/Observation?patient=a&_count=9999": (400, "_count"),
    "/fhir/Observation/nothing.x1": (404, "no Observation"),
    "/fhir/Patient/nobody": (404, "nobody"),
    "/fhir/AuditEvent/999999999": (404, "no AuditEvent"),
    "/fhir/Medication": (400, "kind"),
    "/fhir/ImagingStudy/1.2.3": (404, "no ImagingStudy"),
}


@pytest.mark.parametrize("path", list(WRONG))
def test_every_error_is_an_outcome_that_a_person_understands(client: TestClient, path: str) -> None:
    answer = client.get(path)
    status, words = WRONG[path]
    assert (answer.status_code, answer.headers["content-type"]) == (status, KIND), answer.text
    assert words in checked(answer.json())["issue"][0]["diagnostics"]


def test_who_has_not_signed_in_or_takes_no_json_is_told_so(client: TestClient) -> None:
    answer = client.get("/fhir/Patient", headers={"Accept": "application/fhir+xml"})
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (406, "not-supported")
    client.cookies.clear()
    answer = client.get("/fhir/Patient")
    assert (answer.status_code, answer.json()["issue"][0]["code"]) == (401, "login")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_reads_are_in_the_audit_and_the_audit_is_served(client: TestClient, subject: str) -> None:
    client.get(f"/fhir/Observation?patient={subject}")
    rows = found(client, f"/fhir/AuditEvent?patient={subject}&_count=500")
    mine = [one for one in rows if "/fhir/Observation" in str(one["entity"])]
    assert mine
    assert {one["what"]["reference"] for row in mine for one in row["entity"] if "reference" in one["what"]} == {f"Patient/{subject}"}
    assert (mine[0]["action"], mine[0]["outcome"], mine[0]["agent"][0]["who"]["identifier"]["value"]) == ("R", "0", "ada")
    assert get(client, f"/fhir/AuditEvent/{mine[0]['id']}")["id"] == mine[0]["id"]
    client.get("/fhir/Observation/nothing.x1")
    refused = found(client, "/fhir/AuditEvent")
    assert any(one["outcome"] == "4" for one in refused)


def test_the_audit_is_searched_by_user_and_date(client: TestClient, subject: str) -> None:
    client.get(f"/fhir/Observation?patient={subject}")
    rows = found(client, "/fhir/AuditEvent?_count=500")
    at = sorted(one["recorded"] for one in rows)
    by_ada = found(client, "/fhir/AuditEvent?agent=urn:gemel:user|ada&_count=500")
    assert {one["agent"][0]["who"]["identifier"]["value"] for one in by_ada} == {"ada"}
    assert found(client, "/fhir/AuditEvent?agent=nobody-else") == []
    assert len(found(client, f"/fhir/AuditEvent?date=le{at[-1][:10]}&_count=500")) >= len(rows)
    assert found(client, f"/fhir/AuditEvent?date=lt{at[0][:10]}") == []
    assert len(found(client, f"/fhir/AuditEvent?date=ge{at[0][:10]}&_count=500")) >= len(rows)
    assert found(client, f"/fhir/AuditEvent?date=gt{at[-1][:10]}") == []
    assert found(client, f"/fhir/AuditEvent?date=ge{at[0][:10]}&date=lt{at[0][:10]}") == []
    assert found(client, f"/fhir/AuditEvent?date={at[0][:10]}&patient={subject}&agent=ada") != []
    assert found(client, f"/fhir/AuditEvent?date={at[0][:16]}Z") != [], "a minute is a minute"
    for wrong in ("yesterday", "xx2026-03-01", "ge2026-13-45"):
        answer = client.get(f"/fhir/AuditEvent?date={wrong}")
        assert (answer.status_code, "issue" in answer.json()) == (422, True)


def test_a_single_read_names_its_own_patient_alone(client: TestClient, tower: Store, twin: str, subject: str) -> None:
    with tower.together():
        person = tower.keep_person({"patient_id": "P-2", "issuer": "", "patient_name": "HOPPER^GRACE"})
        begun = tower.append("another-1", "Ingested", {"system": "height", "case": "0" * 64, "person": person})
    tower.retract(begun, "not begun")
    assert client.get(f"/fhir/DiagnosticReport/{twin}.report").status_code == 200
    newest = next(one for one in found(client, "/fhir/AuditEvent") if f"{twin}.report" in str(one["entity"]))
    named = [one["what"]["reference"] for one in newest["entity"] if "reference" in one["what"]]
    assert named == [f"Patient/{subject}"]


def test_a_twin_whose_planning_was_withdrawn_has_nothing_to_tell(client: TestClient, tower: Store, twin: str, subject: str) -> None:
    begun = tower.events(twin)[0]
    flow.retract(tower, twin, begun.version, "another patient", actor="ada")
    assert found(client, f"/fhir/Observation?patient={subject}") == []
    assert client.get(f"/fhir/DiagnosticReport/{twin}.report").status_code == 404


def test_gemel_is_a_device_and_a_scanner_that_does_not_count_is_none(client: TestClient, tower: Store) -> None:
    tower.retract(tower.append("scanner-1", "Ingested", {"system": "ct_scanner", "case": "0" * 64}), "another machine")
    assert [one["id"] for one in found(client, "/fhir/Device")] == ["gemel"]
    assert get(client, "/fhir/Device/gemel")["status"] == "active"


def test_studies_of_the_archive_are_served_under_the_patient(app: FastAPI, client: TestClient, subject: str) -> None:
    whose = {"PatientID": IDENTITY.patient_id, "IssuerOfPatientID": IDENTITY.issuer}
    app.state.service.archive.put(ct_file(1, **whose), source="test")
    (study,) = found(client, f"/fhir/ImagingStudy?patient={subject}")
    assert study["subject"]["reference"] == f"Patient/{subject}"
    assert (study["numberOfSeries"], study["numberOfInstances"], study["series"][0]["modality"]["code"]) == (1, 1, "CT")
    assert get(client, f"/fhir/ImagingStudy/{study['id']}") == study
    uid = study["identifier"][0]["value"]
    assert [one["id"] for one in found(client, f"/fhir/ImagingStudy?identifier=urn:dicom:uid|{uid}")] == [study["id"]]


def test_only_the_models_of_r4_are_imported() -> None:
    for path in (Path(__file__).parents[4] / "src").rglob("*.py"):
        for line in path.read_text().splitlines():
            if re.search(r"(import|from|import_module\()\W*[\"'f]*fhir\b", line) and "gemel" not in line:
                assert "fhir.resources.R4B." in line, f"{path}: {line}"


def test_the_demonstration_of_entered(app: FastAPI) -> None:
    """A caller with every role, in a client of its own."""
    with entered(app, "bo") as client:
        assert get(client, "/fhir/Patient")["total"] == 1

"""What an EHR may send and call: values become jobs once, everything is answered for, and cards tell of the patient's twin alone."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import flow
from gemel.core.time import seconds
from gemel.flow import heard
from gemel.io.fhir.checked import checked
from gemel.service.api.views.table import VIEWS
from gemel.service.fhir import served, transaction
from gemel.service.jobs import verbs
from gemel.service.jobs.order import Bench
from gemel.service.security import care
from gemel.service.security.subjects import subject_of_twin
from gemel.store import Store
from tests.unit.flow.heights import IDENTITY
from tests.unit.io.fhir.test_inbound import PATIENT, bundle, psa
from tests.unit.service.entered import sign_in
from tests.unit.service.security import provider

LATER = "2026-03-06T08:00:00Z"
KIND = {"Content-Type": "application/fhir+json"}
THIS: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "ehr-7",
    "identifier": [{"value": IDENTITY.patient_id, "assigner": {"display": IDENTITY.issuer}}],
}


@pytest.fixture
def submitted(app: FastAPI, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Jobs that were asked for; the system in miniature is made to take laboratory values."""
    asked: list[tuple[Any, ...]] = []

    def submit(verb: str, arguments: dict[str, Any], *, actor: str) -> str:
        asked.append((verb, arguments, actor))
        return f"job-{len(asked)}"

    monkeypatch.setattr(app.state.service.jobs, "submit", submit)
    monkeypatch.setitem(cast(dict[str, Any], VIEWS), "fhir_scans", lambda at, told: ["cbct", "labs"])
    return asked


def sent(client: TestClient, *resources: dict[str, Any]) -> list[dict[str, Any]]:
    answer = client.post("/fhir", content=bundle(*resources), headers=KIND)
    assert answer.status_code == 200, answer.text
    return [entry["response"] for entry in checked(answer.json())["entry"]]


def words(response: dict[str, Any]) -> str:
    return str(response["outcome"]["issue"][0]["diagnostics"])


def test_values_become_a_job_of_the_patients_twin(client: TestClient, twin: str, submitted: list[tuple[Any, ...]]) -> None:
    first, second = sent(client, THIS, psa(subject={"reference": "Patient/ehr-7"}, effectiveDateTime=LATER))
    assert "known as Patient/" in words(first)
    assert (second["status"], "job-1" in words(second)) == ("202 Accepted", True)
    ((verb, asked, actor),) = submitted
    (said,) = asked["said"]
    assert (verb, asked["twin"], actor) == ("hear", twin, "ada")
    assert (said["sort"], said["what"], said["amount"], said["unit"], said["at"]) == ("seen", "psa", 3.5, "ng/mL", LATER)
    assert IDENTITY.patient_id not in json.dumps(asked)


def test_another_patients_values_go_nowhere(client: TestClient, submitted: list[tuple[Any, ...]]) -> None:
    other = THIS | {"identifier": [{"value": IDENTITY.patient_id, "assigner": {"display": "ANOTHER HOSPITAL"}}]}
    for patient in (PATIENT | {"identifier": [{"value": "P-1"}]}, other):
        assert "no twin" in words(sent(client, patient, psa(subject={"reference": f"Patient/{patient['id']}"}))[1])
    assert submitted == []


def test_nobody_writes_for_a_patient_whom_they_may_not_see(app: FastAPI, client: TestClient, submitted: list[tuple[Any, ...]]) -> None:
    client.cookies.clear()
    sign_in(client, app, "phil", ["physician"])
    assert "no twin" in words(sent(client, THIS, psa(subject={"reference": "Patient/ehr-7"}))[1])
    client.cookies.clear()
    sign_in(client, app, "vera", ["viewer"])
    assert client.post("/fhir", content=bundle(THIS), headers=KIND).status_code == 403
    assert submitted == []


def test_values_that_were_observed_are_not_observed_again(
    client: TestClient, tower: Store, twin: str, submitted: list[tuple[Any, ...]]
) -> None:
    payload = {"input": "labs", "source": "x", "observations": []}
    tower.append(twin, "Observed", payload, valid_s=seconds(LATER), expected_version=tower.version(twin))
    assert "known already" in words(sent(client, THIS, psa(subject={"reference": "Patient/ehr-7"}, effectiveDateTime=LATER))[1])
    assert submitted == []


def test_a_bundle_with_a_fault_does_nothing_at_all(client: TestClient, submitted: list[tuple[Any, ...]]) -> None:
    good, bad = psa(subject={"reference": "Patient/ehr-7"}), psa(unit="mg/dL", subject={"reference": "Patient/ehr-7"})
    answer = client.post("/fhir", content=bundle(THIS, good, bad), headers=KIND)
    issue = checked(answer.json())["issue"][0]
    assert (answer.status_code, "psa in mg/dL" in issue["diagnostics"], issue["expression"]) == (422, True, ["entry 2"])
    assert submitted == []


def test_another_kind_of_content_is_not_taken(client: TestClient) -> None:
    answer = client.post("/fhir", content=b"<Bundle/>", headers={"Content-Type": "application/fhir+xml"})
    assert (answer.status_code, answer.json()["resourceType"]) == (415, "OperationOutcome")


def test_the_job_hands_the_statements_to_the_record(tower: Store, twin: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def hear(store: Store, name: str, said: Any, **more: Any) -> list[Any]:
        seen.append((name, said, more["actor"]))
        return []

    monkeypatch.setattr(heard, "hear", hear)
    said = {"mark": "a" * 64, "digest": "b", "sort": "seen", "what": "psa", "at": LATER, "amount": 3.5, "unit": "ng/mL"}
    verbs.VERBS["hear"](Bench(tower, str(tmp_path), lambda *_: None), {"twin": twin, "said": [said], "actor": "ada"})
    assert seen == [(twin, [heard.Said(**said)], "ada")]


def called(client: TestClient, **prefetch: Any) -> list[dict[str, Any]]:
    body = {"hook": "patient-view", "hookInstance": "1", "context": {"userId": "Practitioner/1", "patientId": "ehr-7"}}
    answer = client.post("/cds-services/gemel-forecast", json=body | {"prefetch": prefetch})
    assert answer.status_code == 200, answer.text
    cards: list[dict[str, Any]] = answer.json()["cards"]
    return cards


def test_discovery_needs_no_sign_in(client: TestClient) -> None:
    client.cookies.clear()
    (service,) = client.get("/cds-services").json()["services"]
    assert (service["hook"], service["id"]) == ("patient-view", "gemel-forecast")
    assert service["prefetch"] == {"patient": "Patient/{{context.patientId}}"}


def test_a_card_tells_the_forecast_its_interval_and_where_to_look(client: TestClient, tower: Store, twin: str) -> None:
    (card,) = called(client, patient=THIS)
    row = flow.show(tower, twin).expected[0]
    assert f"{row.median:.3g} ({row.low:.3g} to {row.high:.3g}) mm" in card["detail"]
    assert len(card["summary"]) <= 140
    assert (card["indicator"], card["links"][0]["url"]) == ("info", f"http://localhost/twins/{twin}")
    assert "badge: twin" in card["detail"]
    assert "not a medical device" in card["detail"]
    assert IDENTITY.patient_id not in json.dumps(card)


def test_a_card_warns_of_withdrawn_data(client: TestClient, tower: Store, twin: str) -> None:
    seen = [event for event in tower.events(twin) if event.kind == "Observed"]
    flow.retract(tower, twin, seen[0].version, "wrong patient", actor="ada")
    (card,) = called(client, patient=THIS)
    assert card["indicator"] == "warning"
    assert card["summary"].startswith("Withdrawn data")


def test_no_twin_no_card(app: FastAPI, client: TestClient) -> None:
    assert called(client) == []
    assert called(client, patient=THIS | {"identifier": [{"value": "P-1"}]}) == []
    client.cookies.clear()
    sign_in(client, app, "vera", ["viewer"])
    assert called(client, patient=THIS) == []


def test_a_call_that_is_none_is_refused(client: TestClient) -> None:
    assert client.post("/cds-services/gemel-forecast", json={"hook": "order-sign"}).status_code == 422
    body = {"hook": "order-sign", "hookInstance": "1", "context": {"patientId": "x"}}
    assert client.post("/cds-services/gemel-forecast", json=body).status_code == 400
    assert (
        client.post(
            "/cds-services/gemel-forecast",
            json=body | {"hook": "patient-view", "prefetch": {"patient": {"resourceType": "Patient", "x": 1}}},
        ).status_code
        == 422
    )
    client.cookies.clear()
    assert client.post("/cds-services/gemel-forecast", json=body).status_code == 401


def test_a_way_into_the_ehr_is_not_used(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EHR may send a token for its own server: nothing is asked there, and nothing of it is kept."""
    monkeypatch.setattr("socket.socket.connect", lambda *_: pytest.fail("a request leaves the host"))
    body = {"hook": "patient-view", "hookInstance": "1", "context": {"userId": "Practitioner/1", "patientId": "ehr-7"}}
    way = {"access_token": "s3cret-of-the-ehr", "token_type": "Bearer", "expires_in": 300, "scope": "patient/*.read", "subject": "gemel"}
    more = {"fhirServer": "http://169.254.169.254/fhir", "fhirAuthorization": way, "prefetch": {"patient": THIS}}
    answer = client.post("/cds-services/gemel-forecast", json=body | more)
    assert (answer.status_code, len(answer.json()["cards"])) == (200, 1)
    audit = client.get("/fhir/AuditEvent?_count=500").text
    assert "s3cret" not in answer.text + audit


TOKENS: dict[str, tuple[dict[str, Any], int]] = {
    "good": ({}, 200),
    "of another audience": ({"aud": "https://other.example"}, 401),
    "expired": ({"exp": provider.NOW_S - 900}, 401),
    "of another issuer": ({"iss": "https://evil.example"}, 401),
    "without the scope": ({"scope": "openid twins:read"}, 403),
}


@pytest.mark.parametrize("case", list(TOKENS))
def test_the_token_of_an_ehr_is_held_to_every_claim(app: FastAPI, client: TestClient, twin: str, case: str) -> None:
    changes, status = TOKENS[case]
    fake = provider.Fake()
    app.state.service = replace(app.state.service, provider=fake.provider())
    client.cookies.clear()
    guard = app.state.service.guard
    signed = fake.signed(provider.claims(**{"scope": "openid fhir:read", **changes}))
    body = {"hook": "patient-view", "hookInstance": "1", "context": {"patientId": "ehr-7"}, "prefetch": {"patient": THIS}}
    answer = client.post("/cds-services/gemel-forecast", json=body, headers={"Authorization": f"Bearer {signed}", "X-CSRF": ""})
    assert answer.status_code == status, answer.text
    if status == 200:
        assert answer.json()["cards"] == []
        subject = str(subject_of_twin(guard.key, app.state.service.store, twin))
        care.relate(guard, care.Relation("dora", subject, "care"), made_by="test")
        answer = client.post("/cds-services/gemel-forecast", json=body, headers={"Authorization": f"Bearer {signed}"})
        assert len(answer.json()["cards"]) == 1


def test_two_patients_numbers_on_one_patient_are_refused(
    app: FastAPI, client: TestClient, tower: Store, submitted: list[tuple[Any, ...]]
) -> None:
    with tower.together():
        person = tower.keep_person({"patient_id": "P-2", "issuer": "", "patient_name": "HOPPER^GRACE"})
        tower.append("another-1", "Ingested", {"system": "height", "case": "0" * 64, "person": person})
    both = THIS | {"identifier": [*THIS["identifier"], {"value": "P-2"}]}
    answer = client.post("/fhir", content=bundle(both, psa(subject={"reference": "Patient/ehr-7"}, effectiveDateTime=LATER)), headers=KIND)
    assert (answer.status_code, "numbers of 2 patients" in answer.text) == (409, True)
    assert submitted == []


def test_a_study_that_may_be_of_two_patients_stops_the_values_beside_it(
    client: TestClient, tower: Store, submitted: list[tuple[Any, ...]]
) -> None:
    for name, issuer in (("another-1", ""), ("another-2", "urn:x")):
        with tower.together():
            person = tower.keep_person({"patient_id": "P-2", "issuer": issuer, "patient_name": "HOPPER^GRACE"})
            tower.append(name, "Ingested", {"system": "height", "case": "0" * 64, "person": person})
    study = {
        "resourceType": "ImagingStudy",
        "status": "available",
        "identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2"}],
        "subject": {"identifier": {"system": "urn:x", "value": "P-2"}},
    }
    value = psa(subject={"reference": "Patient/ehr-7"}, effectiveDateTime=LATER)
    answer = client.post("/fhir", content=bundle(THIS, value, study), headers=KIND)
    assert (answer.status_code, "numbers of 2 patients" in answer.text, submitted) == (409, True, [])


def test_a_patient_is_looked_up_once_a_transaction(
    client: TestClient, submitted: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def looked_up(request: Any, caller: Any, subject: str) -> dict[str, str]:
        asked.append(subject)
        return served.twins_of(request, caller, subject)

    monkeypatch.setattr(transaction, "twins_of", looked_up)
    values = [psa(subject={"reference": "Patient/ehr-7"}, effectiveDateTime=f"2026-03-06T{hour:02}:00:00Z") for hour in range(8, 12)]
    assert all("job-1" in words(one) for one in sent(client, THIS, *values)[1:])
    assert len(asked) == 1

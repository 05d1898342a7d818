"""What an EHR sends is sorted without a guess: taken, refused in words, or not used with the reason."""

import json
from copy import deepcopy
from typing import Any

import pytest

from gemel.core.errors import InputError, UnitError
from gemel.io.fhir.checked import checked
from gemel.io.fhir.forecasts import wilson
from gemel.io.fhir.inbound import Inbound, full_urls, inbound, resources_of

PATIENT = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:hospital", "value": "P-471147"}]}


def psa(value: Any = 3.5, unit: str = "ng/mL", code: str = "2857-1", **more: Any) -> dict[str, Any]:
    """A PSA of a morning."""
    return {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-03-02T08:00:00Z",
        "valueQuantity": {"value": value, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit},
    } | more


def bundle(*resources: dict[str, Any], **more: Any) -> bytes:
    return json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": [{"resource": one} | more for one in resources]}).encode()


def read(*resources: dict[str, Any]) -> Inbound:
    data = bundle(*resources)
    return inbound(resources_of(data, "application/fhir+json"), full_urls(data))


def test_values_of_a_visit_are_taken_together_with_their_patient() -> None:
    found = read(PATIENT, psa(), psa(210, "10*9/L", "777-3"))
    (held,) = found.values
    assert held.values == {"psa": (3.5, "ng/mL"), "platelets": (210.0, "10*9/L")}
    assert (held.at, held.entries, held.person.numbers) == ("2026-03-02T08:00:00Z", (1, 2), (("P-471147", ("urn:hospital",)),))
    assert list(found.unused) == [0]


def test_a_patient_may_be_named_by_full_url_or_identifier() -> None:
    named = psa(subject={"reference": "urn:uuid:1"})
    data = json.dumps({
        "resourceType": "Bundle", "type": "transaction", "entry": [{"fullUrl": "urn:uuid:1", "resource": PATIENT}, {"resource": named}]
    }).encode()  # fmt: skip
    (held,) = inbound(resources_of(data, "application/fhir+json"), full_urls(data)).values
    assert held.person.numbers[0][0] == "P-471147"
    (held,) = read(psa(subject={"identifier": {"value": "P-2"}})).values
    assert held.person.numbers == (("P-2", ()),)


def test_of_several_numbers_the_medical_record_number_counts() -> None:
    held = deepcopy(PATIENT)
    held["identifier"] = [  # type: ignore[assignment]
        {"value": "SOCIAL-1", "type": {"coding": [{"code": "SS"}]}},
        {"value": "P-471147", "type": {"coding": [{"code": "MR"}]}},
    ]
    (found,) = read(held, psa()).values
    assert found.person.numbers == (("P-471147", ()),)


def test_newline_delimited_resources_are_read() -> None:
    lines = b"\n".join(json.dumps(one).encode() for one in (PATIENT, psa()))
    assert len(resources_of(lines, "application/fhir+ndjson")) == 2


UNUSED = {
    "unknown code": (psa(code="718-7"), "no model takes LOINC 718-7"),
    "withdrawn": (psa(status="entered-in-error"), "withdrew"),
    "no quantity": ({k: v for k, v in psa().items() if k != "valueQuantity"}, "without a measured quantity"),
    "another system of codes": (psa(code="2857-1") | {"code": {"coding": [{"system": "urn:local", "code": "2857-1"}]}}, "no code"),
    "condition": ({"resourceType": "Condition", "subject": {"reference": "Patient/p1"}}, "no model takes a Condition"),
    "a report": ({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}}, "served here"),
}


@pytest.mark.parametrize("case", list(UNUSED))
def test_what_no_model_takes_is_named_with_the_reason(case: str) -> None:
    resource, why = UNUSED[case]
    found = read(PATIENT, resource)
    assert found.values == ()
    assert why in found.unused[1]


REFUSED: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "unit": (psa(unit="mg/dL"), UnitError, "psa in mg/dL"),
    "no unit": (psa() | {"valueQuantity": {"value": 3.5}}, UnitError, "no unit"),
    "below the limit": (psa() | {"valueQuantity": {"value": 0.01, "code": "ng/mL", "comparator": "<"}}, InputError, "psa < 0.01"),
    "zero": (psa(0), InputError, "psa = 0"),
    "no time": (psa(effectiveDateTime=None) | {}, InputError, "no time"),
    "a day": (psa(effectiveDateTime="2026-03-02"), InputError, "2026-03-02"),
    "nobody": ({k: v for k, v in psa().items() if k != "subject"}, InputError, "nobody"),
    "unknown status": (psa(status="perhaps"), InputError, "Observation.status"),
    "an element of R5": (psa(triggeredBy=[]), InputError, "triggeredBy"),
    "another kind": ({"resourceType": "Medication"}, InputError, "Medication"),
    "text for a number": (psa("many"), InputError, "valueQuantity"),
}


@pytest.mark.parametrize("case", list(REFUSED))
def test_what_cannot_be_meant_is_refused_with_its_entry(case: str) -> None:
    resource, kind, words = REFUSED[case]
    with pytest.raises(kind, match=words) as error:
        read(PATIENT, {k: v for k, v in resource.items() if v is not None})
    assert "entry 1" in str(error.value)


def test_a_value_said_twice_must_be_the_same() -> None:
    assert len(read(PATIENT, psa(), psa()).values) == 1
    with pytest.raises(InputError, match="psa twice"):
        read(PATIENT, psa(), psa(4.0))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"7", b"{}", b'{"resourceType":"Bundle","type":"transaction"}', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        resources_of(data, "application/fhir+json")


def test_nothing_is_deleted_by_a_bundle() -> None:
    with pytest.raises(InputError, match="DELETE"):
        resources_of(bundle(PATIENT, request={"method": "DELETE", "url": "Patient/p1"}), "application/fhir+json")


def test_a_score_interval_is_wilsons() -> None:
    """Wilson 1927: for 24 of 24 at 90 %, n/(n + z²); symmetrical about a half."""
    low, high = wilson(1.0, 24)
    assert (low, high) == pytest.approx((24 / (24 + 1.6448536**2), 1.0))
    assert sum(wilson(0.5, 10)) == pytest.approx(1.0)


def test_required_codes_are_held_to() -> None:
    """The models of the library take any code: the value sets that R4 requires are checked here."""
    checked({"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/a"}})
    with pytest.raises(InputError, match=r"RiskAssessment\.status 'sure'"):
        checked({"resourceType": "RiskAssessment", "status": "sure", "subject": {"reference": "Patient/a"}})
    with pytest.raises(InputError, match="subject"):
        checked({"resourceType": "RiskAssessment", "status": "final"})

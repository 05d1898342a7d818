"""What an EHR sends is sorted without a guess: taken, refused in words, or not used with the reason."""

import json
from copy import deepcopy
from typing import Any

import pytest

from gemel.core.errors import ConflictError, InputError, UnitError
from gemel.io.fhir.checked import checked
from gemel.io.fhir.forecasts import About, Chances, risk, wilson
from gemel.io.fhir.inbound import Inbound, inbound
from gemel.io.fhir.received import received
from gemel.io.fhir.statements import DOSE

JSON = "application/fhir+json"
NOW_s = 1_775_000_000.0  # 2026-03-31
PATIENT: dict[str, Any] = {"resourceType": "Patient", "id": "p1", "identifier": [{"system": "urn:hospital", "value": "P-471147"}]}


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
    return inbound(received(bundle(*resources), JSON), NOW_s)


def test_values_of_a_visit_are_taken_together_with_their_patient() -> None:
    found = read(PATIENT, psa(), psa(210, "10*9/L", "777-3"))
    said = [(one.what, one.amount, one.unit, one.entry) for one in found.statements]
    assert said == [("psa", 3.5, "ng/mL", 1), ("platelets", 210.0, "10*9/L", 2)]
    assert {(one.at, one.person.numbers) for one in found.statements} == {("2026-03-02T08:00:00Z", (("P-471147", ("urn:hospital",)),))}
    assert (list(found.people), dict(found.unused)) == ([0], {})


def test_a_patient_may_be_named_by_full_url_or_identifier() -> None:
    named = psa(subject={"reference": "urn:uuid:1"})
    data = json.dumps({
        "resourceType": "Bundle", "type": "transaction", "entry": [{"fullUrl": "urn:uuid:1", "resource": PATIENT}, {"resource": named}]
    }).encode()  # fmt: skip
    (held,) = inbound(received(data, JSON), NOW_s).statements
    assert held.person.numbers[0][0] == "P-471147"
    (held,) = read(psa(subject={"identifier": {"value": "P-2"}})).statements
    assert held.person.numbers == (("P-2", ()),)


def test_of_several_numbers_the_medical_record_number_counts() -> None:
    held = deepcopy(PATIENT)
    held["identifier"] = [
        {"value": "SOCIAL-1", "type": {"coding": [{"code": "SS"}]}},
        {"value": "P-471147", "type": {"coding": [{"code": "MR"}]}},
    ]
    (found,) = read(held, psa()).statements
    assert found.person.numbers == (("P-471147", ()),)


def test_newline_delimited_resources_are_read() -> None:
    lines = b"\n".join(json.dumps(one).encode() for one in (PATIENT, psa()))
    assert len(received(lines, "application/fhir+ndjson").resources) == 2


def drug(amount: float = 75.0, unit: str = "mg/m2", code: str = "L01AX03", **more: Any) -> dict[str, Any]:
    """Temozolomide of a morning."""
    return {
        "resourceType": "MedicationAdministration",
        "identifier": [{"system": "urn:pharmacy", "value": "A-1"}],
        "status": "completed",
        "medicationCodeableConcept": {"coding": [{"system": "http://www.whocc.no/atc", "code": code}]},
        "subject": {"reference": "Patient/p1"},
        "effectiveDateTime": "2026-03-02T08:00:00Z",
        "dosage": {"dose": {"value": amount, "unit": unit, "system": "http://unitsofmeasure.org", "code": unit}},
    } | more


def radiotherapy(dose: float = 200.0, fractions: int = 1, **more: Any) -> dict[str, Any]:
    """A fraction, as mCODE has it."""
    parts = [
        {"url": "totalDoseDelivered", "valueQuantity": {"value": dose, "code": "cGy"}},
        {"url": "fractionsDelivered", "valueUnsignedInt": fractions},
    ]
    return {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"coding": [{"system": "http://snomed.info/sct", "code": "1217123003"}]},
        "subject": {"reference": "Patient/p1"},
        "performedPeriod": {"start": "2026-03-23T09:00:00Z", "end": "2026-03-23T09:20:00Z"},
        "extension": [{"url": DOSE, "extension": parts}],
    } | more


def without(resource: dict[str, Any], *names: str) -> dict[str, Any]:
    return {key: value for key, value in resource.items() if key not in names}


def test_what_was_given_is_read_with_its_time_amount_and_name() -> None:
    contained = {"contained": [{"resourceType": "Medication", "id": "m", "code": drug()["medicationCodeableConcept"]}]}
    inside = without(drug(), "medicationCodeableConcept") | contained | {"medicationReference": {"reference": "#m"}}
    period = without(drug(), "effectiveDateTime") | {"effectivePeriod": {"start": "2026-03-02T08:00:00Z"}}
    for resource in (drug(), inside, period):
        (one,) = read(PATIENT, resource).statements
        assert (one.sort, one.what, one.amount, one.unit) == ("given", "temozolomide", 75.0, "mg/m2")
        assert (one.name, one.at) == ("MedicationAdministration|urn:pharmacy|A-1", "2026-03-02T08:00:00Z")
    (one,) = read(PATIENT, radiotherapy()).statements
    assert (one.what, one.amount, one.unit, one.at) == ("radiotherapy", 2.0, "Gy", "2026-03-23T09:00:00Z")
    (one,) = read(PATIENT, drug(200, "mCi", "V10XX05")).statements
    assert (one.amount, one.unit) == (7400.0, "MBq")


def test_weight_and_height_are_read_in_their_units() -> None:
    (weight, height) = read(PATIENT, psa(154.3, "[lb_av]", "29463-7"), psa(1.75, "m", "8302-2")).statements
    assert (weight.sort, weight.what, round(weight.amount, 2), weight.unit) == ("body", "weight", 69.99, "kg")
    assert (height.what, height.amount, height.unit) == ("height", 175.0, "cm")


def test_a_resource_that_its_sender_took_back_is_named_whatever_it_says() -> None:
    (one,) = read(PATIENT, without(drug(status="entered-in-error"), "dosage")).statements
    assert (one.name, one.withdrawn, one.what) == ("MedicationAdministration|urn:pharmacy|A-1", "entered-in-error", "")


def test_studies_and_diagnoses_are_told_with_their_person() -> None:
    study = {"resourceType": "ImagingStudy", "status": "available", "subject": {"reference": "Patient/p1"}}
    study |= {"identifier": [{"system": "urn:dicom:uid", "value": "urn:oid:1.2.3"}]}
    coded = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C61"}]}
    found = read(PATIENT, study, {"resourceType": "Condition", "subject": {"reference": "Patient/p1"}, "code": coded})
    assert found.studies[1].uid == "1.2.3"
    assert found.diagnoses[2].systems == ("prostate", "theranostics")


UNUSED = {
    "unknown code": (psa(code="2345-7"), "no model takes an Observation of loinc.org 2345-7"),
    "known but of no use": (psa(13.5, "g/dL", code="718-7"), "no model takes haemoglobin"),
    "withdrawn": (psa(status="entered-in-error"), "without an identifier"),
    "not final": (psa(status="preliminary"), "preliminary; send it when it is final"),
    "no quantity": ({k: v for k, v in psa().items() if k != "valueQuantity"}, "without a measured quantity"),
    "another system of codes": (psa(code="2857-1") | {"code": {"coding": [{"system": "urn:local", "code": "2857-1"}]}}, "local 2857-1"),
    "a report": ({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "x"}}, "served here"),
    "cyclophosphamide": (drug(600, code="L01AA01"), "counted with the doxorubicin"),
    "under way": (drug(status="in-progress"), "in-progress; send it when it is completed"),
    "no dose": (without(drug(), "dosage"), "without a measured quantity"),
    "a course": (radiotherapy(6000, 30), "30 fractions; send one Procedure a fraction"),
    "no dose of rays": (without(radiotherapy(), "extension"), "0 doses to volumes"),
}


@pytest.mark.parametrize("case", list(UNUSED))
def test_what_no_model_takes_is_named_with_the_reason(case: str) -> None:
    resource, why = UNUSED[case]
    found = read(PATIENT, resource)
    assert found.statements == ()
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
    "no zone": (psa(effectiveDateTime="2026-03-02T08:00:00"), InputError, "with its zone"),
    "the future": (psa(effectiveDateTime="2027-03-02T08:00:00Z"), InputError, "which is to come"),
    "negative": (drug(-75.0), InputError, "temozolomide = -75"),
    "a drug without unit": (drug() | {"dosage": {"dose": {"value": 75}}}, UnitError, "no unit"),
    "a drug in another unit": (drug(75, "mL"), UnitError, "temozolomide in mL"),
    "an element of R5 of a drug": (drug(occurenceDateTime="2026-03-02T08:00:00Z"), InputError, "R5 has it; R4 is spoken here"),
    "a weight of a whale": (psa(8000, "kg", "29463-7"), InputError, "weight = 8000 kg"),
    "rays without a day": (without(radiotherapy(), "performedPeriod"), InputError, "a Procedure of no time"),
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
    assert len({one.digest for one in read(PATIENT, psa(), psa()).statements}) == 1
    zoned = psa(9.9, effectiveDateTime="2026-03-02T09:00:00+01:00")
    with pytest.raises(InputError, match="psa twice"):
        read(PATIENT, psa(), zoned)
    with pytest.raises(InputError, match="psa twice"):
        read(PATIENT, psa(), psa(4.0))


@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b"7", b"{}", b'{"resourceType":"Bundle","type":"transaction"}', b"[" * 100_000, b"\xff\xfe"]
)
def test_what_is_no_bundle_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        received(data, JSON)


def test_nothing_is_deleted_by_a_bundle() -> None:
    with pytest.raises(InputError, match="DELETE"):
        received(bundle(PATIENT, request={"method": "DELETE", "url": "Patient/p1"}), JSON)


def test_a_score_interval_is_wilsons() -> None:
    """Wilson 1927: for 24 of 24 at 90 %, n/(n + z²); symmetrical about a half."""
    low, high = wilson(1.0, 24)
    assert (low, high) == pytest.approx((24 / (24 + 1.6448536**2), 1.0))
    assert sum(wilson(0.5, 10)) == pytest.approx(1.0)


def test_the_best_of_plans_with_limits_is_said_to_leave_them_aside() -> None:
    about = About("s", "t", "m", "2026-03-02T08:00:00Z")
    for limits, said in (((), "the best of the plans"), ((("x <= 1", 1.0),), "the best of the plans, limits aside")):
        row = risk(about, 1, Chances("p", limits, 0.0, 10, ()), [])["prediction"][-1]
        assert row["outcome"]["text"] == said


def test_required_codes_are_held_to() -> None:
    """The models of the library take any code: the value sets that R4 requires are checked here."""
    checked({"resourceType": "RiskAssessment", "status": "final", "subject": {"reference": "Patient/a"}})
    with pytest.raises(InputError, match=r"RiskAssessment\.status 'sure'"):
        checked({"resourceType": "RiskAssessment", "status": "sure", "subject": {"reference": "Patient/a"}})
    with pytest.raises(InputError, match="subject"):
        checked({"resourceType": "RiskAssessment", "status": "final"})


def test_a_merged_patient_is_refused() -> None:
    for kind in ("replaced-by", "replaces"):
        with pytest.raises(ConflictError, match="record"):
            read(PATIENT | {"link": [{"other": {"reference": "Patient/p2"}, "type": kind}]})


def test_a_request_names_its_resource_and_says_whether_it_must_be_new() -> None:
    def sent(**request: Any) -> Inbound:
        entry = {"resource": drug(id="d1"), "request": {"method": "POST", "url": "MedicationAdministration"} | request}
        data = {"resourceType": "Bundle", "type": "batch", "entry": [{"resource": PATIENT}, entry]}
        return inbound(received(json.dumps(data).encode(), JSON), NOW_s)

    (one,) = sent(ifNoneExist="identifier=urn:x|7").statements
    assert (one.name, one.once) == ("MedicationAdministration|urn:x|7", True)
    (one,) = sent(method="PUT", url="MedicationAdministration?identifier=urn:x|7").statements
    assert (one.name, one.once) == ("MedicationAdministration|urn:x|7", False)
    for wrong in (
        {"ifNoneExist": "code=1"},
        {"method": "PUT", "url": "MedicationAdministration/other"},
        {"method": "PUT", "url": "Patient/d1"},
    ):
        with pytest.raises(InputError):
            sent(**wrong)

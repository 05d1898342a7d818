"""Laboratory values: plain JSON and FHIR in, and what is refused."""

import json
from pathlib import Path

import pytest

from gemel.core.errors import InputError, UnitError
from gemel.io import read_labs

AT = "2026-03-02T08:00"


def _file(folder: Path, held: object) -> Path:
    (folder / "labs.json").write_text(json.dumps(held), encoding="utf-8")
    return folder / "labs.json"


def _observation(code: str, value: object, **changes: object) -> dict[str, object]:
    coding = [{"system": "http://loinc.org", "code": code}]
    unit = "ng/mL" if code in ("2857-1", "83112-3") else "10*3/uL"
    told = {"resourceType": "Observation", "status": "final", "code": {"coding": coding}, "effectiveDateTime": f"{AT}:00Z"}
    return {"resource": told | {"valueQuantity": {"value": value, "code": unit}} | changes}


def _bundle(*entries: object) -> dict[str, object]:
    return {"resourceType": "Bundle", "entry": list(entries)}


def test_plain_values_and_units(tmp_path: Path) -> None:
    held = read_labs(_file(tmp_path, {"time": AT, "platelets": [210000, "/uL"], "psa": [35, "ug/L"], "blood_MBq_L": [12000, "Bq/mL"]}))
    assert held.values == pytest.approx({"platelets": 210.0, "psa": 35.0, "blood_MBq_L": 12.0})
    assert held.at == AT


def test_a_bundle_of_observations(tmp_path: Path) -> None:
    voided = _observation("2857-1", 99.0, status="entered-in-error")
    held = read_labs(_file(tmp_path, _bundle(_observation("2857-1", 3.5), voided, _observation("777-3", 200))))
    assert held.values == {"psa": 3.5, "platelets": 200.0}


@pytest.mark.parametrize(
    ("held", "found"),
    [
        ({"time": AT, "platelets": ["210", "10*9/L"]}, "platelets = '210'"),
        ({"time": AT, "psa": [-1, "ng/mL"]}, "psa = -1"),
        ({"psa": [1, "ng/mL"]}, "no time"),
        ({"time": AT, "psa": [1, "ng/mL"], "stated": ["psa"]}, "stated"),
        ({"time": AT, "psa": [1, "ng/mL"], "stated": {"psa": "a mark"}}, "stated"),
        ({"time": AT, "psa": [1, "ng/mL"], "stated": {"psa": {"mark": "m", "digest": "d", "amount": "1", "unit": "ng/mL"}}}, "stated"),
        ([1], "a JSON list"),
        (_bundle(_observation("2857-1", 3.5), _observation("83112-3", 9.0)), "psa twice, 3.5 and 9"),
        (_bundle(_observation("2857-1", 0.0, valueQuantity={"value": 0.02, "comparator": "<", "code": "ng/mL"})), "psa < 0.02"),
        (_bundle(_observation("2857-1", 0.0, valueQuantity="3")), "psa in no unit"),
        (_bundle(1, None), "no Observation"),
        ({"resourceType": "Bundle", "entry": None}, "no Observation"),
        ({"resourceType": "Observation", "code": None}, "no Observation"),
    ],
)
def test_values_that_are_refused(tmp_path: Path, held: object, found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_labs(_file(tmp_path, held))


def test_an_unknown_unit_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="psa in mg"):
        read_labs(_file(tmp_path, {"time": AT, "psa": [1, "mg"]}))

"""Laboratory values of one day in: FHIR Observations (a Bundle, or one resource), or a plain JSON object."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gemel.core.errors import InputError, UnitError
from gemel.core.time import seconds
from gemel.io.files import digest, read_bytes

LOINC = {"777-3": "platelets", "26515-7": "platelets", "2857-1": "psa", "83112-3": "psa"}
"""Platelets in blood (automated, any method), prostate-specific antigen in serum or plasma. loinc.org."""
STATED = "stated"
UNITS: Mapping[str, Mapping[str, float]] = {
    "platelets": {"10*9/L": 1.0, "10*3/uL": 1.0, "/uL": 1e-3, "1e9/L": 1.0, "G/L": 1.0},
    "psa": {"ng/mL": 1.0, "ug/L": 1.0},
    "blood_MBq_L": {"MBq/L": 1.0, "kBq/mL": 1.0, "Bq/mL": 1e-3, "Bq/L": 1e-6},
}


@dataclass(frozen=True)
class Labs:
    """Values by name (platelets 1e9/L, psa ng/mL, blood_MBq_L) at one time, ISO 8601; `patient_id` is empty when not stated.

    `stated`: by name of a value, which statement of another record it is (`flow.heard`), as the file says.
    """

    values: Mapping[str, float]
    at: str
    patient_id: str
    digest: str
    stated: Mapping[str, Any] = field(default_factory=dict)


def read_labs(path: str | Path) -> Labs:
    """FHIR R4 `Observation`, or a `Bundle` of them, with LOINC codes and UCUM units; or
    `{"time": "2026-03-02T08:00", "platelets": [210, "10*9/L"], "psa": [35, "ng/mL"], "blood_MBq_L": [12, "MBq/L"]}`.

    Raises InputError for what is neither, several times in one file, values that are not positive; UnitError for an unknown unit.
    """
    data, where = read_bytes(Path(path)), str(path)
    try:
        held = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not JSON ({str(error)[:80]})", where=where, remedy="give a FHIR Bundle or gemel's JSON object") from error
    if not isinstance(held, dict):
        raise InputError(f"a JSON {type(held).__name__}", where=where, remedy="give a FHIR Bundle or gemel's JSON object")
    rows = _fhir(held, where) if "resourceType" in held else _plain(held, where)
    times = sorted({at for _, _, _, at, _ in rows})
    people = sorted({person for *_, person in rows if person})
    if len(times) != 1 or len(people) > 1:
        found = f"{len(times)} times and {len(people)} patients in one file"
        raise InputError(found, where=where, remedy="give the values of one patient and one time: one file a visit")
    seconds(times[0])
    values: dict[str, float] = {}
    for name, value, unit, _, _ in rows:
        number = _converted(name, value, unit, where)
        if values.setdefault(name, number) != number:
            raise InputError(f"{name} twice, {values[name]:g} and {number:g}", where=where, remedy="leave the one that counts")
    return Labs(values, times[0], people[0] if people else "", digest(data), _stated(held.get(STATED, {}), where))


def _stated(held: Any, where: str) -> Mapping[str, Any]:
    """Statements by name of their value, each with its mark, digest, amount and unit. Raises InputError for anything else."""
    kinds: Mapping[str, type | tuple[type, ...]] = {"mark": str, "digest": str, "amount": (int, float), "unit": str}
    rows = held.items() if isinstance(held, Mapping) else [("", None)]
    for name, row in rows:
        if name not in UNITS or not isinstance(row, Mapping) or not all(isinstance(row.get(key), kind) for key, kind in kinds.items()):
            raise InputError(f"{STATED}: {str(held)[:80]}", where=where, remedy="leave it out: gemel alone writes it, of what an EHR told")
    return dict(rows)


Row = tuple[str, Any, str, str, str]


def _plain(held: Mapping[str, Any], where: str) -> list[Row]:
    at = str(held.get("time", ""))
    rows = []
    for name, pair in held.items():
        if name in ("time", "patient", STATED):
            continue
        if name not in UNITS or not (isinstance(pair, list) and len(pair) == 2):
            raise InputError(f"{name}: {pair}", where=where, remedy=f"write {', '.join(UNITS)} as [value, unit]")
        rows.append((name, pair[0], str(pair[1]), at, str(held.get("patient", ""))))
    if not (rows and at):
        raise InputError("no values, or no time", where=where, remedy='write {"time": "2026-03-02T08:00", "psa": [35, "ng/mL"]}')
    return rows


def _fhir(held: Mapping[str, Any], where: str) -> list[Row]:
    entries = [{"resource": held}] if held["resourceType"] != "Bundle" else _items(held.get("entry"))
    resources = [_object(entry.get("resource")) for entry in entries]
    rows = []
    for resource in resources:
        if resource.get("resourceType") != "Observation":
            continue
        coding = _items(_object(resource.get("code")).get("coding"))
        codes = {str(c.get("code")) for c in coding if "loinc" in str(c.get("system", ""))}
        names = sorted({LOINC[code] for code in codes & set(LOINC)})
        quantity = _object(resource.get("valueQuantity"))
        if not names or resource.get("status") in ("entered-in-error", "cancelled"):
            continue
        if quantity.get("comparator"):
            found = f"{names[0]} {quantity['comparator']} {quantity.get('value')}"
            raise InputError(found, where=where, remedy="give measured values; leave out what is beyond the limit of detection")
        unit = str(quantity.get("code") or quantity.get("unit", ""))
        person = str(_object(_object(resource.get("subject")).get("identifier")).get("value", ""))
        rows.append((names[0], quantity.get("value"), unit, str(resource.get("effectiveDateTime") or ""), person))
    if not rows:
        remedy = f"it reads {', '.join(f'{name} ({code})' for code, name in LOINC.items())}"
        raise InputError("no Observation with a LOINC code that is known here", where=where, remedy=remedy)
    return rows


def _object(held: Any) -> Mapping[str, Any]:
    """A JSON object, empty for anything else."""
    return held if isinstance(held, Mapping) else {}


def _items(held: Any) -> list[Mapping[str, Any]]:
    """The objects of a JSON list."""
    return [_object(item) for item in held] if isinstance(held, list) else []


def _converted(name: str, value: Any, unit: str, where: str) -> float:
    if unit not in UNITS[name]:
        raise UnitError(f"{name} in {unit or 'no unit'}", where=where, remedy=f"state it in {', '.join(UNITS[name])}")
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not (math.isfinite(value) and value > 0):
        raise InputError(f"{name} = {value!r}", where=where, remedy="give a number above 0, without quotes")
    return float(value) * UNITS[name][unit]

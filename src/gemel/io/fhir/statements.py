"""What a resource states of a patient: something given, seen or weighed, when and how much. HL7 FHIR R4; mCODE STU4 for radiotherapy."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gemel.core.errors import InputError, UnitError
from gemel.core.time import DAY_S, iso, seconds
from gemel.io.fhir.checked import Resource
from gemel.io.fhir.person import Person, a, mapping, rows
from gemel.io.fhir.vocabulary import Meaning

DOSE = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-radiotherapy-dose-delivered-to-volume"
TIMES: Mapping[str, tuple[str, ...]] = {
    "Observation": ("effectiveDateTime", "effectiveInstant"),
    "MedicationAdministration": ("effectiveDateTime", "effectivePeriod"),
    "Procedure": ("performedDateTime", "performedPeriod"),
}
AHEAD_s = DAY_S
"""How far the sender's clock may be ahead."""


@dataclass(frozen=True)
class Statement:
    """Something of one person: `sort` (given, seen, body), what, when (ISO 8601), how much in which unit.

    `entry`: the resource that it came from; `name`: by which its sender knows it, "" where it has none; `withdrawn`: the status with which
    it was taken back; `once`: not to be corrected, where it is known already (If-None-Exist).
    """

    entry: int
    person: Person
    name: str
    sort: str = ""
    what: str = ""
    at: str = ""
    amount: float = 0.0
    unit: str = ""
    withdrawn: str = ""
    once: bool = False

    @property
    def digest(self) -> str:
        """SHA-256 of what it says."""
        said = (self.sort, self.what, seconds(self.at) if self.at else 0.0, self.amount, self.unit)
        return hashlib.sha256(repr(said).encode()).hexdigest()


def stated(resource: Resource, meant: Meaning, where: str, now_s: float) -> Statement | str:
    """What a resource of a known code says, of nobody yet; or why nothing can be made of it, in words.

    Raises UnitError for an unknown unit, InputError for a time that is missing, lacks its hour or lies ahead, and numbers that cannot be.
    """
    kind = str(resource["resourceType"])
    quantity: Any = resource.get("valueQuantity")
    if kind == "MedicationAdministration":
        quantity = mapping(resource.get("dosage")).get("dose")
    elif kind == "Procedure":
        quantity = _fraction(resource)
    if not isinstance(quantity, Mapping):
        return quantity or f"{meant.what} without a measured quantity"
    amount, unit = _amount(quantity, meant, where)
    return Statement(0, Person(), "", meant.sort, meant.what, _time(resource, kind, where, now_s), amount, unit)


def _fraction(resource: Resource) -> Mapping[str, Any] | str:
    """Dose of a radiotherapy of one fraction; of any other, why it is not used."""
    doses = [rows(one.get("extension")) for one in rows(resource.get("extension")) if one.get("url") == DOSE]
    if len(doses) != 1:
        return f"radiotherapy with {len(doses)} doses to volumes; state that of the target in mCODE's extension"
    parts = {str(one.get("url")): one for one in doses[0]}
    fractions = parts.get("fractionsDelivered", {}).get("valueUnsignedInt")
    if fractions != 1:
        return f"radiotherapy of {fractions or 'unstated'} fractions; send one Procedure a fraction, with its time and fractionsDelivered 1"
    return mapping(parts.get("totalDoseDelivered", {}).get("valueQuantity"))


def _amount(quantity: Mapping[str, Any], meant: Meaning, where: str) -> tuple[float, str]:
    """Number and unit: in the table's first unit where it can be converted, laboratory values as they were sent."""
    unit = str(quantity.get("code") or quantity.get("unit") or "")
    if quantity.get("comparator"):
        found = f"{meant.what} {quantity['comparator']} {quantity.get('value')}"
        raise InputError(found, where=where, remedy="send measured values; leave out what is beyond the limit of detection")
    if unit not in meant.units:
        raise UnitError(f"{meant.what} in {unit[:40] or 'no unit'}", where=where, remedy=f"send it in {', '.join(meant.units)} (UCUM)")
    number, factor = quantity.get("value"), meant.units[unit]
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < 1e12:
        raise InputError(f"{meant.what} = {str(number)[:40]}", where=where, remedy="send a number above 0")
    if meant.sort == "seen" or factor == 0.0:
        return float(number), unit
    amount = float(number) * factor
    if not meant.low <= amount <= meant.high:
        remedy = f"{meant.low:g} to {meant.high:g} {next(iter(meant.units))} can be: check number and unit"
        raise InputError(f"{meant.what} = {number:g} {unit}", where=where, remedy=remedy)
    return amount, next(iter(meant.units))


def _time(resource: Resource, kind: str, where: str, now_s: float) -> str:
    held = [resource.get(name) for name in TIMES[kind]]
    found = next((str(one.get("start") or "") if isinstance(one, Mapping) else str(one) for one in held if one), "")
    if "T" not in found:
        remedy = f"send {TIMES[kind][0]} with date, time and zone"
        raise InputError(f"{a(kind)} of {found or 'no time'}", where=where, remedy=remedy)
    if seconds(found) > now_s + AHEAD_s:
        raise InputError(f"{a(kind)} of {found}, which is to come", where=where, remedy=f"send what has happened; it is {iso(now_s)} here")
    return found

"""Voxel values of a PET or NM object → Bq/mL, or counts that wait for a calibration factor."""

import math

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from gemel.core.activity import Correction, Unit
from gemel.core.errors import InputError, UnitError
from gemel.io.dicom_file import guarded, items, numbers, text

_PHILIPS = 0x7053
MOST_KG = 700.0  # heavier than any person
_FIX = "state the concentration of one unit: --Bq-mL-per-unit, or BqPerMLPerUnit in the sidecar"
_UCUM_Bq_mL = {"Bq/ml": 1.0, "Bq/mL": 1.0, "kBq/ml": 1e3, "kBq/mL": 1e3, "MBq/ml": 1e6, "MBq/mL": 1e6, "BQML": 1.0}


def pet_factor_Bq_mL(dataset: Dataset, where: str, *, reference_activity_Bq: float) -> float:
    """Bq/mL of one rescaled unit of a PET slice by its Units (PS3.3 C.8.9.1.1.3): BQML, GML (SUV by body weight) or CNTS of Philips.

    SUV: activity still there at the decay reference over body weight. CNTS: private (7053,xx09) Bq/mL a count, else (7053,xx00)
    SUV a count; without either it is refused.
    """
    unit = text(dataset, "Units", where)
    if unit == "BQML":
        return 1.0
    if unit == "GML":
        kind = text(dataset, "SUVType", where)
        if kind not in ("", "BW"):
            raise UnitError(f"SUV of type {kind}", where=where, remedy=f"export it by body weight or as BQML; or {_FIX}")
        return _per_suv(dataset, where, reference_activity_Bq)
    if unit == "CNTS":
        concentration, suv = (_private(dataset, offset, where) for offset in (0x09, 0x00))
        if concentration > 0:
            return concentration
        if suv > 0:
            return suv * _per_suv(dataset, where, reference_activity_Bq)
        raise UnitError("counts (CNTS) without a calibration factor", where=where, remedy=f"export it as BQML, or {_FIX}")
    raise UnitError(f"voxel values in {unit or 'no unit'}", where=where, remedy=f"export it as BQML, or {_FIX}")


def nm_unit(dataset: Dataset, where: str) -> tuple[Unit, float, float]:
    """Unit of an NM image, and the slope and intercept to it: Bq/mL where RealWorldValueMappingSequence or Units says so, else counts."""
    for item in items(dataset, "RealWorldValueMappingSequence", where):
        codes = items(item, "MeasurementUnitsCodeSequence", where)
        code = text(codes[0], "CodeValue", where) if codes else ""
        if code in _UCUM_Bq_mL:
            slope, intercept = (float(numbers(item, key, 1, where)[0]) for key in ("RealWorldValueSlope", "RealWorldValueIntercept"))
            _require_rising(slope, "RealWorldValueSlope", where)
            return "Bq/mL", slope * _UCUM_Bq_mL[code], intercept * _UCUM_Bq_mL[code]
    slope, intercept = (
        float(numbers(dataset, k, 1, where)[0]) if k in dataset else d for k, d in (("RescaleSlope", 1.0), ("RescaleIntercept", 0.0))
    )
    _require_rising(slope, "RescaleSlope", where)
    unit = text(dataset, "Units", where)
    if unit in ("BQML", "CNTS", ""):
        return ("Bq/mL" if unit == "BQML" else "counts"), slope, intercept
    raise UnitError(f"voxel values in {unit}", where=where, remedy=f"export it as BQML or counts, or {_FIX}")


def _require_rising(slope: float, keyword: str, where: str) -> None:
    if not slope > 0:
        raise UnitError(f"{keyword} = {slope:g}", where=where, remedy="export it again with its rescale")


def correction_of(dataset: Dataset, where: str) -> Correction:
    """DecayCorrection (PS3.3 C.8.9.1.1.6); NM has only the word DECY in CorrectedImage, without the time that it is corrected to."""
    known: dict[str, Correction] = {"NONE": "none", "START": "start", "ADMIN": "injection"}
    written = text(dataset, "DecayCorrection", where)
    if written in known:
        return known[written]
    remedy = "state it: --decay-corrected-to none|start|injection, or DecayCorrectedTo in the sidecar"
    if written:
        raise InputError(f"DecayCorrection = {written!r}", where=where, remedy=remedy)
    if "DECY" in text(dataset, "CorrectedImage", where):
        raise InputError("a decay correction to a time that is not stated (DECY)", where=where, remedy=remedy)
    if text(dataset, "Modality", where) == "PT":
        raise InputError("no DecayCorrection", where=where, remedy=remedy)
    return "none"


def _per_suv(dataset: Dataset, where: str, reference_activity_Bq: float) -> float:
    """Bq/mL of SUV 1, for a density of 1 g/mL."""
    weight_kg = float(numbers(dataset, "PatientWeight", 1, where)[0])
    if not (math.isfinite(reference_activity_Bq) and weight_kg > 0):
        found = "SUV without the half-life of the nuclide (RadionuclideHalfLife) or a weight"
        raise UnitError(found, where=where, remedy=f"export it as BQML, or {_FIX}")
    if weight_kg > MOST_KG:
        raise UnitError(f"PatientWeight = {weight_kg:g} kg", where=where, remedy=f"it is in grams: export it in kg; or {_FIX}")
    return reference_activity_Bq / (1000.0 * weight_kg)


def _private(dataset: Dataset, offset: int, where: str) -> float:
    """A decimal of Philips' private block, 0 when absent."""
    for block in range(0x10, 0x100):
        creator = dataset.get((_PHILIPS, block))
        if creator is not None and "Philips PET" in str(creator.value):
            return _decimal(dataset.get((_PHILIPS, (block << 8) + offset)), where)
    return 0.0


def _decimal(element: DataElement | None, where: str) -> float:
    """A decimal string that the reader may have left as bytes."""
    if element is None:
        return 0.0
    held = element.value
    return guarded(lambda: float(held.decode("ascii").strip() if isinstance(held, bytes) else held), where)

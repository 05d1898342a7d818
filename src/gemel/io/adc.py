"""Maps of apparent diffusion in, in mm2/s by the unit that a person or the file states: NIfTI, single-frame DICOM MR, Parametric Map.

In DICOM the unit is a code of RealWorldValueMappingSequence (PS3.3 C.7.6.16.2.11, C.11.12) or the text of RescaleType (C.11.1.1.2). What
is not stated is never guessed from the size of the values.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from highdicom.pm import ParametricMap
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.uid import ParametricMapStorage

from gemel.core.errors import InputError, UnitError
from gemel.core.image import Array, Image, with_array
from gemel.io.dicom_file import guarded, numbers, parse, text
from gemel.io.dicom_folder import scan
from gemel.io.dicom_header import identity_of
from gemel.io.dicom_image import read_series
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes
from gemel.io.nifti import read_nifti
from gemel.io.orientation import along_lps

ADC_mm2_s: Mapping[str, float] = {
    "mm2/s": 1.0, "1e-3 mm2/s": 1e-3, "10-3 mm2/s": 1e-3, "1e-6 mm2/s": 1e-6, "10-6 mm2/s": 1e-6, "um2/ms": 1e-3, "um2/s": 1e-6,
}  # fmt: skip
"""Units of ADC maps, in mm2/s."""
_UNSAID = ("", "US", "1", "no units")


@dataclass(frozen=True)
class AdcRead:
    """The map, and the patient that the file names; empty where it names none."""

    adc_mm2_s: Image
    patient_id: str


def read_adc(path: str | Path, stated: str = "") -> AdcRead:
    """The map of a NIfTI, of the one MR series of a folder, or of a Parametric Map; `stated` is the unit where the file does not say.

    Raises UnitError for a unit that nobody says, that is none of ADC, or that the file contradicts.
    """
    path = Path(path)
    if path.name.endswith((".nii", ".nii.gz")):
        image = read_nifti(path)
        return AdcRead(_scaled(image, factor(stated, str(path))), "")
    entries = scan(path)
    if any(text(entry.header, "SOPClassUID", str(entry.path)) == ParametricMapStorage for entry in entries):
        return _parametric(path, stated)
    said: set[str] = set()
    series = read_series(path, modality="MR", values=lambda dataset, where: _slice(dataset, where, said))
    return AdcRead(_scaled(series.image, _agreed(said, stated, str(path))), series.identity.patient_id)


def factor(unit: str, where: str) -> float:
    """What turns values of that unit into mm2/s. Raises UnitError for one that is no ADC's, or none."""
    plain = plainly(unit)
    if plain not in ADC_mm2_s:
        found = f"an ADC in {unit.strip()}" if unit.strip() else "an ADC in no stated unit"
        raise UnitError(found, where=where, remedy=f"state adc_unit, one of {', '.join(ADC_mm2_s)}")
    return ADC_mm2_s[plain]


def plainly(unit: str) -> str:
    """The unit as ADC_mm2_s writes it: UCUM's `10*-6.mm2/s`, `10^-6 mm²/s`, `x10-6mm2/s` and `1E-6 mm2/s` are one."""
    plain = unit.strip().replace("²", "2").replace("µ", "u").replace("μ", "u").replace("^", "").replace("*", "").lower()
    plain = plain.replace("mm2/sec", "mm2/s").replace("e-0", "e-").removeprefix("x").strip().replace(".mm2", " mm2")
    number, _, rest = plain.partition("mm2/s")
    return f"{number.strip()} mm2/s" if number.strip() and not rest and "mm2/s" in plain else plain


def _agreed(said: set[str], stated: str, where: str) -> float:
    """The one factor of what the files say and what was stated."""
    factors = {factor(unit, where) for unit in (*said, stated) if unit.strip() not in _UNSAID}
    if len(factors) > 1:
        found = f"an ADC in {' and '.join(sorted({*said, *filter(None, [stated])}))}"
        raise UnitError(found, where=where, remedy="correct adc_unit, or leave it out where the file states its own")
    return factors.pop() if factors else factor("", where)


def _slice(dataset: Dataset, where: str, said: set[str]) -> Float[Array, "x y"]:
    """One slice in the unit that it states, which is added to `said`."""
    stored = stored_values(dataset, where)[0].T.astype(np.float64)
    mappings = dataset.get("RealWorldValueMappingSequence") or []
    if mappings:
        unit = _code(mappings[0], where)
        slope, intercept = (float(numbers(mappings[0], f"RealWorldValue{name}", 1, where)[0]) for name in ("Slope", "Intercept"))
    else:
        unit = text(dataset, "RescaleType", where)
        held = "RescaleSlope" in dataset
        slope, intercept = (float(numbers(dataset, f"Rescale{name}", 1, where)[0]) if held else default for name, default in _RESCALE)
    if slope == 0:
        raise UnitError("a slope of 0", where=where, remedy="export the series again with its rescale")
    said.add(unit)
    return (stored * slope + intercept).astype(np.float32)


_RESCALE = (("Slope", 1.0), ("Intercept", 0.0))


def _code(mapping: Dataset, where: str) -> str:
    codes = mapping.get("MeasurementUnitsCodeSequence") or []
    if len(codes) != 1:
        raise UnitError("a real-world value without its unit", where=where, remedy="export it with MeasurementUnitsCodeSequence")
    return text(codes[0], "CodeValue", where)


def _parametric(path: Path, stated: str) -> AdcRead:
    """The volume of a Parametric Map, real-world values."""
    files = [path] if path.is_file() else sorted(entry.path for entry in scan(path))
    if len(files) != 1:
        raise InputError(f"{len(files)} files beside a Parametric Map", where=str(path), remedy="name the map's file itself")
    where = str(files[0])
    dataset = parse(read_bytes(files[0]), where)
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [Dataset()])[0]
    groups = [shared, *(dataset.get("PerFrameFunctionalGroupsSequence") or [])]
    said = {_code(item, where) for group in groups for item in group.get("RealWorldValueMappingSequence") or []}
    held = guarded(lambda: ParametricMap.from_dataset(dataset).get_volume(apply_real_world_transform=True), where)
    array, affine_mm = along_lps(np.asarray(held.array, dtype=np.float32), np.asarray(held.affine, dtype=np.float64))
    identity = identity_of(dataset, where)
    return AdcRead(_scaled(Image(array, affine_mm, identity.frame_uid), _agreed(said, stated, where)), identity.patient_id)


def _scaled(image: Image, to_mm2_s: float) -> Image:
    return with_array(image, (image.array * to_mm2_s).astype(np.float32))

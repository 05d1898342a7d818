"""One MRI visit in: a folder with `visit.json` and the maps that it names.

time        ISO 8601, when the maps were acquired
adc         file of the ADC map (NIfTI), or a folder of single-frame DICOM MR with its rescale
adc_unit    mm2/s, 1e-3 mm2/s, 1e-6 mm2/s or um2/ms: never guessed
tumour      file of the outline, 1 inside, on the same grid
supply      file of the drug supply map (area under the contrast curve, Ktrans), optional
tissue      file of tissue labels, 0 outside, 1 adipose, 2 fibroglandular, optional
nothing_left    true where no tumour is seen any more, so that the outline is empty
patient     identifier, optional
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import InputError, UnitError
from gemel.core.image import Array, Image, require_same_grid, with_array
from gemel.core.time import seconds
from gemel.io.dicom_image import read_series
from gemel.io.files import digest, read_bytes
from gemel.io.nifti import read_nifti

NAME = "visit.json"
ADC_mm2_s = {"mm2/s": 1.0, "1e-3 mm2/s": 1e-3, "10-3 mm2/s": 1e-3, "1e-6 mm2/s": 1e-6, "10-6 mm2/s": 1e-6, "um2/ms": 1e-3, "um2/s": 1e-6}
"""Units of ADC maps, in mm2/s."""
FIELDS = ("time", "adc", "adc_unit", "tumour", "supply", "tissue", "nothing_left", "patient")


@dataclass(frozen=True)
class DiffusionRead:
    """The visit with what the record keeps of it; `patient_id` is empty where none is stated."""

    visit: DiffusionVisit
    acquired: str
    patient_id: str
    digest: str


def read_breast_visit(folder: str | Path) -> DiffusionRead:
    """The visit of a folder. Raises InputError for missing fields, UnitError for an ADC without its unit, and what the visit refuses."""
    folder = Path(folder)
    if not (folder / NAME).is_file():
        raise InputError(f"no {NAME}", where=str(folder), remedy=f"write one with {', '.join(FIELDS[:4])}")
    fields = _fields(folder / NAME)
    where = str(folder / NAME)
    factor = _factor(fields, where)
    adc = _map(folder / str(_needed(fields, "adc", where)))
    outline = _map(folder / str(_needed(fields, "tumour", where)))
    acquired = str(_needed(fields, "time", where))
    parts = {name: _map(folder / str(fields[name])) for name in ("supply", "tissue") if fields.get(name)}
    made = digest(b"".join(read_bytes(path) for path in sorted(p for p in folder.rglob("*") if p.is_file())))
    visit = DiffusionVisit(
        adc_mm2_s=with_array(adc, (adc.array * factor).astype(np.float32)),
        tumour=_outline(outline, adc, where),
        acquired_s=seconds(acquired),
        supply=parts.get("supply"),
        tissue=parts.get("tissue"),
        source=f"{folder.name}#{made[:16]}",
        nothing_left=fields.get("nothing_left") is True,
    )
    return DiffusionRead(visit, acquired, str(fields.get("patient", "")), made)


def _fields(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(read_bytes(path))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not JSON ({str(error)[:80]})", where=str(path), remedy="write one JSON object") from error
    if not isinstance(fields, dict):
        raise InputError(f"a JSON {type(fields).__name__}", where=str(path), remedy="write one JSON object")
    unknown = sorted(set(fields) - set(FIELDS))
    if unknown:
        raise InputError(f"a field {unknown[0]!r}", where=str(path), remedy=f"it knows {', '.join(FIELDS)}")
    return fields


def _needed(fields: dict[str, Any], name: str, where: str) -> Any:
    if not fields.get(name):
        raise InputError(f"no {name!r}", where=where, remedy=f"state {name}")
    return fields[name]


def _factor(fields: dict[str, Any], where: str) -> float:
    """What turns the map into mm2/s."""
    unit = str(fields.get("adc_unit") or "").replace("²", "2").replace("µ", "u").replace("^", "").strip()
    if unit not in ADC_mm2_s:
        raise UnitError(f"an ADC in {unit or 'no stated unit'}", where=where, remedy=f"state adc_unit, one of {', '.join(ADC_mm2_s)}")
    return ADC_mm2_s[unit]


def _map(path: Path) -> Image:
    return read_series(path, modality="MR").image if path.is_dir() else read_nifti(path)


def _outline(image: Image, grid: Image, where: str) -> Bool[Array, "x y z"]:
    require_same_grid(grid, image, f"{where}: tumour")
    return np.rint(image.array) > 0

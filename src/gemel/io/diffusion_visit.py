"""One MRI visit in: a folder with `visit.json` and the maps that it names, or with DICOM alone (`diffusion_study`).

time        ISO 8601, when the maps were acquired
adc         file of the ADC map (NIfTI or DICOM Parametric Map), or a folder of single-frame DICOM MR
adc_unit    mm2/s, 1e-3 mm2/s, 1e-6 mm2/s or um2/ms: never guessed; may be left out where the DICOM states it
tumour      file of the outline, 1 inside, on the same grid
supply      file of the drug supply map (area under the contrast curve, Ktrans), optional
tissue      file of tissue labels, 0 outside, 1 adipose, 2 fibroglandular, optional
nothing_left    true where no tumour is seen any more, so that the outline is empty
patient     identifier, optional
"""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from jaxtyping import Bool

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import IdentityError, InputError
from gemel.core.image import Array, Image, require_same_grid
from gemel.core.time import seconds
from gemel.io.adc import read_adc
from gemel.io.diffusion_study import is_study, read_study
from gemel.io.files import digest, read_bytes
from gemel.io.identity import Identity
from gemel.io.nifti import read_nifti

NAME = "visit.json"
MAPS = ("adc", "tumour", "supply", "tissue")
FIELDS = ("time", "adc", "adc_unit", "tumour", "supply", "tissue", "nothing_left", "patient")


@dataclass(frozen=True)
class DiffusionRead:
    """The visit with what the record keeps of it; `patient_id` is empty where none is stated, `identity` is of DICOM."""

    visit: DiffusionVisit
    acquired: str
    patient_id: str
    digest: str
    identity: Identity | None = None


def read_diffusion_visit(folder: str | Path) -> DiffusionRead:
    """The visit of a folder. Raises InputError for missing fields, UnitError for an ADC without its unit, and what the visit refuses."""
    folder = Path(folder)
    if not (folder / NAME).is_file():
        if folder.is_dir() and any(folder.iterdir()) and is_study(folder):
            visit, seen, whose, made = read_study(folder)
            return DiffusionRead(visit, seen.acquired, whose.patient_id, made, whose)
        raise InputError(f"no {NAME}", where=str(folder), remedy=f"write one with {', '.join(FIELDS[:4])}")
    fields = _fields(folder / NAME)
    where = str(folder / NAME)
    for name in filter(None, (fields.get(field) for field in MAPS)):
        if not _kept(str(name)):
            raise InputError(f"a map {str(name)[:64]!r}", where=where, remedy="keep all maps in the visit's folder, or one below it")
    adc = read_adc(folder / str(_needed(fields, "adc", where)), str(fields.get("adc_unit") or ""))
    outline = read_nifti(folder / str(_needed(fields, "tumour", where)))
    acquired = str(_needed(fields, "time", where))
    parts = {name: read_nifti(folder / str(fields[name])) for name in ("supply", "tissue") if fields.get(name)}
    made = digest(b"".join(read_bytes(path) for path in sorted(p for p in folder.rglob("*") if p.is_file())))
    visit = DiffusionVisit(
        adc_mm2_s=adc.adc_mm2_s,
        tumour=_outline(outline, adc.adc_mm2_s, where),
        acquired_s=seconds(acquired),
        supply=parts.get("supply"),
        tissue=parts.get("tissue"),
        source=f"{folder.name}#{made[:16]}",
        nothing_left=fields.get("nothing_left") is True,
    )
    return DiffusionRead(visit, acquired, _patient(str(fields.get("patient", "")), adc.patient_id, where), made)


def maps_named(data: bytes) -> tuple[str, ...]:
    """Names of the maps that the bytes of a visit.json name, files before folders within it; empty for what is no visit.json."""
    try:
        fields = json.loads(data) if data.lstrip()[:1] == b"{" else {}
    except (UnicodeDecodeError, json.JSONDecodeError):
        return ()
    if not isinstance(fields, dict) or not {"adc", "tumour", "time"} <= fields.keys():
        return ()
    names = {str(fields[name]) for name in MAPS if fields.get(name)}
    if not all(_kept(name) for name in names):
        return ()
    return tuple(sorted(names, key=lambda name: (name.count("/"), name)))


def _kept(name: str) -> bool:
    """Whether a map lies where the record keeps originals from: in the folder, or in one below it; never elsewhere."""
    parts = PurePosixPath(name).parts
    return 0 < len(parts) <= 2 and ".." not in parts and not name.startswith("/") and "\\" not in name


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


def _patient(stated: str, named: str, where: str) -> str:
    """Who it is of. Raises IdentityError where the DICOM names another than was stated."""
    if stated and named and stated != named:
        raise IdentityError(f"patient {stated!r}, and {named!r} in the DICOM", where=where, remedy="check whose maps these are")
    return stated or named


def _outline(image: Image, grid: Image, where: str) -> Bool[Array, "x y z"]:
    require_same_grid(grid, image, f"{where}: tumour")
    return np.rint(image.array) > 0

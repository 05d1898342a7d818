"""A NIfTI volume with a JSON sidecar in: the fields of PET-BIDS where they exist, and a few of our own for therapy series.

    TracerRadionuclide        Lu-177, 177Lu, Lu177 …
    InjectedRadioactivity     number, and InjectedRadioactivityUnits Bq, kBq, MBq or GBq
    Units                     Bq/mL, kBq/mL, MBq/mL or counts (sum over FrameDuration)
    InjectionDateTime, AcquisitionDateTime   ISO 8601 on one clock; or InjectionStart, ScanStart in s after one TimeZero of all scans
    FrameDuration             s, a number or a list of one
    ImageDecayCorrected       true or false; true needs DecayCorrectedTo start or injection, or ImageDecayCorrectionTime in s after TimeZero
    BqPerMLPerUnit            number: concentration of one unit of the voxel values

Norgaard et al. 2022, Sci Data 9:65 (PET-BIDS).
"""

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from gemel.core.activity import ActivityImage, Correction, Unit
from gemel.core.errors import InputError, UnitError
from gemel.core.image import with_array
from gemel.io.files import digest, read_bytes
from gemel.io.nifti import read_nifti
from gemel.io.nuclear_header import NOTHING_STATED, Stated, moment_s, nuclide_name

_Bq_mL = {"Bq/mL": 1.0, "kBq/mL": 1e3, "MBq/mL": 1e6, "Bq/ml": 1.0, "kBq/ml": 1e3, "MBq/ml": 1e6}
_MBq = {"Bq": 1e-6, "kBq": 1e-3, "MBq": 1.0, "GBq": 1e3}
_CLOCKS = (("InjectionDateTime", "InjectionStart"), ("AcquisitionDateTime", "ScanStart"))


def read_activity_nifti(path: str | Path, sidecar: str | Path = "", *, frame: str = "", stated: Stated = NOTHING_STATED) -> ActivityImage:
    """The volume and its sidecar (by default the same name with .json); what is `stated` goes before it.

    Every missing field is an error that names it.
    """
    path = Path(path)
    beside = Path(sidecar) if str(sidecar) else path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    own, told, where = read_fields(beside), _as_fields(stated), str(beside)
    fields = told | {name: held for name, held in own.items() if held not in (None, "")} if stated.where_silent else own | told
    image = read_nifti(path, frame=frame)
    unit, factor = _unit(fields, where)
    injected_s, acquired_s = _times_s(fields, where)
    return ActivityImage(
        image=with_array(image, (image.array * factor).astype(np.float32)),
        unit=unit,
        nuclide=nuclide_name(str(field_of(fields, "TracerRadionuclide", where)), where),
        acquired_s=acquired_s,
        duration_s=number_of(fields, "FrameDuration", where),
        injected_s=injected_s,
        injected_MBq=injected_MBq_of(fields, where),
        decay_corrected_to=_correction(fields, where, injected_s, acquired_s),
        source=digest(read_bytes(path)),
    )


def read_fields(path: Path) -> dict[str, Any]:
    """The sidecar's object. Raises InputError for what is no JSON, or no object."""
    if not path.is_file():
        remedy = "write one with Units, AcquisitionDateTime, FrameDuration, ImageDecayCorrected (PET-BIDS)"
        raise InputError("a NIfTI image without its JSON sidecar", where=str(path), remedy=remedy)
    data = read_bytes(path)
    try:
        fields = json.loads(data)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not JSON ({str(error)[:80]})", where=str(path), remedy="write the sidecar as one JSON object") from error
    if not isinstance(fields, dict):
        raise InputError("JSON that is no object", where=str(path), remedy='write the sidecar as {"TracerRadionuclide": "Lu-177", …}')
    return fields


def _as_fields(stated: Stated) -> dict[str, Any]:
    """What the user stated, under the names of the sidecar."""
    corrected = stated.decay_corrected_to
    told = {
        "TracerRadionuclide": stated.nuclide,
        "InjectionDateTime": stated.injected,
        "AcquisitionDateTime": stated.acquired,
        "InjectedRadioactivity": stated.injected_MBq,
        "InjectedRadioactivityUnits": "MBq" if math.isfinite(stated.injected_MBq) else "",
        "FrameDuration": stated.duration_s,
        "ImageDecayCorrected": None if corrected is None else corrected != "none",
        "DecayCorrectedTo": corrected,
        "BqPerMLPerUnit": stated.Bq_mL_per_unit,
    }
    return {name: held for name, held in told.items() if held is not None and held != "" and held == held}


def field_of(fields: Mapping[str, Any], name: str, where: str) -> Any:
    """A field that must be there."""
    if fields.get(name) is None or fields[name] == "":
        raise InputError(f"no {name}", where=where, remedy=f"add {name} to the sidecar")
    return fields[name]


def number_of(fields: Mapping[str, Any], name: str, where: str) -> float:
    """A field that must be one finite number."""
    found = field_of(fields, name, where)
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    if isinstance(found, bool) or not isinstance(found, int | float) or not math.isfinite(found):
        raise InputError(f"{name} = {str(found)[:60]}", where=where, remedy=f"write {name} as one finite number")
    return float(found)


def Bq_mL_of(fields: Mapping[str, Any], where: str) -> float:
    """Bq/mL of one unit of the values. Raises UnitError for counts."""
    unit, factor = _unit(fields, where)
    if unit != "Bq/mL":
        raise UnitError(f"values in {unit}", where=where, remedy="calibrate the images, or add BqPerMLPerUnit")
    return factor


def _unit(fields: Mapping[str, Any], where: str) -> tuple[Unit, float]:
    if "BqPerMLPerUnit" in fields:
        factor = number_of(fields, "BqPerMLPerUnit", where)
        if not factor > 0:
            raise UnitError(f"BqPerMLPerUnit = {factor:g}", where=where, remedy="write the concentration of one unit, above 0")
        return "Bq/mL", factor
    written = str(field_of(fields, "Units", where))
    if written == "counts":
        return "counts", 1.0
    if written not in _Bq_mL:
        remedy = f"write Units as {', '.join(_Bq_mL)} or counts; or add BqPerMLPerUnit"
        raise UnitError(f"Units = {written!r}", where=where, remedy=remedy)
    return "Bq/mL", _Bq_mL[written]


def injected_MBq_of(fields: Mapping[str, Any], where: str) -> float:
    """Activity injected, with its unit."""
    unit = str(field_of(fields, "InjectedRadioactivityUnits", where))
    if unit not in _MBq:
        raise UnitError(f"InjectedRadioactivityUnits = {unit!r}", where=where, remedy=f"write one of {', '.join(_MBq)}")
    return number_of(fields, "InjectedRadioactivity", where) * _MBq[unit]


def _times_s(fields: Mapping[str, Any], where: str) -> tuple[float, float]:
    """Injection and start of the scan: both absolute, or both relative to TimeZero."""
    absolute = [bool(fields.get(a)) for a, _ in _CLOCKS]
    if all(absolute):
        injected_s, acquired_s = (moment_s(str(fields[a]), a, where) for a, _ in _CLOCKS)
        _require_one_clock(fields, where)
        return injected_s, acquired_s
    if any(absolute):
        missing = _CLOCKS[absolute.index(False)][0]
        raise InputError(f"no {missing} beside the other date", where=where, remedy=f"add {missing} to the sidecar")
    injected_s, acquired_s = (number_of(fields, relative, where) for _, relative in _CLOCKS)
    return injected_s, acquired_s


def _require_one_clock(fields: Mapping[str, Any], where: str) -> None:
    """Both dates with a zone, or neither."""
    zoned = {a: bool(re.search(r"(Z|[+-]\d\d(:?\d\d)?)$", str(fields[a])[10:])) for a, _ in _CLOCKS}
    if len(set(zoned.values())) > 1:
        found = " and ".join(f"{name} = {fields[name]}" for name in zoned)
        raise InputError(f"{found}: one with a time zone and one without", where=where, remedy="write both on one clock")


def _correction(fields: Mapping[str, Any], where: str, injected_s: float, acquired_s: float) -> Correction:
    corrected = field_of(fields, "ImageDecayCorrected", where)
    if corrected is False:
        return "none"
    written = fields.get("DecayCorrectedTo")
    if written in ("start", "injection"):
        return cast(Correction, written)
    if corrected is True and written is None and "ImageDecayCorrectionTime" in fields and "ScanStart" in fields:
        time_s = number_of(fields, "ImageDecayCorrectionTime", where)
        for moment_s, name in ((acquired_s, "start"), (injected_s, "injection")):
            if abs(time_s - moment_s) < 1.0:
                return cast(Correction, name)
    remedy = "write ImageDecayCorrected true or false, and DecayCorrectedTo start or injection"
    raise InputError(f"ImageDecayCorrected {corrected!r} to {written!r}", where=where, remedy=remedy)


def read_names(path: str | Path) -> dict[int, str]:
    """Names of the labels of a label map: `{"1": "kidney_left", "2": "tumour_1"}`. InputError for anything else, and a name twice."""
    remedy = 'write {"1": "kidney_left", "2": "tumour_1"}'
    if not Path(path).is_file():
        raise InputError("a label map without the names of its labels", where=str(path), remedy=f"{remedy} there")
    fields = read_fields(Path(path))
    try:
        names = {int(label): str(name) for label, name in fields.items()}
    except ValueError as error:
        raise InputError(f"a label {error}", where=str(path), remedy=remedy) from error
    written = [name for name in names.values() if name]
    if twice := sorted({name for name in written if written.count(name) > 1}):
        raise InputError(f"two labels named {', '.join(twice)}", where=str(path), remedy=f"name each label its own: {remedy}")
    return names

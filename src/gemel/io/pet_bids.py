"""PET-BIDS in: a 4-D NIfTI with its sidecar → DynamicImage, and blood samples as a table → BloodCurve. Norgaard 2022, Sci Data 9:65.

Sidecar: FrameTimesStart, FrameDuration, InjectionStart, ScanStart (s after TimeZero), TracerRadionuclide, InjectedRadioactivity with its
units, Units, ImageDecayCorrected, and ImageDecayCorrectionTime where it was. Blood: columns time (s after TimeZero),
plasma_radioactivity, metabolite_parent_fraction, whole_blood_radioactivity, each with its Units in the JSON beside.
"""

import csv
import math
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.dynamic import BloodCurve, DynamicImage
from gemel.core.errors import InputError, UnitError
from gemel.core.image import Array
from gemel.io.files import digest, read_bytes
from gemel.io.nifti import read_nifti_frames
from gemel.io.nuclear_header import nuclide_name
from gemel.io.sidecar import Bq_mL_of, field_of, injected_MBq_of, number_of, read_fields

TO_S = {"s": 1.0, "seconds": 1.0, "min": 60.0}


def read_dynamic_nifti(path: str | Path, sidecar: str | Path = "", *, half_life_s: float) -> DynamicImage:
    """The frames and their sidecar (by default the same name with .json), corrected for decay to the injection.

    Every missing field is an error that names it; frames are never taken to be corrected unless ImageDecayCorrected says so.
    """
    path = Path(path)
    beside = Path(sidecar) if str(sidecar) else path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    fields, where = read_fields(beside), str(beside)
    values, grid = read_nifti_frames(path)
    start_s, duration_s = (_listed(fields, name, len(values), where) for name in ("FrameTimesStart", "FrameDuration"))
    injection_s = number_of(fields, "InjectionStart", where)
    factor = Bq_mL_of(fields, where) * _to_injection(fields, start_s - injection_s, duration_s, math.log(2) / half_life_s, where)
    return DynamicImage(
        values_Bq_mL=(values * factor[:, None, None, None]).astype(np.float32),
        grid=grid,
        start_s=start_s - injection_s,
        duration_s=duration_s,
        nuclide=nuclide_name(str(field_of(fields, "TracerRadionuclide", where)), where),
        injected_MBq=injected_MBq_of(fields, where),
        source=digest(read_bytes(path)),
    )


def read_blood(path: str | Path, *, half_life_s: float, injection_s: float = 0.0) -> BloodCurve:
    """Samples of a `_blood.tsv` with its `.json`, on the clock of the injection (`injection_s` after TimeZero); `n/a` is a missing value.

    Plasma is multiplied by the parent fraction, a straight line between its samples and 1 at the injection. BIDS takes radioactivity as
    corrected for decay to TimeZero; a table that is not is refused (`DecayCorrected`: false). Raises InputError for missing
    columns, UnitError for units that are not stated or unknown.
    """
    path = Path(path)
    fields, where = read_fields(path.with_suffix(".json")), str(path)
    table = _table(path)
    if fields.get("DecayCorrected") is False:
        raise InputError("blood that is not corrected for decay", where=where, remedy="correct it to TimeZero")
    t_s = table["time"] * _scale(fields, "time", TO_S, where) - injection_s
    plasma = _column(table, fields, "plasma_radioactivity", where)
    if plasma is None:
        raise InputError("no plasma_radioactivity", where=where, remedy="add the column; whole blood alone is no input of a tracer model")
    fraction = _parent(table, t_s)
    blood = _column(table, fields, "whole_blood_radioactivity", where)
    kept = np.isfinite(plasma) & (t_s >= 0)
    if np.count_nonzero(kept) < 2:
        raise InputError(f"{np.count_nonzero(kept)} samples of plasma", where=where, remedy="give two or more after the injection")
    left = 2.0 ** (-injection_s / half_life_s)  # from TimeZero to the injection
    whole = None if blood is None else left * np.interp(t_s[kept], t_s[np.isfinite(blood)], blood[np.isfinite(blood)])
    return BloodCurve(t_s[kept], left * plasma[kept] * fraction[kept], whole)


def _to_injection(fields: Mapping[str, Any], start_s: Array, duration_s: Array, decay_1_s: float, where: str) -> Float[Array, "frames"]:
    """Factor of each frame to the value corrected to the injection."""
    corrected = field_of(fields, "ImageDecayCorrected", where)
    if corrected is True:
        since_s = number_of(fields, "ImageDecayCorrectionTime", where) - number_of(fields, "InjectionStart", where)
        return np.full(len(start_s), math.exp(decay_1_s * since_s))
    if corrected is not False:
        raise InputError(f"ImageDecayCorrected = {corrected!r}", where=where, remedy="write true or false")
    x = decay_1_s * duration_s
    return np.asarray(np.exp(decay_1_s * start_s) * x / -np.expm1(-x))


def _listed(fields: Mapping[str, Any], name: str, count: int, where: str) -> Float[Array, "frames"]:
    found = field_of(fields, name, where)
    plain = isinstance(found, list) and all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in found)
    if not plain or len(found) != count:
        told = f"{len(found)} values" if plain else "no list of numbers"
        raise InputError(f"{name}: {told} for {count} frames", where=where, remedy=f"write {name} as {count} seconds, one a frame")
    return np.array(found, np.float64)


def _table(path: Path) -> dict[str, Float[Array, "samples"]]:
    """Columns of numbers; NaN for n/a."""
    try:
        rows = list(csv.DictReader(StringIO(read_bytes(path).decode("utf-8")), delimiter="\t"))
        table = {name: np.array([math.nan if row[name] in ("n/a", "") else float(row[name]) for row in rows]) for name in rows[0]}
    except (UnicodeDecodeError, ValueError, TypeError, IndexError, csv.Error) as error:
        raise InputError(
            f"not a table of numbers ({str(error)[:80]})", where=str(path), remedy="write a heading and numbers, by tabs"
        ) from error
    if "time" not in table or not np.isfinite(table["time"]).all() or (np.diff(table["time"]) <= 0).any():
        raise InputError("no column of increasing times", where=str(path), remedy="add the column time, sorted, one sample a time")
    return table


def _column(table: Mapping[str, Array], fields: Mapping[str, Any], name: str, where: str) -> Float[Array, "samples"] | None:
    """The column in Bq/mL, None where there is none."""
    if name not in table or not np.isfinite(table[name]).any():
        return None
    return np.asarray(table[name] * _scale(fields, name, {"Bq/mL": 1.0, "Bq/ml": 1.0, "kBq/mL": 1e3, "kBq/ml": 1e3}, where))


def _scale(fields: Mapping[str, Any], name: str, known: Mapping[str, float], where: str) -> float:
    told = fields.get(name)
    unit = str(told.get("Units", "")) if isinstance(told, dict) else ""
    if unit not in known:
        remedy = f'write {{"{name}": {{"Units": "{next(iter(known))}"}}}} in the JSON beside the table'
        raise UnitError(f"{name} in {unit or 'no unit'}", where=where, remedy=remedy)
    return known[unit]


def _parent(table: Mapping[str, Array], t_s: Array) -> Float[Array, "samples"]:
    name = "metabolite_parent_fraction"
    if name not in table or not np.isfinite(table[name]).any():
        return np.ones(len(t_s))
    seen = np.isfinite(table[name])
    times, values = np.concatenate([[0.0], t_s[seen]]), np.concatenate([[1.0], table[name][seen]])
    if not ((values >= 0) & (values <= 1)).all():
        raise InputError("a parent fraction outside 0 to 1", where=name, remedy="write fractions, not per cent")
    return np.asarray(np.interp(t_s, times, values))

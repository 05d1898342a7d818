"""Parameters of the PSMA model by name with unit: published values, physiological ranges, spread between persons."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from importlib.resources import files

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array
from gemel.core.parameter import Parameter
from gemel.core.scalar import Scalar
from gemel.engines.decay import nuclide

Number = Scalar | Array
Values = Mapping[str, Number]
REFERENCE = "Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6, doi 10.1186/s41181-023-00236-w"
CORRECTIONS = (
    "liver_drains_portal_1",
    "lungs_carry_tumour_flow_1",
    "kidney_return_own_volume_1",
    "skin_return_own_volume_1",
    "kidney_cells_decay_1",
    "flow_shared_1",
)
SWITCHES = (*CORRECTIONS, "released_returns_1", "decayed_stays_cold_1")


@dataclass(frozen=True)
class Row:
    """One parameter: published value, range that is physiological (or possible), ln-sd between persons (0: not free), meaning."""

    name: str
    value: float
    low: float
    high: float
    spread: float
    meaning: str


@cache
def table() -> tuple[Row, ...]:
    """All parameters. Values: Fele-Paranj et al. 2024; ranges and spreads are this project's assumptions, wider than healthy adults."""
    with files("gemel.systems.theranostics").joinpath("pbpk_psma_parameters.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return tuple(Row(r["name"], float(r["value"]), float(r["low"]), float(r["high"]), float(r["spread"]), r["meaning"]) for r in rows)


def default_parameters() -> dict[str, float]:
    """The published model, with what differs from physics in its published file switched as there."""
    return {row.name: row.value for row in table()}


def corrected_parameters() -> dict[str, float]:
    """The published values with mass flowing as physics has it: portal and tumour flow carried on, returns by the tissue's own volume,
    decay everywhere, and a kidney or liver that takes more flow takes it from all."""
    return default_parameters() | dict.fromkeys(CORRECTIONS, 1.0)


def labelled(params: Values, name: str) -> dict[str, Number]:
    """The parameters with the decay constant of a nuclide from gemel's decay table instead of the published 7.15e-5/min (161.6 h)."""
    return {**params, "lambda_physical_1_min": float(np.log(2) / nuclide(name).half_life_s * 60)}


def checked(params: Values) -> dict[str, Array]:
    """Every parameter as an array (draws,).

    Raises RangeError for names unknown or missing and for values outside their range, InputError for what is no number.
    """
    names = {row.name for row in table()}
    if not isinstance(params, Mapping):
        raise InputError("parameters that are no dictionary", where="PSMA PBPK", remedy="change a copy of default_parameters()")
    strange, missing = sorted(map(str, set(params) - names)), sorted(names - set(params))
    if strange or missing:
        few = [*missing[:4], *(["…"] if len(missing) > 4 else [])]
        near = [name for found in strange for name in get_close_matches(found, sorted(names))]
        remedy = "change a copy of default_parameters()" + (f"; near: {', '.join(near)}" if near else "")
        raise RangeError(f"parameters unknown {strange}, missing {few}", where="PSMA PBPK", remedy=remedy)
    arrays = {name: numbers(name, value) for name, value in params.items()}
    sizes = {value.size for value in arrays.values()} - {1}
    if len(sizes) > 1 or 0 in sizes or any(value.ndim > 1 for value in arrays.values()):
        raise InputError(
            f"parameters of {sorted(sizes)} draws or more than one axis", where="PSMA PBPK", remedy="give each one value, or one a draw"
        )
    for row in table():
        outside = ~((arrays[row.name] >= row.low) & (arrays[row.name] <= row.high))
        if outside.any():
            raise RangeError(
                f"{row.name} = {arrays[row.name][outside][0]:g}", where="PSMA PBPK", remedy=f"{row.meaning}: {row.low:g} to {row.high:g}"
            )
    draws = max(sizes, default=1)
    return {name: np.broadcast_to(value, draws) for name, value in arrays.items()}


def numbers(name: str, value: object) -> Float[Array, "..."]:
    """One number or one a draw. Raises InputError for text, nothing, or complex numbers."""
    found = np.asarray(value)
    if found.size and found.dtype.kind not in "biuf":
        raise InputError(f"{name} = {value!r}", where="PSMA PBPK", remedy="give a number, or one a draw")
    return np.atleast_1d(found.astype(np.float64))


def free_parameters(names: tuple[str, ...] = ()) -> tuple[Parameter, ...]:
    """Log-normal priors about the published values, of these names or of all whose spread is above 0."""
    rows = [row for row in table() if (row.name in names if names else row.spread > 0)]
    if len(rows) < len(names) or any(row.spread == 0 for row in rows):
        known = [row.name for row in table() if row.spread > 0]
        raise InputError(f"no prior for some of {names}", where="PSMA PBPK", remedy=f"choose among {known}")
    reference = f"{REFERENCE}; spread assumed"
    return tuple(Parameter(row.name, "lognormal", row.value, row.spread, (row.low, row.high), reference) for row in rows)

"""The decay table: what the evaluations say of each nuclide, read once from `nuclides.json`."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.decay.names import key_of


@dataclass(frozen=True)
class Branch:
    """One way of decay: `beta-`, `ec` (capture and positrons), `it` or `alpha`; the daughter; its share; the energy set free."""

    way: str
    daughter: str
    fraction: float
    Q_keV: float


@dataclass(frozen=True)
class BetaBranch:
    """One beta transition: endpoint, intensity, degree of unique forbiddenness (0 allowed or non-unique), sign, daughter's Z and A."""

    endpoint_keV: float
    per_decay: float
    unique_degree: int
    electron: bool
    Z_daughter: int
    A: int


@dataclass(frozen=True)
class Nuclide:
    """One nuclide of the table. Line arrays are (energy_keV, per decay); `evaluated_keV` is the evaluation's own energy balance.

    `checked` is false where a value of `evaluation` was quoted without reading that evaluation again.
    """

    name: str
    Z: int
    A: int
    half_life_s: float
    sd_half_life_s: float
    evaluation: str
    checked: bool
    branches: tuple[Branch, ...]
    betas: tuple[BetaBranch, ...]
    capture: Float[Array, "captures 2"]
    alpha: Float[Array, "alphas 2"]
    electron: Float[Array, "electrons 2"]
    photon: Float[Array, "photons 2"]
    evaluated_keV: dict[str, float]


def names() -> tuple[str, ...]:
    """Every nuclide of the table."""
    return tuple(_table())


def is_radioactive(name: str) -> bool:
    """Whether the table holds it; daughters outside are stable or live over 1e9 years."""
    return name in _table()


@cache
def _known(name: str) -> Nuclide:
    entry = _table()[name]
    return Nuclide(
        name=name,
        Z=entry["Z"],
        A=entry["A"],
        half_life_s=entry["half_life_s"],
        sd_half_life_s=entry["sd_half_life_s"],
        evaluation=entry["evaluation"],
        checked=entry["checked"],
        branches=tuple(Branch(*row) for row in entry["branches"]),
        betas=_betas(entry),
        capture=_lines(entry["capture"]),
        alpha=_lines(entry["alpha"]),
        electron=_lines(entry["electron"]),
        photon=_lines(entry["photon"]),
        evaluated_keV=entry["evaluated_keV"],
    )


def nuclide(name: str) -> Nuclide:
    """A nuclide by name (`Lu-177`, `Lu177`, `177Lu`). Raises InputError naming the nearest when the table lacks it."""
    return _known(key_of(name, _table().keys()))


def _betas(entry: dict[str, Any]) -> tuple[BetaBranch, ...]:
    Z, A = entry["Z"], entry["A"]
    minus = [BetaBranch(row[0], row[1], int(row[2]), True, Z + 1, A) for row in entry["beta_minus"]]
    plus = [BetaBranch(row[0], row[1], int(row[2]), False, Z - 1, A) for row in entry["beta_plus"]]
    return tuple(minus + plus)


def _lines(rows: list[list[float]]) -> Float[Array, "lines 2"]:
    """Lines as read-only (energy_keV, per decay) rows."""
    lines = np.array(rows, dtype=np.float64).reshape(-1, 2)
    lines.flags.writeable = False
    return lines


@cache
def _table() -> dict[str, Any]:
    text = files("gemel.engines.decay").joinpath("nuclides.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)["nuclides"]
    return loaded

"""Compartments of a tissue that takes up a tracer from plasma: the rate constants, and what follows from them."""

from dataclasses import astuple, dataclass, fields

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array

MIN_S = 60.0
NAMES = ("K1_mL_cm3_s", "k2_1_s", "k3_1_s", "k4_1_s", "vB", "delay_s")


@dataclass(frozen=True)
class Tissue:
    """Two tissue compartments with blood, one value or one a region. Innis 2007, J Cereb Blood Flow Metab 27:1533 (names).

    dC₁/dt = K₁C_p - (k₂ + k₃)C₁ + k₄C₂, dC₂/dt = k₃C₁ - k₄C₂; measured (1 - v_B)(C₁ + C₂) + v_B·C_blood, all later by the delay.
    k₃ = k₄ = 0 is one tissue, k₄ = 0 is trapping.
    """

    K1_mL_cm3_s: float | Float[Array, "*regions"]
    k2_1_s: float | Float[Array, "*regions"]
    k3_1_s: float | Float[Array, "*regions"] = 0.0
    k4_1_s: float | Float[Array, "*regions"] = 0.0
    vB: float | Float[Array, "*regions"] = 0.0
    delay_s: float | Float[Array, "*regions"] = 0.0

    @property
    def V_T_mL_cm3(self) -> Float[Array, "*regions"]:
        """Total distribution volume K₁/k₂·(1 + k₃/k₄); infinite where k₄ = 0 < k₃."""
        K1, k2, k3, k4 = self._rates()
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(k3 > 0, K1 / k2 * (1.0 + k3 / k4), K1 / k2))

    @property
    def K_i_mL_cm3_s(self) -> Float[Array, "*regions"]:
        """Net influx K₁k₃/(k₂ + k₃) were nothing released. Patlak 1983, J Cereb Blood Flow Metab 3:1; Phelps 1979, Ann Neurol 6:371."""
        K1, k2, k3, _ = self._rates()
        return np.asarray(K1 * k3 / (k2 + k3))

    @property
    def rows(self) -> Float[Array, "regions parameters"]:
        """One row a region, columns in the order of the fields."""
        return np.stack(np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, np.float64)) for v in astuple(self))), axis=1)

    def _rates(self) -> tuple[Array, Array, Array, Array]:
        return tuple(np.asarray(v, np.float64) for v in astuple(self)[:4])  # type: ignore[return-value]


def tissue_of(rows: Float[Array, "regions parameters"]) -> Tissue:
    """The inverse of `Tissue.rows`."""
    return Tissue(*(np.asarray(column) for column in rows.T))


def per_minute(K1: float, k2: float, k3: float = 0.0, k4: float = 0.0, *, vB: float = 0.0, delay_s: float = 0.0) -> Tissue:
    """Rate constants as papers print them, K₁ in mL/cm³/min and the others in 1/min."""
    return Tissue(K1 / MIN_S, k2 / MIN_S, k3 / MIN_S, k4 / MIN_S, vB, delay_s)


@dataclass(frozen=True)
class Box:
    """Which parameters a fit may move, and how far: those whose bounds are equal are held.

    Raises RangeError for bounds that are negative, crossed or not finite, a free rate that may be zero, or v_B up to 1.
    """

    name: str
    lower: Tissue
    upper: Tissue

    def __post_init__(self) -> None:
        low, high = self.lower.rows, self.upper.rows
        remedy = "give 0 < lower < upper for what is fitted, and equal bounds for what is held"
        if low.shape != (1, len(NAMES)) or high.shape != low.shape or not np.isfinite([low, high]).all() or (low > high).any():
            raise RangeError("bounds that are crossed or not finite", where=self.name, remedy=remedy)
        free = (low < high)[0, :4]
        if (low[0, :5] < 0).any() or (low[0, :4][free] <= 0).any() or high[0, 4] >= 1:
            raise RangeError("a rate that may be zero or negative, or a blood volume of all the tissue", where=self.name, remedy=remedy)
        if low[0, 0] <= 0 or low[0, 1] <= 0 or (high[0, 2] == 0 and high[0, 3] > 0):
            raise RangeError("no uptake, no return, or release from a compartment without uptake", where=self.name, remedy=remedy)

    @property
    def free(self) -> tuple[str, ...]:
        """Names of the parameters that are fitted."""
        moves = (self.lower.rows < self.upper.rows)[0]
        return tuple(f.name for f, move in zip(fields(Tissue), moves, strict=True) if move)


ONE_TISSUE = Box("one tissue", per_minute(1e-4, 1e-4), per_minute(10.0, 10.0, vB=0.5))
TRAPPING = Box("two tissues, trapping", per_minute(1e-4, 1e-4, 1e-4), per_minute(10.0, 10.0, 10.0, vB=0.5))
TWO_TISSUES = Box("two tissues", per_minute(1e-4, 1e-4, 1e-4, 1e-3), per_minute(10.0, 10.0, 10.0, 10.0, vB=0.5))
"""Blood volume fitted, no delay. A release slower than 1e-3/min is not told from trapping within two hours (1 - e^(-0.12))."""

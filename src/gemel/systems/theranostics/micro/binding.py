"""Ligand that leaves vessels, spreads, and is kept by receptors: how many decays there are where, of one exposure of the plasma.

∂C/∂t = ∇·(D ∇C) + κ v (C_p − C) − k_on R C + k_off B − λC, ∂B/∂t = k_on R C − (k_off + λ_int + λ)B, ∂I/∂t = λ_int B − (λ_rel + λ)I,
with few of the receptors R taken. Linear, so that the time integrals obey the same equations at rest: no steps in time are needed,
and the shape of the plasma curve does not matter, only its integral.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.engines.pde import at_rest
from gemel.engines.pde.sink import linear
from gemel.systems.theranostics.quantities import at_least_zero, over_zero

Map = Float[Array, "x y z"]


@dataclass(frozen=True)
class Ligand:
    """A small ligand of PSMA; Fele-Paranj et al. 2024, EJNMMI Radiopharm Chem 9:6, gives binding, uptake into cells and release (tumour).

    D is that of FMISO (Kelly & Brady 2006) scaled by mass^(−1/3), Stokes and Einstein, from 189 to 1042 Da; the exchange of a voxel full
    of vessel is assumed. Raises RangeError for rates that are negative or not finite.
    """

    D_mm2_s: float = 3.1e-5
    exchange_1_s: float = 0.05
    k_on_L_nmol_s: float = 0.046 / 60
    k_off_1_s: float = 0.368 / 60
    lambda_int_1_s: float = 0.001 / 60
    lambda_rel_1_s: float = 1.5e-4 / 60

    def __post_init__(self) -> None:
        over_zero(self.D_mm2_s, "D_mm2_s")
        for name in ("exchange_1_s", "k_on_L_nmol_s", "k_off_1_s", "lambda_int_1_s", "lambda_rel_1_s"):
            at_least_zero(getattr(self, name), name)


def residence(
    ligand: Ligand,
    vessels: Shaped[Array, "x y z"],
    receptors_nmol_L: Map | float,
    spacing_mm: float | tuple[float, float, float],
    *,
    decay_1_s: float,
) -> Map:
    """∫(C + B + I) dt / ∫C_p dt by voxel: decays per volume of tissue relative to those per volume of plasma.

    Multiply with the time-integrated activity concentration of plasma (Bq s/mL; of `pbpk`, or of any curve). `vessels`: fraction of each
    voxel. Raises RangeError for a decay constant not over zero or negative receptors, GeometryError for maps that do not fit.
    """
    amount = at_least_zero(np.asarray(vessels, dtype=np.float64), "vessels")
    bound_1 = at_least_zero(receptors_nmol_L, "receptors_nmol_L") * ligand.k_on_L_nmol_s
    if bound_1.ndim and bound_1.shape != amount.shape:
        raise GeometryError(f"receptors of shape {bound_1.shape} on {amount.shape}", where="residence", remedy="give both on one grid")
    lam = float(over_zero(decay_1_s, "decay_1_s"))
    held = bound_1 / (ligand.k_off_1_s + ligand.lambda_int_1_s + lam)
    lost = np.broadcast_to(held * (ligand.lambda_int_1_s + lam) + lam, amount.shape)
    mask = np.ones(amount.shape, dtype=bool)
    free = at_rest(mask, spacing_mm, ligand.D_mm2_s, linear(lost), exchange=ligand.exchange_1_s * amount, supply=1.0)
    return np.asarray(free * (1.0 + held * (1.0 + ligand.lambda_int_1_s / (ligand.lambda_rel_1_s + lam))))


def penetration_mm(ligand: Ligand, receptors_nmol_L: float, *, decay_1_s: float) -> float:
    """√(D/k), k the net loss of free ligand: over this length from a vessel the exposure falls e-fold. Thiele 1939, Ind Eng Chem 31:916."""
    lam = float(over_zero(decay_1_s, "decay_1_s"))
    held = receptors_nmol_L * ligand.k_on_L_nmol_s / (ligand.k_off_1_s + ligand.lambda_int_1_s + lam)
    return float(np.sqrt(ligand.D_mm2_s / (held * (ligand.lambda_int_1_s + lam) + lam)))

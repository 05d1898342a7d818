"""Proliferation and invasion on the patient's grid, with treatment: the slow member of the family.

∂c/∂t = ∇·(D(x)∇c) + ρc(1 − c), c the share of the carrying capacity; no flux through skull and ventricles. Swanson et al. 2000, Cell Prolif
33:317; radiotherapy as in Rockne et al. 2009, J Math Biol 58:561.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array, Image, require_same_grid
from gemel.engines import pde
from gemel.systems.glioma.course import ALPHA_BETA_Gy
from gemel.systems.glioma.growth import DRUG_1_d
from gemel.systems.glioma.tissue import Tissue

T1GD, FLAIR = 0.80, 0.16
"""Share of the capacity at the edge of what is seen. Swanson et al. 2008, Br J Cancer 98:113."""
LETHAL_mm = 35.0
"""Radius of the enhancing volume. Rockne et al. 2009, J Math Biol 58:561."""
RANGE = {"D_white_mm2_d": (1e-4, 5.0), "ratio_1": (1.0, 100.0), "rho_1_d": (1e-4, 0.5), "alpha_1_Gy": (0.0, 1.0), "drug_kill_1": (0.0, 2.0)}


@dataclass(frozen=True)
class Invasion:
    """Diffusivity in white matter and its ratio to that in grey, proliferation, radiosensitivity, and ln kill of a dose of the drug."""

    D_white_mm2_d: float
    ratio_1: float
    rho_1_d: float
    alpha_1_Gy: float = 0.0
    drug_kill_1: float = 0.0

    def __post_init__(self) -> None:
        for name, (low, high) in RANGE.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise RangeError(f"{name} = {value!r}", where="invasion", remedy=f"keep it from {low:g} to {high:g}, in the stable range")


@dataclass(frozen=True)
class Therapy:
    """Dated in days: fractions with the dose of each (a map in Gy or one number), doses of the drug, and resections (day, cavity)."""

    fractions_d: tuple[float, ...] = ()
    dose_Gy: Image | float = 2.0
    drug_d: tuple[float, ...] = ()
    resections: tuple[tuple[float, Bool[Array, "x y z"]], ...] = ()


NOTHING = Therapy()


def diffusivity_mm2_d(of: Tissue, invasion: Invasion) -> Float[Array, "x y z"]:
    """D = D_w·(white + grey/ratio) in each voxel."""
    return np.asarray(invasion.D_white_mm2_d * (of.white + of.grey / invasion.ratio_1))


def forward(
    of: Tissue,
    start: Float[Array, "x y z"],
    invasion: Invasion,
    *,
    t_days: Sequence[float],
    therapy: Therapy = NOTHING,
    dt_days: float | None = None,
) -> Float[Array, "times x y z"]:
    """The field at each time from that at 0; treatment at exact dates. `dt_days`: Euler steps of that length, as in older programs.

    Raises GeometryError for a dose of another frame or grid, RangeError for a dose, field or time that cannot be.
    """
    happening = tuple(e for e in events(of, invasion, therapy) if not isinstance(e, pde.Event) or e.t_days <= max(t_days))
    D, growth = diffusivity_mm2_d(of, invasion), pde.logistic(invasion.rho_1_d)
    order = 3 if dt_days is None else 1
    return pde.solve(start, of.mask, of.grid.spacing_mm, D, growth, list(t_days), happening, dt_days, order=order)


def events(of: Tissue, invasion: Invasion, therapy: Therapy) -> tuple[pde.Event | pde.Exposure, ...]:
    """Fractions as survival e^(−αd(1 + d/(α/β))), the drug as a loss that decays (its integral exact), resection as what is left."""
    dose = fraction_dose_Gy(of, therapy.dose_Gy) if therapy.fractions_d else 0.0
    found: list[pde.Event | pde.Exposure] = [
        pde.linear_quadratic(t, dose, invasion.alpha_1_Gy, invasion.alpha_1_Gy / ALPHA_BETA_Gy) for t in therapy.fractions_d
    ]
    found += [pde.Event(t, np.where(cavity, 0.0, 1.0).astype(np.float32)) for t, cavity in therapy.resections]
    if therapy.drug_d and invasion.drug_kill_1 > 0:
        found.append(pde.Exposure(therapy.drug_d, (1.0,) * len(therapy.drug_d), DRUG_1_d, invasion.drug_kill_1 * DRUG_1_d))
    return tuple(found)


def fraction_dose_Gy(of: Tissue, dose: Image | float) -> float | Float[Array, "x y z"]:
    """The dose of a fraction where the model is. Raises GeometryError for another frame or grid, RangeError where it is not a dose."""
    if not isinstance(dose, Image):
        return float(dose)
    if dose.frame and of.grid.frame and dose.frame != of.grid.frame:
        raise GeometryError(f"a dose of frame {dose.frame}", where=of.grid.frame, remedy="register the images to the planning CT first")
    require_same_grid(dose, of.grid, "dose")
    if not np.isfinite(dose.array).all() or (dose.array < 0).any():
        raise RangeError("a dose that is negative or not finite", where="dose", remedy="export the dose again")
    return np.asarray(dose.array)


def volume_mL(of: Tissue, field: Float[Array, "x y z"], threshold: float) -> float:
    """Of the voxels above a threshold."""
    return float(np.count_nonzero(field > threshold)) * of.voxel_mL


def burden_mL(of: Tissue, field: Float[Array, "x y z"]) -> float:
    """All cells, as the volume they would fill at capacity."""
    return float(field.sum(dtype=np.float64)) * of.voxel_mL


def radius_mm(volume_mL: float) -> float:
    """Of the ball of that volume."""
    return float((volume_mL * 750.0 / np.pi) ** (1.0 / 3.0))


def reaches_d(radii_mm: Sequence[float], t_days: Sequence[float], limit_mm: float = LETHAL_mm) -> float:
    """When a radius first reaches a limit, straight between times; infinite where it does not."""
    for (t0, r0), (t1, r1) in zip(zip(t_days, radii_mm), zip(t_days[1:], radii_mm[1:])):
        if r0 >= limit_mm:
            return float(t0)
        if r1 >= limit_mm:
            return float(t0 + (t1 - t0) * (limit_mm - r0) / (r1 - r0))
    return float(t_days[-1]) if radii_mm[-1] >= limit_mm else float("inf")

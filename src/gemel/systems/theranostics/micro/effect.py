"""From decays in a section to dose and to the cells that survive it."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.dose.convolve import dose_map
from gemel.engines.dose.kernel import voxel_kernel
from gemel.systems.theranostics.oxygen_modification import hypoxic_survival, oxygen_modification_1
from gemel.systems.theranostics.quantities import at_least_zero

Map = Float[Array, "x y 1"]
MOST_PIXELS = 60


@dataclass(frozen=True)
class Radiation:
    """A nuclide with what its dose does: `reach_mm` of the kernel, RBE for the linear part, and m, how much oxygen helps it.

    m = 3 and 1.2: Wouters & Brown 1997, Radiat Res 147:541; alphas Barendsen et al. 1966, Int J Radiat Biol 10:317 (1.0 to 1.3).
    """

    nuclide: str
    daughters: bool
    reach_mm: float
    rbe_1: float
    m_1: float


LU_177 = Radiation("Lu-177", False, 1.2, 1.0, 3.0)
AC_225 = Radiation("Ac-225", True, 0.2, 5.0, 1.2)
"""RBE 5 of alphas: Sgouros et al. 2010 (MIRD pamphlet 22), J Nucl Med 51:311; daughters decay where their parent did."""
ALPHA_1_GY, BETA_1_GY2 = 0.147, 0.098
"""Prostate: α of Kurth et al. 2021, EJNMMI Phys 8, α/β = 1.5 Gy."""


@cache
def plane_kernel_Gy(radiation: Radiation, pixel_mm: float) -> Float[Array, "x y 1"]:
    """Dose (Gy) to a pixel per decay in each cubic voxel of the column over another: the voxel kernel summed along z.

    Holds 99 % of a beta's energy and the alphas whole; computed to `reach_mm`, or 60 pixels where these are fewer.
    """
    half = int(np.clip(np.ceil(radiation.reach_mm / pixel_mm), 1, MOST_PIXELS))
    kernel = voxel_kernel(radiation.nuclide, pixel_mm, half, daughters=radiation.daughters)
    return np.ascontiguousarray(kernel.sum(axis=2, keepdims=True))


def section_dose_Gy(decays_Bq_s: Shaped[Array, "..."], pixel_mm: float, radiation: Radiation) -> Float[Array, "x y 1"]:
    """Dose to a section whose decays by voxel (cubes of `pixel_mm`) go on the same above and below, and mirrored beyond its edges.

    Raises GeometryError unless one slice thick, and as `dose_map` and `voxel_kernel`.
    """
    if decays_Bq_s.ndim != 3 or decays_Bq_s.shape[2] != 1:
        raise GeometryError(f"a section of shape {decays_Bq_s.shape}", where="section_dose_Gy", remedy="give (x, y, 1)")
    kernel = plane_kernel_Gy(radiation, float(pixel_mm))
    half = kernel.shape[0] // 2
    wide = np.pad(decays_Bq_s, ((half, half), (half, half), (0, 0)), mode="symmetric")
    return np.asarray(dose_map(wide, kernel)[half:-half, half:-half])


def surviving(
    dose_Gy: Float[Array, "..."],
    p_mmHg: Float[Array, "..."],
    radiation: Radiation,
    *,
    alpha_1_Gy: float = ALPHA_1_GY,
    beta_1_Gy2: float = BETA_1_GY2,
    G_1: float = 0.05,
) -> Float[Array, "..."]:
    """SF = exp(−α RBE OMF D − G β OMF² D²), OMF of the local oxygen (Wouters & Brown 1997); G as `protraction_factor` gives."""
    omf = oxygen_modification_1(np.maximum(p_mmHg, 0.0), m_1=radiation.m_1)
    return np.asarray(hypoxic_survival(dose_Gy, omf, alpha_1_Gy=alpha_1_Gy * radiation.rbe_1, beta_1_Gy2=beta_1_Gy2, G_1=G_1))


def receiving(dose_Gy: Float[Array, "..."], tissue: Shaped[Array, "..."], levels_Gy: Float[Array, "levels"]) -> Float[Array, "levels"]:
    """Dose-to-tissue histogram: part of the tissue (a mask, or an amount a voxel) that gets at least each level.

    Birindelli et al. 2021, Cancers 13:3429. Raises RangeError where there is no such tissue.
    """
    amount = at_least_zero(np.asarray(tissue, dtype=np.float64), "tissue")
    if not amount.sum() > 0:
        raise RangeError("no tissue of this kind", where="receiving", remedy="raise the threshold that defines it")
    return np.array([amount[dose_Gy >= level].sum() / amount.sum() for level in np.atleast_1d(levels_Gy)])

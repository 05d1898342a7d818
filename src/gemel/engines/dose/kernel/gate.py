"""A kernel from elsewhere is used only when its energy is there."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.dose.kernel.point import KEV_J, point_kernel
from gemel.engines.dose.kernel.voxel import voxel_kernel, voxel_kg

TOLERANCE = 0.02
"""Of the energy that a block holds: two codes agree on it to one per cent; conversion and Auger electrons left out are nine."""


def require_energy(
    kernel_Gy: Shaped[Array, "x y z"], nuclide: str, voxel_mm: float | Sequence[float], *, density_g_cm3: float, tissue: str = "soft"
) -> float:
    """Energy of a cubic block of Gy per decay over that of `voxel_kernel`, Σ K·m each with its own density.

    Raises RangeError when they differ by more than TOLERANCE: energy is missing (electrons left out, a cut-off) or the unit is another.
    """
    half = kernel_Gy.shape[0] // 2
    if len(set(kernel_Gy.shape)) != 1 or 2 * half + 1 != kernel_Gy.shape[0]:
        raise RangeError(f"a kernel of {kernel_Gy.shape}", where=nuclide, remedy="give a cube with an odd number of voxels along each edge")
    edges_mm = np.broadcast_to(np.asarray(voxel_mm, np.float64), (3,))
    held = float(kernel_Gy.sum(dtype=np.float64)) * voxel_kg(edges_mm, density_g_cm3)
    own = float(voxel_kernel(nuclide, edges_mm, half, tissue).sum()) * voxel_kg(edges_mm, point_kernel(nuclide, tissue).density_g_cm3)
    if not abs(held / own - 1) <= TOLERANCE:
        found = f"{held / KEV_J:.4g} keV a decay in a block that takes up {own / KEV_J:.4g} keV"
        remedy = "use gemel's own kernel (voxel_kernel), or ask for one with all electrons and photons; check its unit and density"
        raise RangeError(found, where=f"a kernel of {nuclide}", remedy=remedy)
    return held / own

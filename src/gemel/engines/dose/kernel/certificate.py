"""Where the energy of a decay goes: the certificate of a voxel kernel."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped
from scipy.stats import qmc

from gemel.core.image import Array
from gemel.core.scalar import Scalar
from gemel.engines.dose.kernel.point import KEV_J, PointKernel, point_kernel
from gemel.engines.dose.kernel.voxel import checked, voxel_kernel, voxel_kg

POWER = 16  # of 2: points of the sequence


@dataclass(frozen=True)
class Certificate:
    """Energy per decay, keV. What is emitted (without neutrinos) is radiated as bremsstrahlung, left in the block, or left beyond it.

    `inside_keV` is the sum of the kernel; `outside_keV` comes of rays from points of the source voxel to the block's surface: another
    way of integration, so that `balance` = (inside + outside + radiated) / emitted is 1 within 1 % only where the kernel is right.
    """

    electron_keV: float
    photon_keV: float
    alpha_keV: float
    radiated_keV: float
    inside_keV: float
    outside_keV: float

    @property
    def emitted_keV(self) -> float:
        """Energy of all radiation."""
        return self.electron_keV + self.photon_keV + self.alpha_keV

    @property
    def balance(self) -> float:
        """(inside + outside + radiated) / emitted."""
        return (self.inside_keV + self.outside_keV + self.radiated_keV) / self.emitted_keV

    @property
    def inside_fraction(self) -> float:
        """Share of the energy that a dose map of this kernel can hold; the rest is beyond the block or bremsstrahlung."""
        return self.inside_keV / self.emitted_keV


def certificate(
    nuclide: str,
    voxel_mm: Scalar | Sequence[float] | Shaped[Array, "3"],
    half_width: Scalar,
    tissue: str = "soft",
    *,
    daughters: bool = False,
    relocated: float | Mapping[str, float] = 0.0,
) -> Certificate:
    """The certificate of `voxel_kernel` with the same arguments; same errors."""
    edges_mm, half = checked(voxel_mm, half_width)
    point = point_kernel(nuclide, tissue, daughters=daughters, relocated=relocated)
    kernel = voxel_kernel(nuclide, voxel_mm, half_width, tissue, daughters=daughters, relocated=relocated)
    inside = float(kernel.sum()) * voxel_kg(edges_mm, point.density_g_cm3) / KEV_J
    through = _through_keV(point, edges_mm, half)
    electron, photon, alpha = point.emitted_keV
    return Certificate(electron, photon, alpha, point.radiated_keV, inside, float(point.within_keV[-1]) - through)


def _through_keV(kernel: PointKernel, edges_mm: Float[Array, "3"], half: int) -> float:
    """Mean of Ψ(length to the block's surface) over points of the source voxel and directions, by a Sobol sequence."""
    draws = qmc.Sobol(5, scramble=False).random_base2(POWER) + 0.5 ** (POWER + 1)
    cosine = 1 - 2 * draws[:, 3]
    sine, turn = np.sqrt(1 - cosine**2), 2 * np.pi * draws[:, 4]
    direction = np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], axis=1)
    place = (draws[:, :3] - 0.5) * edges_mm
    wall = (half + 0.5) * edges_mm
    length = ((wall - np.sign(direction) * place) / np.maximum(np.abs(direction), 1e-12)).min(axis=1)
    return float(np.interp(length, kernel.radius_mm, kernel.within_keV).mean())

"""Dose of radionuclides: point, sphere and voxel kernels with a certificate of energy, organ doses scaled by mass.

Electrons and photons by point kernels of gemel's own Monte Carlo, alphas by their straight track; see `point`.
"""

from gemel.engines.dose.kernel.certificate import Certificate, certificate
from gemel.engines.dose.kernel.organ import organ_S, rescaled_S
from gemel.engines.dose.kernel.point import PointKernel, point_kernel
from gemel.engines.dose.kernel.sphere import absorbed_fraction, sphere_S
from gemel.engines.dose.kernel.voxel import voxel_kernel

__all__ = [
    "Certificate",
    "PointKernel",
    "absorbed_fraction",
    "certificate",
    "organ_S",
    "point_kernel",
    "rescaled_S",
    "sphere_S",
    "voxel_kernel",
]

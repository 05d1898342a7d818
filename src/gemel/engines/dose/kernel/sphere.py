"""Spheres: what a uniform source in a sphere leaves in it."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.core.scalar import Scalar
from gemel.engines.dose import electron, photon
from gemel.engines.dose.kernel import alpha
from gemel.engines.dose.kernel.point import KEV_J, RADII_MM, point_kernel
from gemel.engines.dose.media import medium

LEAST_G, MOST_G = 1e-12, 1e6
"""Some 1.2 µm of diameter, where dose means little, to a tonne."""


def sphere_S(
    nuclide: str,
    mass_g: Scalar,
    tissue: str = "soft",
    *,
    daughters: bool = False,
    relocated: float | Mapping[str, float] = 0.0,
    density_g_cm3: float = 0.0,
) -> float:
    """Mean self-dose per decay, Gy/(Bq s), of a sphere with uniform activity within an infinite medium of the same tissue.

    S = Σ E φ / m, φ the absorbed fraction of electrons, photons and alphas. Per decay of this nuclide alone, as S is tabulated (MIRD
    Pamphlet 21, Bolch et al. 2009, J Nucl Med 50:477): for Ac-225 with all that follows, 4.9 times as much, say `daughters=True`; some of
    it may be `relocated` (see `point_kernel`). `density_g_cm3` in place of the tissue's.
    Raises InputError for an unknown nuclide, RangeError for a mass outside 1e-12 to 1e6 g or an unknown tissue.
    """
    kernel = point_kernel(nuclide, tissue, daughters=daughters, relocated=relocated, density_g_cm3=density_g_cm3)
    sphere_g = number(mass_g, "mass_g")
    return float(inside(kernel.within_keV, sphere_radius_mm(sphere_g, kernel.density_g_cm3))) * KEV_J / (sphere_g / 1000)


def absorbed_fraction(kind: str, energy_MeV: float, mass_g: float, tissue: str = "soft") -> float:
    """Share φ of the energy of a line of electrons, photons or alphas that a sphere with a uniform source absorbs."""
    found = {"electron": electron.absorbed_within, "photon": photon.absorbed_within, "alpha": alpha.absorbed_within}.get(kind)
    if found is None:
        raise RangeError(f"radiation of kind {kind!r}", where="absorbed_fraction", remedy='say "electron", "photon" or "alpha"')
    within = found(RADII_MM, np.array([number(energy_MeV, "energy_MeV")]), tissue=tissue)[0]
    return float(inside(within, sphere_radius_mm(number(mass_g, "mass_g"), medium(tissue).density_g_cm3)))


def sphere_radius_mm(mass_g: float, density_g_cm3: float) -> float:
    """Radius of a sphere of this mass. Raises RangeError for masses that are not a sphere's."""
    if not LEAST_G <= mass_g <= MOST_G:
        raise RangeError(f"a sphere of {mass_g!r} g", where="sphere", remedy=f"use {LEAST_G:g} to {MOST_G:g} g")
    return float(np.cbrt(3 * mass_g / (4 * np.pi * density_g_cm3))) * 10


def inside(within: Float[Array, "r"], radius_mm: float) -> float:
    """∫ γ(r) dΨ(r) with γ = 1 − ¾ (r/a) + (1/16) (r/a)³, the chance that a point at distance r of one in the sphere is in it too.

    Exact for Ψ straight between its radii. Berger 1970, J Nucl Med 11 Suppl 4; γ of Kellerer 1971, Radiat Res 47:359.
    """
    r = np.minimum(RADII_MM, 2 * radius_mm) / radius_mm
    integral = r - 0.375 * r**2 + r**4 / 64
    width = np.diff(r)
    mean = np.divide(np.diff(integral), width, out=np.zeros_like(width), where=width > 0)
    used = width * radius_mm / np.diff(RADII_MM)
    return float(within[0] + np.sum(mean * used * np.diff(within)))

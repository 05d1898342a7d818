"""Energy around a decay: what is absorbed within a radius, by kind of radiation, for any nuclide and tissue."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.engines.decay import Emissions, emissions
from gemel.engines.dose import electron, photon
from gemel.engines.dose.electron.stopping import radiation_yield
from gemel.engines.dose.kernel import alpha
from gemel.engines.dose.kernel.members import weights
from gemel.engines.dose.media import medium

RADII_MM = np.concatenate([[0.0], np.geomspace(1e-5, 1e5, 1201)])
"""0.01 µm, a hundredth of the smallest cell, to 100 m, where no photon is left; 2.3 % apart."""
KEV_J = 1.602176634e-16  # CODATA 2018, exact
SPECTRUM = 240  # nodes of a beta spectrum that are used, at most


@dataclass(frozen=True)
class PointKernel:
    """Energy (keV per decay) absorbed within each radius of a point source in an infinite medium, by kind; straight between the radii.

    `emitted_keV`: what electrons (betas and lines), photons and alphas (with recoil) carry; `radiated_keV`: the bremsstrahlung of the
    electrons, which leaves and is nowhere in the kernel. Neutrinos count nowhere.
    """

    radius_mm: Float[Array, "r"]
    electron_keV: Float[Array, "r"]
    photon_keV: Float[Array, "r"]
    alpha_keV: Float[Array, "r"]
    emitted_keV: tuple[float, float, float]
    radiated_keV: float
    density_g_cm3: float

    @property
    def within_keV(self) -> Float[Array, "r"]:
        """All radiation together."""
        return np.asarray(self.electron_keV + self.photon_keV + self.alpha_keV)


def point_kernel(
    nuclide: str, tissue: str = "soft", *, daughters: bool = False, relocated: float | Mapping[str, float] = 0.0, density_g_cm3: float = 0.0
) -> PointKernel:
    """The point kernel of a nuclide in a uniform tissue: electrons, photons and alphas of its evaluated spectra.

    Per decay of that nuclide alone, as S values are tabulated: Ac-225, Ra-223 or Pb-212 in place need `daughters=True`, which adds those
    in equilibrium with it, but for the fraction `relocated` (of all, or by nuclide: with all that follows it) that decays elsewhere.
    `density_g_cm3` in place of the tissue's own (0). Positrons as electrons; bremsstrahlung is lost.
    Raises InputError for an unknown nuclide, RangeError for an unknown tissue, fractions outside 0 to 1 and energies beyond the tables.
    """
    shares = weights(nuclide, daughters, relocated)
    own_g_cm3 = medium(tissue).density_g_cm3
    density = number(density_g_cm3, "density_g_cm3") or own_g_cm3
    if not (np.isfinite(density) and density > 0):
        raise RangeError(f"a density of {density:g} g/cm³", where="point kernel", remedy="give a density above 0")
    return _scaled(_sum(tuple(shares.items()), tissue), density)


def _scaled(found: PointKernel, density_g_cm3: float) -> PointKernel:
    """The same kernel in a medium of another density: lengths by the inverse ratio. Fano 1954, Radiat Res 1:237."""
    radius_mm = RADII_MM * density_g_cm3 / found.density_g_cm3
    kinds = [np.interp(radius_mm, found.radius_mm, kind) for kind in (found.electron_keV, found.photon_keV, found.alpha_keV)]
    return PointKernel(RADII_MM, kinds[0], kinds[1], kinds[2], found.emitted_keV, found.radiated_keV, density_g_cm3)


@lru_cache(maxsize=32)
def _sum(shares: tuple[tuple[str, float], ...], tissue: str) -> PointKernel:
    parts = [(member_kernel(name, tissue), share) for name, share in shares]

    def together(kind: int) -> Array:
        return np.asarray(sum(share * (part.electron_keV, part.photon_keV, part.alpha_keV)[kind] for part, share in parts))

    emitted = tuple(float(sum(share * part.emitted_keV[kind] for part, share in parts)) for kind in range(3))
    radiated = float(sum(share * part.radiated_keV for part, share in parts))
    return PointKernel(
        RADII_MM, together(0), together(1), together(2), (emitted[0], emitted[1], emitted[2]), radiated, medium(tissue).density_g_cm3
    )


@cache
def member_kernel(name: str, tissue: str) -> PointKernel:
    """The point kernel of one nuclide without its daughters."""
    found = emissions(name)
    electron_keV, energy_keV = electron_groups(found)
    radiated = float(energy_keV @ radiation_yield(np.maximum(electron_keV, 1.0) / 1000, tissue=tissue))
    electrons = energy_keV @ electron.absorbed_within(RADII_MM, electron_keV / 1000, tissue=tissue)
    photons = found.photon_keV * found.photon_per_decay @ photon.absorbed_within(RADII_MM, found.photon_keV / 1000, tissue=tissue)
    alphas = found.alpha_keV * found.alpha_per_decay @ alpha.absorbed_within(RADII_MM, found.alpha_keV / 1000, tissue=tissue)
    emitted = (float(energy_keV.sum()), found.photon_mean_keV, found.alpha_mean_keV + found.recoil_mean_keV)
    return PointKernel(RADII_MM, electrons, photons, alphas + found.recoil_mean_keV, emitted, radiated, medium(tissue).density_g_cm3)


def electron_groups(found: Emissions) -> tuple[Float[Array, "e"], Float[Array, "e"]]:
    """Energies of betas and electron lines, and the energy per decay that each stands for; the spectrum in groups of its nodes."""
    nodes, density = found.beta_keV, found.beta_1_keV
    if not nodes.size:
        return found.electron_keV, found.electron_keV * found.electron_per_decay
    widths = np.zeros_like(nodes)
    widths[:-1] += np.diff(nodes) / 2
    widths[1:] += np.diff(nodes) / 2
    number, energy = density * widths, density * widths * nodes
    starts = np.unique(np.linspace(0, len(nodes), min(SPECTRUM, len(nodes)), endpoint=False).astype(int))
    number, energy = np.add.reduceat(number, starts), np.add.reduceat(energy, starts)
    held = number > 0
    mean = np.divide(energy, number, out=np.zeros_like(energy), where=held)
    return np.concatenate([mean[held], found.electron_keV]), np.concatenate([energy[held], found.electron_keV * found.electron_per_decay])

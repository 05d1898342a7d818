"""What leaves the nucleus and its shells per decay: spectra and lines, the input of dose kernels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.decay.beta import summed_betas
from gemel.engines.decay.chain import equilibrium_yields
from gemel.engines.decay.table import Nuclide, nuclide

ALPHA_MASS_U = 4.001506179  # CODATA 2018


@dataclass(frozen=True)
class Emissions:
    """Radiation per decay: `beta_1_keV` is the density dN/dE on the nodes `beta_keV` (both signs; integrate by the trapezoid rule);
    lines of electrons (conversion, Auger), photons (γ, X, annihilation) and alphas; `recoil_keV` belongs to each alpha line."""

    name: str
    beta_keV: Float[Array, "energies"]
    beta_1_keV: Float[Array, "energies"]
    electron_keV: Float[Array, "electrons"]
    electron_per_decay: Float[Array, "electrons"]
    photon_keV: Float[Array, "photons"]
    photon_per_decay: Float[Array, "photons"]
    alpha_keV: Float[Array, "alphas"]
    alpha_per_decay: Float[Array, "alphas"]
    recoil_keV: Float[Array, "alphas"]

    @property
    def beta_mean_keV(self) -> float:
        """Energy of betas per decay."""
        return float(np.trapezoid(self.beta_1_keV * self.beta_keV, self.beta_keV))

    @property
    def electron_mean_keV(self) -> float:
        """Energy of conversion and Auger electrons per decay."""
        return float(self.electron_keV @ self.electron_per_decay)

    @property
    def photon_mean_keV(self) -> float:
        """Energy of photons per decay."""
        return float(self.photon_keV @ self.photon_per_decay)

    @property
    def alpha_mean_keV(self) -> float:
        """Energy of alphas per decay, without recoil."""
        return float(self.alpha_keV @ self.alpha_per_decay)

    @property
    def recoil_mean_keV(self) -> float:
        """Energy of recoiling nuclei per decay."""
        return float(self.recoil_keV @ self.alpha_per_decay)


def emissions(name: str, *, chain: bool = False) -> Emissions:
    """Emissions per decay of a nuclide; with `chain`, of it and of the daughters in equilibrium with it, decaying where it decayed.

    Daughters that outlive the parent are never in equilibrium and are left out, with all that follows them.
    Raises InputError for a nuclide that is not in the table.
    """
    parent = nuclide(name)
    yields = equilibrium_yields(parent.name) if chain else {parent.name: 1.0}
    members = [(nuclide(member), share) for member, share in yields.items()]
    betas = summed_betas([(branch, share) for member, share in members for branch in member.betas])
    electrons = _lines([(member.electron, share) for member, share in members])
    photons = _lines([(member.photon, share) for member, share in members])
    alphas = _lines([(member.alpha, share) for member, share in members])
    return Emissions(parent.name, *betas, *electrons, *photons, *alphas, np.concatenate([_recoil_keV(member) for member, _ in members]))


def _lines(parts: list[tuple[Float[Array, "_ 2"], float]]) -> tuple[Float[Array, "all"], Float[Array, "all"]]:
    """Energies and yields of all members' lines, one after another."""
    energy_keV = np.concatenate([lines[:, 0] for lines, _ in parts])
    per_decay = np.concatenate([lines[:, 1] * share for lines, share in parts])
    return energy_keV, per_decay


def _recoil_keV(member: Nuclide) -> Float[Array, "alphas"]:
    """Energy of the nucleus thrown back by each alpha: E m_α / (A − 4), momenta being equal."""
    return np.asarray(member.alpha[:, 0] * ALPHA_MASS_U / (member.A - 4))

"""Cross-sections of single collisions of electrons per gram of a medium: screened Rutherford scattering, hard Møller collisions."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.dose.electron.stopping import collision_MeV_cm2_g, radiative_MeV_cm2_g
from gemel.engines.dose.media import atoms, medium
from gemel.engines.dose.stopping_power import ELECTRON_MEV, K_MEV_CM2_MOL

FINE_STRUCTURE = 7.2973525693e-3  # CODATA 2018
AVOGADRO_R_E2_CM2 = 6.02214076e23 * (2.8179403e-13) ** 2  # CODATA 2018
NODES = 400
COLUMNS = 4
"""Of a row of `Collisions.rows`: scattering and hard collisions per g/cm², collision loss below the threshold, radiative loss."""


@dataclass(frozen=True)
class Collisions:
    """Tables at equal steps of ln E for electrons of at most `energy_MeV` in a medium.

    `rows` (NODES, 4): see COLUMNS; `elements` (NODES, n, 3): cumulative share of an element, its screening η, and Z; `start` and `step`
    of ln E; `threshold_MeV` of a hard collision; `absorbed_MeV` below which an electron stays where it is.
    """

    rows: Float[Array, "e 4"]
    elements: Float[Array, "e n 3"]
    start: float
    step: float
    threshold_MeV: float
    absorbed_MeV: float


def collisions(energy_MeV: float, tissue: str, *, threshold_MeV: float = 0.0, absorbed_MeV: float = 0.0) -> Collisions:
    """Tables for electrons of up to this energy; for 0 the threshold is 1 % of it, and electrons below 2 % of it are absorbed."""
    threshold, absorbed = threshold_MeV or 0.01 * energy_MeV, absorbed_MeV or 0.02 * energy_MeV
    energy = np.geomspace(0.5 * absorbed, 1.0001 * energy_MeV, NODES)
    shares, etas, numbers = _scattering(energy, tissue)
    hard, lost = hard_collisions(energy, threshold, medium(tissue).Z_A_mol_g)
    scattering = shares.sum(axis=1)
    rows = np.stack(
        [scattering, hard, collision_MeV_cm2_g(energy, tissue=tissue) - lost, radiative_MeV_cm2_g(energy, tissue=tissue)], axis=1
    )
    elements = np.stack([np.cumsum(shares, axis=1) / scattering[:, None], etas, numbers], axis=2)
    log = np.log(energy)
    return Collisions(rows, elements, float(log[0]), float(log[1] - log[0]), threshold, absorbed)


def _scattering(energy_MeV: Float[Array, "e"], tissue: str) -> tuple[Float[Array, "e n"], Float[Array, "e n"], Float[Array, "e n"]]:
    """Collisions per g/cm² with the nuclei and the electrons of each element, screening η, atomic number.

    σ = π r_e² Z (Z + 1) (1 − β²) / β⁴ / (η (1 + η)) for dσ/dΩ ∝ (1 − cos θ + 2η)⁻²;
    η = ¼ (α m / 0.885 p)² Z^⅔ [1.13 + 3.76 (αZ/β)² √(τ/(τ+1))] of Molière 1947, Z Naturforsch 2a:133, with the factor of Seltzer 1988,
    Monte Carlo Transport of Electrons and Photons, Plenum, p. 81.
    """
    found = np.array(atoms(medium(tissue)))
    Z, moles = found[None, :, 0], found[None, :, 1]
    tau = energy_MeV[:, None] / ELECTRON_MEV
    beta2 = 1 - 1 / (1 + tau) ** 2
    momentum2 = tau * (tau + 2)
    coulomb2 = 3.76 * (FINE_STRUCTURE * Z) ** 2 / beta2 * np.sqrt(tau / (tau + 1))
    eta = 0.25 * (FINE_STRUCTURE / 0.885) ** 2 / momentum2 * Z ** (2 / 3) * (1.13 + coulomb2)
    per_gram = np.pi * AVOGADRO_R_E2_CM2 * moles * Z * (Z + 1) * (1 - beta2) / beta2**2 / (eta * (1 + eta))
    return per_gram, eta, np.broadcast_to(Z, eta.shape)


def hard_collisions(energy_MeV: Float[Array, "e"], threshold_MeV: float, Z_A_mol_g: float) -> tuple[Float[Array, "e"], Float[Array, "e"]]:
    """Number of collisions that lose more than the threshold, and energy lost in them (MeV), per g/cm². Møller 1932, Ann Phys 406:531.

    dσ/dε = (K/2) (Z/A) / (β² E) [ε⁻² + (1−ε)⁻² + (τ/(τ+1))² − (2τ+1)/(τ+1)² / (ε(1−ε))], ε = W/E from the threshold to ½.
    """
    tau = energy_MeV / ELECTRON_MEV
    low = np.minimum(threshold_MeV / energy_MeV, 0.5)
    a, b = (tau / (tau + 1)) ** 2, (2 * tau + 1) / (tau + 1) ** 2
    scale = 0.5 * K_MEV_CM2_MOL * Z_A_mol_g / (1 - 1 / (1 + tau) ** 2)

    def number(e: Array) -> Array:
        return -1 / e + 1 / (1 - e) + a * e - b * np.log(e / (1 - e))

    def energy(e: Array) -> Array:
        return np.log(e) + np.log1p(-e) + 1 / (1 - e) + a * e**2 / 2 + b * np.log1p(-e)

    half = np.full_like(low, 0.5)
    return scale / energy_MeV * (number(half) - number(low)), scale * (energy(half) - energy(low))

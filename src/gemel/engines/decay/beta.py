"""Beta spectra by Fermi theory: of one branch, of a nuclide."""

from math import factorial

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.decay.fermi import ELECTRON_KEV, coulomb_ratio, finite_size, log_fermi, screening_keV
from gemel.engines.decay.table import BetaBranch, nuclide

NODES = 1001


def beta_nodes(endpoint_keV: float) -> Float[Array, "energies"]:
    """Energies from 0 to the endpoint, quadratically spaced: fine where the electrons stop first."""
    return np.asarray(endpoint_keV * np.linspace(0.0, 1.0, NODES) ** 2)


def beta_density(energy_keV: Float[Array, "energies"], branch: BetaBranch) -> Float[Array, "energies"]:
    """dN/dE per keV and decay of the branch; its trapezoid over `energy_keV` is the branch's intensity.

    dN/dW ∝ p W (W0−W)² F(Z, W) L0(Z, W) C(W), F screened. Allowed and non-unique forbidden branches have C = 1 (the ξ approximation, which
    fails for few nuclides, Bi-210 the best known); unique ones the sum over partial waves. Mougeot 2015, Phys Rev C 91:055504.
    Raises RangeError for an endpoint that is not positive.
    """
    if not branch.endpoint_keV > 0:
        raise RangeError(f"an endpoint of {branch.endpoint_keV} keV", where="beta branch", remedy="pass an endpoint over 0")
    inside = np.asarray((energy_keV < branch.endpoint_keV) & (energy_keV >= 0))
    density = np.zeros(energy_keV.shape)
    density[inside] = _shape(np.maximum(energy_keV[inside], 1e-3), branch)
    return np.asarray(density * (branch.per_decay / np.trapezoid(density, energy_keV)))


def beta_spectrum(source: BetaBranch | str) -> tuple[Float[Array, "energies"], Float[Array, "energies"]]:
    """Energies in keV and dN/dE per keV and decay, of one branch or of all betas of a nuclide; integrate by the trapezoid rule.

    Empty arrays for a nuclide without betas. Raises InputError for an unknown nuclide, RangeError as `beta_density`.
    """
    branches = (source,) if isinstance(source, BetaBranch) else nuclide(source).betas
    return summed_betas([(branch, 1.0) for branch in branches])


def summed_betas(branches: list[tuple[BetaBranch, float]]) -> tuple[Float[Array, "energies"], Float[Array, "energies"]]:
    """Sum of branches' spectra, each by its weight, on the nodes of the one that reaches highest."""
    if not branches:
        return np.zeros(0), np.zeros(0)
    nodes_keV = beta_nodes(max(branch.endpoint_keV for branch, _ in branches))
    return nodes_keV, np.asarray(sum(weight * beta_density(nodes_keV, branch) for branch, weight in branches))


def _shape(energy_keV: Float[Array, "energies"], branch: BetaBranch) -> Float[Array, "energies"]:
    """The spectrum without its norm."""
    Z = branch.Z_daughter if branch.electron else -branch.Z_daughter
    W = 1.0 + energy_keV / ELECTRON_KEV
    p = np.sqrt(W * W - 1.0)
    q = (branch.endpoint_keV - energy_keV) / ELECTRON_KEV
    coulomb = _screened(energy_keV, Z, branch.A) * finite_size(W, Z, branch.A)
    return np.asarray(q * q * coulomb * _unique(p, q, Z, branch))


def _screened(energy_keV: Float[Array, "energies"], Z: int, A: int) -> Float[Array, "energies"]:
    """p W F with the atom's cloud: taken at the energy that the electron has inside it. Rose 1936, Phys Rev 49:727.

    An electron slower than the shift is beyond Rose's argument: there the ratio at twice the shift is kept, so that nothing jumps.
    """
    shift_keV = max(screening_keV(abs(Z) - 1 if Z > 0 else abs(Z) + 1), 1e-9)
    inner_keV = energy_keV - shift_keV if Z > 0 else energy_keV + shift_keV
    if Z < 0:
        return _phase(inner_keV, Z, A)
    edge_keV = np.array([2.0 * shift_keV])
    kept = _phase(edge_keV - shift_keV, Z, A) / _phase(edge_keV, Z, A)
    slow = energy_keV <= 2.0 * shift_keV
    return np.asarray(np.where(slow, kept * _phase(energy_keV, Z, A), _phase(np.where(slow, shift_keV, inner_keV), Z, A)))


def _phase(energy_keV: Float[Array, "energies"], Z: int, A: int) -> Float[Array, "energies"]:
    """p W F_0, finite at rest for electrons."""
    W = 1.0 + energy_keV / ELECTRON_KEV
    p = np.sqrt(W * W - 1.0)
    return np.asarray(p * W * np.exp(log_fermi(p, Z, A)))


def _unique(p: Float[Array, "energies"], q: Float[Array, "energies"], Z: int, branch: BetaBranch) -> Float[Array, "energies"]:
    """C of an n-th unique forbidden branch: Σ_k λ_k p^{2(k−1)} q^{2(L−k)} / ((2k−1)! (2(L−k)+1)!), L = n+1; 1 for the rest."""
    L = branch.unique_degree + 1
    waves = [
        coulomb_ratio(p, Z, branch.A, k) * p ** (2 * (k - 1)) * q ** (2 * (L - k)) / (factorial(2 * k - 1) * factorial(2 * (L - k) + 1))
        for k in range(1, L + 1)
    ]
    return np.asarray(sum(waves))

"""Fermi function of beta decay: how the nucleus's charge pulls the electron's or positron's spectrum.

Natural units inside (electron mass, ħ = c = 1). Konopinski & Uhlenbeck 1941, Phys Rev 60:308; Behrens & Jänecke 1969, Landolt-Börnstein
I/4; as used by Mougeot 2015, Phys Rev C 91:055504. Constants: CODATA 2018.
"""

import numpy as np
from jaxtyping import Float
from scipy.special import factorial2, gammaln, loggamma

from gemel.core.image import Array

ALPHA = 7.2973525693e-3  # fine-structure constant, CODATA 2018
ELECTRON_KEV = 510.99895  # CODATA 2018
COMPTON_FM = 386.15926796  # reduced Compton wavelength of the electron, CODATA 2018


def nuclear_radius(A: int) -> float:
    """Charge radius in Compton wavelengths: 1.121 A^⅓ + 2.426 A^-⅓ − 6.614/A fm. Elton 1958, Nucl Phys 5:173."""
    return (1.121 * A ** (1 / 3) + 2.426 * A ** (-1 / 3) - 6.614 / A) / COMPTON_FM


def log_fermi(p: Float[Array, "energies"], Z: int, A: int, k: int = 1) -> Float[Array, "energies"]:
    """ln of the generalised Fermi function F_{k-1} at momenta p > 0 for a daughter of charge Z (negative for positrons).

    F_{k-1} = (k (2k−1)!!)² 4^k (2pR)^{2(γ_k − k)} e^{πη} |Γ(γ_k + iη)|² / Γ(1 + 2γ_k)², γ_k = √(k² − (αZ)²), η = αZW/p.
    Behrens & Jänecke 1969; Mougeot 2015, eq. 3. For k = 1 the factor (1+γ)/2 of the customary F is a constant and falls out.
    """
    aZ = ALPHA * Z
    gamma_k = np.sqrt(k * k - aZ * aZ)
    eta = aZ * np.sqrt(1.0 + p * p) / p
    logarithm = 2.0 * (gamma_k - k) * np.log(2.0 * p * nuclear_radius(A)) + np.pi * eta
    logarithm += 2.0 * loggamma(gamma_k + 1j * eta).real - 2.0 * gammaln(1.0 + 2.0 * gamma_k)
    return np.asarray(logarithm + np.log((k * factorial2(2 * k - 1)) ** 2 * 4.0**k))


def coulomb_ratio(p: Float[Array, "energies"], Z: int, A: int, k: int) -> Float[Array, "energies"]:
    """λ_k = F_{k−1}/F_0 · (k + γ_k)/(k (1 + γ_1)): weight of the k-th partial wave. Mougeot 2015, eq. 5."""
    aZ = ALPHA * Z
    gamma_1, gamma_k = np.sqrt(1 - aZ * aZ), np.sqrt(k * k - aZ * aZ)
    ratio = np.exp(log_fermi(p, Z, A, k) - log_fermi(p, Z, A))
    return np.asarray(ratio * (k + gamma_k) / (k * (1.0 + gamma_1)))


def screening_keV(Z: int) -> float:
    """Shift of the electron's energy by the atom's cloud, 1.13 α² Z^{4/3} m_e; Z of the parent. Rose 1936, Phys Rev 49:727."""
    return float(1.13 * ALPHA**2 * abs(Z) ** (4 / 3) * ELECTRON_KEV)


def finite_size(W: Float[Array, "energies"], Z: int, A: int) -> Float[Array, "energies"]:
    """L_0: the charge is not a point. 1 + 13(αZ)²/60 − αZWR(41−26γ)/(15(2γ−1)) − αZRγ(17−2γ)/(30W(2γ−1)).

    Wilkinson 1990, Nucl Instrum Methods A 290:509, without its last fitted terms (under 1e-3 here).
    """
    aZ, R = ALPHA * Z, nuclear_radius(A)
    g = np.sqrt(1 - aZ * aZ)
    linear = aZ * W * R * (41 - 26 * g) / (15 * (2 * g - 1))
    inverse = aZ * R * g * (17 - 2 * g) / (30 * W * (2 * g - 1))
    return np.asarray(1 + 13 * aZ * aZ / 60 - linear - inverse)

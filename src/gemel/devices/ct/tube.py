"""The spectrum of a tungsten tube: bremsstrahlung of electrons that slow down in the anode, absorbed on its way out, and K lines."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.attenuation import element, mass_attenuation_cm2_g
from gemel.devices.ct.spectrum import Spectrum, filtered

ELECTRON_KEV = 510.99895  # CODATA 2018
K_KEV_CM2_MOL = 307.075  # 4π N_A r_e² m_e c², Particle Data Group 2022
TUNGSTEN_I_KEV = 0.727  # ICRU Report 37 (1984)
LINES = ((57.98, 0.576), (59.32, 1.0), (67.0, 0.333), (69.1, 0.087))
"""Kα₂, Kα₁, Kβ₁₃, Kβ₂ of tungsten (keV) and intensities relative to Kα₁: Scofield 1974, At Data Nucl Data Tables 14:121."""
GREEN_COSSLETT = 1.63  # K ionisations grow as (U − 1)^1.63. Green & Cosslett 1961, Proc Phys Soc 78:1206
LEAST_KVP, MOST_KVP = 40.0, 150.0
STEEPEST_DEG = 45.0
BIN_KEV = 1.0
NODES = 48


@dataclass(frozen=True)
class Anode:
    """Constants of the bremsstrahlung model.

    They were found by least squares against the spectra (60 to 140 kVp, 7° and 12°, 6 mm Al, above 15 keV) of the tube model of Bujila,
    Omar & Poludniowski 2020, Phys Med 75:44, which itself was validated against measurements; at 2.5 to 10 mm Al half-value layers then
    agree to 4 % (1 % at 6 mm), mean energies to 0.7 %, kerma to 4 %; `photons` is 1 % below the least squares, for the kerma's sake.
    """

    linear: float = 1.8463
    quadratic: float = 1.4388
    rise: float = -0.0422
    depth: float = 0.35329
    spread: float = 1.9814
    photons: float = 8.2555e9
    lines: float = 3.7810e-3


ANODE = Anode()


def tungsten(kVp: float, *, angle_deg: float = 7.0, filters_mm: tuple[tuple[str, float], ...] = ()) -> Spectrum:
    """Photons at 1 m on the axis of a tungsten tube at constant potential, 1 keV bins from 5 keV, behind the filters.

    N(k) = c ∫_k^{T₀} χ(k/T) / (β² k S(T)) (1 + μ(k) z(T) cot θ / q)^−q dT: Birch & Marshall 1979, Phys Med Biol 24:505, with the shape
    χ = 1 − aκ + bκ² of the energy loss, electrons at mean depth z(T) = λ (R(T₀) − R(T)) that lie around it as a gamma density of shape q,
    S of Bethe for electrons (Berger & Seltzer 1982, NBSIR 82-2550). Constants: `Anode`. Raises RangeError outside 40 to 150 kVp.
    """
    require_tube(kVp, angle_deg)
    return filtered(_emitted(float(kVp), float(angle_deg)), filters_mm)


def require_tube(kVp: float, angle_deg: float) -> None:
    """Raises RangeError for voltages and angles that no CT tube has."""
    if not LEAST_KVP <= kVp <= MOST_KVP:
        raise RangeError(f"{kVp:g} kVp", where="tube", remedy=f"use {LEAST_KVP:g} to {MOST_KVP:g} kVp")
    if not 0 < angle_deg <= STEEPEST_DEG:
        raise RangeError(f"an anode angle of {angle_deg:g}°", where="tube", remedy="use 1° to 45° (CT tubes have 7° to 12°)")


@lru_cache(maxsize=64)
def _emitted(kVp: float, angle_deg: float) -> Spectrum:
    """Every bin takes the mean of four energies, so that a bin cut by the tube voltage is right."""
    centres = np.arange(5.0, np.ceil(kVp) + BIN_KEV / 2, BIN_KEV)
    fine = (centres[:, None] + BIN_KEV * (np.arange(4) - 1.5) / 4).ravel()
    photons = bremsstrahlung_1_keV(np.minimum(fine, kVp), kVp, angle_deg).reshape(-1, 4).mean(axis=1) * BIN_KEV
    for energy, count in k_lines(kVp, angle_deg):
        photons[int(np.rint((energy - centres[0]) / BIN_KEV))] += count
    return Spectrum(centres, photons)


def bremsstrahlung_1_keV(energy_keV: Float[Array, "e"], kVp: float, angle_deg: float) -> Float[Array, "e"]:
    """Photons per cm², mAs and keV at 1 m (equation in `tungsten`)."""
    node, weight = np.polynomial.legendre.leggauss(NODES)
    width = (kVp - energy_keV)[:, None] / 2
    T = energy_keV[:, None] + width * (1 + node)
    kappa = energy_keV[:, None] / T
    shape = (1 - ANODE.linear * kappa + ANODE.quadratic * kappa**2) * (T / 100) ** ANODE.rise
    escaped = _escape(energy_keV[:, None], _depth_g_cm2(T, kVp), angle_deg)
    per_loss = shape * escaped / (_beta2(T) * energy_keV[:, None] * _stopping_keV_cm2_g(T))
    return np.asarray(ANODE.photons * (per_loss * width * weight).sum(axis=1))


def k_lines(kVp: float, angle_deg: float) -> tuple[tuple[float, float], ...]:
    """Energy and photons per cm² and mAs at 1 m of each K line, started at half the depth at which electrons fall below the edge."""
    edge = element("W").edges_keV[-1]
    if kVp <= edge:
        return ()
    made = ANODE.photons * ANODE.lines * (kVp / edge - 1) ** GREEN_COSSLETT
    depth = np.asarray(_depth_g_cm2(np.array(edge), kVp) / 2)
    return tuple((energy, made * share * float(_escape(np.array(energy), depth, angle_deg))) for energy, share in LINES)


def _escape(energy_keV: Float[Array, "..."], depth_g_cm2: Float[Array, "..."], angle_deg: float) -> Float[Array, "..."]:
    path = mass_attenuation_cm2_g({"W": 1.0}, energy_keV) * depth_g_cm2 / np.tan(np.radians(angle_deg))
    return np.asarray((1 + path / ANODE.spread) ** -ANODE.spread)


def _depth_g_cm2(T_keV: Float[Array, "..."], kVp: float) -> Float[Array, "..."]:
    energy, spent = _range()
    return np.asarray(ANODE.depth * (np.interp(kVp, energy, spent) - np.interp(T_keV, energy, spent)))


@lru_cache(maxsize=1)
def _range() -> tuple[Array, Array]:
    """Range in continuous slowing down from 1 keV, g/cm²."""
    energy = np.linspace(1.0, MOST_KVP + 1, 1500)
    loss = 1 / _stopping_keV_cm2_g(energy)
    return energy, np.append(0.0, np.cumsum((loss[1:] + loss[:-1]) / 2 * np.diff(energy)))


def _beta2(T_keV: Float[Array, "..."]) -> Float[Array, "..."]:
    tau = T_keV / ELECTRON_KEV
    return np.asarray(tau * (tau + 2) / (tau + 1) ** 2)


def _stopping_keV_cm2_g(T_keV: Float[Array, "..."]) -> Float[Array, "..."]:
    """Mass collision stopping power of tungsten without density and shell corrections."""
    tau, beta2, tungsten_ = T_keV / ELECTRON_KEV, _beta2(T_keV), element("W")
    F = (1 - beta2) * (1 + tau**2 / 8 - (2 * tau + 1) * np.log(2))
    number = 2 * np.log(T_keV / TUNGSTEN_I_KEV) + np.log(1 + tau / 2) + F
    return np.asarray(0.5 * K_KEV_CM2_MOL * tungsten_.Z / tungsten_.A_g_mol / beta2 * number)

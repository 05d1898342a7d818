"""Photon spectra: what a tungsten tube emits, what filters leave of it, and its width in numbers (half-value layer, mean energy, kerma)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.attenuation import energy_transfer_cm2_g
from gemel.devices.ct.materials import attenuation_1_cm, material

GY_PER_KEV_CM2_G = 1.602176634e-13
"""Kerma of a fluence of 1 keV/cm² with a coefficient of 1 cm²/g: CODATA 2018."""
THICKEST_MM = 200.0


@dataclass(frozen=True)
class Spectrum:
    """Photons per cm² and mAs in bins around each energy, at 1 m. Any source will do: the tube's own model or another program's."""

    energy_keV: Float[Array, "e"]
    photons_cm2_mAs: Float[Array, "e"]

    def __post_init__(self) -> None:
        if self.energy_keV.shape != self.photons_cm2_mAs.shape or self.energy_keV.ndim != 1 or len(self.energy_keV) == 0:
            raise RangeError(
                "energies and photons of different length", where="Spectrum", remedy="give one number of photons for each energy"
            )
        if not (np.isfinite(self.photons_cm2_mAs).all() and (self.photons_cm2_mAs >= 0).all() and self.photons_cm2_mAs.sum() > 0):
            raise RangeError(
                "a number of photons that is negative, not finite or nothing at all", where="Spectrum", remedy="give counts per bin"
            )


def filtered(spectrum: Spectrum, filters_mm: Sequence[tuple[str, float]]) -> Spectrum:
    """Behind layers of (material, thickness), narrow beam: Φ exp(−Σ μ t). Raises RangeError for unknown materials, negative thickness."""
    thinnest = min((t for _, t in filters_mm), default=0.0)
    if not thinnest >= 0:
        raise RangeError(f"a filter of {thinnest:g} mm", where="filtered", remedy="give thickness as zero or more, in mm")
    path = sum(attenuation_1_cm(material(name), spectrum.energy_keV) * t / 10 for name, t in filters_mm)
    return replace(spectrum, photons_cm2_mAs=spectrum.photons_cm2_mAs * np.exp(-path))


def mean_energy_keV(spectrum: Spectrum) -> float:
    """Mean energy of the photons."""
    return float(np.average(spectrum.energy_keV, weights=spectrum.photons_cm2_mAs))


def air_kerma_uGy_mAs(spectrum: Spectrum) -> float:
    """Air kerma at 1 m, K = Σ Φ E μ_tr/ρ."""
    return float(_kerma(spectrum).sum() * GY_PER_KEV_CM2_G * 1e6)


def half_value_layer_mm(spectrum: Spectrum, *, absorber: str = "aluminium", share: float = 0.5) -> float:
    """Thickness that leaves this share of the air kerma in a narrow beam (IEC 60601-1-3 for aluminium); 0.25: first plus second."""
    kerma, mu_1_mm = _kerma(spectrum), attenuation_1_cm(material(absorber), spectrum.energy_keV) / 10
    return float(brentq(lambda t: float((kerma * np.exp(-mu_1_mm * t)).sum() / kerma.sum()) - share, 0.0, THICKEST_MM))


def _kerma(spectrum: Spectrum) -> Float[Array, "e"]:
    transfer = energy_transfer_cm2_g(material("air").weights, spectrum.energy_keV)
    return np.asarray(spectrum.photons_cm2_mAs * spectrum.energy_keV * transfer)

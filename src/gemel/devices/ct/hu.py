"""CT numbers of materials for a spectrum, and the water calibration that makes them: water 0, air −1000, beam hardening of water undone."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.devices.ct.materials import Substance, attenuation_1_cm, material

DEGREE, THICKEST_CM, POINTS = 5, 60.0, 121


def effective_attenuation_1_cm(
    substance: Substance, energy_keV: Float[Array, "e"], weight: Float[Array, "e"], *, behind_water_cm: float = 0.0
) -> float:
    """Attenuation of a thin layer, mean over signal: Σ w e^{−μ_w t} μ / Σ w e^{−μ_w t}; w photons times the detector's response.

    Brooks & Di Chiro 1976, Phys Med Biol 21:390. Raises RangeError for a negative thickness of water.
    """
    if not behind_water_cm >= 0:
        raise RangeError(f"{behind_water_cm:g} cm of water", where="effective_attenuation_1_cm", remedy="use zero or more, in cm")
    water = attenuation_1_cm(material("water"), energy_keV)
    left = weight * np.exp(-water * behind_water_cm)
    return float(np.average(attenuation_1_cm(substance, energy_keV), weights=left))


def ct_number_HU(substance: Substance, energy_keV: Float[Array, "e"], weight: Float[Array, "e"], *, behind_water_cm: float = 0.0) -> float:
    """CT number 1000 (μ − μ_w)/(μ_w − μ_air) of a thin layer; water is 0 and air −1000 by definition."""
    of = [
        effective_attenuation_1_cm(s, energy_keV, weight, behind_water_cm=behind_water_cm)
        for s in (substance, material("water"), material("air"))
    ]
    return 1000 * (of[0] - of[1]) / (of[1] - of[2])


@dataclass(frozen=True)
class WaterCalibration:
    """What turns −ln(I/I₀) into centimetres of water, Σ c_k p^k from k = 1, and from them to HU; found from scans of water alone.

    One row of coefficients for all readings, or one a column of the detector (a bowtie gives each column its own spectrum).
    """

    coefficients: Float[Array, "*columns k"]

    def __post_init__(self) -> None:
        if not np.isfinite(self.coefficients).all():
            raise RangeError(
                "a calibration that is not finite", where="WaterCalibration", remedy="scan water from 0 to the largest patient again"
            )


def calibrated(water_cm: Float[Array, "n"], log_attenuation: Float[Array, "n"]) -> WaterCalibration:
    """Least squares of thickness against −ln(I/I₀), relative errors, no constant term. Herman 1979, Phys Med Biol 24:81.

    Raises RangeError when the readings do not rise with the thickness or are fewer than needed.
    """
    order = np.argsort(water_cm)
    t, p = np.asarray(water_cm)[order], np.asarray(log_attenuation)[order]
    if len(t) <= DEGREE or t[0] <= 0 or (np.diff(p) <= 0).any():
        raise RangeError(
            f"{len(t)} readings of water that do not rise with thickness",
            where="calibrated",
            remedy="scan six thicknesses or more above 0 cm",
        )
    powers = p[:, None] ** np.arange(1, DEGREE + 1)
    return WaterCalibration(np.linalg.lstsq(powers / t[:, None], np.ones(len(t)), rcond=None)[0])


def water_calibration(energy_keV: Float[Array, "e"], weight: Float[Array, "*columns e"]) -> WaterCalibration:
    """The calibration that a perfect water scan of these spectra would give, up to 60 cm; columns of one spectrum share the work."""
    thickness = np.linspace(THICKEST_CM / POINTS, THICKEST_CM, POINTS)
    left = np.exp(-thickness[:, None] * attenuation_1_cm(material("water"), energy_keV))
    rows, which = np.unique(weight.reshape(-1, len(energy_keV)), axis=0, return_inverse=True)
    found = np.stack([calibrated(thickness, -np.log(left @ row / row.sum())).coefficients for row in rows])
    return WaterCalibration(found[which.ravel()].reshape(*weight.shape[:-1], DEGREE))


def water_cm(calibration: WaterCalibration, log_attenuation: Float[Array, "..."]) -> Float[Array, "..."]:
    """Thickness of water with this −ln(I/I₀), the corrected line integral; columns last when there is a row of coefficients for each."""
    return _series(calibration.coefficients, log_attenuation) * log_attenuation


def water_cm_slope(calibration: WaterCalibration, log_attenuation: Float[Array, "..."]) -> Float[Array, "..."]:
    """dt/dp, with which the noise of a reading is multiplied."""
    return _series(calibration.coefficients * np.arange(1, DEGREE + 1), log_attenuation)


def _series(coefficients: Float[Array, "*columns k"], p: Float[Array, "..."]) -> Float[Array, "..."]:
    """Σ c_k p^(k−1) by Horner."""
    total = np.zeros_like(p, dtype=np.float64)
    for k in range(coefficients.shape[-1] - 1, -1, -1):
        total = total * p + coefficients[..., k]
    return np.asarray(total)

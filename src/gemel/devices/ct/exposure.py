"""What one tube voltage does to a traced slice: signal and noise of every ray, for one unit of exposure; the current only scales them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.devices.ct.anatomy import Anatomy
from gemel.devices.ct.basis import BASIS
from gemel.devices.ct.bowtie import thickness_mm
from gemel.devices.ct.detector import absorbed_share
from gemel.devices.ct.hu import WaterCalibration, water_calibration, water_cm, water_cm_slope
from gemel.devices.ct.materials import attenuation_1_cm, material
from gemel.devices.ct.scanner import Scanner, beam_spectrum
from gemel.devices.ct.spectrum import Spectrum
from gemel.engines.project import Fan
from gemel.engines.project.geometry import fan_rad
from gemel.engines.project.polychromatic import Beam, polychromatic

IODINE_G_CM3 = material("iodine").density_g_cm3


@dataclass(frozen=True)
class Exposure:
    """Rays of a slice at one tube voltage, by view and column.

    `attenuation`: −ln(I/I₀); `quantum_cm2` and `electronic_cm2`: variance of the ray's water thickness for a column's share of 1 mAs a view
    in 1 mm of slice, ∝ 1/exposure and ∝ 1/exposure²; `quanta`: signal² over quantum variance for the same exposure.
    """

    spectrum: Spectrum
    calibration: WaterCalibration
    attenuation: Float[Array, "views u"]
    quantum_cm2: Float[Array, "views u"]
    electronic_cm2: Float[Array, "views u"]
    quanta: Float[Array, "views u"]


def expose(anatomy: Anatomy, scanner: Scanner, kVp: float) -> Exposure:
    """Polychromatic signal of each ray and its variance, propagated through the water calibration: var(t) = (dt/dp)² var(S)/S².

    Scatter is taken as subtracted in the mean; its noise stays. Each column has its own calibration: the bowtie hardens them differently.
    """
    spectrum = beam_spectrum(scanner, kVp)
    beam = _beam(scanner, spectrum)
    mu_1_mm = _attenuation_1_mm(scanner, spectrum.energy_keV)
    wedge_mm = thickness_mm(scanner.bowtie, fan_rad(anatomy.fan)).astype(np.float32)
    lines = np.concatenate([anatomy.lines_cm * 10, np.broadcast_to(wedge_mm[:, None], (*anatomy.lines_cm.shape[:2], 1))], axis=-1)
    behind, opened = polychromatic(lines, beam, mu_1_mm=mu_1_mm), polychromatic(wedge_mm[:, None], beam, mu_1_mm=mu_1_mm[-1:])
    calibration = water_calibration(spectrum.energy_keV, beam.photons * beam.response * np.exp(-np.outer(wedge_mm, mu_1_mm[-1])))
    attenuation = behind.log_integral - opened.log_integral
    slope2 = (water_cm_slope(calibration, attenuation) / behind.mean) ** 2
    noise = behind.variance * (1 + scanner.scatter_1_cm * water_cm(calibration, attenuation))
    electronic = (scanner.detector.electronic_keV * scanner.detector.gain) ** 2
    return Exposure(spectrum, calibration, attenuation, slope2 * noise, slope2 * electronic, behind.mean**2 / noise)


def _beam(scanner: Scanner, spectrum: Spectrum) -> Beam:
    """Photons that a column of the scanner's own width would absorb with nothing in between, for 1 mAs in a view and 1 mm of slice."""
    gantry, energy = scanner.gantry, spectrum.energy_keV
    area_cm2 = gantry.column_mm * gantry.source_isocentre_mm / gantry.source_detector_mm / 100
    met = spectrum.photons_cm2_mAs * area_cm2 * (1000.0 / gantry.source_isocentre_mm) ** 2
    return Beam(met * absorbed_share(scanner.detector, energy), energy * scanner.detector.gain)


def _attenuation_1_mm(scanner: Scanner, energy_keV: Float[Array, "e"]) -> Float[Array, "m e"]:
    """Of water, bone, iodine (for 1 mg/mL) and the bowtie's material."""
    mu = np.stack([attenuation_1_cm(material(name), energy_keV) for name in (*BASIS, scanner.bowtie.material)]) / 10
    mu[2] /= IODINE_G_CM3 * 1000
    return mu


def seen_from(
    fan: Fan, points_mm: Float[Array, "n 2"], values: Float[Array, "views u"]
) -> tuple[Float[Array, "n views"], Float[Array, "n views"]]:
    """Values on the rays through points, straight between columns, and the points' distance from the source (cm). NaN outside the fan."""
    cosine, sine = np.cos(fan.angles_rad), np.sin(fan.angles_rad)
    depth = fan.source_isocentre_mm - points_mm[:, :1] * cosine - points_mm[:, 1:] * sine
    across = points_mm[:, 1:] * cosine - points_mm[:, :1] * sine
    column = np.arctan2(across, depth) * fan.source_detector_mm / fan.pitch_u_mm + (fan.n_u - 1) / 2
    low = np.clip(np.floor(column).astype(np.int64), 0, fan.n_u - 2)
    part, view = column - low, np.arange(len(cosine))
    found = values[view, low] * (1 - part) + values[view, low + 1] * part
    outside = (column < -0.5) | (column > fan.n_u - 0.5)
    return np.where(outside, np.nan, found), np.hypot(depth, across) / 10

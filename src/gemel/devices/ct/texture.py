"""What a kernel does to signal and noise: transfer of detail and texture of noise, from the sizes of spot, column and filter."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.devices.ct.scanner import Scanner, kernel_of
from gemel.engines.project.ramp import WINDOWS

FREQUENCIES = 256


@dataclass(frozen=True)
class Texture:
    """By spatial frequency at the isocentre: area of each ring, TTF, noise power for unit variance (mm²); and the filter's noise gain."""

    f_1_mm: Float[Array, "f"]
    ring_1_mm2: Float[Array, "f"]
    transfer: Float[Array, "f"]
    unit_power_mm2: Float[Array, "f"]
    gain: float


def texture(scanner: Scanner, kernel: str) -> Texture:
    """TTF = W sinc(af) sinc(sf) I (filter, column, spot, linear interpolation) and NPS ∝ f W² I², I² = (2 + cos 2πaf)/3.

    a: the column, s: the spot, at the isocentre; gain = a³ ∫ f² W² I² df, 1/12 for Ram-Lak alone. Kak & Slaney
    1988, ch. 3 and 5; I² is the mean over places between columns. Raises RangeError for an unknown kernel.
    """
    gantry, ramp = scanner.gantry, kernel_of(scanner, kernel)
    a_mm = gantry.column_mm * gantry.source_isocentre_mm / gantry.source_detector_mm
    spot_mm = scanner.tube.focal_spot_mm * (1 - gantry.source_isocentre_mm / gantry.source_detector_mm)
    step = 0.5 / a_mm / FREQUENCIES
    f = (np.arange(FREQUENCIES) + 0.5) * step
    share = 2 * a_mm * f / ramp.cutoff
    window = np.where(share <= 1, WINDOWS[ramp.window](np.minimum(share, 1.0)), 0.0)
    between = np.sqrt((2 + np.cos(2 * np.pi * a_mm * f)) / 3)
    passed = (f * window * between) ** 2
    transfer = window * between * np.sinc(a_mm * f) * np.sinc(spot_mm * f)
    ring = 2 * np.pi * f * step
    unit = passed / f / (passed / f * ring).sum()
    return Texture(f, ring, transfer, unit, float(2 * a_mm**3 * passed.sum() * step))

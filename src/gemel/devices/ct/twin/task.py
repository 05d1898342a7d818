"""What a scanner's state costs in the terms of a task: how far d' of a small lesion has fallen, through noise, sharpness and contrast."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.special import j1

from gemel.core.image import Array
from gemel.devices.ct.twin.names import COMPONENTS, METRICS
from gemel.engines.observers.frequency import non_prewhitening, spectral_grid


@dataclass(frozen=True)
class Sensitivity:
    """dln d'/dln of noise, of the frequency where the MTF is a half, and of contrast, of one task.

    The defaults are those of a disc of 5 mm (`sensitivity`). `contrast_1_kv`: dln contrast/dln kVp; −1.1 for dilute iodine behind 20 cm of
    water, 341 HU at 100 and 236 at 140 kV for 10 mg/mL (SpekPy, Poludniowski et al. 2021, Med Phys 48:3630).
    """

    noise: float = -1.0
    mtf50: float = 0.117
    contrast: float = 1.0
    contrast_1_kv: float = -1.1


FIVE_mm = Sensitivity()


def sensitivity(diameter_mm: float, *, mtf50_1_mm: float = 0.35, step: float = 0.05) -> Sensitivity:
    """Of a disc, by differences of the non-prewhitening observer: Gaussian transfer, noise of filtered back-projection as sharp.

    Noise power f·exp(−2 ln 2 (f/f50)²), which the focal spot leaves as it is: Riederer, Pelc & Chesler 1978, Phys Med Biol 23:446.
    """
    low, high = (_dprime(diameter_mm, mtf50_1_mm * (1 + sign * step), mtf50_1_mm) for sign in (-1.0, 1.0))
    return Sensitivity(mtf50=float(np.log(high / low) / np.log((1 + step) / (1 - step))))


def _dprime(diameter_mm: float, mtf50_1_mm: float, noise50_1_mm: float) -> float:
    grid = spectral_grid(256, 0.3)
    f = grid.f_1_mm
    safe = np.where(f > 0, f, 1.0)
    disc = np.where(f > 0, diameter_mm / 2 * j1(np.pi * f * diameter_mm) / safe, np.pi * diameter_mm**2 / 4)
    passed, noise = (np.exp(-order * np.log(2) * (f / f50) ** 2) for order, f50 in ((1, mtf50_1_mm), (2, noise50_1_mm)))
    return float(non_prewhitening(disc * passed, f * noise, grid.cell_1_mm2))


def ln_dprime(departures: Float[Array, "*draws d"], response: Float[Array, "m d"], task: Sensitivity = FIVE_mm) -> Float[Array, "*draws"]:
    """ln of d' over that of the baseline, from departures of the components, to first order; noise: mean of centre and edge."""
    rows = {name: response[i] for i, name in enumerate(METRICS)}
    noise = 0.5 * (rows["ln_noise_centre_1"] + rows["ln_noise_edge_1"])
    spectrum = np.array([0.01 * (name == "kv_pct") for name in COMPONENTS]) * task.contrast_1_kv
    weights = task.noise * noise + task.mtf50 * rows["ln_mtf50_1"] + task.contrast * spectrum
    return np.asarray(departures @ weights)

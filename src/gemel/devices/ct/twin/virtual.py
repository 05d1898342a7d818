"""Made-up scanners for tests and benchmarks: a fault of known cause, days with memory, metrics or images of them. Label them synthetic."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image
from gemel.core.quality import Exposure, QualityDay
from gemel.core.time import DAY_S
from gemel.devices.ct.phantom.synthetic import Look, phantom_slice
from gemel.devices.ct.twin.names import COMPONENTS, METRICS
from gemel.devices.ct.twin.table import response

ERRORS = {
    "water_HU": 0.4, "light_HU": 0.5, "dense_HU": 1.5, "ln_noise_centre_1": 0.02, "ln_noise_edge_1": 0.015, "uniformity_HU": 0.4,
    "ring_HU": 0.3, "ln_mtf50_1": 0.01, "scale_pct": 0.05, "tube_kV_pct": 0.25, "tube_mAs_pct": 0.4,
}  # fmt: skip
"""Scatter of a day about its level. Assumed, as daily checks are wont to scatter."""
LEVELS = {"light_HU": -85.0, "dense_HU": 948.0, "ln_noise_centre_1": np.log(6.0), "ln_noise_edge_1": np.log(4.0)}
START_s = 1.7e9
EXPOSURE = Exposure(120.0, 300.0, 5.0, "made", 20.0)


@dataclass(frozen=True)
class Fault:
    """A component that steps by `size`, or ramps by it in a month, from a day on."""

    component: str
    ramp: bool
    size: float
    onset_d: int

    def departures(self, days: int) -> Float[Array, "days d"]:
        """Of every component, day by day."""
        age = np.arange(days) - self.onset_d
        growth = np.maximum(age, 0) / 30.0 if self.ramp else (age >= 0).astype(np.float64)
        return np.asarray(growth[:, None] * self.size * (np.array(COMPONENTS) == self.component))


def metrics(departures: Float[Array, "days d"], memory: float, rng: np.random.Generator) -> Float[Array, "days m"]:
    """What would be measured: levels, response to the departures, and AR(1) days of the stated scatter."""
    days = len(departures)
    noise = rng.standard_normal((days, len(METRICS)))
    day = noise.copy()
    for t in range(1, days):
        day[t] = memory * day[t - 1] + np.sqrt(1 - memory**2) * noise[t]
    level = np.array([LEVELS.get(name, 0.0) for name in METRICS])
    return np.asarray(level + departures @ response().T + day * np.array([ERRORS[name] for name in METRICS]))


def images(
    values: Float[Array, "m"], day: int, *, scanner: str = "synthetic", pixel_mm: float = 0.5, rng: np.random.Generator
) -> QualityDay:
    """Slices that show some metrics: a CatPhan's rods, and a plain one; the tube's log beside them."""
    now = dict(zip(METRICS, (float(v) for v in values)))
    noise = (float(np.exp(now["ln_noise_centre_1"])), float(np.exp(now["ln_noise_edge_1"])))
    blur_mm = 0.5 * float(np.exp(-now["ln_mtf50_1"]))
    look = Look(now["water_HU"], noise, now["uniformity_HU"], abs(now["ring_HU"]), blur_mm, 1 + 0.01 * now["scale_pct"])
    light = now["light_HU"] - LEVELS["light_HU"]
    rods = {-38.0: -38.0 + light, -85.0: -85.0 + light, -185.0: -185.0 + light, 948.0: now["dense_HU"]}
    slices: tuple[Image, ...] = (
        phantom_slice("CatPhan", look, rods=rods, pixel_mm=pixel_mm, rng=rng),
        phantom_slice("water", look, pixel_mm=pixel_mm, rng=rng),
    )
    tube = np.array([[EXPOSURE.kVp * (1 + 0.01 * now["tube_kV_pct"]), EXPOSURE.mAs * (1 + 0.01 * now["tube_mAs_pct"])]])
    return QualityDay(slices, EXPOSURE, tube, START_s + day * DAY_S, scanner, f"{scanner} day {day}")

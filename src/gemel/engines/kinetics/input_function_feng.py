"""Feng's closed form of a plasma curve after a bolus."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

MIN_S = 60.0


@dataclass(frozen=True)
class Feng:
    """C_p = (A₁t - A₂ - A₃)e^(-λ₁t) + A₂e^(-λ₂t) + A₃e^(-λ₃t), t minutes after the delay; zero before.

    Defaults: the mean FDG curve of Feng, Huang & Wang 1993, Int J Biomed Comput 32:95, model 2 (µCi/mL, 1/min). The larger of the two late
    amplitudes goes with the faster rate (published codes disagree). The unit of the result is that of the amplitudes.
    """

    A1_1_min: float = 851.1225
    A2: float = 21.8798
    A3: float = 20.8113
    lambda1_1_min: float = 4.1339
    lambda2_1_min: float = 0.1191
    lambda3_1_min: float = 0.0104
    delay_s: float = 0.0

    def at(self, t_s: Float[Array, "times"]) -> Float[Array, "times"]:
        """The curve at times since the injection."""
        t = np.maximum(np.asarray(t_s) - self.delay_s, 0.0) / MIN_S
        first = (self.A1_1_min * t - self.A2 - self.A3) * np.exp(-self.lambda1_1_min * t)
        return np.asarray(first + self.A2 * np.exp(-self.lambda2_1_min * t) + self.A3 * np.exp(-self.lambda3_1_min * t))

    def samples_s(self, until_s: float) -> Float[Array, "samples"]:
        """Times that carry the curve by straight lines: from 0.1 s apart at the peak to a 300th of the time since the bolus."""
        fine = np.arange(0.0, 200.0, 0.1)
        late = np.geomspace(200.0, max(until_s - self.delay_s, 201.0), 2 + int(300 * np.log(max(until_s, 201.0) / 200.0)))
        times = self.delay_s + np.concatenate([fine, late])
        return np.asarray(times if self.delay_s == 0 else np.concatenate([[0.0], times]))

"""Which CT protocol shows a small lesion in this patient at the lowest dose, and how sure that is: 72 protocols on one slice."""

import numpy as np

from gemel.devices.ct import Task, generic, trace, water_ellipse_HU
from gemel.devices.ct.choice import Allowed, Doubt, choose, ln_draws


def main() -> float:
    """Size-specific dose of the chosen protocol, mGy."""
    scanner = generic()
    patient = trace(water_ellipse_HU(34, 25), (3.0, 3.0), scanner)  # a CT slice in HU; here an ellipse of water
    lesion = Task(6.0, contrast_HU=-25.0)  # 6 mm across, 25 HU darker than around it, for an observer with an eye's filter
    draws = ln_draws(Doubt(), 4000, rng=np.random.default_rng(1))
    choice = choose(patient, scanner, task=lesion, target=3.0, allowed=Allowed(), ln_draws=draws)
    best = choice.chosen
    assert best is not None
    (low, high), protocol = best.interval, best.forecast.protocol
    print(f"water-equivalent diameter {patient.diameter_cm:.1f} cm, {len(choice.judged)} protocols")
    print(f"{protocol.kVp:g} kVp, {protocol.mAs:g} mAs, {protocol.slice_mm:g} mm, kernel {protocol.kernel}")
    print(f"d' {best.forecast.detectability:.2f} ({low:.2f} to {high:.2f}), P(d' ≥ 3) {best.probability:.0%}, SSDE {best.dose_mGy:.2f} mGy")
    return best.dose_mGy


if __name__ == "__main__":
    print(main())

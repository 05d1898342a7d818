"""A proton's range in water: the depth dose of one spot, and where it falls to 80 % against the range by slowing down.

Shows `Machine.generic`, `influence` and `csda_range_mm`. R80 equals the CSDA range for the small energy spread of a real beam
(Bortfeld 1997, Med Phys 24:2024); NIST PSTAR gives 157.7 mm for 150 MeV (Berger et al., ICRU Report 49, 1993).
"""

import numpy as np

from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import influence
from gemel.engines.dose.stopping_power import csda_range_mm


def falls_to_mm(depth_mm: np.ndarray, dose: np.ndarray, share: float) -> float:
    """Depth behind the peak at which the dose falls to a share of it."""
    peak = int(dose.argmax())
    return float(np.interp(-share, -dose[peak:] / dose[peak], depth_mm[peak:]))


def main() -> float:
    """R80 in mm of 150 MeV protons."""
    water = Image(np.ones((41, 190, 41), np.float32), np.diag([3.0, 1.0, 3.0, 1.0]))
    spot = np.array([[0.0, 0.0, 0.0, 150.0]])  # gantry degrees, x and z in beam's eye view, MeV
    dose = influence(water, spot, Machine.generic(), np.array([60.0, 100.0, 60.0])).toarray().reshape(water.shape)
    depth_mm, curve = np.arange(190) + 0.5, dose.sum(axis=(0, 2)) * 9.0  # Gy mm² per 1e6 protons
    r80_mm = falls_to_mm(depth_mm, curve, 0.8)
    for depth in range(10, 171, 20):
        print(f"{depth:4d} mm {'#' * round(60 * curve[depth] / curve.max())}")
    print(f"peak at {depth_mm[curve.argmax()]:.1f} mm, R20 − R80 {falls_to_mm(depth_mm, curve, 0.2) - r80_mm:.2f} mm")
    print(f"R80 {r80_mm:.2f} mm, CSDA range {float(csda_range_mm(150.0)):.2f} mm")
    return r80_mm


if __name__ == "__main__":
    print(main())

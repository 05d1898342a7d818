"""Two doses compared: a Gaussian hill and the same hill moved by 1 mm and made 1 % hotter.

Shows `gamma.pass_rate` for several criteria (Low et al. 1998, Med Phys 25:656) and a cumulative dose-volume histogram.
"""

import numpy as np

from gemel.engines import dvh, gamma

SPACING_MM = (2.0, 2.0, 2.5)


def hill(shift_mm: float, top_Gy: float) -> np.ndarray:
    """A dose that falls off with 20 mm, its top `shift_mm` along x."""
    x, y, z = np.meshgrid(*((np.arange(40) - 19.5) * s for s in SPACING_MM), indexing="ij")
    return top_Gy * np.exp(-0.5 * ((x - shift_mm) ** 2 + y**2 + z**2) / 20.0**2)


def main() -> float:
    """Pass rate in per cent at 1 %/1 mm."""
    reference, evaluated = hill(0.0, 26.0), hill(1.0, 26.26)
    rates = {}
    for dose_pct, dist_mm in ((3, 3), (2, 2), (2, 1), (1, 1)):
        rates[dose_pct, dist_mm] = gamma.pass_rate(reference, evaluated, SPACING_MM, dose_pct, dist_mm, 10)
        print(f"gamma {dose_pct} %/{dist_mm} mm: {rates[dose_pct, dist_mm]:.2f} % pass")
    inside = reference > 15.0
    levels_Gy = np.arange(14.0, 27.0, 2.0)
    for level, a, b in zip(levels_Gy, dvh.cumulative(reference, inside, levels_Gy), dvh.cumulative(evaluated, inside, levels_Gy)):
        print(f"V{level:.0f} Gy: {100 * a:6.2f} % and {100 * b:6.2f} %")
    print(f"D98 {dvh.dose_at_fraction_Gy(reference, inside, 0.98):.2f} and {dvh.dose_at_fraction_Gy(evaluated, inside, 0.98):.2f} Gy")
    return rates[1, 1]


if __name__ == "__main__":
    print(main())

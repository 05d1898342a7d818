"""Between the vessels of a tumour: where there is no oxygen, how much of the dose of Lu-177 or Ac-225 gets there, and who survives.

A section with few vessels on one side and many on the other; oxygen at rest, ligand of PSMA bound on its way, dose by voxel kernels.
"""

import numpy as np

from gemel.engines.decay import nuclide
from gemel.systems.theranostics.micro import (
    AC_225,
    LU_177,
    Ligand,
    generated,
    oxygen_mmHg,
    receiving,
    residence,
    section_dose_Gy,
    surviving,
)

PIXEL_MM = 0.02
RECEPTORS_NMOL_L = 1000.0
HYPOXIC_MMHG = 3.0
TARGET = 0.8  # of the section's mean dose


def main() -> float:
    """Percent of the hypoxic tissue of the well supplied side that gets its target dose from Ac-225."""
    density_1_mm2 = np.repeat(np.linspace(5.0, 155.0, 150)[:, None], 75, axis=1)
    vessels = generated((150, 75), PIXEL_MM, density_1_mm2, distance_mm=0.02, rng=np.random.default_rng(0))
    p = oxygen_mmHg(vessels, PIXEL_MM)
    hypoxic = (p < HYPOXIC_MMHG) & ~vessels
    print(f"{vessels.sum()} vessels in 3 × 1.5 mm; {hypoxic.mean():.0%} of the tissue under {HYPOXIC_MMHG:g} mmHg")
    found = {}
    for radiation in (LU_177, AC_225):
        decay_1_s = np.log(2) / nuclide(radiation.nuclide).half_life_s
        shares = residence(Ligand(), vessels, RECEPTORS_NMOL_L, PIXEL_MM, decay_1_s=decay_1_s)
        dose = section_dose_Gy(shares, PIXEL_MM, radiation)
        dose = 10.0 * dose / dose.mean()
        for side, part in (("few", slice(30, 60)), ("many", slice(90, 120))):
            reached = float(receiving(dose[part], hypoxic[part], np.array([10.0 * TARGET]))[0])
            found[radiation.nuclide, side] = 100 * reached
            left = surviving(dose[part], p[part], radiation).mean()
            spread = dose[part].std() / dose[part].mean()
            print(
                f"{radiation.nuclide}, {side} vessels: {reached:.0%} of hypoxic tissue on target, {left:.1e} survive, spread {spread:.2f}"
            )
    return found["Ac-225", "many"]


if __name__ == "__main__":
    main()

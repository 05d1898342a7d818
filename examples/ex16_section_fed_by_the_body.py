"""From the vein to the last cell: plasma of the whole-body model feeds a section of tumour, whose receptors fill.

One person, one cycle of Lu-177 with the usual cold ligand and with twenty times of it: what is held near vessels and far from them.
"""

import numpy as np

from gemel.engines.decay import nuclide
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.micro import Ligand, driven, generated, plasma_of

PIXEL_MM, RECEPTORS_NMOL_L, UNTIL_H = 0.025, 300.0, 336
HOT_NMOL, COLD_NMOL = 10.3, 46.9


def main() -> float:
    """Percent of the hot ligand's exposure far from vessels that twenty times the cold ligand leaves, over that near vessels."""
    person = pbpk.labelled(pbpk.corrected_parameters(), "Lu-177")
    decay_1_s = np.log(2) / nuclide("Lu-177").half_life_s
    vessels = generated((10, 10), PIXEL_MM, 40.0, distance_mm=0.02, rng=np.random.default_rng(4))
    held = []
    for cold_nmol in (COLD_NMOL, 20 * COLD_NMOL):
        plasma = plasma_of(person, [pbpk.Injection(HOT_NMOL, cold_nmol)], UNTIL_H, growth_1=1.4)
        found = driven(Ligand(), vessels, RECEPTORS_NMOL_L, PIXEL_MM, plasma=plasma, decay_1_s=decay_1_s)
        held.append(found.integral_nmol_s_L)
        print(f"{cold_nmol:.0f} nmol cold: receptors taken up to {found.most_taken_1.max():.0%}, exposure {held[-1].mean():.3g} nmol s/L")
    left = held[1] / held[0]
    near, far = left[vessels].mean(), left[held[0] < np.quantile(held[0], 0.1)].mean()
    print(f"with twenty times the cold ligand {near:.0%} is left at vessels, {far:.0%} far from them")
    return float(100 * far / near)


if __name__ == "__main__":
    main()

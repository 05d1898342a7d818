"""Why twice the activity of Lu-177-PSMA is not twice the dose: hot and cold ligand share receptors, which fill.

Shows `pbpk.default_parameters`, `solve`, `tiac_h` and a cohort: the published whole-body model of 114 states, one person at a time, then
sixty-four virtual persons at once, each with the kidney receptors and tubular extraction that a prior gives.
"""

import numpy as np

from gemel.core.parameter import draw_free, to_value
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_parameters import free_parameters

HOT_NMOL, COLD_NMOL = 10.3, 100.0  # 7.4 GBq in a usual mass of ligand
FREE = ("R_kidney_nmol_L", "R_salivary_nmol_L", "TER_L_min")


def main() -> float:
    """Residence time of the kidney (h) that is lost when 300 nmol of cold ligand come with the activity instead of none."""
    person = pbpk.default_parameters()
    curves = pbpk.solve(person, HOT_NMOL, COLD_NMOL, np.array([60.0, 1440.0, 5760.0]))
    for organ in ("kidney", "salivary", "tumor1", "whole_body"):
        print(f"{organ:10}  1 h {curves[organ][0]:7.1f} MBq   24 h {curves[organ][1]:6.1f}   96 h {curves[organ][2]:6.1f}")

    print("\ncold ligand   kidney    tumour    tumour per kidney")
    kidney = {}
    for cold_nmol in (0.0, 30.0, 100.0, 300.0):
        found = pbpk.tiac_h(person, HOT_NMOL, cold_nmol)
        kidney[cold_nmol] = float(found["kidney"])
        print(f"{cold_nmol:5.0f} nmol  {found['kidney']:7.3f} h {found['tumor1']:7.4f} h  {found['tumor1'] / found['kidney']:7.4f}")
    twice = float(pbpk.tiac_h(person, 2 * HOT_NMOL, COLD_NMOL)["kidney"])
    print(f"twice the activity: {twice / kidney[COLD_NMOL] - 1:+.1%} residence time, so {2 * twice / kidney[COLD_NMOL]:.3f} times the dose")

    free = free_parameters(FREE)
    draws = draw_free(free, 64, np.random.default_rng(1))
    cohort = person | {p.name: to_value(p, column) for p, column in zip(free, draws.T)}
    hours = np.asarray(pbpk.tiac_h(cohort, HOT_NMOL, COLD_NMOL, every_min=0)["kidney"])
    print(f"64 persons: kidney {np.median(hours):.2f} h, 90 % between {np.quantile(hours, 0.05):.2f} and {np.quantile(hours, 0.95):.2f}")
    return kidney[0.0] - kidney[300.0]


if __name__ == "__main__":
    print(main())

"""How hard a course is on the marrow: the highest level of doses that is not yet recovered from."""

from collections.abc import Sequence

import numpy as np

from gemel.core.time import DAY_S
from gemel.systems.breast.drugs import Dose

RECOVERY_d = 7.0
"""Half of what a dose does to neutrophils is made up for in this time; with growth factor, as all 2-weekly A/C is given. Assumed: nadir at
days 10 to 14 and recovery by day 21 (Crawford, Dale & Lyman 2004, Cancer 100:228)."""
WEIGHT = {"AC": 1.0, "T": 0.7}
"""Of a standard dose. Assumed: grade 4 neutropenia is rarer with paclitaxel 175 mg/m2 than with A/C (Citron et al. 2003)."""


def peak_1(doses: Sequence[Dose]) -> float:
    """max over time of Σ_j w_j d_j 2^(−(t − τ_j)/RECOVERY_d): 1.14 for A/C every three weeks, 1.33 every two."""
    given = sorted(doses, key=lambda dose: dose.t_s)
    level, highest, before_s = 0.0, 0.0, -np.inf
    for dose in given:
        level = level * 2.0 ** (-(dose.t_s - before_s) / DAY_S / RECOVERY_d) + WEIGHT[dose.drug] * dose.amount
        highest, before_s = max(highest, level), dose.t_s
    return float(highest)

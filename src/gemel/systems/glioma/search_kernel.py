"""Time to progression of many schedules for many draws: within a day 1/N is an affine map, so a course is some additions."""

from typing import no_type_check

import numpy as np
from numba import njit, prange


@njit(cache=True, parallel=True)
@no_type_check
def progressions(levels, start, factor, days, growth, found):
    """found[schedule, draw]: days from the first day until 1/N falls to its limit; infinite where it never does.

    levels (schedules, weeks): dose of each week as a row of `factor` (level, draw) = e^(αd(1 + d/(α/β))) and of `days` (level, 2, draw):
    g and c of a day's 1/N → g/N + c. start (2, draw): 1/N and its limit; growth (2, draw): ρ and 1/K. The moment is counted back from
    the end of its day, when the day's drug is gone.
    """
    schedules, weeks = levels.shape
    draws = start.shape[1]
    for s in prange(schedules):
        for j in range(draws):
            y, limit, at = start[0, j], start[1, j], np.inf
            rho, floor = growth[0, j], growth[1, j]
            if y <= limit:
                found[s, j] = 0.0
                continue
            for day in range(7 * weeks):
                level = levels[s, day // 7]
                if day % 7 < 5:
                    y *= factor[level, j]
                y = days[level, 0, j] * y + days[level, 1, j]
                if y <= limit:
                    at = day + 1 - np.log((limit - floor) / (y - floor)) / rho
                    break
            if at == np.inf and limit > floor:
                at = 7 * weeks + np.log((y - floor) / (limit - floor)) / rho
            found[s, j] = at

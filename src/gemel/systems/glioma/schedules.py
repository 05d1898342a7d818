"""Schedules of radiotherapy: a fraction dose for each week, five fractions a week."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.record import Action, Plan
from gemel.core.time import DAY_S
from gemel.systems.glioma.events import FRACTIONS, UNITS, WEEK, MOST_FRACTION_Gy, late_BED_Gy

WEEKS, USUAL_Gy = 6, 2.0
CHOICES_Gy = (0.0, 1.0, 2.0, 2.5, 3.0, 4.0)
WEEK_S = 7 * DAY_S
_NAME = re.compile(r"5 x (\d+(?:\.\d+)?(?:/\d+(?:\.\d+)?)*) Gy")
NOTHING = "stop"


@dataclass(frozen=True)
class Schedule:
    """Dose of a fraction in each week to come."""

    fraction_Gy: tuple[float, ...]

    @property
    def name(self) -> str:
        """As people write it: `5 x 2/2/2/3/3/0 Gy`, week by week; nothing left: `stop`."""
        return f"5 x {'/'.join(f'{d:g}' for d in self.fraction_Gy)} Gy" if self.fraction_Gy else NOTHING

    @property
    def total_Gy(self) -> float:
        """Dose of all weeks."""
        return FRACTIONS * sum(self.fraction_Gy)

    @property
    def brain_BED_Gy(self) -> float:
        """Late effect in brain."""
        return FRACTIONS * sum(late_BED_Gy(d) for d in self.fraction_Gy)


STOP = Schedule(())


def usual(weeks: int) -> Schedule:
    """Fractions of 2 Gy in every week that is left: 30 × 2 Gy in all. Stupp et al. 2005, N Engl J Med 352:987."""
    return Schedule((USUAL_Gy,) * weeks)


def every(weeks: int, choices_Gy: Sequence[float] = CHOICES_Gy) -> Float[Array, "schedules weeks"]:
    """All fraction doses in all weeks, once stopped for good: gaps are harmful. Bese et al. 2007, J BUON 12:353."""
    found = np.array(list(product(choices_Gy, repeat=weeks)), dtype=np.float64).reshape(-1, weeks)
    resumed = (found[:, :-1] == 0) & (found[:, 1:] > 0)
    return found[~resumed.any(axis=1)]


def actions(schedule: Schedule, first_s: float) -> Plan:
    """One action a week, the first at `first_s`."""
    return tuple(Action(WEEK, first_s + n * WEEK_S, FRACTIONS * d, UNITS[WEEK]) for n, d in enumerate(schedule.fraction_Gy))


def read(name: str) -> Schedule:
    """The schedule of that name. Raises InputError for what is none."""
    found = _NAME.fullmatch(name)
    if found is None and name != NOTHING:
        raise InputError(f"no schedule {name!r}", where="glioma", remedy="write it as 5 x 2/2/2/2/2/2 Gy, or stop")
    doses = tuple(float(d) for d in found[1].split("/")) if found else ()
    if len(doses) > WEEKS or max(doses, default=0.0) > MOST_FRACTION_Gy:
        raise InputError(
            f"a schedule {name!r}", where="glioma", remedy=f"give up to {WEEKS} weeks, fractions up to {MOST_FRACTION_Gy:g} Gy"
        )
    return Schedule(doses)

"""Regimens to choose from: activity of a cycle, number of further cycles, and weeks between them."""

from collections.abc import Sequence
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.core.record import Action, Plan
from gemel.core.time import DAY_S
from gemel.systems.theranostics.course import GIVE

ACTIVITIES_MBq = (3700.0, 5550.0, 7400.0, 9250.0, 11100.0, 14800.0)
CYCLES = (1, 2, 3, 4, 5)
WEEKS = (6, 8)
FIXED_MBq, FIXED_WEEKS, COURSE = 7400.0, 6, 6


@dataclass(frozen=True)
class Regimen:
    """`cycles` further cycles of `activity_MBq`, `weeks` apart; none for stopping."""

    activity_MBq: float
    cycles: int
    weeks: int

    @property
    def name(self) -> str:
        """As people write it: `7.4 GBq x 4, 6 weeks`."""
        return f"{self.activity_MBq / 1000:g} GBq x {self.cycles}, {self.weeks} weeks" if self.cycles else "stop"


def regimens(cycles_given: int) -> tuple[Regimen, ...]:
    """Every choice after so many cycles, the fixed regimen (7.4 GBq every 6 weeks to six cycles in all) last; stopping among them."""
    left = [n for n in CYCLES if n <= COURSE - cycles_given]
    fixed = Regimen(FIXED_MBq, max(left, default=0), FIXED_WEEKS if left else 0)
    every = [Regimen(MBq, n, weeks) for n in left for weeks in (WEEKS if n > 1 else WEEKS[:1]) for MBq in ACTIVITIES_MBq]
    stop = Regimen(0.0, 0, 0)
    return (*(r for r in (stop, *every) if r != fixed), fixed)


def actions(regimen: Regimen, first_s: float) -> Plan:
    """What would be given, the first of it at `first_s`."""
    return tuple(Action(GIVE, first_s + n * 7 * DAY_S * regimen.weeks, regimen.activity_MBq, "MBq") for n in range(regimen.cycles))


def named(name: str, choices: Sequence[Regimen]) -> Regimen:
    """The regimen of that name. Raises InputError, which lists them, for one that is not there."""
    found = [regimen for regimen in choices if regimen.name == name]
    if not found:
        raise InputError(f"no regimen {name!r}", where="theranostics", remedy=f"choose from {', '.join(r.name for r in choices)}")
    return found[0]

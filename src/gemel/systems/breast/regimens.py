"""Regimens to choose from: doxorubicin and cyclophosphamide every two or three weeks, then paclitaxel every one, two or three.

Equal total dose in each drug: four standard doses. A/C every 2 against 3 weeks: Citron et al. 2003, J Clin Oncol 21:1431 (CALGB 9741);
paclitaxel every 1 against 3 weeks: Sparano et al. 2008, N Engl J Med 358:1663 (E1199); Green et al. 2005, J Clin Oncol 23:5983.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.core.record import Action, Plan
from gemel.core.time import DAY_S
from gemel.systems.breast.drugs import DRUGS, UNIT, Dose

TOTAL = {"AC": 4.0, "T": 4.0}
"""Standard doses of a whole course."""
WEEKS = {"AC": (2, 3), "T": (1, 2, 3)}
A_CYCLE = {("AC", 2): 1.0, ("AC", 3): 1.0, ("T", 1): 1 / 3, ("T", 2): 2 / 3, ("T", 3): 1.0}
"""Standard doses in a cycle of so many weeks: paclitaxel's dose a week is the same in all."""
FIXED = (3, 3)
WEEK_S = 7 * DAY_S
_NAME = re.compile(r"AC (?P<ac>\d)-weekly, T (?P<t>\d)-weekly|T (?P<only>\d)-weekly")


@dataclass(frozen=True)
class Regimen:
    """Weeks between cycles of A/C (0: none any more) and of paclitaxel (0: none)."""

    ac_weeks: int
    t_weeks: int

    @property
    def name(self) -> str:
        """`AC 2-weekly, T 1-weekly`, `T 3-weekly`, or `stop`."""
        if not self.t_weeks:
            return "stop"
        return f"AC {self.ac_weeks}-weekly, T {self.t_weeks}-weekly" if self.ac_weeks else f"T {self.t_weeks}-weekly"


STOP = Regimen(0, 0)


def regimens(given: Sequence[Dose] = ()) -> tuple[Regimen, ...]:
    """What is left after some doses: A/C, then paclitaxel, or paclitaxel at once; the fixed one last.

    Stopping is a choice once A/C is complete: no trial compared less, and a tumour's answer to one or two cycles is not known yet.
    """
    left = remaining(given)
    fixed = Regimen(FIXED[0] if left["AC"] else 0, FIXED[1] if left["T"] else 0)
    every = [Regimen(ac, t) for ac in (*(WEEKS["AC"] if left["AC"] else ()), 0) for t in (WEEKS["T"] if left["T"] else ())]
    return (*(r for r in (*(() if left["AC"] else (STOP,)), *every) if r != fixed), fixed)


def remaining(given: Sequence[Dose]) -> dict[str, float]:
    """Standard doses of each drug that are left of the course; what is under a twentieth of one counts as nothing."""
    left = {drug: TOTAL[drug] - sum(dose.amount for dose in given if dose.drug == drug) for drug in DRUGS}
    return {drug: amount if amount > 0.05 else 0.0 for drug, amount in left.items()}


def actions(regimen: Regimen, first_s: float, given: Sequence[Dose] = ()) -> Plan:
    """What would be given from `first_s` on, to the total of the course: A/C first."""
    left, planned, t_s = remaining(given), [], first_s
    for drug, weeks in (("AC", regimen.ac_weeks), ("T", regimen.t_weeks)):
        while weeks and left[drug] > 1e-9:
            amount = min(A_CYCLE[drug, weeks], left[drug])
            planned.append(Action(drug, t_s, amount, UNIT))
            left[drug] -= amount
            t_s += weeks * WEEK_S
    return tuple(planned)


def cycle_end_s(doses: Sequence[Dose], now_s: float) -> float:
    """When the cycle of the last dose ends: as long after it as it came after the one before of its drug, three weeks at most."""
    last = max(doses, key=lambda dose: dose.t_s, default=None)
    if last is None:
        return now_s
    before = [dose.t_s for dose in doses if dose.drug == last.drug and dose.t_s < last.t_s]
    length_s = min(last.t_s - max(before), 3 * WEEK_S) if before else 3 * WEEK_S
    return max(last.t_s + length_s, now_s)


def read(name: str) -> Regimen:
    """The regimen of that name. Raises InputError for what is no regimen's name."""
    found = _NAME.fullmatch(name)
    if name == STOP.name:
        return STOP
    if found is None:
        raise InputError(f"no regimen {name!r}", where="breast", remedy="write it as AC 2-weekly, T 1-weekly; T 3-weekly; or stop")
    return Regimen(int(found["ac"] or 0), int(found["t"] or found["only"]))

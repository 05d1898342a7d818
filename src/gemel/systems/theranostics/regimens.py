"""Regimens to choose from: activity of a cycle, number of further cycles, weeks between them, and where asked nuclide and cold ligand."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.core.record import Action, Plan
from gemel.core.time import DAY_S
from gemel.systems.theranostics.agent import Agent
from gemel.systems.theranostics.isotopes import isotope

ACTIVITIES_MBq = (3700.0, 5550.0, 7400.0, 9250.0, 11100.0, 14800.0)
CYCLES = (1, 2, 3, 4, 5)
WEEKS = (6, 8)
FIXED_MBq, FIXED_WEEKS, COURSE = 7400.0, 6, 6


_NAME = re.compile(
    r"(?P<amount>[\d.]+) (?P<unit>[GM])Bq(?: (?P<nuclide>[A-Z][a-z]?-\d+m?))? x (?P<cycles>\d+), (?P<weeks>\d+) weeks"
    r"(?:, (?P<cold>[\d.]+) nmol cold)?"
)


@dataclass(frozen=True)
class Regimen:
    """`cycles` further cycles of `activity_MBq`, `weeks` apart, of what; none for stopping."""

    activity_MBq: float
    cycles: int
    weeks: int
    agent: Agent = Agent()

    @property
    def name(self) -> str:
        """As people write it: `7.4 GBq x 4, 6 weeks`, `8 MBq Ac-225 x 4, 8 weeks, 100 nmol cold`."""
        if not self.cycles:
            return "stop"
        amount = f"{self.activity_MBq / 1000:g} GBq" if self.activity_MBq >= 1000 else f"{self.activity_MBq:g} MBq"
        what = " ".join(filter(None, (amount, self.agent.nuclide)))
        cold = f", {self.agent.cold_nmol:g} nmol cold" if self.agent.cold_nmol >= 0 else ""
        return f"{what} x {self.cycles}, {self.weeks} weeks{cold}"


STOP = Regimen(0.0, 0, 0)


def regimens(cycles_given: int, isotopes: Sequence[str] = (), cold_nmol: Sequence[float] = ()) -> tuple[Regimen, ...]:
    """Every choice after so many cycles, the fixed regimen (7.4 GBq every 6 weeks to six cycles in all) last; stopping among them.

    `isotopes`: other nuclides than the twin's own to choose from; `cold_nmol`: amounts of cold ligand beside the usual one.
    """
    left = [n for n in CYCLES if n <= COURSE - cycles_given]
    fixed = Regimen(FIXED_MBq, max(left), FIXED_WEEKS) if left else STOP
    agents = [Agent(nuclide, cold) for nuclide in ("", *isotopes) for cold in (-1.0, *cold_nmol)]
    every = [
        Regimen(MBq, n, weeks, agent)
        for agent in agents
        for n in left
        for weeks in (WEEKS if n > 1 else WEEKS[:1])
        for MBq in (isotope(agent.nuclide).activities_MBq if agent.nuclide else ACTIVITIES_MBq)
    ]
    return (*(r for r in (STOP, *every) if r != fixed), fixed)


def actions(regimen: Regimen, first_s: float) -> Plan:
    """What would be given, the first of it at `first_s`."""
    kind = regimen.agent.kind
    return tuple(Action(kind, first_s + n * 7 * DAY_S * regimen.weeks, regimen.activity_MBq, "MBq") for n in range(regimen.cycles))


def read(name: str) -> Regimen:
    """The regimen of that name. Raises InputError for what is no regimen's name."""
    found = _NAME.fullmatch(name)
    if found is None and name != STOP.name:
        raise InputError(f"no regimen {name!r}", where="theranostics", remedy="write it as 7.4 GBq x 4, 6 weeks, or stop")
    if found is None:
        return STOP
    MBq = round(float(found["amount"]) * (1000 if found["unit"] == "G" else 1), 6)
    agent = Agent(found["nuclide"] or "", float(found["cold"]) if found["cold"] else -1.0)
    return Regimen(MBq, int(found["cycles"]), int(found["weeks"]), agent)


def named(name: str, choices: Sequence[Regimen]) -> Regimen:
    """The regimen of that name. Raises InputError, which lists them, for one that is not there."""
    found = [regimen for regimen in choices if regimen.name == name]
    if not found:
        raise InputError(f"no regimen {name!r}", where="theranostics", remedy=f"choose from {', '.join(r.name for r in choices)}")
    return found[0]

"""The course of a patient as the twin sees it now: draws of every amount over time, given what was given and what would be."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Params, State
from gemel.core.forecast import interval
from gemel.core.image import Array
from gemel.core.page import Told, Trace
from gemel.core.record import Action
from gemel.core.twin import given
from gemel.systems.theranostics.agent import agent_of, gives
from gemel.systems.theranostics.case import decay_half_life_s
from gemel.systems.theranostics.course import states
from gemel.systems.theranostics.judge import next_s
from gemel.systems.theranostics.observe import Day
from gemel.systems.theranostics.population import population
from gemel.systems.theranostics.regimens import actions, read

DRAWS = 300
OVER = 10
"""Physical half-lives after which a cycle is over."""


@dataclass(frozen=True)
class Cycle:
    """One injection, when what came of it is counted to, and the scans between."""

    number: int
    given_s: float
    MBq: float
    nuclide: str
    end_s: float
    days: tuple[tuple[float, Day], ...]


@dataclass(frozen=True)
class Believed:
    """Draws of the belief, the same for all parts of a page."""

    told: Told
    params: Params

    def at(self, times_s: Sequence[float] | Float[Array, "times"], more: Sequence[Action] = ()) -> list[State]:
        """The state of every draw at ascending times, with what was given, and `more`."""
        twin = self.told.twin
        return states(self.told.case.body, self.params, (*given(twin), *more), twin.start_s, list(times_s))


def believed(told: Told, rng: np.random.Generator) -> Believed:
    """Draws of the belief now."""
    return Believed(told, told.twin.belief.draw(DRAWS, rng)[1])


def cycles(told: Told) -> tuple[Cycle, ...]:
    """Every injection with its scans; days of laboratory values alone are left out."""
    own = told.case.nuclide
    later = [(a.t_s, a.amount, agent_of(a.kind).nuclide or own) for a in given(told.twin) if gives(a)]
    every = sorted({*((t_s, MBq, own) for t_s, MBq in told.case.body.given), *later})
    over_s = OVER * decay_half_life_s(every[-1][2])
    ends = [*(t_s for t_s, _, _ in every[1:]), every[-1][0] + over_s]
    scans = [(t_s, day) for t_s, day in told.days if day.activity_MBq]
    return tuple(
        Cycle(n, at_s, MBq, nuclide, end_s, tuple(s for s in scans if at_s < s[0] <= end_s))
        for n, ((at_s, MBq, nuclide), end_s) in enumerate(zip(every, ends), 1)
    )


def scanned(told: Told) -> Cycle | None:
    """The newest cycle with a scan."""
    found = [cycle for cycle in cycles(told) if cycle.days]
    return found[-1] if found else None


def recommended(told: Told) -> tuple[Action, ...]:
    """What the newest decision would give from now on; nothing before one, or once some of it was given."""
    decided_s = max((t_s for t_s, _ in told.days), default=told.twin.t_s)
    if not told.decision or any(gives(a) and a.t_s >= decided_s for a in given(told.twin)):
        return ()
    regimen = read(told.decision["recommended"])
    return actions(regimen, next_s(told.twin, told.case, regimen)) if regimen.cycles else ()


def bed_Gy(state: State, organ: str) -> Array:
    """D + 2/(α/β)·∫Ḋ R dt of an organ at a state (Dale 1985, Br J Radiol 58:515), alphas weighted as in the readouts."""
    return np.asarray(state[f"weighted_{organ}"] + 2 / population().fixed[f"{organ}_alpha_beta_Gy"] * state[f"lethal_{organ}"])


def band(name: str, x: Float[Array, "n"], draws: Float[Array, "n draws"], colour: int = 0) -> Trace:
    """Median and 90 % of draws along x."""
    low, high = interval(draws.T)
    return Trace(name, x, np.median(draws, axis=1), low, high, colour=colour)


def cycle_doses(seen: Believed) -> list[tuple[Cycle, dict[str, Array]]]:
    """Draws of the dose (Gy) that each cycle gave to each organ until the next began, the last until nothing is left."""
    every = cycles(seen.told)
    reached = seen.at([cycle.end_s for cycle in every])
    found: list[tuple[Cycle, dict[str, Array]]] = []
    before: dict[str, Array] = {}
    for cycle, state in zip(every, reached):
        total = {name.removeprefix("dose_"): values for name, values in state.items() if name.startswith("dose_")}
        found.append((cycle, {organ: values - before.get(organ, 0.0) for organ, values in total.items()}))
        before = total
    return found

"""What may be done about a scanner: wait, recalibrate or service, each on the same draws, a month ahead."""

import numpy as np

from gemel.core.decision import Goal, Limit
from gemel.core.forecast import Forecast, forecast
from gemel.core.record import Action, Plan
from gemel.core.system import Judgement, Progress, common_draws
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.devices.ct.twin.case import Case
from gemel.devices.ct.twin.names import RECALIBRATE, SERVICE, WAIT
from gemel.devices.ct.twin.observe import Day
from gemel.devices.ct.twin.readouts import WHAT

PLANS = (RECALIBRATE, SERVICE, WAIT)
AHEAD_d = 30.0
WITHIN = 0.95


def goal() -> Goal:
    """Least loss, with every departure within its limit in 95 of 100 draws."""
    return Goal(lambda found: -np.asarray(found["loss_1"]), (Limit("worst_1", "<=", 1.0, WITHIN),), "of a limit, as a loss")


def plan_of(name: str, t_s: float, source: str = "") -> Plan:
    """The action of that name."""
    return (Action(name, t_s, 0.0 if name == WAIT else 1.0, "times", source),)


def judge(twin: Twin, case: Case, library: None, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of every readout in AHEAD_d days under each plan, on the same draws."""
    seed = int(rng.integers(1 << 31))
    names = list(WHAT)
    found: dict[str, Forecast] = {}
    for n, name in enumerate(PLANS):
        progress("plans", n, len(PLANS))
        later_s = twin.t_s + AHEAD_d * DAY_S
        found[name] = forecast(twin, plan_of(name, twin.t_s), names, later_s, draws, common_draws(seed))
    progress("plans", len(PLANS), len(PLANS))
    return Judgement(found, {}, {})

"""Applications to come: power, time and place, screened at the middle of the belief and then judged on common draws."""

from collections.abc import Mapping

import numpy as np

from gemel.core import twin as twins
from gemel.core.decision import Goal, Limit
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.record import Action, Plan
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.engines.inference.slow import Done
from gemel.systems.ablation.applicator import Application, read_plan
from gemel.systems.ablation.case import Case
from gemel.systems.ablation.heat import calculated
from gemel.systems.ablation.observe import Day
from gemel.systems.ablation.readouts import values

POWERS_W, MINUTES = (30.0, 45.0, 60.0, 80.0, 100.0), (5.0, 10.0)
USUAL, STOP = "60 W 10 min at A", "stop"
KEPT = 4
LATER_s = 3600.0
COVER_1, COVERED, HOT_degC, COOL = 0.98, 0.8, 45.0, 0.9
"""Least cover and how surely; bile ducts are harmed above some 45 °C, and how surely they are not: Marchal et al. 2006, assumed here."""


def goal() -> Goal:
    """Least healthy liver lost, the target covered in 8 of 10 draws, what must stay cool under 45 °C in 9 of 10."""
    limits = (Limit("cover_1", ">=", COVER_1, COVERED), Limit("critical_degC", "<=", HOT_degC, COOL))
    return Goal(lambda found: -np.asarray(found["healthy_mL"]), limits, "mL of liver, as a loss")


def judge(twin: Twin, case: Case, library: None, day: Day, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of the applications that are best at the medians, of the usual one and of none, each on the same draws by the whole
    calculation: damage of what was given is added to."""
    _, params = twin.belief.draw(draws, rng)
    middle = {name: np.array([np.median(column)]) for name, column in params.items()}
    options = [Application(W, minutes, entry.name).name for entry in case.body.entries for W in POWERS_W for minutes in MINUTES]
    ranked = sorted(options, key=lambda name: _penalty(_found(twin, case, name, middle)))
    chosen = tuple(dict.fromkeys((*ranked[:KEPT], STOP, usual(case))))
    forecasts = {}
    for n, name in enumerate(chosen):
        progress("applications", n, len(chosen))
        found = _found(twin, case, name, params)
        forecasts[name] = Forecast(twin.model.name, twin.t_s, twin.t_s + LATER_s, actions(name, twin.t_s), found)
    progress("applications", len(chosen), len(chosen))
    return Judgement(forecasts, {}, {})


def usual(case: Case) -> str:
    """The usual application through the first entry."""
    return f"{USUAL.rsplit(' ', 1)[0]} {case.body.entries[0].name}"


def actions(name: str, t_s: float, source: str = "") -> Plan:
    """What a plan gives; to stop is an application of no minutes."""
    one = read_plan(name)
    return (Action(one.kind, t_s, one.minutes, "min", source) if one else Action(STOP, t_s, 0.0, "min", source),)


def _found(twin: Twin, case: Case, name: str, params: Mapping[str, Array]) -> dict[str, Array]:
    """Readouts under what was given and the plan."""
    everything = (*twins.given(twin), *actions(name, twin.t_s))
    done: Done = tuple((a.kind, a.t_s - twin.start_s, a.amount) for a in everything if a.amount > 0)
    found = values(calculated(case.body, params, done))
    return {readout: value for readout, value in found.items() if readout != "loss_1"}


def _penalty(found: Mapping[str, Array]) -> float:
    """How far limits are missed, above all; then liver lost."""
    short = np.maximum(COVER_1 + 0.01 - found["cover_1"], 0.0) + 0.1 * np.maximum(found["critical_degC"] - HOT_degC + 1.0, 0.0)
    return float(1e3 * short[0] + found["healthy_mL"][0])

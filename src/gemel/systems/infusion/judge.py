"""Infusions to come: catheter, rate and time, screened at the middle of the belief and then judged on common draws."""

from collections.abc import Mapping

import numpy as np

from gemel.core.decision import Goal, Limit
from gemel.core.image import Array
from gemel.core.record import Action, Plan
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.core.visit import Measured
from gemel.engines.inference.options import Options, judged
from gemel.systems.infusion.case import Case
from gemel.systems.infusion.catheter import Infusion, read_plan
from gemel.systems.infusion.delivery import calculated
from gemel.systems.infusion.readouts import values

RATES_uL_min, HOURS = (3.0, 5.0, 8.0), (2.0, 4.0, 8.0)
USUAL, STOP = "5 uL/min 4 h at A", "stop"
KEPT = 3
COVER_1, COVERED, LEAK_1, KEPT_IN = 0.9, 0.8, 0.2, 0.9
"""Least cover and how surely; most that may leak into fluid and how surely not more. Assumed."""


def goal() -> Goal:
    """Least tissue beyond need, with the target covered in 8 of 10 draws and no more than a fifth leaking in 9 of 10."""
    limits = (Limit("cover_1", ">=", COVER_1, COVERED), Limit("leak_1", "<=", LEAK_1, KEPT_IN))
    return Goal(lambda found: -np.asarray(found["covered_mL"]), limits, "mL of tissue, as a loss")


def judge(twin: Twin, case: Case, library: None, day: Measured, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of the infusions that are best at the medians, of the usual one and of none, at the end of each."""
    options = Options(
        screened=[Infusion(rate, hours, one.name).name for one in case.body.catheters for rate in RATES_uL_min for hours in HOURS],
        always=(STOP, usual(case)),
        kept=KEPT,
        found=lambda params, done: values(calculated(case.body, params, done)),
        penalty=_penalty,
        plan=actions,
        seen_s=lambda plan: 3600.0 * plan[0].amount,
    )
    return judged(twin, options, draws=draws, rng=rng, progress=progress, called="infusions")


def usual(case: Case) -> str:
    """The usual infusion through the first catheter."""
    return f"{USUAL.rsplit(' ', 1)[0]} {case.body.catheters[0].name}"


def actions(name: str, t_s: float, source: str = "") -> Plan:
    """What a plan gives; to stop is an infusion of no hours."""
    one = read_plan(name)
    return (Action(one.kind, t_s, one.hours, "h", source) if one else Action(STOP, t_s, 0.0, "h", source),)


def _penalty(found: Mapping[str, Array]) -> float:
    """How far limits are missed, above all; then tissue reached."""
    short = np.maximum(COVER_1 + 0.05 - found["cover_1"], 0.0) + np.maximum(found["leak_1"] - LEAK_1 + 0.02, 0.0)
    return float(1e3 * short[0] + found["covered_mL"][0])

"""Applications to come: power, time and place, screened at the middle of the belief and then judged on common draws."""

from collections.abc import Mapping
from itertools import product

import numpy as np

from gemel.core.decision import Goal, Limit
from gemel.core.image import Array
from gemel.core.record import Action, Plan
from gemel.core.system import Judgement, Progress
from gemel.core.twin import Twin
from gemel.core.visit import Measured
from gemel.engines.inference.options import Options, judged
from gemel.systems.ablation.applicator import Application, read_plan
from gemel.systems.ablation.case import Case
from gemel.systems.ablation.heat import calculated
from gemel.systems.ablation.names import MICROWAVE, RADIOFREQUENCY
from gemel.systems.ablation.readouts import values

POWERS_W = {MICROWAVE: (30.0, 45.0, 60.0, 80.0, 100.0), RADIOFREQUENCY: (15.0, 25.0, 35.0, 50.0)}
MINUTES, USUAL_W_min = (5.0, 10.0), {MICROWAVE: (60.0, 10.0), RADIOFREQUENCY: (35.0, 10.0)}
USUAL, STOP = "60 W 10 min at A", "stop"
KEPT = 4
LATER_s = 3600.0
COVER_1, COVERED, HOT_degC, COOL = 0.98, 0.8, 45.0, 0.9
"""Least cover and how surely; bile ducts are harmed above some 45 °C, and how surely they are not: Marchal et al. 2006, assumed here."""


def goal() -> Goal:
    """Least healthy liver lost, the target covered in 8 of 10 draws, what must stay cool under 45 °C in 9 of 10."""
    limits = (Limit("cover_1", ">=", COVER_1, COVERED), Limit("critical_degC", "<=", HOT_degC, COOL))
    return Goal(lambda found: -np.asarray(found["healthy_mL"]), limits, "mL of liver, as a loss")


def judge(twin: Twin, case: Case, library: None, day: Measured, *, draws: int, rng: np.random.Generator, progress: Progress) -> Judgement:
    """Forecasts of the applications that are best at the medians, of the usual one and of none."""
    options = Options(
        screened=screened(case),
        always=(STOP, usual(case)),
        kept=KEPT,
        found=lambda params, done: values(calculated(case.body, params, done)),
        penalty=_penalty,
        plan=actions,
        seen_s=lambda plan: LATER_s,
    )
    return judged(twin, options, draws=draws, rng=rng, progress=progress, called="applications")


def screened(case: Case) -> list[str]:
    """Every power, time and place of the energies at hand."""
    each = product(case.body.energies, case.body.entries, MINUTES)
    return [Application(W, minutes, entry.name, energy).name for energy, entry, minutes in each for W in POWERS_W[energy]]


def usual(case: Case) -> str:
    """The usual application of the first energy through the first entry."""
    return Application(*USUAL_W_min[case.body.energies[0]], case.body.entries[0].name, case.body.energies[0]).name


def actions(name: str, t_s: float, source: str = "") -> Plan:
    """What a plan gives; to stop is an application of no minutes."""
    one = read_plan(name)
    return (Action(one.kind, t_s, one.minutes, "min", source) if one else Action(STOP, t_s, 0.0, "min", source),)


def _penalty(found: Mapping[str, Array]) -> float:
    """How far limits are missed, above all; then liver lost."""
    short = np.maximum(COVER_1 + 0.01 - found["cover_1"], 0.0) + 0.1 * np.maximum(found["critical_degC"] - HOT_degC + 1.0, 0.0)
    return float(1e3 * short[0] + found["healthy_mL"][0])

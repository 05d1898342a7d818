"""A height that a shift moves; everything about the trial of it is known in closed form, or by one integral."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import integrate, stats

from gemel.core.belief import Gaussian, Params, State
from gemel.core.model import Model, Readout
from gemel.core.record import Action, Observation, Plan
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from tests.contract import plugins

SPREAD_mm, ERROR_mm, WANDER_mm = 5.0, 4.0, 1.0
SHIFTS_mm = (-8.0, -4.0, 4.0, 8.0, 0.0)
TIMES_s = (0.0, DAY_S, 2 * DAY_S)


def template() -> Model:
    """Prior N(0, SPREAD²); wanders by WANDER a day; a shift takes its amount away; scans with ERROR."""
    return Model(
        name="shifted_height",
        version="1.0",
        parameters=(),
        prior=Gaussian(("height_mm",), (), np.zeros(1), np.full((1, 1), SPREAD_mm**2)),
        dynamics=_dynamics,
        observe={"height_mm": lambda state, params: state["height_mm"][:, None]},
        readouts={
            "miss_mm": Readout("mm", lambda state, params, plan, rng: np.abs(state["height_mm"]), "distance from zero after the shift"),
            "height_mm": Readout("mm", lambda state, params, plan, rng: state["height_mm"], "height after the shift"),
            "noisy_mm": Readout("mm", lambda state, params, plan, rng: state["height_mm"] + rng.standard_normal(), "with an error"),
            "curve": Readout("1", lambda state, params, plan, rng: np.zeros((len(state["height_mm"]), 3)), "no single number"),
        },
        condition=_condition,
        card=plugins.honest().card,
    )


def _dynamics(state: State, params: Params, actions: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator) -> State:
    moved = sum(action.amount for action in actions if action.kind == "shift" and t0_s < action.t_s <= t1_s)
    noise = rng.standard_normal(len(state["height_mm"])) * WANDER_mm * np.sqrt((t1_s - t0_s) / DAY_S)
    return {"height_mm": state["height_mm"] - moved + noise}


def _condition(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Gaussian:
    assert isinstance(twin.belief, Gaussian)
    variance = twin.belief.covariance[0, 0] + WANDER_mm**2 * (new[0].t_s - twin.t_s) / DAY_S
    gain = variance / (variance + new[0].sd[0] ** 2)
    mean = twin.belief.mean + gain * (new[0].value - twin.belief.mean)
    return replace(twin.belief, mean=mean, covariance=np.full((1, 1), (1 - gain) * variance))


def known_means() -> tuple[float, float]:
    """Mean loss of the twin's arm and of the fixed one, mm, when the twin knows its belief exactly.

    m, the posterior mean, is normal over patients, and the height then is m + u; the twin takes the shift x nearest m:
    E |m + u − x| by one integral over m of the folded normal's mean. Without a shift the height has its whole spread.
    """
    kept = SPREAD_mm**2
    for day in range(2):
        kept = 1 / (1 / (kept + day * WANDER_mm**2) + 1 / ERROR_mm**2)
    total = SPREAD_mm**2 + WANDER_mm**2
    left, sd = float(np.sqrt(kept + WANDER_mm**2)), float(np.sqrt(total - kept))
    shifts = np.array(SHIFTS_mm)

    def missed(m: float) -> float:
        return float(stats.foldnorm.mean(np.abs(shifts - m).min() / left, scale=left) * stats.norm.pdf(m, 0, sd))

    edges = [-8 * sd, -6.0, -2.0, 2.0, 6.0, 8 * sd]
    return sum(integrate.quad(missed, a, b)[0] for a, b in pairwise(edges)), float(np.sqrt(2 / np.pi * (total + WANDER_mm**2)))


def half_the_mean(twin: Twin, exam: Exam, rng: np.random.Generator) -> Plan:
    """A policy of one's own: half the belief's mean, which is no plan of the exam."""
    assert isinstance(twin.belief, Gaussian)
    return (Action("shift", exam.times_s[-1], float(np.round(twin.belief.mean[0] / 2)), "mm"),)


def no_plan(twin: Twin, exam: Exam, rng: np.random.Generator) -> int:
    """A policy that returns no plan."""
    return 3


EXAM = Exam(
    sd={"height_mm": np.full(1, ERROR_mm)},
    times_s=TIMES_s,
    plans=tuple((Action("shift", TIMES_s[-1], mm, "mm"),) for mm in SHIFTS_mm),
    loss="miss_mm",
)
SYSTEM = replace(plugins.system(template), name="shifted_height", exam=EXAM)


def _infinite() -> Model:
    held = template()
    bad = Readout("mm", lambda state, params, plan, rng: np.full(len(state["height_mm"]), np.inf), "never a number")
    return replace(held, readouts={**held.readouts, "bad_mm": bad})


INFINITE = replace(SYSTEM, template=_infinite)
NO_EXAM: System = replace(SYSTEM, exam=replace(EXAM, plans=()))

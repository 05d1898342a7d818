"""Is the forecast of the second cycle honest, and does the first cycle's half-life help? python benchmarks/theranostics_honesty.py

Virtual patients of the model's prior get 7.4 GBq twice, six weeks apart. Their twins see three scans of the first cycle and forecast the
kidney dose of the second. Then one scan 24 h (and 4 h) after the second injection is turned into time-integrated activity with the
effective half-life of the patient's own first cycle, and with the population's: against the truth, and as it was published for kidneys
after [177Lu]Lu-DOTATATE (2 % and 30 % at 24 h, 13 % and 59 % at 4 h; Willowson et al. 2018, EJNMMI Phys 5:33), where `true` is what all
scans of the same cycle (4, 24 and 96 to 120 h), the single one among them, give. Prints processor time as well as the answer.
"""

import argparse
import time
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.engines.inference.calibration import paired_difference, share_interval
from gemel.engines.kinetics.single_point import single_time_point
from gemel.flow.synthetic import synthetic_patient
from gemel.systems.theranostics.course import GIVE, HOUR_S
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.regimens import FIXED_MBq
from gemel.systems.theranostics.system import template

SCANS_s = (24 * HOUR_S, 96 * HOUR_S, 168 * HOUR_S)
SECOND_s, END_s = 42 * DAY_S, 126 * DAY_S
ERROR = 0.06
"""Of an organ's activity in one scan beside what all scans share: noise, and what the model does not follow."""
POINTS_h = (4, 24)
PUBLISHED_h = np.array([4.0, 24.0, 108.0])
NOISES = (0.06, 0.03, 0.0)
DRAWS = 2000


@dataclass(frozen=True)
class Found:
    """One patient: true kidney dose of the second cycle, draws of its forecast, and relative errors (own, population) at each hour.

    `scans`: what the camera sees of the kidneys at PUBLISHED_h of both cycles, without errors.
    """

    true_Gy: float
    forecast_Gy: Float[Array, "draws"]
    errors: Float[Array, "hours 2"]
    scans: Float[Array, "cycles times"]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patients", type=int, default=500)
    asked = parser.parse_args()
    model = template()
    population_h = population_half_life_h(model)
    found = [follow(model, i, population_h) for i in range(asked.patients)]
    print(report(found, population_h))


def follow(model: Model, number: int, population_h: float) -> Found:
    """The life of one patient, and what his twin said."""
    rng = np.random.default_rng([2026, number])
    kinds = {f"ln_{organ}_MBq": np.full(1, ERROR) for organ in ORGANS}
    patient = synthetic_patient(model, SCANS_s, kinds, rng)
    began = time.process_time()
    seen = [o for scan in patient.observations for o in scan]
    belief = model.condition(twins.new(model, 0.0, number), seen, rng)
    seconds = time.process_time() - began
    state, params = belief.draw(DRAWS, rng)
    said = cycle_Gy(model, state, params)
    true = cycle_Gy(model, patient.states[-1], patient.params)
    own_h = half_life_h(np.array([o.value[0] for o in seen if o.kind == "ln_kidney_MBq"]))
    errors = second_cycle(model, patient.params, (own_h, population_h), rng)
    scans = np.array([kidney_MBq(model, patient.params, cycle_s, PUBLISHED_h) for cycle_s in (0.0, SECOND_s)])
    return Found(float(true[0]), said, errors, scans, seconds)


def cycle_Gy(model: Model, state: State, params: Params) -> Float[Array, "draws"]:
    """Kidney dose from the second injection on, twelve weeks long; what is left of the first belongs to the first."""
    chance, now_s = np.random.default_rng(0), float(state["t_s"][0])
    given = (Action(GIVE, SECOND_s, FIXED_MBq, "MBq"),)
    both, alone = (model.dynamics(state, params, plan, now_s, END_s, chance)["dose_kidney"] for plan in (given, ()))
    return np.asarray(both - alone)


def second_cycle(model: Model, params: Params, half_lives_h: tuple[float, float], rng: np.random.Generator) -> Float[Array, "hours 2"]:
    """Relative error of the second cycle's time-integrated activity from one scan, against all of it as the camera sees it."""
    hours = np.concatenate([np.linspace(0.0, 12.0, 25)[1:], np.arange(14.0, 1000.0, 4.0)])
    curve = kidney_MBq(model, params, SECOND_s, hours)
    true = np.trapezoid([0.0, *curve], [0.0, *hours])
    errors = []
    for hour in POINTS_h:
        seen = np.interp(hour, hours, curve) * np.exp(ERROR * rng.standard_normal())
        made = [float(single_time_point(np.array([seen]), hour * HOUR_S, np.array([h * HOUR_S]))[0]) / HOUR_S for h in half_lives_h]
        errors.append(np.array(made) / true - 1)
    return np.array(errors)


def kidney_MBq(model: Model, params: Params, cycle_s: float, hours: Float[Array, "times"]) -> Float[Array, "times"]:
    """Kidneys as the camera sees them, without errors, at times of a cycle; a second one is given at SECOND_s."""
    given, chance = (Action(GIVE, SECOND_s, FIXED_MBq, "MBq"),), np.random.default_rng(0)
    state, _ = model.prior.draw(1, np.random.default_rng(0))
    seen, at_s = [], 0.0
    for hour in hours:
        until_s = cycle_s + float(hour) * HOUR_S
        state, at_s = model.dynamics(state, params, given, at_s, until_s, chance), until_s
        seen.append(float(np.exp(model.observe["ln_kidney_MBq"](state, params)[0, 0])))
    return np.array(seen)


def as_published(found: list[Found], noise: float, rng: np.random.Generator) -> Float[Array, "hours 2"]:
    """Mean absolute deviation (own, population) of one scan from all scans of the cycle.

    Clearance is that from 24 h on, extrapolated back; the population's is the mean of the first half, used for the second. The kidneys'
    uptake differs between cycles, their half-life does not: what own half-lives differ by is noise of the scans.
    """
    seen = np.array([one.scans for one in found])
    seen = seen * np.exp(noise * rng.standard_normal(seen.shape))
    rate = np.log(seen[:, :, 1] / seen[:, :, 2]) / (PUBLISHED_h[2] - PUBLISHED_h[1])
    rate = np.maximum(rate, np.log(2) / (6.6443 * 24))
    half, full = len(found) // 2, seen[:, 1, 1] * np.exp(rate[:, 1] * PUBLISHED_h[1]) / rate[:, 1]
    average = np.log(2) / np.mean(np.log(2) / rate[:half, 0])
    deviations = []
    for column, hour in enumerate(POINTS_h):
        made = [seen[:, 1, column] * np.exp(b * hour) / b / full - 1 for b in (rate[:, 0], average)]
        deviations.append([np.abs(made[0]).mean(), np.abs(made[1][half:]).mean()])
    return np.array(deviations)


def half_life_h(ln_MBq: Float[Array, "scans"]) -> float:
    """Effective half-life of a mono-exponential through the logarithms of the scans, at most the physical one."""
    slope = np.polyfit(np.array(SCANS_s) / HOUR_S, ln_MBq, 1)[0]
    return float(min(-np.log(2) / min(slope, -1e-9), 6.6443 * 24))


def population_half_life_h(model: Model) -> float:
    """Median over the prior of the half-life that noiseless scans would give."""
    rng = np.random.default_rng(1)
    patients = [synthetic_patient(model, SCANS_s, {"ln_kidney_MBq": np.full(1, 1e-9)}, rng) for _ in range(60)]
    return float(np.median([half_life_h(np.array([scan[0].value[0] for scan in p.observations])) for p in patients]))


def report(found: list[Found], population_h: float) -> str:
    ends = np.array([np.quantile(one.forecast_Gy, [0.05, 0.5, 0.95]) for one in found])
    true = np.array([one.true_Gy for one in found])
    covered, low, high = share_interval(((true >= ends[:, 0]) & (true <= ends[:, 2])).astype(float))
    errors = np.abs(np.array([one.errors for one in found]))
    said = np.abs(ends[:, 1] / true - 1)
    used_s, width = [one.seconds for one in found], np.mean((ends[:, 2] - ends[:, 0]) / 2 / ends[:, 1])
    lines = [
        f"{len(found)} patients; posterior {np.mean(used_s):.2f} s of one processor, at most {max(used_s):.2f} s",
        f"kidney dose of cycle 2 in its 90 % interval: {covered:.1%} ({low:.1%} to {high:.1%}); relative half width {width:.1%}",
        f"median forecast against truth: {np.median(said):.1%} median error",
    ]
    for hour, both in zip(POINTS_h, np.moveaxis(errors, 1, 0)):
        own, population = np.median(both, axis=0)
        gain, lowest, highest = paired_difference(both[:, 1], both[:, 0])
        lines.append(
            f"one scan at {hour} h: own half-life of cycle 1 {own:.1%}, population's ({population_h:.0f} h) {population:.1%} median error;"
            f" mean gain {gain:.1%} ({lowest:.1%} to {highest:.1%})"
        )
    for noise in NOISES:
        for hour, (own, population) in zip(POINTS_h, as_published(found, noise, np.random.default_rng(3))):
            lines.append(
                f"as published, {noise:.0%} noise, one scan at {hour} h: own {own:.1%}, population's {population:.1%} mean deviation"
            )
    return "\n".join(lines)


if __name__ == "__main__":
    main()

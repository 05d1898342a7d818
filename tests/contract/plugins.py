"""A small honest plug-in (a height that is seen through noise), and copies of it with one known defect each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from gemel.core.belief import Belief, Gaussian, Params, State
from gemel.core.card import read_card
from gemel.core.decision import Goal
from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.model import Model, Readout
from gemel.core.parameter import Parameter
from gemel.core.record import Action, Observation, Plan
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.engines.inference import conditional
from gemel.engines.inference.conditional import LinearGaussian

CARD = """
# Question
Which of five fixed levels is nearest to tomorrow's?
# Context of use
Tests of the examination itself.
# Model influence
None.
# Decision consequence
None.
# Validity
Heights that wander about zero.
# Evidence
This examination.
# References
- Gelman et al. 2013, Bayesian Data Analysis, 3rd ed., ch. 5
"""
LEVELS_mm = (-8.0, -4.0, 4.0, 8.0, 0.0)
MEMORY_d = 2.5
SPREAD = Parameter("sd_height_mm", "lognormal", 5.0, 0.4, (0.2, 50.0), "Gelman et al. 2013, ch. 5 (a made-up example)")
IDLE = Parameter("idle_rate_1_d", "lognormal", 1.0, 0.5, (0.01, 100.0), "a rate on which nothing that is seen depends")


def structure() -> LinearGaussian:
    """A height that wanders about zero and forgets within days; the second parameter does nothing."""
    return LinearGaussian(("height_mm",), (SPREAD, IDLE), _initial, _transition, {"height_mm": _emission})


def _initial(params: Params) -> Array:
    return np.square(params["sd_height_mm"])[:, None]


def _transition(params: Params, dt_s: float) -> tuple[Array, Array]:
    variance = _initial(params)
    decay = np.full_like(variance, np.exp(-dt_s / (MEMORY_d * DAY_S)))
    return decay, variance * (1 - decay**2)


def _emission(params: Params) -> Array:
    return np.ones((len(params["sd_height_mm"]), 1, 1))


def _miss_mm(state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
    return np.abs(state["height_mm"] - LEVELS_mm[int(plan[0].amount)])


def honest() -> Model:
    """The model without a defect."""
    held = structure()
    return Model(
        name="height",
        version="1.0",
        parameters=held.parameters,
        prior=conditional.ConditionalPrior(held),
        dynamics=conditional.dynamics(held),
        observe={"height_mm": conditional.observe(held, "height_mm")},
        readouts={"miss_mm": Readout("mm", _miss_mm, "distance of the level chosen from tomorrow's")},
        condition=conditional.condition(held),
        card=read_card(CARD),
    )


def too_narrow() -> Model:
    """Forecasts whose draws are drawn together about their mean, to 0.6 of their distance; a single draw, the truth, is left alone."""
    model = honest()

    def dynamics(state: State, params: Params, plan: Sequence[Action], t0_s: float, t1_s: float, rng: np.random.Generator) -> State:
        then = model.dynamics(state, params, plan, t0_s, t1_s, rng)
        return {k: v.mean() + 0.6 * (v - v.mean()) if len(v) > 1 else v for k, v in then.items()}

    return replace(model, dynamics=dynamics)


def wrong_replay() -> Model:
    """Learning that remembers how often it was asked: the same record, told again, gives another belief."""
    model, asked = honest(), []

    def condition(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Belief:
        asked.append(new[0].t_s)
        if len(asked) > 1 and asked[-1] <= asked[-2]:  # time has gone back: a record is told again
            rng = np.random.default_rng(len(asked))
        return model.condition(twin, new, rng)

    return replace(model, condition=condition)


def ignores_data() -> Model:
    """Learning that hands the prior back."""
    model = honest()
    return replace(model, condition=lambda twin, new, rng: model.prior)


def accepts_anything() -> Model:
    """Learning that takes a value of any shape for a height."""
    model = honest()

    def condition(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Belief:
        return model.condition(twin, [replace(o, value=o.value[:1], sd=o.sd[:1]) for o in new], rng)

    return replace(model, condition=condition)


@dataclass(frozen=True)
class Sure:
    """A belief whose parameters are drawn together about their mean: it claims to know them better than it does."""

    belief: Belief

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        state, params = self.belief.draw(n, rng)
        return state, {name: v.mean() + 0.5 * (v - v.mean()) for name, v in params.items()}


def too_sure_of_parameters() -> Model:
    """Learning that halves the spread of what it says of the parameters; the state is as it was."""
    model = honest()

    def condition(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Belief:
        inner = twin.belief.belief if isinstance(twin.belief, Sure) else twin.belief
        return Sure(model.condition(replace(twin, belief=inner), new, rng))

    return replace(model, condition=condition)


def unseeded() -> Model:
    """Learning with a generator of its own."""
    model = honest()
    return replace(model, condition=lambda twin, new, rng: model.condition(twin, new, np.random.default_rng()))


def calendar() -> Model:
    """Learning that takes the time since 1970 for a number of draws to throw away."""
    model = honest()

    def condition(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Belief:
        rng.random(int(new[0].t_s / DAY_S) % 7 + int(new[0].t_s > 1000 * DAY_S))
        return model.condition(twin, new, rng)

    return replace(model, condition=condition)


def shapeless() -> Model:
    """An observation without its component's axis."""
    model = honest()
    see = model.observe["height_mm"]
    return replace(model, observe={"height_mm": lambda state, params: see(state, params)[:, 0]})


def broken() -> Model:
    """A readout with a fault in it."""
    model = honest()

    def compute(state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
        return np.abs(state["width_mm"])

    return replace(model, readouts={"miss_mm": Readout("mm", compute, "what is not there")})


def _absent(*_: object, **__: object) -> object:
    raise InputError("a plug-in without a hospital", remedy="examine it, that is all it can do")


def system(template: Callable[[], Model]) -> System:
    """A plug-in for the examination alone."""
    return System(
        name="height",
        canonical=str,
        interval_s=DAY_S,
        begin=_absent,
        model=partial(_absent),
        prepare=_absent,
        observe=_absent,
        observations=_absent,
        judge=_absent,
        treat=_absent,
        plans=_absent,
        notes=_absent,
        goal=lambda: Goal(lambda values: -values["miss_mm"]),
        template=template,
        exam=Exam(
            sd={"height_mm": np.full(1, 0.5)},
            times_s=tuple(DAY_S * day for day in range(1, 7)),
            plans=tuple((Action("choose", 6 * DAY_S, float(i), "level"),) for i in range(len(LEVELS_mm))),
            loss="miss_mm",
        ),
        case=Gaussian,
        library=Gaussian,
        day=Gaussian,
    )


MADE = (honest, too_narrow, wrong_replay, ignores_data, accepts_anything, too_sure_of_parameters, unseeded, calendar, shapeless, broken)
MODELS: dict[str, Callable[[], Model]] = {made.__name__: made for made in MADE}

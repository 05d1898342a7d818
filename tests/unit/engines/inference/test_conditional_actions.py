"""Actions in conditionally linear models: what they leave of the state, in forecasts, in learning, and when particles are moved."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.belief import Params
from gemel.core.card import Card
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.record import Action, Observation
from gemel.engines.inference import conditional
from gemel.engines.inference.conditional import ConditionalGaussian, LinearGaussian

LEFT, ADDED = 0.25, 0.04
SPREAD = Parameter("sd_level_mm", "lognormal", 2.0, 0.5, (0.1, 50.0), "made up for this test")


def _acted(action: Action, params: Params) -> tuple[Array, Array]:
    one = np.ones((len(params["sd_level_mm"]), 1))
    return LEFT * one, ADDED * one


STRUCTURE = LinearGaussian(
    ("level_mm",),
    (SPREAD,),
    lambda params: np.square(params["sd_level_mm"])[:, None],
    lambda params, dt_s: (np.ones((len(params["sd_level_mm"]), 1)), np.zeros((len(params["sd_level_mm"]), 1))),
    {"x_mm": lambda params: np.ones((len(params["sd_level_mm"]), 1, 1))},
    _acted,
)


def model() -> Model:
    return Model(
        "level", "1", (SPREAD,), conditional.ConditionalPrior(STRUCTURE), conditional.dynamics(STRUCTURE),
        {"x_mm": conditional.observe(STRUCTURE, "x_mm")}, {}, conditional.condition(STRUCTURE), Card("", "", "", "", "", "", ()),
    )  # fmt: skip


def seen(t_s: float, value: float) -> Observation:
    return Observation("x_mm", t_s, np.array([value]), np.array([0.3]), "made")


DONE = Action("shrink", 15.0, 1.0, "times", "person")


def test_learning_passes_through_an_action_as_the_closed_form_does() -> None:
    twin = twins.assimilate(twins.new(model(), 0.0, 1), (seen(10.0, 4.0),))
    twin = twins.assimilate(twins.assimilate(twin, (DONE,)), (seen(20.0, 1.2),))
    belief = twin.belief
    assert isinstance(belief, ConditionalGaussian)
    prior = np.square(np.exp(belief.free[:, 0]))
    mean, variance = prior / (prior + 0.09) * 4.0, prior * 0.09 / (prior + 0.09)
    mean, variance = LEFT * mean, LEFT**2 * variance + ADDED
    gain = variance / (variance + 0.09)
    assert belief.mean[:, 0] == pytest.approx(mean + gain * (1.2 - mean))
    assert belief.covariance[:, 0, 0] == pytest.approx((1 - gain) * variance)


def test_particles_are_moved_under_the_same_history() -> None:
    """What the whole record gives is what day after day gave."""
    twin = twins.assimilate(twins.new(model(), 0.0, 1), (seen(10.0, 4.0),))
    twin = twins.assimilate(twins.assimilate(twin, (DONE,)), (seen(20.0, 1.2),))
    belief = twin.belief
    assert isinstance(belief, ConditionalGaussian)
    _, mean, covariance, _ = conditional._posterior(belief, belief.free, twins.observations(twin), twins.given(twin))
    assert mean == pytest.approx(belief.mean)
    assert covariance == pytest.approx(belief.covariance)


def test_a_forecast_and_a_proposed_action_meet_the_same_law() -> None:
    state, params = {"level_mm": np.full(20_000, 4.0)}, {"sd_level_mm": np.ones(20_000)}
    then = conditional.dynamics(STRUCTURE)(state, params, (DONE,), 10.0, 20.0, np.random.default_rng(1))["level_mm"]
    assert then.mean() == pytest.approx(1.0, abs=0.01)
    assert then.var() == pytest.approx(ADDED, rel=0.05)
    for t0_s, t1_s in ((0.0, 15.0), (15.1, 20.0)):  # an action belongs to the interval [t0, t1)
        kept = conditional.dynamics(STRUCTURE)(state, params, (DONE,), t0_s, t1_s, np.random.default_rng(1))["level_mm"]
        assert (kept == 4.0).all()

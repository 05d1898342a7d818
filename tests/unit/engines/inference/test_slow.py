"""Beliefs about models behind an emulator: what is learned, what was done, what is refused."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.belief import Params
from gemel.core.card import Card
from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.record import Action, Observation
from gemel.engines.inference.slow import Done, Slow, SlowPrior, condition, design, done_by, dynamics, emulated, observe

GAIN = Parameter("gain_1", "lognormal", 1.0, 0.4, (0.2, 5.0), "made up for this test")
BEND = Parameter("bend_1", "lognormal", 0.5, 0.3, (0.1, 3.0), "made up for this test")
OFF = Parameter("discrepancy_1", "lognormal", 0.05, 0.3, (0.005, 0.5), "made up for this test")
CALLS: list[Done] = []


def slow_answer(params: Params, done: Done) -> np.ndarray:
    """Two features, curved in the parameters."""
    CALLS.append(done)
    total = sum(amount for _, _, amount in done)
    return np.stack([np.log(params["gain_1"] * total + 0.1), total * params["bend_1"] ** 2], axis=1)


def model_of(planned: Done = ()) -> Model:
    slow = Slow((GAIN, BEND, OFF), emulated((GAIN, BEND), slow_answer), {"size_1": (0, 1), "both_1": (0, 2)}, planned, 1000.0)
    card = Card("q", "c", "i", "d", "v", "e", ())
    return Model("slow", "1", slow.parameters, SlowPrior(slow), dynamics(slow), observe(slow), {}, condition(slow), card)


def test_the_emulator_is_made_once_and_is_close() -> None:
    CALLS.clear()
    respond, done = emulated((GAIN, BEND), slow_answer), (("push", 0.0, 2.0),)
    free = design((GAIN, BEND), 200)[100:]
    params = {"gain_1": np.exp(free[:, 0]), "bend_1": np.exp(free[:, 1])}
    found = [respond(params, done) for _ in range(2)]
    assert len(CALLS) == 1
    wanted = slow_answer(params, done)
    assert np.abs(found[0] - wanted).std(axis=0) == pytest.approx(0.0, abs=0.02 * wanted.std(axis=0).min())
    assert np.array_equal(*found)


def test_only_what_was_done_before_counts_and_nothing_of_nothing() -> None:
    slow = Slow((GAIN, BEND, OFF), slow_answer, {"size_1": (0, 1)}, (("push", -5.0, 1.0),), 1000.0)
    given = (Action("push", 130.0, 2.0, "1", "x"), Action("stop", 110.0, 0.0, "1", "x"), Action("push", 150.0, 3.0, "1", "x"))
    assert done_by(slow, given, 100.0, 40.0) == (("push", -5.0, 1.0), ("push", 30.0, 2.0))


def test_the_truth_is_found_and_the_answer_to_an_action_learned_from() -> None:
    truth = {"gain_1": np.array([1.8]), "bend_1": np.array([0.35])}
    twin = twins.new(model_of(), 0.0, 3)
    twin = twins.assimilate(twin, (Action("push", 10.0, 2.0, "1", "decision"),))
    value = slow_answer(truth, (("push", 10.0, 2.0),))[0]
    for t_s in (100.0, 5000.0, 10000.0):
        twin = twins.assimilate(twin, (Observation("both_1", t_s, value, np.full(2, 0.03), f"{t_s}"),))
    _, params = twin.belief.draw(2000, np.random.default_rng(0))
    for name, prior in (("gain_1", 0.4), ("bend_1", 0.3)):
        low, high = np.quantile(params[name], (0.01, 0.99))
        assert low < truth[name][0] < high
        assert np.log(params[name]).std() < 0.4 * prior


def test_a_value_of_another_shape_is_refused() -> None:
    twin = twins.new(model_of((("push", -1.0, 1.0),)), 0.0, 3)
    with pytest.raises(InputError, match="shape"):
        twins.assimilate(twin, (Observation("both_1", 10.0, np.zeros(1), np.ones(1), "x"),))

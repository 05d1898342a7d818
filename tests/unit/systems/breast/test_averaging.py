"""Two models of one tumour in one belief: the weights are those of Bayes, and each draw lives by its own model."""

from collections.abc import Iterator
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy import stats

from gemel.core import twin as twins
from gemel.core.belief import Params, State
from gemel.core.forecast import forecast
from gemel.core.model import Model
from gemel.core.record import Observation
from gemel.core.time import DAY_S
from gemel.engines.inference.averaging import log_score
from gemel.systems.breast import growth_model
from gemel.systems.breast.averaging import averaged_model, prior, uncoupled, weight
from gemel.systems.breast.body import Body
from gemel.systems.breast.template import body as plain

AT_s = 60 * DAY_S
DRAWS = 600


@cache
def body() -> Body:
    """The template's tumour under a stress of 6 kPa at its own density, alike everywhere, so that no elasticity is solved."""
    held = plain()
    basis = held.density / np.linalg.norm(held.density)
    stress = np.zeros((1, 6, len(basis)), np.float32)
    stress[0, 0] = 6.0 / float(held.density @ basis)
    return replace(held, stress_basis=basis[None].astype(np.float32), stress_kPa=stress, given=())


@cache
def visit(gamma_1_kPa: float) -> tuple[Observation, ...]:
    """What a tumour shows whose cells wander far, or are held back."""
    model = growth_model.model_of(body())
    params = {p.name: np.array([p.centre]) for p in model.parameters}
    params |= {"D0_mm2_d": np.array([0.5]), "gamma_1_kPa": np.array([gamma_1_kPa]), "k_1_d": np.array([0.02])}
    start = model.prior.draw(1, np.random.default_rng(0))[0] | {"density": body().density[None]}
    state = model.dynamics(start, params, (), 0.0, AT_s, np.random.default_rng(0))
    sd = {"ln_cells_1": 0.05, "ln_volume_1": 0.05, "shares_1": 0.02}
    return tuple(
        Observation(kind, AT_s, (v := observe(state, params)[0]), np.full(v.shape, sd[kind]), kind)
        for kind, observe in model.observe.items()
    )


def dim(seen: tuple[Observation, ...]) -> tuple[Observation, ...]:
    return tuple(replace(one, sd=np.maximum(one.sd, 0.3)) for one in seen)


@pytest.fixture(scope="module")
def model() -> Iterator[Model]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(growth_model, "DRAWS", DRAWS)
        patch.setattr(growth_model, "PROPOSALS", 512)
        yield averaged_model(body())


@pytest.fixture(scope="module")
def free(model: Model) -> tuple[State, Params]:
    """What is believed after a visit that nothing held back, seen dimly."""
    return twins.assimilate(twins.new(model, 0.0, 1), dim(visit(0.02))).belief.draw(DRAWS, np.random.default_rng(0))


def test_weights_are_those_of_the_forecasts_that_were_made(free: tuple[State, Params]) -> None:
    """ln of the odds against ln of the mean density that 3,000 draws of either prior give the visit: within 0.35."""
    seen, scores = dim(visit(0.02)), []
    for of in (body(), uncoupled(body())):
        made = growth_model.model_of(of)
        values = forecast(twins.new(made, 0.0, 1), (), [one.kind for one in seen], AT_s, 3000, np.random.default_rng(4)).values
        scores.append(log_score(values, seen))
    found = weight(free[1])
    assert np.log(found / (1 - found)) == pytest.approx(scores[0] - scores[1], abs=0.35)


def test_the_model_that_made_the_visit_gains(model: Model) -> None:
    assert prior() == (0.5, 0.5)
    held, loose = (
        twins.assimilate(twins.new(model, 0.0, 1), visit(gamma)).belief.draw(DRAWS, np.random.default_rng(0))[1] for gamma in (3.0, 0.02)
    )
    assert weight(held) > 0.6
    assert weight(loose) < 0.4


def test_draws_keep_what_each_model_knows(model: Model, free: tuple[State, Params]) -> None:
    """γ where it has no effect stays as it was before; k was learned by both. All draws have all parameters."""
    state, params = free
    off = params["mechanics_1"] < 0
    assert set(params) == {p.name for p in model.parameters}
    assert state["density"].shape[0] == len(off) == DRAWS
    assert stats.kstest(np.log(params["gamma_1_kPa"][off]) / 0.5, "norm").pvalue > 0.001
    for part in (off, ~off):
        assert np.log(params["k_1_d"][part]).std() < 0.9 * 0.6


def test_a_draw_lives_by_its_model() -> None:
    """Below 0 stress does nothing; above it does what the coupled model does, but for the order of sums in float32."""
    both, alone = averaged_model(body()), growth_model.model_of(body())
    params = {p.name: np.full(2, p.centre) for p in both.parameters} | {"D0_mm2_d": np.full(2, 0.5), "mechanics_1": np.array([-0.5, 0.5])}
    start = {"density": np.repeat(body().density[None], 2, axis=0), "t_s": np.zeros(2)}
    found = both.dynamics(start, params, (), 0.0, AT_s, np.random.default_rng(0))["density"]
    for i, gamma in enumerate((0.0, 1.0)):
        told = {name: values[:1] for name, values in params.items() if name != "mechanics_1"} | {"gamma_1_kPa": np.array([gamma])}
        one = alone.dynamics({name: values[:1] for name, values in start.items()}, told, (), 0.0, AT_s, np.random.default_rng(0))
        np.testing.assert_allclose(found[i], one["density"][0], rtol=3e-5, atol=1e-7)
    assert not np.allclose(found[0], found[1], atol=1e-3)

"""Exact Gaussians and the particles around them."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.card import Card
from gemel.core.errors import RangeError
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.record import Observation
from gemel.engines.inference import conditional, gaussian, particles


def test_conditioning_matches_the_textbook_formula() -> None:
    """Normal prior N(1, 4), observation 3 ± 1: mean 1 + 4/5·2, variance 4/5."""
    mean, covariance, evidence = gaussian.condition(
        np.array([[1.0]]), np.array([[[4.0]]]), np.ones((1, 1, 1)), np.array([3.0]), np.array([1.0])
    )
    assert mean[0, 0] == pytest.approx(2.6)
    assert covariance[0, 0, 0] == pytest.approx(0.8)
    assert evidence[0] == pytest.approx(-0.5 * (4 / 5 + np.log(2 * np.pi * 5)))


def test_two_observations_at_once_equal_one_after_the_other() -> None:
    rng = np.random.default_rng(0)
    root = rng.normal(size=(1, 3, 3))
    start = rng.normal(size=(1, 3)), root @ root.transpose(0, 2, 1)
    matrix, value, sd = rng.normal(size=(1, 2, 3)), rng.normal(size=2), np.array([0.5, 2.0])
    both = gaussian.condition(*start, matrix, value, sd)
    first = gaussian.condition(*start, matrix[:, :1], value[:1], sd[:1])
    then = gaussian.condition(first[0], first[1], matrix[:, 1:], value[1:], sd[1:])
    np.testing.assert_allclose(both[0], then[0], atol=1e-12)
    np.testing.assert_allclose(both[1], then[1], atol=1e-12)
    assert both[2] == pytest.approx(first[2] + then[2])


def test_systematic_resampling_is_proportional() -> None:
    weights = np.array([0.5, 0.25, 0.25])
    counts = np.bincount(particles.systematic(weights, 400, np.random.default_rng(1)), minlength=3)
    assert np.abs(counts - 400 * weights).max() <= 1
    assert particles.effective_size(np.full(8, 1 / 8)) == pytest.approx(8)


def test_an_observation_that_nothing_explains_is_an_error() -> None:
    with pytest.raises(RangeError, match="no particle"):
        particles.normalised(np.full(4, -np.inf))


def random_level() -> tuple[conditional.LinearGaussian, Model]:
    """A level of unknown spread: x ~ N(0, s²) anew at each time, s lognormal; the posterior of s has a closed form up to quadrature."""
    spread = Parameter("spread_mm", "lognormal", 1.0, 0.7, (1e-3, 1e3), "made up for this test")
    structure = conditional.LinearGaussian(
        ("x",),
        (spread,),
        lambda p: np.square(p["spread_mm"])[:, None],
        lambda p, dt: (np.full((len(p["spread_mm"]), 1), float(dt == 0)), np.square(p["spread_mm"])[:, None] * (dt > 0)),
        {"x_mm": lambda p: np.ones((len(p["spread_mm"]), 1, 1))},
    )
    card = Card("q", "c", "i", "d", "v", "e", ("r",))
    prior = conditional.ConditionalPrior(structure)
    return structure, Model(
        "level", "1", (spread,), prior, conditional.dynamics(structure), {"x_mm": conditional.observe(structure, "x_mm")}, {},
        conditional.condition(structure), card,
    )  # fmt: skip


def test_the_posterior_of_a_spread_matches_quadrature_after_many_days() -> None:
    _, model = random_level()
    seen, error = np.random.default_rng(4).normal(0, 3.0, 40), 0.5
    twin = twins.new(model, 0.0, 3)
    for day, value in enumerate(seen, 1):
        twin = twins.assimilate(twin, (Observation("x_mm", float(day), np.array([value]), np.array([error]), "s"),))
    log_s = np.linspace(-3, 4, 4001)
    total = np.exp(2 * log_s) + error**2
    log_p = -0.5 * (log_s / 0.7) ** 2 - 0.5 * (np.square(seen)[:, None] / total + np.log(total)).sum(axis=0)
    p = np.exp(log_p - log_p.max())
    p /= p.sum()
    mean, sd = p @ log_s, np.sqrt(p @ log_s**2 - (p @ log_s) ** 2)
    drawn = np.log(twin.belief.draw(4000, np.random.default_rng(0))[1]["spread_mm"])
    assert drawn.mean() == pytest.approx(mean, abs=0.25 * sd)
    assert drawn.std() == pytest.approx(sd, rel=0.15)

"""Many small fields at once: each as `solve` has it, closed forms, nothing lost at borders, no draw that knows of another."""

import warnings

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines import pde
from gemel.engines.pde.ensemble import Ensemble, advance, lattice

SPACING_mm = (2.5, 2.0, 3.0)
STEP_d, STEPS = 3.5, 12


def ball() -> Array:
    x = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (12, 14, 10)], indexing="ij"))
    return np.asarray(np.linalg.norm(x, axis=0) < 0.9)


def of(mask: Array, draws: int = 2, *, rate: float = 0.02, D: float = 0.1, excess: float = 0.0, loss: float = 0.0) -> Ensemble:
    n, rng = int(mask.sum()), np.random.default_rng(3)
    return Ensemble(
        rate_1_d=rate * np.exp(0.4 * rng.standard_normal((draws, n))),
        diffusivity_mm2_d=D * rng.uniform(0.2, 2.0, (draws, n)),
        excess_1_d=np.full(draws, excess),
        spread=rng.uniform(0.5, 1.5, n),
        lost=np.full((draws, STEPS + 1), loss) * np.array([0.5, *[1.0] * (STEPS - 1), 0.5]),
    )


def start(mask: Array, draws: int = 2) -> Array:
    return np.random.default_rng(4).uniform(0.05, 0.8, (draws, int(mask.sum())))


def field(mask: Array, values: Array) -> Array:
    found = np.zeros(mask.shape)
    found[mask] = values
    return found


def test_as_the_explicit_engine_has_it() -> None:
    """Growth, loss at a steady rate and jumping diffusivities over six weeks, from noise: totals within 0.2 %, voxels with short steps."""
    mask = ball()
    many, u = of(mask, loss=0.05 * STEP_d), start(mask)
    found, coarse = (advance(u, lattice(mask, SPACING_mm), _parted(many, parts), STEP_d / parts) for parts in (8, 1))
    for d in range(2):
        exposure = pde.Exposure((0.0,), (1.0,), 0.0, 0.05 * field(mask, many.spread))
        growth = pde.logistic(field(mask, many.rate_1_d[d]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            D = field(mask, many.diffusivity_mm2_d[d])
            exact = pde.solve(field(mask, u[d]), mask, SPACING_mm, D, growth, [STEP_d * STEPS], (exposure,), 0.05)[0][mask]
        np.testing.assert_allclose(found[d], exact, rtol=1e-3)
        assert abs(float(coarse[d].sum() / exact.sum()) - 1) < 2e-3


def test_nothing_is_made_or_lost_by_moving() -> None:
    mask = ball()
    u = start(mask)
    found = advance(u, lattice(mask, SPACING_mm), of(mask, rate=0.0, D=1.0), STEP_d)
    assert np.abs(found.astype(np.float64).sum(axis=1) / u.astype(np.float32).astype(np.float64).sum(axis=1) - 1).max() < 1e-6
    assert found.std() < 0.6 * u.std()


def test_without_motion_the_logistic_curve_and_its_excess() -> None:
    """du/dt = (k + ε)u − ku²: u e^{at}/(1 + u k (e^{at} − 1)/a)."""
    mask = ball()
    many, u, t = of(mask, D=0.0, excess=0.004), start(mask), STEP_d * STEPS
    a = many.rate_1_d + 0.004
    exact = u * np.exp(a * t) / (1 + u * many.rate_1_d / a * np.expm1(a * t))
    np.testing.assert_allclose(advance(u, lattice(mask, SPACING_mm), many, STEP_d), exact, rtol=2e-5)


def test_losses_alone_are_exact() -> None:
    mask = ball()
    many, u = of(mask, rate=0.0, D=0.0, loss=0.3), start(mask)
    exact = u * np.exp(-0.3 * STEPS * many.spread)
    np.testing.assert_allclose(advance(u, lattice(mask, SPACING_mm), many, STEP_d), exact, rtol=1e-5)


def test_second_order_in_the_step() -> None:
    mask = ball()
    u, errors = start(mask, 1), []
    fine = advance(u, lattice(mask, SPACING_mm), _parted(of(mask, 1, D=0.5, rate=0.08, loss=0.35), 16), STEP_d / 16)
    for parts in (1, 2):
        found = advance(u, lattice(mask, SPACING_mm), _parted(of(mask, 1, D=0.5, rate=0.08, loss=0.35), parts), STEP_d / parts)
        errors.append(float(np.abs(found - fine).max()))
    assert errors[0] / errors[1] > 3.0


def _parted(many: Ensemble, parts: int) -> Ensemble:
    """The same steady loss in steps of a part of the length."""
    edges = np.array([0.5, *[1.0] * (STEPS * parts - 1), 0.5]) * float(many.lost[0].sum()) / (STEPS * parts)
    lost = np.broadcast_to(edges, (len(many.lost), len(edges)))
    return Ensemble(many.rate_1_d, many.diffusivity_mm2_d, many.excess_1_d, many.spread, lost)


def test_a_draw_does_not_know_of_the_others() -> None:
    mask = ball()
    many, u, on = of(mask, loss=0.1), start(mask), lattice(mask, SPACING_mm)
    alone = Ensemble(many.rate_1_d[1:], many.diffusivity_mm2_d[1:], many.excess_1_d[1:], many.spread, many.lost[1:])
    np.testing.assert_array_equal(advance(u, on, many, STEP_d)[1], advance(u[1:], on, alone, STEP_d)[0])


def test_what_cannot_be_is_refused() -> None:
    mask = ball()
    on, u = lattice(mask, SPACING_mm), start(mask)
    with pytest.raises(RangeError, match="diffusivity"):
        advance(u, on, of(mask, D=-0.1), STEP_d)
    with pytest.raises(RangeError, match="field"):
        advance(np.where(u > 0.7, np.nan, u), on, of(mask), STEP_d)
    with pytest.raises(GeometryError, match="voxels"):
        advance(u, on, of(mask, 3), STEP_d)
    with pytest.raises(GeometryError, match="losses"):
        advance(u, on, of(mask), 0.0)

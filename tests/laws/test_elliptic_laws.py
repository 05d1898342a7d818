"""Laws of potentials at rest: order, layers, reciprocity, balance, and steps that do not grow with the grid."""

from functools import partial

import numba
import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines.conjugate_gradients import conjugate_gradients
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held, elliptic, field, system
from gemel.engines.pde.multigrid import cycle


def radius2(n: int) -> Array:
    return np.asarray((((np.indices((n, n, n)) - (n - 1) / 2) / (n / 2)) ** 2).sum(axis=0))


def steps(n: int, conductivity: Array | float, spacing: tuple[float, float, float]) -> int:
    """Until 1e-8, from a source on one side to a sink on the other of a ball."""
    place = (np.indices((n, n, n)) - (n - 1) / 2) / (n / 2)
    mask = radius2(n) < 0.95
    given = domain(mask, spacing)
    right = np.where(place[0] > 0.5, 1.0, 0.0) - np.where(place[0] < -0.5, 1.0, 0.0)
    found = system(given, conductivity, 0.0, None)
    solved = conjugate_gradients(found.times, partial(cycle, found.grids), field(right * mask, given, "q", signed=True), tolerance=1e-8)
    assert solved.relative <= 1e-8
    return solved.iterations


@pytest.mark.parametrize(
    ("tissue", "spacing", "most"), [("even", (1.0, 1.0, 1.0), 12), ("two", (1.0, 1.0, 1.0), 13), ("even", (1.0, 0.8, 3.0), 14)]
)
def test_steps_hardly_grow_with_the_grid(tissue: str, spacing: tuple[float, float, float], most: int) -> None:
    """Curved borders, a jump of 10 : 1, voxels three times as thick: eightfold voxels, at most two steps more."""
    found = [steps(n, np.where(radius2(n) < 0.4, 10.0, 1.0) if tissue == "two" else 1.0, spacing) for n in (16, 32, 64)]
    assert max(found) <= most
    assert found[2] - found[1] <= 2


def test_the_cycle_is_symmetric_and_positive() -> None:
    """aᵀ M b = bᵀ M a to single precision, in random masks of uneven sizes, where grids overhang."""
    rng = np.random.default_rng(3)
    mask = rng.random((13, 10, 9)) < 0.8
    on = domain(mask, (1.0, 1.2, 0.9))
    found = system(on, np.exp(rng.normal(size=mask.shape)), 0.05, Held(rng.random(mask.shape) < 0.1))
    one, other = (rng.normal(size=on.inside.shape) * found.network.free for _ in range(2))
    there, back = (one * cycle(found.grids, other)).sum(), (other * cycle(found.grids, one)).sum()
    size = np.sqrt((one * cycle(found.grids, one)).sum() * (other * cycle(found.grids, other)).sum())
    assert abs(there - back) < 1e-5 * size
    assert (one * cycle(found.grids, one)).sum() > 0


def test_second_order_with_uneven_spacing_and_a_field() -> None:
    """p = cos πx cos 2πy cos πz, K = 1 + x/2 in a closed box: −∇·K∇p + p = q."""
    errors = []
    for n in (8, 16, 32):
        shape = np.array([n, 3 * n // 2, n // 2])
        x, y, z = (np.reshape((np.arange(m) + 0.5) / m, np.roll((-1, 1, 1), axis)) for axis, m in enumerate(shape))
        pi, exact = np.pi, np.cos(np.pi * x) * np.cos(2 * np.pi * y) * np.cos(np.pi * z)
        conductivity = np.broadcast_to(1 + x / 2, shape)
        slope = -pi * np.sin(pi * x) * np.cos(2 * pi * y) * np.cos(pi * z)
        source = conductivity * 6 * pi**2 * exact - 0.5 * slope + exact
        found = elliptic(domain(np.ones(shape), 1.0 / shape), conductivity, source=source, loss=1.0)
        errors.append(np.abs(found - exact).max())
    assert np.log2(errors[1] / errors[2]) == pytest.approx(2.0, abs=0.1)
    assert errors[2] < 0.02


def test_flux_through_two_layers_in_series() -> None:
    """Held ends: flux = Δp/(L₁/K₁ + L₂/K₂) exactly, by harmonic faces, in every section; 5 : 1."""
    n = 24
    conductivity = np.broadcast_to(np.where(np.arange(n) < 9, 0.5, 0.1)[:, None, None], (n, 4, 3))
    held = np.zeros((n, 4, 3), dtype=bool)
    held[[0, -1]] = True
    value = np.broadcast_to(np.linspace(1.3, 0.3, n)[:, None, None], held.shape)
    found = elliptic(domain(np.ones(held.shape), 2.0), conductivity, held=Held(held, value), tolerance=1e-12)
    exact = 1.0 / (8.5 * 2 / 0.5 + 14.5 * 2 / 0.1)
    assert 0.5 * (found[:8] - found[1:9]) / 2.0 == pytest.approx(exact, rel=1e-9)
    assert 0.1 * (found[9:-1] - found[10:]) / 2.0 == pytest.approx(exact, rel=1e-9)


def test_reciprocity() -> None:
    """What a source at A raises at B, the same source at B raises at A; a held voxel, three conductivities, a loss."""
    rng = np.random.default_rng(5)
    mask = rng.random((14, 12, 11)) < 0.85
    mask[3, 4, 5] = mask[9, 7, 2] = mask[6, 6, 6] = True
    conductivity = np.exp(rng.normal(size=(3, *mask.shape)))
    held, one, other = (np.zeros(mask.shape) for _ in range(3))
    held[6, 6, 6], one[3, 4, 5], other[9, 7, 2] = 1.0, 1.0, 1.0
    on = domain(mask, (1.0, 0.7, 1.5))
    raised = [elliptic(on, conductivity, source=q, loss=1e-3, held=Held(held), tolerance=1e-12) for q in (one, other)]
    assert raised[0][9, 7, 2] == pytest.approx(raised[1][3, 4, 5], rel=1e-8)


def test_three_conductivities_belong_to_their_axes() -> None:
    """A slab along each axis in turn, thin and thick: the drop over it is that of its own conductivity."""
    for axis, conductivity in enumerate((0.3, 1.0, 2.5)):
        shape = [1 if a == (axis + 1) % 3 else 6 for a in range(3)]
        source = np.zeros(shape)
        ends = [tuple(end if a == axis else slice(None) for a in range(3)) for end in (0, -1)]
        source[ends[0]], source[ends[1]] = 1.0, -1.0
        fields = np.stack([np.full(shape, k) for k in (0.3, 1.0, 2.5)])
        found = elliptic(domain(np.ones(shape), (1.0, 2.0, 3.0)), fields, source=source, tolerance=1e-12)
        drop = float(found[ends[0]].mean() - found[ends[1]].mean())
        assert drop == pytest.approx(5 * (1.0, 2.0, 3.0)[axis] ** 2 / conductivity, rel=1e-9)


def test_parts_that_nothing_holds_have_a_mean_of_zero() -> None:
    mask = np.ones((11, 5, 5), dtype=bool)
    mask[5] = False
    source = np.zeros(mask.shape)
    source[0, 2, 2], source[4, 2, 2], source[7, 0, 0], source[9, 4, 4] = 1.0, -1.0, 2.0, -2.0
    found = elliptic(domain(mask, 1.0), 1.0, source=source)
    assert found[:5].mean() == pytest.approx(0.0, abs=1e-12)
    assert found[6:].mean() == pytest.approx(0.0, abs=1e-12)
    assert not found[5].any()
    assert found[0, 2, 2] > 0.1


def test_the_number_of_threads_changes_nothing() -> None:
    before, found, mask = numba.get_num_threads(), [], radius2(24) < 0.9
    source = np.random.default_rng(1).normal(size=mask.shape)
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found.append(elliptic(domain(mask, 1.0), 1.0, source=source, loss=0.01))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])

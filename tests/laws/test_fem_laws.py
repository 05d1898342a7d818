"""Laws of voxel elasticity: a brick by quadrature, patches, rigid motions, symmetry, balance, threads, steps of the solver."""

import numba
import numpy as np
import pytest

from gemel.core.image import Array
from gemel.engines.fem.elasticity import Fixed, border, displacement_mm, solid, solved, strain, stress_kPa, von_mises_kPa
from gemel.engines.fem.multigrid import Elastic, cycle, diagonal, grid, largest_eigenvalue, matrix, multigrid

SPACING = (1.0, 0.7, 1.6)


def nodes(shape: tuple[int, ...], spacing: tuple[float, ...] = SPACING) -> Array:
    """Places of voxel corners."""
    return np.moveaxis(np.indices([n + 1 for n in shape]) * np.array(spacing)[:, None, None, None], 0, -1)


def by_quadrature(lam: float, mu: float, h: Array, full: bool) -> Array:
    """∫ 2μ ε:ε over 2³ Gauss points, and λ V (mean dilatation)² or (in full) ∫ λ (dilatation)²: 24 × 24."""
    corners = np.array(list(np.ndindex(2, 2, 2))) * 2 - 1.0
    whole, mean = np.zeros((24, 24)), np.zeros(24)
    for point in np.array(list(np.ndindex(2, 2, 2))) * 2 / np.sqrt(3) - 1 / np.sqrt(3):
        slope = np.stack([2 / h[a] / 8 * corners[:, a] * np.prod(1 + np.delete(corners * point, a, 1), axis=1) for a in range(3)], axis=1)
        epsilon = np.zeros((3, 3, 24))
        for n in range(8):
            for c in range(3):
                for a in range(3):
                    epsilon[c, a, 3 * n + c] += slope[n, a] / 2
                    epsilon[a, c, 3 * n + c] += slope[n, a] / 2
        whole += 2 * mu * np.einsum("abi,abj->ij", epsilon, epsilon) * np.prod(h) / 8
        mean += np.trace(epsilon) / 8
        whole += full * lam * np.outer(np.trace(epsilon), np.trace(epsilon)) * np.prod(h) / 8
    return whole + (not full) * lam * np.prod(h) * np.outer(mean, mean)


@pytest.mark.parametrize("full", [False, True])
def test_the_stiffness_of_a_brick(full: bool) -> None:
    h, lam, mu = np.array(SPACING), 2.3, 0.7
    brick = Elastic(np.full((1, 1, 1), lam), np.full((1, 1, 1), mu), h, np.ones((2, 2, 2, 3), dtype=bool), full)
    found = matrix(grid(brick, np.float64, (1, 1, 1), 1.0))
    exact = by_quadrature(lam, mu, h, full)
    np.testing.assert_allclose(found, exact, atol=1e-13 * exact.max())
    np.testing.assert_allclose(diagonal(brick).ravel(), np.diag(exact), rtol=1e-12)


@pytest.mark.parametrize("poisson", [0.0, 0.3, 0.499])
def test_patch(poisson: float) -> None:
    """Any even strain given on the border is found inside to 1e-9, on voxels that are no cubes."""
    rng = np.random.default_rng(0)
    shape = (5, 6, 4)
    of, gradient = solid(np.full(shape, 3.0), poisson, SPACING), rng.normal(size=(3, 3)) * 0.01
    exact = nodes(shape) @ gradient.T
    found = displacement_mm(of, Fixed(border(of), exact), tolerance=1e-12)
    np.testing.assert_allclose(found, exact, atol=1e-9 * np.abs(exact).max())
    even = np.broadcast_to((gradient + gradient.T) / 2, (*shape, 3, 3))
    np.testing.assert_allclose(strain(found, of.spacing_mm), even, atol=1e-10)


def test_rigid_motion_is_without_stress() -> None:
    """Also with holes and stiffness from voxel to voxel: 1e-12 of the stiffness times the motion."""
    rng = np.random.default_rng(1)
    shape = (6, 5, 7)
    of = solid(np.where(rng.random(shape) < 0.8, rng.uniform(1, 5, shape), 0.0), 0.4, SPACING)
    spin = np.array([[0.0, -0.1, 0.2], [0.1, 0.0, -0.3], [-0.2, 0.3, 0.0]])
    motion = nodes(shape) @ spin.T + np.array([1.0, 2.0, -3.0])
    assert np.abs(stress_kPa(motion, of)).max() < 1e-12
    assert von_mises_kPa(motion, of).max() < 1e-12
    elastic = Elastic(of.lam_kPa, of.mu_kPa, of.spacing_mm, np.ones((*of.nodes, 3), dtype=bool))
    assert np.abs(grid(elastic, np.float64, (1, 1, 1), 1.0).times(motion, np.zeros_like(motion))).max() < 1e-11


def test_the_cycle_is_symmetric_and_the_bound_holds() -> None:
    """On sizes that are not even, with holes; D⁻¹K has no eigenvalue over the bound by voxel."""
    rng = np.random.default_rng(2)
    shape = (9, 7, 6)
    stiff = np.where(rng.random(shape) < 0.85, np.exp(rng.normal(size=shape)), 0.0)
    of = solid(stiff, np.where(rng.random(shape) < 0.5, 0.45, 0.2), SPACING)
    free = np.ones((*of.nodes, 3), dtype=bool)
    free[0], free[-1, ..., 0] = False, False
    elastic = Elastic(of.lam_kPa, of.mu_kPa, of.spacing_mm, free)
    grids, fine = multigrid(elastic), grid(elastic, np.float64, (1, 1, 1), 1.0)
    moves = fine.inverse > 0
    one, other = (rng.normal(size=free.shape) * moves for _ in range(2))
    there, back = (one * cycle(grids, other)).sum(), (other * cycle(grids, one)).sum()
    size = np.sqrt((one * cycle(grids, one)).sum() * (other * cycle(grids, other)).sum())
    assert abs(there - back) < 1e-5 * size
    for _ in range(100):
        image = fine.times(one, np.zeros_like(one)) * fine.inverse
        growth, one = np.linalg.norm(image) / np.linalg.norm(one), image / np.linalg.norm(image)
    assert 0.5 * largest_eigenvalue(elastic) < growth < largest_eigenvalue(elastic)


def test_steps_do_not_grow_with_the_grid() -> None:
    """A stiff ball, five to one, ν 0.45, that swells in a box: 1e-6 in up to 13 steps at 8³, 16³ and 32³.

    In 25 at 21³, where coarser grids hang over the border (30 when what is held beyond it is forgotten).
    """
    found = []
    for n in (8, 16, 32, 21):
        r = np.sqrt((((np.indices((n, n, n)) - (n - 1) / 2) / n) ** 2).sum(axis=0))
        of = solid(np.where(r < 0.26, 20.0, 4.0), 0.45, 1.0)
        found.append(solved(of, Fixed(border(of)), pressure_kPa=np.where(r < 0.2, 1.0, 0.0), force_mN=0.0, tolerance=1e-6)[1].iterations)
    assert max(found[:3]) <= 13
    assert found[3] <= 25
    assert found[2] <= found[1] + 1


def test_supports_bear_the_load() -> None:
    """A block with holes on a floor under its weight: what the floor pushes back is what was put on, force and moment."""
    rng = np.random.default_rng(3)
    shape = (8, 7, 9)
    stiff = np.where(rng.random(shape) < 0.9, 5.0, 0.0)
    stiff[..., :2] = 5.0
    of = solid(stiff, 0.3, SPACING)
    there = diagonal(Elastic(of.lam_kPa, of.mu_kPa, of.spacing_mm, np.ones((*of.nodes, 3), dtype=bool))) > 0
    load, floor = rng.normal(size=(*of.nodes, 3)) * there, np.zeros(of.nodes, dtype=bool)
    floor[..., 0] = True
    u = displacement_mm(of, Fixed(floor), force_mN=load, tolerance=1e-11)
    every = Elastic(of.lam_kPa, of.mu_kPa, of.spacing_mm, np.ones((*of.nodes, 3), dtype=bool))
    reaction = grid(every, np.float64, (1, 1, 1), 1.0).times(u, np.zeros_like(u)) - load
    assert np.abs(reaction[..., 1:, :]).max() < 1e-8
    np.testing.assert_allclose(reaction.sum(axis=(0, 1, 2)), -load.sum(axis=(0, 1, 2)), rtol=1e-8)
    where = nodes(shape)
    np.testing.assert_allclose(np.cross(where, reaction).sum(axis=(0, 1, 2)), -np.cross(where, load).sum(axis=(0, 1, 2)), rtol=1e-7)


def test_stiffer_by_half_moves_by_two_thirds() -> None:
    """And twice the spacing under the same pressure moves twice as far."""
    rng = np.random.default_rng(4)
    stiff, push = rng.uniform(1, 5, (6, 6, 6)), rng.normal(size=(6, 6, 6))
    first, stiffer, wider = (
        displacement_mm(of, Fixed(border(of)), pressure_kPa=push, tolerance=1e-11)
        for of in (solid(stiff, 0.4, 1.0), solid(1.5 * stiff, 0.4, 1.0), solid(stiff, 0.4, 2.0))
    )
    np.testing.assert_allclose(stiffer * 1.5, first, atol=1e-9 * np.abs(first).max())
    np.testing.assert_allclose(wider, 2 * first, atol=1e-9 * np.abs(first).max())


def test_the_number_of_threads_changes_nothing() -> None:
    before, found = numba.get_num_threads(), []
    rng = np.random.default_rng(5)
    of, push = solid(rng.uniform(1, 5, (11, 12, 10)), 0.4, SPACING), rng.normal(size=(11, 12, 10))
    for threads in (1, min(2, numba.config.NUMBA_NUM_THREADS)):
        numba.set_num_threads(threads)
        found.append(displacement_mm(of, Fixed(border(of)), pressure_kPa=push))
    numba.set_num_threads(before)
    np.testing.assert_array_equal(found[0], found[1])

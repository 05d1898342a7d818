"""Laws of diffusion by tensors: covariance, order, mass, bounds, and what it is without directions."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines import pde
from gemel.engines.pde.tensors.links import COLUMNS, ROWS
from gemel.engines.pde.tensors.selling import decomposed


def rotated(eigenvalues: tuple[float, float, float], seed: int = 0) -> Array:
    axes = np.linalg.qr(np.random.default_rng(seed).standard_normal((3, 3)))[0]
    return np.asarray(axes @ np.diag(eigenvalues) @ axes.T)


def fibres(shape: tuple[int, ...], seed: int = 1) -> Array:
    """A direction at random in every voxel, eight times as fast as across."""
    along = np.random.default_rng(seed).standard_normal((*shape, 3))
    along /= np.linalg.norm(along, axis=-1, keepdims=True)
    return np.asarray(0.05 * np.eye(3) + 0.35 * along[..., None] * along[..., None, :])


def test_six_directions_with_weights_over_zero() -> None:
    """Σ λ e eᵀ = D, λ ≥ 0, of tensors up to an anisotropy of 500."""
    one = np.random.default_rng(0).standard_normal((2000, 3, 3))
    tensors = one @ np.swapaxes(one, 1, 2) + 0.01 * np.eye(3)
    weights, offsets = decomposed(np.ascontiguousarray(tensors[:, ROWS, COLUMNS]))
    assert weights.min() >= 0
    np.testing.assert_allclose(np.einsum("nk,nki,nkj->nij", weights, offsets, offsets), tensors, atol=1e-11)


def test_a_gaussian_spreads_by_twice_the_tensor() -> None:
    """Covariance + 2 D t for a rotated tensor on voxels that are no cubes, 2e-3 of it; second order in h in every voxel."""
    tensor, errors = rotated((0.5, 0.15, 0.1)), []
    for part in (1.0, 0.5):
        spacing = np.array([1.2, 1.0, 1.5]) * part
        place = [(np.arange(n) - (n - 1) / 2) * h for n, h in zip((np.array([24, 26, 20]) / spacing).astype(int) | 1, spacing)]
        x = np.stack(np.meshgrid(*place, indexing="ij"), -1)
        before, after = 4.0 * np.eye(3), 4.0 * np.eye(3) + 2 * tensor * 4.0

        def bell(covariance: Array, x: Array = x) -> Array:
            inside = np.einsum("...i,ij,...j", x, np.linalg.inv(covariance), x)
            return np.asarray(np.exp(-0.5 * inside) / np.sqrt(np.linalg.det(covariance)))

        found = pde.solve(bell(before), np.ones(x.shape[:3]), spacing, tensor, None, [4.0])[0]
        errors.append(np.abs(found - bell(after)).max())
        covariance = np.einsum("xyz,xyzi,xyzj->ij", found, x, x) / found.sum()
    np.testing.assert_allclose(covariance, after, atol=2e-3 * after.max())
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.15)


@pytest.mark.parametrize(("dtype", "drift"), [(np.float32, 1e-6), (np.float64, 1e-13)])
def test_nothing_is_made_and_nothing_leaves_its_bounds(dtype: type, drift: float) -> None:
    """A thousand steps along fibres at random in a ball, from a single voxel: central differences of off-diagonals go under zero here."""
    place = np.indices((13, 12, 11)) - np.array([6.0, 5.5, 5.0])[:, None, None, None]
    mask = (place**2).sum(axis=0) < 5.3**2
    start = (np.abs(place).max(axis=0) < 0.6) * mask
    tensors = fibres(mask.shape)
    dt = 0.9 * pde.stable_step(mask, (1.0, 0.9, 1.1), tensors)
    found = pde.solve(start.astype(dtype), mask, (1.0, 0.9, 1.1), tensors, None, [2 * dt, 1000 * dt], dt_days=dt)
    assert found.min() >= 0
    assert found.max() <= 1
    assert not found[:, ~mask].any()
    assert found.sum(axis=(1, 2, 3), dtype=np.float64) == pytest.approx(start.sum(), rel=drift)


def test_without_directions_it_is_the_number() -> None:
    rng = np.random.default_rng(4)
    mask = rng.random((9, 10, 8)) < 0.8
    start = rng.random(mask.shape)
    number = pde.solve(start, mask, (1.0, 0.8, 1.25), 0.2, pde.logistic(0.1), [5.0], dt_days=0.3)
    six = np.zeros((*mask.shape, 6))
    six[..., [0, 3, 5]] = 0.2
    for tensor in (0.2 * np.eye(3), six):
        np.testing.assert_allclose(
            pde.solve(start, mask, (1.0, 0.8, 1.25), tensor, pde.logistic(0.1), [5.0], dt_days=0.3), number, rtol=1e-12
        )


def test_turned_problems_have_turned_answers() -> None:
    """Also where the axes are put in another order for the kernels."""
    rng = np.random.default_rng(5)
    mask, tensors = rng.random((6, 11, 8)) < 0.9, fibres((6, 11, 8))
    start, turn = rng.random(mask.shape), (2, 0, 1)
    found = pde.solve(start, mask, (1.0, 0.8, 1.25), tensors, None, [3.0])[0]
    turned = tensors.transpose(*turn, 3, 4)[..., turn, :][..., turn]
    other = pde.solve(start.transpose(turn), mask.transpose(turn), (1.25, 1.0, 0.8), turned, None, [3.0])[0]
    np.testing.assert_allclose(other, found.transpose(turn), rtol=1e-10)


def test_tensors_that_cannot_be() -> None:
    ones, eye = np.ones((4, 4, 4)), np.eye(3)
    cases = {"positive": np.diag([1.0, 1.0, -0.1]), "symmetric|finite": eye * np.nan, "symmetric": eye + np.eye(3, k=1)}
    for found, wrong in cases.items():
        with pytest.raises(RangeError, match=found):
            pde.solve(ones, ones, 1.0, wrong, None, [1.0])

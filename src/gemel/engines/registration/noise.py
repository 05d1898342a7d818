"""What noise and smooth bias do to an estimate: bias polynomials, thread-friendly products, covariance under correlated residuals."""

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy import fft

from gemel.core.image import Array
from gemel.engines.registration.compare import box

ROWS = 128  # of a block in a product: small enough that BLAS does not start threads, which stall on busy machines


def polynomials(region: Bool[Array, "x y z"], degree: int) -> Float32[Array, "n terms"]:
    """Products of Legendre polynomials of total degree <= d at the voxels of the region, on [-1, 1] over its bounding box."""
    index = np.argwhere(region).astype(np.float32)
    if len(index) == 0:
        return np.zeros((0, 1), np.float32)
    low, high = index.min(axis=0), index.max(axis=0)
    unit = 2 * (index - low) / np.maximum(high - low, 1) - 1
    px, py, pz = (np.polynomial.legendre.legvander(unit[:, a], degree).astype(np.float32) for a in range(3))
    terms = [(i, j, k) for i in range(degree + 1) for j in range(degree + 1 - i) for k in range(degree + 1 - i - j)]
    return np.stack([px[:, i] * py[:, j] * pz[:, k] for i, j, k in terms], axis=1)


def products(left: Float[Array, "n a"], right: Float[Array, "n b"]) -> Float[Array, "a b"]:
    """leftᵀ right in float64 sums of float32 blocks."""
    n = len(left) // ROWS * ROWS
    blocks = np.matmul(left[:n].reshape(-1, ROWS, left.shape[1]).transpose(0, 2, 1), right[:n].reshape(-1, ROWS, right.shape[1]))
    return blocks.sum(axis=0, dtype=np.float64) + left[n:].T.astype(np.float64) @ right[n:]


def mapped(rows: Float[Array, "n a"], matrix: Float[Array, "a b"]) -> Float32[Array, "n b"]:
    """rows · matrix in blocks of rows."""
    matrix, n = matrix.astype(np.float32), len(rows) // ROWS * ROWS
    head = np.matmul(rows[:n].reshape(-1, ROWS, rows.shape[1]), matrix).reshape(n, matrix.shape[1])
    return np.concatenate([head, rows[n:] @ matrix]).astype(np.float32)


def sandwich(
    influence: Float[Array, "n p"], residual: Float[Array, "n"], region: Bool[Array, "x y z"], *, lag: int = 10
) -> Float[Array, "p p"]:
    """c C cᵀ: covariance of an estimate to which each voxel contributes c, when the noise is stationary.

    C is the residual's own autocorrelation up to `lag` voxels.
    """
    inside = region[box(region)]
    correlation, shape = autocorrelation(residual, region, lag)
    power = np.maximum(fft.rfftn(correlation, shape).real, 0.0)
    power[:, :, 1 : (shape[2] + 1) // 2] *= 2.0  # the half of the transform that is not stored
    waves = np.stack([_spectrum(column, inside, shape).ravel() for column in influence.T])
    return np.einsum("if,f,jf->ij", waves.conj(), power.ravel(), waves, optimize=False).real / float(np.prod(shape))


def autocorrelation(residual: Float[Array, "n"], region: Bool[Array, "x y z"], lag: int) -> tuple[Float[Array, "a b c"], list[int]]:
    """Mean product of residuals at each lag (periodic layout, triangular taper), and the shape of its transform. Wiener-Khinchin."""
    inside = region[box(region)]
    shape = [fft.next_fast_len(n + lag, real=True) for n in inside.shape]
    pairs = fft.irfftn(np.abs(_spectrum(np.ones(len(residual), np.float32), inside, shape)) ** 2, shape)
    sums = fft.irfftn(np.abs(_spectrum(residual, inside, shape)) ** 2, shape)
    return np.where(pairs > 0.5, sums / np.maximum(pairs, 0.5), 0.0) * _taper(shape, lag), shape


def correlated_voxels(residual: Float[Array, "n"], region: Bool[Array, "x y z"], *, lag: int = 6) -> float:
    """How many voxels carry the information of one: the sum of the residual's autocorrelation over its variance."""
    correlation, _ = autocorrelation(residual, region, lag)
    return float(max(correlation.sum() / max(correlation[0, 0, 0], 1e-12), 1.0))


def _spectrum(values: Array, inside: Array, shape: list[int]) -> Array:
    volume = np.zeros(inside.shape, np.float32)
    volume[inside] = values
    return fft.rfftn(volume, shape)


def _taper(shape: list[int], lag: int) -> Float[Array, "x y z"]:
    x, y, z = (np.maximum(0.0, 1.0 - np.minimum(np.arange(n), n - np.arange(n)) / (lag + 1.0)) for n in shape)
    return x[:, None, None] * y[None, :, None] * z[None, None, :]

"""How two images differ once contrast, smooth bias and noise level are taken out, and what that says of the velocity at the nodes."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Float32

from gemel.core.image import Array, Image
from gemel.engines.registration.compare import smooth_within, thinned
from gemel.engines.registration.field import coarse_grid
from gemel.engines.registration.kernels import normal_kernel, times_kernel
from gemel.engines.registration.noise import correlated_voxels, mapped, polynomials, products
from gemel.engines.registration.prior import EVERY

HUBER = 1.345  # 95 % efficiency for normal noise. Huber 1981, Robust Statistics
BIAS_mm = 40.0  # sd of the local mean that takes what the polynomial bias leaves


@dataclass(frozen=True)
class Difference:
    """Remaining difference in HU of the moving image, its inverse variance with robust weights (0 outside), and the images' correlation."""

    rest: Float32[Array, "x y z"]
    precision: Float32[Array, "x y z"]
    similarity: float


@dataclass(frozen=True)
class Region:
    """Where two images are compared, with the bias polynomials there; contrast and bias are fitted on every `every`-th voxel."""

    voxels: Bool[Array, "x y z"]
    every: int
    bias: Float32[Array, "n terms"]

    @staticmethod
    def of(voxels: Bool[Array, "x y z"], *, degree: int = 4, every: int = 2) -> "Region":
        return Region(voxels, every, polynomials(voxels, degree))


def residual(target: Float32[Array, "x y z"], warped: Image, region: Region) -> Difference:
    """Robust regression of the target on the warped image and bias polynomials over the region, then removal of the local mean."""
    voxels = region.voxels
    sample = thinned(voxels, region.every)
    solution = _regress(target[sample], warped.array[sample], region.bias[sample[voxels]])
    contrast = np.float32(np.clip(solution[0] / 100.0, 0.5, 1.5))
    rest, precision = np.zeros(voxels.shape, np.float32), np.zeros(voxels.shape, np.float32)
    rest[voxels] = (target[voxels] - mapped(region.bias, solution[1:, None])[:, 0]) / contrast - warped.array[voxels]
    rest = np.where(voxels, rest - smooth_within(replace(warped, array=rest), voxels, BIAS_mm), 0).astype(np.float32)
    weight, scale = _huber(rest[voxels])
    precision[voxels] = weight / scale**2
    model = warped.array[sample]
    return Difference(rest, precision, float(np.corrcoef(model, model + rest[sample])[0, 1]))


def _regress(seen: Array, model: Array, bias: Array) -> Array:
    """Robust coefficients of (model / 100, bias polynomials), Huber weights in three passes."""
    columns = np.column_stack([model / np.float32(100.0), bias])
    weight = np.ones(len(model), np.float32)
    for _ in range(3):
        gram = products(columns * weight[:, None], np.column_stack([columns, seen]))
        ridge = 1e-6 * np.trace(gram[:, :-1]) / len(gram) * np.eye(len(gram))
        solution = np.linalg.solve(gram[:, :-1] + ridge, gram[:, -1]).astype(np.float32)
        rest = seen - mapped(columns, solution[:, None])[:, 0]
        weight = _huber(rest)[0]
    return solution


def _huber(rest: Array) -> tuple[Array, float]:
    scale = 1.4826 * float(np.median(np.abs(rest))) + 1e-3
    return np.minimum(1.0, HUBER * scale / np.maximum(np.abs(rest), 1e-6)).astype(np.float32), scale


def normal_equations(warped: Image, difference: Difference, sd_mm: float) -> tuple[Float32[Array, "x y z 6"], Float32[Array, "x y z 3"]]:
    """Σ t w g gᵀ and Σ t w g r at each node: information on the velocity there and its product with the step.

    The weights are divided by the number of voxels that make one independent sample: at least Π 2√π sd/h after smoothing by sd_mm,
    more when the noise itself or the misfit is correlated.
    """
    seen = difference.precision > 0
    white = float(np.prod(np.maximum(2 * np.sqrt(np.pi) * sd_mm / warped.spacing_mm, 1.0)))
    samples = max(white, correlated_voxels(difference.rest[seen], seen))
    shape, _ = coarse_grid(warped, EVERY)
    matrix, right = np.empty((*shape, 6), np.float32), np.empty((*shape, 3), np.float32)
    slopes = np.linalg.inv(warped.affine_mm[:3, :3]).T.copy()
    normal_kernel(warped.array, difference.rest, difference.precision / np.float32(samples), slopes, EVERY, matrix, right)
    return matrix, right


def times(matrix: Float32[Array, "x y z 6"], v: Float[Array, "x y z 3"]) -> Float32[Array, "x y z 3"]:
    """Symmetric matrix times vector, node by node."""
    out = np.empty(v.shape, np.float32)
    times_kernel(matrix, np.ascontiguousarray(v, dtype=np.float32), out)
    return out

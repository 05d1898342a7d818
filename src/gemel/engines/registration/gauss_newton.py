"""Gaussian posterior of the parameters of a warped image, under unknown contrast, smooth bias and spatially correlated noise.

fixed(x) = s · predict(a)(x) + Σ_j b_j P_j(x) + ε(x), with a ~ N(m, S) and ε stationary with unknown autocorrelation.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.registration.noise import mapped, polynomials, products, sandwich

HUBER = 1.345  # 95 % efficiency for normal noise. Huber 1981, Robust Statistics
STEP = 0.05  # of forward differences, in prior standard deviations
Predict = Callable[[Array], Array]  # parameters -> warped moving image (x, y, z)


@dataclass(frozen=True)
class Posterior:
    """Mean and covariance of the parameters (Laplace), and the remaining difference fixed - model at the compared voxels (0 elsewhere)."""

    mean: Float[Array, "p"]
    covariance: Float[Array, "p p"]
    residual: Float32[Array, "x y z"]
    similarity: float  # correlation of fixed and model, bias removed


def fit(
    fixed: Float32[Array, "x y z"],
    predict: Predict,
    prior: tuple[Float[Array, "p"], Float[Array, "p"]],
    *,
    region: Bool[Array, "x y z"],
    start: Float[Array, "p"],
    iterations: int = 12,
) -> Posterior:
    """Gauss-Newton to the posterior mode, steps at most one prior sd; prior = (mean, sd). Bias is a polynomial of degree 4.

    Raises RangeError when fewer than 20 voxels per unknown are compared, GeometryError when the moving image is not there.
    """
    mean, sd = prior
    voxels, bias = int(np.count_nonzero(region)), polynomials(region, 4)
    if voxels < 20 * (len(sd) + bias.shape[1]):
        remedy = "check the overlap of the two images and the mask"
        raise RangeError(f"only {voxels} voxels to compare", where="registration", remedy=remedy)
    target, z, weight = fixed[region], (start - mean) / sd, np.ones(voxels, np.float32)
    estimate = _estimate(target, _linearise(predict, prior, z, region), bias, weight)
    for _ in range(iterations):
        weight = _huber(estimate.rest)
        estimate = _estimate(target, _linearise(predict, prior, z, region), bias, weight)
        precision = _information(estimate, weight, region)
        change = np.clip(np.linalg.solve(precision + np.eye(len(z)), precision @ estimate.step - z), -1.0, 1.0)
        z = z + change
        if np.abs(change).max() < 0.01:
            break
    residual = np.zeros(fixed.shape, np.float32)
    residual[region] = estimate.rest
    covariance = np.linalg.inv(precision + np.eye(len(z))) * np.outer(sd, sd)
    return Posterior(mean + sd * z, covariance, residual, estimate.similarity)


@dataclass(frozen=True)
class _Estimate:
    step: Array  # least-squares step of the parameters, in prior sd
    influence: Array  # of each voxel on each parameter
    rest: Array  # fixed - model with contrast and bias of the fit
    similarity: float


def _linearise(predict: Predict, prior: tuple[Array, Array], z: Array, region: Array) -> Array:
    """Prediction (last column) and its forward-difference slopes, at the voxels of the region."""
    mean, sd = prior
    columns = np.empty((np.count_nonzero(region), len(z) + 1), np.float32)
    columns[:, -1] = predict(mean + sd * z)[region]
    for k in range(len(z)):
        ahead = predict(mean + sd * (z + STEP * (np.arange(len(z)) == k)))[region]
        columns[:, k] = (ahead - columns[:, -1]) / np.float32(STEP)
    return columns


def _estimate(target: Array, columns: Array, bias: Array, weight: Array) -> _Estimate:
    """Weighted least squares of target on slopes, prediction and bias; the slopes are freed of the other columns for the influence."""
    p = columns.shape[1] - 1
    if not columns.any(axis=0).all():
        remedy = "check the overlap of the two images and their frames of reference, or give a start nearer to the answer"
        raise GeometryError("a motion that changes nothing where the images are compared", where="registration", remedy=remedy)
    design = np.hstack([columns, bias])
    design /= np.maximum(length := np.sqrt(np.mean(design**2, axis=0)), 1e-6)
    weighted = design * weight[:, None]
    gram = products(weighted, np.column_stack([design, target]))
    gram, right = gram[:, :-1] + 1e-7 * np.trace(gram[:, :-1]) / len(gram) * np.eye(len(gram)), gram[:, -1]
    solution = np.linalg.solve(gram, right)
    coupling = np.linalg.solve(gram[p:, p:], gram[p:, :p])
    hessian = gram[:p, :p] - gram[:p, p:] @ coupling
    influence = mapped(weighted, np.vstack([np.eye(p), -coupling]) @ np.linalg.inv(hessian) / length[:p])
    rest = target - mapped(design, solution[:, None])[:, 0]
    signal = design[:, p] * np.float32(solution[p])
    return _Estimate(solution[:p] / length[:p], influence, rest, float(np.corrcoef(signal, signal + rest)[0, 1]))


def _huber(rest: Array) -> Array:
    scale = 1.4826 * float(np.median(np.abs(rest))) + 1e-3
    return np.minimum(1.0, HUBER * scale / np.maximum(np.abs(rest), 1e-6)).astype(np.float32)


def _information(estimate: _Estimate, weight: Array, region: Array) -> Array:
    """Inverse covariance of the least-squares step. White 1982, Econometrica 50:1, so that correlated noise and misfit widen the answer."""
    covariance = sandwich(estimate.influence, estimate.rest, region)
    return np.linalg.inv(covariance + 1e-9 * np.eye(len(covariance)))

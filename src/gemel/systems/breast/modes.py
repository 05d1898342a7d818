"""Where cells divide faster: the leading modes of a smooth random field, so that a map of rates is a few numbers.

k(x) = k·exp(Σ_i c_i φ_i(x)), c_i ~ N(0, 1): the Karhunen–Loève expansion of a Gaussian field of covariance τ² exp(−|x − y|²/(2 l²)),
cut after the modes that hold most of its variance. Ghanem & Spanos 1991, Stochastic Finite Elements, ch. 2.
"""

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial.distance import cdist

from gemel.core.image import Array

SPREAD_1 = 0.4
"""τ, sd of ln k within one tumour. Assumed."""
SAMPLES = 400
"""Voxels that the modes are found on; the others follow by Nyström's formula."""


def modes(mask: Bool[Array, "x y z"], tumour: Bool[Array, "x y z"], spacing_mm: Float[Array, "3"], count: int) -> Float[Array, "modes n"]:
    """`count` modes on the voxels of the mask, without their mean over the tumour, which is k's; l is a third of the tumour's extent.

    Signs are such that the largest value is positive: the same image gives the same modes.
    """
    points, inside = np.argwhere(mask) * spacing_mm, np.argwhere(tumour) * spacing_mm
    length_mm = max(float(np.ptp(inside, axis=0).max()) / 3.0, float(spacing_mm.max()))
    base = inside[:: max(1, -(-len(inside) // SAMPLES))]
    kernel = _kernel(base, base, length_mm)
    values, vectors = np.linalg.eigh(kernel - kernel.mean(axis=0) - kernel.mean(axis=1)[:, None] + kernel.mean())
    kept = np.argsort(values)[::-1][: min(count, len(base) - 1)]
    found = _kernel(points, base, length_mm) @ vectors[:, kept] / np.sqrt(np.maximum(values[kept], 1e-12))
    found -= found[tumour[mask]].mean(axis=0)
    signs = np.sign(found[np.abs(found).argmax(axis=0), np.arange(found.shape[1])])
    return np.ascontiguousarray((SPREAD_1 * signs * found).T.astype(np.float32))


def _kernel(one: Float[Array, "a 3"], other: Float[Array, "b 3"], length_mm: float) -> Float[Array, "a b"]:
    return np.exp(-0.5 * cdist(one, other, "sqeuclidean") / length_mm**2)

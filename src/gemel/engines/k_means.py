"""Voxels put into classes by their values alone: k-means with a start that does not depend on chance."""

import numpy as np
from jaxtyping import Bool, Float, Int

from gemel.core.errors import RangeError
from gemel.core.image import Array

MOST = 100


def k_means(channels: Float[Array, "c x y z"], mask: Bool[Array, "x y z"], classes: int) -> tuple[Int[Array, "x y z"], Float[Array, "k c"]]:
    """Labels from 1, in order of the first channel's mean, 0 outside the mask; and the centres in the channels' own units.

    Lloyd 1982, IEEE Trans Inf Theory 28:129, on channels of unit variance, from centres at equal quantiles of the first one.
    Raises RangeError for values that are not finite, fewer distinct values than classes, or a class that is left without voxels.
    """
    values = channels[:, mask].T.astype(np.float64)
    if not np.isfinite(values).all() or classes < 2 or len(np.unique(values[:, 0])) < classes:
        found = f"{len(values)} voxels for {classes} classes, or values that are not finite"
        raise RangeError(found, where="k_means", remedy="give finite values, a larger mask, or fewer classes")
    middle, scale = values.mean(axis=0), np.maximum(values.std(axis=0), 1e-12)
    white = (values - middle) / scale
    groups = np.array_split(np.argsort(white[:, 0], kind="stable"), classes)
    centres = np.stack([white[group].mean(axis=0) for group in groups])
    nearest = np.full(len(white), -1)
    for _ in range(MOST):
        before, nearest = nearest, np.argmin(np.square(white[:, None] - centres[None]).sum(axis=2), axis=1)
        if np.array_equal(before, nearest):
            break
        centres = _means(white, nearest, classes)
    order = np.argsort(centres[:, 0], kind="stable")
    labels = np.zeros(mask.shape, dtype=np.int64)
    labels[mask] = np.argsort(order)[nearest] + 1
    return labels, (centres * scale + middle)[order]


def _means(white: Float[Array, "n c"], nearest: Int[Array, "n"], classes: int) -> Float[Array, "k c"]:
    counts = np.bincount(nearest, minlength=classes)
    if (counts == 0).any():
        raise RangeError("a class without voxels", where="k_means", remedy="ask for fewer classes")
    sums = [np.bincount(nearest, weights=column, minlength=classes) for column in white.T]
    return np.asarray(np.stack(sums, axis=1) / counts[:, None])

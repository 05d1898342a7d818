"""Array axes turned to run along +x, +y, +z of LPS, without resampling."""

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.image import Array


def along_lps(array: Shaped[Array, "a b c"], affine_mm: Float[Array, "4 4"]) -> tuple[Shaped[Array, "x y z"], Float[Array, "4 4"]]:
    """The same voxels at the same places, axes permuted and flipped so that each runs along the positive LPS axis nearest to it.

    An oblique grid stays oblique. Axes at 45° to two LPS axes are assigned in the order of their largest direction cosine.
    """
    order = _nearest_axes(affine_mm[:3, :3])
    array = np.transpose(array, order)
    affine = affine_mm[:, [*order, 3]].copy()
    for axis in range(3):
        if affine[axis, axis] < 0:
            array = np.flip(array, axis)
            affine[:3, 3] += affine[:3, axis] * (array.shape[axis] - 1)
            affine[:3, axis] *= -1
    return np.ascontiguousarray(array), affine


def _nearest_axes(axes: Float[Array, "3 3"]) -> list[int]:
    """For x, y and z in turn: the array axis that runs along it."""
    cosines = np.abs(axes / np.linalg.norm(axes, axis=0))
    order = [-1, -1, -1]
    for _ in range(3):
        world, index = np.unravel_index(int(np.argmax(cosines)), (3, 3))
        order[int(world)] = int(index)
        cosines[world, :] = cosines[:, index] = -1.0
    return order

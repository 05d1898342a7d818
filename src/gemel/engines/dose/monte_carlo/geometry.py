"""Straight flight through the voxels of a grid, and turns of a direction. Places are in voxels from the corner, lengths in mm."""

from typing import no_type_check

import numpy as np
from numba import njit

FAR_MM = 1e9
STILL = 1e-12  # direction components below this never reach a wall


@njit(cache=True, inline="always")
@no_type_check
def to_wall(place, cell, speed):
    """Length to the wall of the cell ahead along one axis; `speed` in voxels per mm."""
    if speed > STILL:
        return max((cell + 1 - place) / speed, 0.0)
    if speed < -STILL:
        return max((cell - place) / speed, 0.0)
    return FAR_MM


@njit(cache=True, inline="always")
@no_type_check
def nearest_wall(place, cell, direction, per_mm):
    """Length to the nearest wall ahead and its axis."""
    a = to_wall(place[0], cell[0], direction[0] * per_mm[0])
    b = to_wall(place[1], cell[1], direction[1] * per_mm[1])
    c = to_wall(place[2], cell[2], direction[2] * per_mm[2])
    if a <= b and a <= c:
        return a, 0
    return (b, 1) if b <= c else (c, 2)


@njit(cache=True, inline="always")
@no_type_check
def moved(place, direction, per_mm, length):
    """The place after `length` along the direction."""
    return (
        place[0] + direction[0] * per_mm[0] * length,
        place[1] + direction[1] * per_mm[1] * length,
        place[2] + direction[2] * per_mm[2] * length,
    )


@njit(cache=True, inline="always")
@no_type_check
def crossed(place, cell, direction, axis):
    """Place exactly on the wall of this axis, and the cell beyond it."""
    x, y, z = place
    i, j, k = cell
    if axis == 0:
        ahead = direction[0] > 0
        x = float(i + ahead)
        i += 2 * ahead - 1
    elif axis == 1:
        ahead = direction[1] > 0
        y = float(j + ahead)
        j += 2 * ahead - 1
    else:
        ahead = direction[2] > 0
        z = float(k + ahead)
        k += 2 * ahead - 1
    return (x, y, z), (i, j, k)


@njit(cache=True, inline="always")
@no_type_check
def tilted(direction, across, along, forward):
    """The unit vector of across·e1 + along·e2 + forward·direction, e1, e2 normal to the direction.

    The basis without branches is that of Duff et al. 2017, J Comput Graph Tech 6:1.
    """
    u, v, w = direction
    sign = 1.0 if w >= 0.0 else -1.0
    a = -1.0 / (sign + w)
    b = u * v * a
    x = forward * u + across * (1.0 + sign * u * u * a) + along * b
    y = forward * v + across * (sign * b) + along * (sign + v * v * a)
    z = forward * w - across * (sign * u) - along * v
    scale = 1.0 / np.sqrt(x * x + y * y + z * z)
    return x * scale, y * scale, z * scale


@njit(cache=True)
@no_type_check
def entry(place, direction, per_mm, shape):
    """Length to where a line from outside meets the grid; negative where it misses."""
    enter, leave = 0.0, FAR_MM
    for axis in range(3):
        speed = direction[axis] * per_mm[axis]
        if abs(speed) <= STILL:
            if not 0.0 <= place[axis] < shape[axis]:
                return -1.0
            continue
        one, two = -place[axis] / speed, (shape[axis] - place[axis]) / speed
        enter, leave = max(enter, min(one, two)), min(leave, max(one, two))
    return enter if enter < leave else -1.0

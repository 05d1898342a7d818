"""Straight flight through voxels."""

from typing import no_type_check

import numpy as np
from numba import njit

FAR_MM = 1e9


@njit(cache=True)
@no_type_check
def to_face(place, cell, direction, edges):
    """Distance (mm) to the face through which the particle leaves its voxel, and the face's axis."""
    nearest, axis = FAR_MM, 0
    for a in range(3):
        if direction[a] > 0.0:
            distance = ((cell[a] + 1) * edges[a] - place[a]) / direction[a]
        elif direction[a] < 0.0:
            distance = (cell[a] * edges[a] - place[a]) / direction[a]
        else:
            distance = FAR_MM
        if distance < nearest:
            nearest, axis = distance, a
    return max(nearest, 0.0), axis


@njit(cache=True)
@no_type_check
def moved(place, direction, distance):
    """The place after a distance (mm)."""
    return (place[0] + distance * direction[0], place[1] + distance * direction[1], place[2] + distance * direction[2])


@njit(cache=True)
@no_type_check
def across(cell, direction, axis):
    """The voxel beyond the face."""
    step = 1 if direction[axis] > 0.0 else -1
    return (cell[0] + step * (axis == 0), cell[1] + step * (axis == 1), cell[2] + step * (axis == 2))


@njit(cache=True)
@no_type_check
def outside(cell, shape):
    """Whether the voxel is beyond the grid."""
    return cell[0] < 0 or cell[1] < 0 or cell[2] < 0 or cell[0] >= shape[0] or cell[1] >= shape[1] or cell[2] >= shape[2]


@njit(cache=True)
@no_type_check
def depth(place, cell, edges):
    """Distance (mm) to the nearest face of the voxel."""
    nearest = FAR_MM
    for a in range(3):
        within = place[a] - cell[a] * edges[a]
        nearest = min(nearest, within, edges[a] - within)
    return nearest


@njit(cache=True)
@no_type_check
def anywhere(first, second):
    """A direction from two random numbers, all alike."""
    cosine = 2.0 * first - 1.0
    sine = np.sqrt(1.0 - cosine * cosine)
    return (sine * np.cos(2 * np.pi * second), sine * np.sin(2 * np.pi * second), cosine)

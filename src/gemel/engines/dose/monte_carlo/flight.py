"""One step of a proton: straight flight in its cell, loss of energy with straggling, and a turn."""

from typing import no_type_check

import numpy as np
from numba import njit

from gemel.engines.dose.monte_carlo.geometry import crossed, moved, nearest_wall, tilted
from gemel.engines.dose.monte_carlo.random_numbers import bits
from gemel.engines.dose.monte_carlo.tables import ENERGY, HYDROGEN, NUCLEI, PV2, SCATTER_A, SCATTER_B, STEP_MM, STRAGGLING

STEP_SHARE, STEP_LEAST_MM = 0.2, 0.3  # of the residual range, in water: the longest step
STOP_MM = 0.15  # residual range at which a proton ends where it is
PER_MM = 1.0 / STEP_MM
SHARE_20 = 2.0**-20
M12, M20 = np.uint64(4095), np.uint64(0xFFFFF)
S12, S24, S36 = np.uint64(12), np.uint64(24), np.uint64(36)
FREE, STOPPED, COLLIDED = 0, 1, 2


@njit(cache=True, inline="always")
@no_type_check
def energy_at(rows, residual):
    """Energy at a residual range, MeV."""
    at = residual * PER_MM
    node = int(at)
    low = rows[node, ENERGY]
    return low + (at - node) * (rows[node + 1, ENERGY] - low)


@njit(cache=True, inline="always")
@no_type_check
def range_of(rows, energy):
    """Residual range at an energy, mm; bisection in the table."""
    low, high = 0, len(rows) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if rows[middle, ENERGY] <= energy:
            low = middle
        else:
            high = middle
    return (low + (energy - rows[low, ENERGY]) / (rows[high, ENERGY] - rows[low, ENERGY])) * STEP_MM


@njit(cache=True, inline="always")
@no_type_check
def angle_variance(row, start_pv2):
    """Scattering power of water for one projected angle; the logarithm is cut where the proton has only begun to slow down."""
    return max(row[SCATTER_A] + row[SCATTER_B] * np.log10(max(1.0 - row[PV2] / start_pv2, 1e-4)), 0.0)


@njit(cache=True, inline="always")
@no_type_check
def straggled(loss, variance_per_mm, straggling, normal):
    """Loss of residual range in a step, and what straggling is left for later: (variance, loss, since it was last drawn; drawn, not given).

    It is drawn once it is small against the loss since, however many steps that takes, and given only as far as no step gains energy.
    """
    variance, lost, left = straggling
    variance, lost = variance + loss * variance_per_mm, lost + loss
    if 9.0 * variance < lost * lost:
        left += normal * np.sqrt(variance)
        variance, lost = 0.0, 0.0
    given = max(left, -loss)
    return loss + given, (variance, lost, left - given)


@njit(cache=True)
@no_type_check
def flight(track, medium, grid, tables, state, increment):
    """One step of a proton within its cell, with a turn at a random point of it.

    `track`: (place, cell, direction, residual range, straggling, optical depth left, (pv)² of the start); `medium`: stopping power,
    scattering, hydrogen and other nuclei, all linear and relative to water. Returns the state, the new track and what has happened.
    Turning at a random hinge gives the right displacement, slope and their correlation for steps of any length (Fernández-Varea et al.
    1993, Nucl Instrum Methods B 73:447).
    """
    place, cell, direction, residual, straggling, depth, start_pv2 = track
    rows, normals = tables
    per_mm = grid[1]
    state, word = bits(state, increment)
    length, axis = nearest_wall(place, cell, direction, per_mm)
    longest = max(STEP_SHARE * residual, STEP_LEAST_MM)
    if medium[0] * length > longest:
        length, axis = longest / medium[0], -1
    row = rows[int((residual - 0.5 * medium[0] * length) * PER_MM)]
    rate = medium[2] * row[HYDROGEN] + medium[3] * row[NUCLEI]
    collided = rate * length > depth
    if collided:
        length, axis = depth / rate, -1
    sigma = np.sqrt(length * medium[1] * angle_variance(row, start_pv2))
    before = length * float((word >> S36) & M20) * SHARE_20
    place = moved(place, direction, per_mm, before)
    direction = tilted(direction, sigma * normals[word & M12], sigma * normals[(word >> S12) & M12], 1.0)
    rest, wall = nearest_wall(place, cell, direction, per_mm)
    most = length - before
    if axis >= 0:
        most += 0.25 * length
    if rest > most:
        rest, wall = most, -1
    place = moved(place, direction, per_mm, rest)
    if wall >= 0:
        place, cell = crossed(place, cell, direction, wall)
    loss = medium[0] * (before + rest)
    loss, straggling = straggled(loss, row[STRAGGLING], straggling, normals[(word >> S24) & M12])
    residual -= loss
    event = STOPPED if residual <= STOP_MM else COLLIDED if collided else FREE
    return state, (place, cell, direction, residual, straggling, max(depth - rate * (before + rest), 0.0), start_pv2), event

"""Photons of a turning fan beam followed through voxels of mixed materials; energy transferred by track length.

Free paths by Woodcock et al. 1965, ANL-7050: each tentative collision at μ_max(E) scores E μ_tr/μ_max and is real with probability μ/μ_max.
Photoelectric absorption ends a photon, Compton scattering (free electrons) turns it; coherent scattering turns photons little and is left
out of paths and scores alike. Batches have their own random numbers and sums: results do not depend on the number of threads.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.dose.monte_carlo.geometry import tilted
from gemel.engines.dose.monte_carlo.random_numbers import stream, uniform
from gemel.engines.dose.photon.transport import compton

CUT_KEV = 5.0


@njit(cache=True)
@no_type_check
def _enter(x, y, z, direction, box):
    """Distance along the direction to the box (negative: missed). `box`: low and high corner."""
    near, far = 0.0, 1e30
    for axis in range(3):
        start = x if axis == 0 else (y if axis == 1 else z)
        d = direction[axis]
        if abs(d) < 1e-12:
            if start < box[0, axis] or start > box[1, axis]:
                return -1.0
            continue
        a, b = (box[0, axis] - start) / d, (box[1, axis] - start) / d
        near, far = max(near, min(a, b)), min(far, max(a, b))
    return near if near < far else -1.0


@njit(cache=True)
@no_type_check
def _follow(photon, shares, tables, box, scored, random):
    """One photon (x, y, z, direction, keV, weight) from the box's face to its end; shares (x, y, z, m); tables (m, e, 3) and μ_max (e)."""
    x, y, z, direction, energy, weight = photon
    mu, highest, step_keV = tables
    state, increment = random
    nx, ny, nz, materials = shares.shape
    while energy > CUT_KEV:
        n = min(int(energy / step_keV + 0.5), highest.shape[0] - 1)
        state, chance = uniform(state, increment)
        path = -np.log(1.0 - chance) / highest[n]
        x, y, z = x + path * direction[0], y + path * direction[1], z + path * direction[2]
        if not (box[0, 0] <= x < box[1, 0] and box[0, 1] <= y < box[1, 1] and box[0, 2] <= z < box[1, 2]):
            break
        i = min(int((x - box[0, 0]) / (box[1, 0] - box[0, 0]) * nx), nx - 1)
        j = min(int((y - box[0, 1]) / (box[1, 1] - box[0, 1]) * ny), ny - 1)
        k = min(int((z - box[0, 2]) / (box[1, 2] - box[0, 2]) * nz), nz - 1)
        photo, turned, given = 0.0, 0.0, 0.0
        for m in range(materials):
            share = shares[i, j, k, m]
            photo += share * mu[m, n, 0]
            turned += share * mu[m, n, 1]
            given += share * mu[m, n, 2]
        scored[i, j, k] += weight * energy * given / highest[n]
        state, chance = uniform(state, increment)
        real = chance * highest[n]
        if real < photo:
            break
        if real < photo + turned:
            state, kept, cosine = compton(energy / 1000.0, (state, increment))
            energy *= kept
            state, turn = uniform(state, increment)
            sine = np.sqrt(max(1.0 - cosine * cosine, 0.0))
            direction = tilted(direction, sine * np.cos(2 * np.pi * turn), sine * np.sin(2 * np.pi * turn), cosine)
    return state


@njit(cache=True)
@no_type_check
def _batch(numbers, shares, tables, box, source, seed, scored):
    """Photons `numbers` of all; `source`: radius, half fan (rad), first and last z, cumulative spectrum, bowtie's transmission (fan, e)."""
    radius, half_fan, z_first, z_last, cumulative, wedge = source
    for number in range(numbers[0], numbers[1]):
        state, increment = stream(seed, np.uint64(number))
        state, chance = uniform(state, increment)
        beta = 2 * np.pi * chance
        state, chance = uniform(state, increment)
        gamma = half_fan * (2 * chance - 1)
        state, chance = uniform(state, increment)
        z = z_first + (z_last - z_first) * chance
        state, chance = uniform(state, increment)
        line = min(np.searchsorted(cumulative, chance), len(cumulative) - 1)
        weight = wedge[min(int(abs(gamma) / half_fan * wedge.shape[0]), wedge.shape[0] - 1), line]
        across = beta + np.pi + gamma
        direction = (np.cos(across), np.sin(across), 0.0)
        x, y = radius * np.cos(beta), radius * np.sin(beta)
        near = _enter(x, y, z, direction, box)
        if near >= 0:
            photon = (x + near * direction[0], y + near * direction[1], z, direction, line * tables[2], weight)
            state = _follow(photon, shares, tables, box, scored, (state, increment))


@njit(parallel=True, cache=True)
@no_type_check
def run(histories, shares, tables, box, source, seed, scored):
    """`histories` photons in each batch; energy transferred (keV, of `tables`' last column) by voxel into `scored` (batches, x, y, z)."""
    for batch in prange(scored.shape[0]):
        _batch((batch * histories, (batch + 1) * histories), shares, tables, box, source, seed, scored[batch])

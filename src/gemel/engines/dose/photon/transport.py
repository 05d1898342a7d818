"""Photons from a point in an infinite medium, collision by collision; the energy they leave after the first collision, by radius."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.dose.monte_carlo.geometry import tilted
from gemel.engines.dose.monte_carlo.random_numbers import stream, uniform
from gemel.engines.dose.stopping_power import ELECTRON_MEV

PAIR_MEV = 2 * ELECTRON_MEV


@njit(cache=True)
@no_type_check
def compton(energy, random):
    """Share of the energy that the photon keeps, and the cosine of its deflection. Sampling of Butcher & Messel 1960, Nucl Phys 20:15."""
    state, increment = random
    least = 1.0 / (1.0 + 2.0 * energy / ELECTRON_MEV)
    first, second = -np.log(least), 0.5 * (1.0 - least * least)
    while True:
        state, which = uniform(state, increment)
        state, chance = uniform(state, increment)
        squared = least * least + (1.0 - least * least) * chance
        kept = least**chance if which * (first + second) < first else np.sqrt(squared)
        turn = ELECTRON_MEV * (1.0 - kept) / (energy * kept)
        state, chance = uniform(state, increment)
        if chance < 1.0 - kept * turn * (2.0 - turn) / (1.0 + kept * kept):
            return state, kept, 1.0 - turn


@njit(cache=True)
@no_type_check
def _follow(energy, tables, edges, left, random):
    """One photon to its end. `tables`: rows of (photoelectric, Compton, pair) at equal steps of ln E; `edges` of radius squared."""
    rows, (start, step, cut) = tables
    state, increment = random
    x, y, z = 0.0, 0.0, 0.0
    direction, weight, first = (0.0, 0.0, 1.0), 1.0, True
    while energy > cut:
        n = max(int((np.log(energy) - start) / step), 0)
        photo, scattering, pair = rows[n, 0], rows[n, 1], rows[n, 2]
        total = photo + scattering + pair
        state, chance = uniform(state, increment)
        path = -np.log(chance) / total
        x, y, z = x + path * direction[0], y + path * direction[1], z + path * direction[2]
        state, chance = uniform(state, increment)
        state, turn = uniform(state, increment)
        if chance * total < scattering:
            state, kept, cosine = compton(energy, (state, increment))
            given, energy = (1.0 - kept) * energy, kept * energy
        elif chance * total < scattering + pair:
            given, energy = energy - PAIR_MEV, ELECTRON_MEV
            state, chance = uniform(state, increment)
            cosine = 2.0 * chance - 1.0
        else:
            given, energy, cosine = energy, 0.0, 1.0
        if not first:
            left[np.searchsorted(edges, x * x + y * y + z * z)] += weight * given
        if given > 0.0 and energy == ELECTRON_MEV:
            weight *= 2.0
        first = False
        sine = np.sqrt(max(1.0 - cosine * cosine, 0.0))
        direction = tilted(direction, sine * np.cos(2 * np.pi * turn), sine * np.sin(2 * np.pi * turn), cosine)
    left[np.searchsorted(edges, x * x + y * y + z * z)] += weight * energy
    return state


@njit(cache=True)
@no_type_check
def _batch(first, energy, count, tables, edges, seed, left):
    described = (tables[0], (tables[1][0], tables[1][1], tables[1][2]))
    for number in range(first, first + count):
        state, increment = stream(seed, np.uint64(number))
        _follow(energy, described, edges, left, (state, increment))


@njit(parallel=True, cache=True)
@no_type_check
def run(energy, count, tables, edges, seed, left):
    """`count` photons of this energy for each row of `left`: energy after the first collision, by radius (squares of `edges`, g/cm²)."""
    for batch in prange(len(left)):
        _batch(batch * count, energy, count, tables, edges, seed, left[batch])

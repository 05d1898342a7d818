"""The path of protons through the grid, history by history; batches run side by side, each on a grid of its own.

Only `_follow` and what calls it add to the grids; everything below works on scalars and tables alone.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.dose.monte_carlo import collisions
from gemel.engines.dose.monte_carlo.flight import COLLIDED, PER_MM, STOP_MM, STOPPED, energy_at, flight, range_of
from gemel.engines.dose.monte_carlo.geometry import tilted
from gemel.engines.dose.monte_carlo.random_numbers import stream, uniform
from gemel.engines.dose.monte_carlo.source import emitted
from gemel.engines.dose.monte_carlo.tables import ELASTIC, HYDROGEN, NUCLEI, PV2

STACK = 16  # secondaries that can wait
OWN = 1.0001  # (pv)² of the start is a little above the first, where the scattering power has a pole
IN, ESCAPED, NEUTRAL, BINDING, MISSED, COLLISIONS = range(6)


@njit(cache=True)
@no_type_check
def _collide(track, energy, medium, tables, stack, waiting, random):
    """Products of a nuclear collision: protons go on the stack. Returns the state, protons waiting, energy that stays, neutral, binding."""
    place, _, direction, residual, _, _, start_pv2 = track
    scattered = 0.0  # (pv)² of the start, where the proton goes on as the same
    rows = tables[0]
    state, increment = random
    row = rows[int(residual * PER_MM)]
    hydrogen, nuclei = medium[2] * row[HYDROGEN], medium[3] * row[NUCLEI]
    state, chance = uniform(state, increment)
    chance *= hydrogen + nuclei
    if chance < hydrogen:
        state, products = collisions.with_hydrogen(energy, state, increment)
    elif chance < hydrogen + nuclei * row[ELASTIC]:
        state, products = collisions.elastic(energy, state, increment)
        scattered = start_pv2
    else:
        state, products = collisions.inelastic(energy, state, increment)
    state, turn = uniform(state, increment)
    first, cosine1, second, cosine2, third, cosine3, local, neutral, binding = products
    waiting, one = _pushed(stack, waiting, rows, (place, direction), (first, cosine1, turn, scattered))
    waiting, two = _pushed(stack, waiting, rows, (place, direction), (second, cosine2, turn + 0.5, 0.0))
    waiting, three = _pushed(stack, waiting, rows, (place, direction), (third, cosine3, turn + 0.25, 0.0))
    return state, waiting, local + one + two + three, neutral, binding


@njit(cache=True)
@no_type_check
def _pushed(stack, waiting, rows, parent, product):
    """A proton put on the stack, or its energy left where it is if it goes nowhere; returns protons waiting and energy left."""
    energy, cosine, turn, start_pv2 = product
    residual = range_of(rows, energy) if energy > 0.0 else 0.0
    if residual <= STOP_MM or waiting == STACK:
        return waiting, energy
    place, direction = parent
    sine = np.sqrt(max(1.0 - cosine * cosine, 0.0))
    x, y = sine * np.cos(2 * np.pi * turn), sine * np.sin(2 * np.pi * turn)
    stack[waiting, 0], stack[waiting, 1], stack[waiting, 2] = place
    stack[waiting, 3], stack[waiting, 4], stack[waiting, 5] = tilted(direction, x, y, cosine)
    stack[waiting, 6] = residual
    stack[waiting, 7] = start_pv2 if start_pv2 > 0.0 else OWN * rows[int(residual * PER_MM), PV2]
    return waiting + 1, 0.0


@njit(cache=True)
@no_type_check
def _popped(stack, waiting, shape):
    """Place, cell, direction, residual range and (pv)² of the start of the last proton on the stack."""
    place = (stack[waiting, 0], stack[waiting, 1], stack[waiting, 2])
    cell = (
        min(max(int(place[0]), 0), shape[0] - 1),
        min(max(int(place[1]), 0), shape[1] - 1),
        min(max(int(place[2]), 0), shape[2] - 1),
    )
    return place, cell, (stack[waiting, 3], stack[waiting, 4], stack[waiting, 5]), stack[waiting, 6], stack[waiting, 7]


@njit(cache=True)
@no_type_check
def _follow(track, media, grid, tables, scored, stack, waiting, random):
    """A proton to its end: deposits on the way; returns the state and the protons that wait."""
    dose, let, totals = scored
    state, increment = random
    nx, ny, nz = grid[0]
    energy = energy_at(tables[0], track[3])
    while True:
        i, j, k = track[1]
        at = (i * ny + j) * nz + k
        medium = (media[at, 0], media[at, 1], media[at, 2], media[at, 3])
        before = track[3]
        state, track, event = flight(track, medium, grid, tables, state, increment)
        left = energy_at(tables[0], track[3]) if event != STOPPED else 0.0
        dose[at] += energy - left
        if len(let) and energy > left:
            let[at] += (energy - left) ** 2 / (before - (track[3] if event != STOPPED else 0.0))
        energy = left
        if event == STOPPED:
            return state, waiting
        i, j, k = track[1]
        if i < 0 or j < 0 or k < 0 or i >= nx or j >= ny or k >= nz:
            totals[ESCAPED] += energy
            return state, waiting
        if event == COLLIDED:
            state, waiting, local, neutral, binding = _collide(track, energy, medium, tables, stack, waiting, (state, increment))
            dose[(i * ny + j) * nz + k] += local
            totals[NEUTRAL] += neutral
            totals[BINDING] += binding
            totals[COLLISIONS] += 1
            return state, waiting


@njit(cache=True)
@no_type_check
def _history(number, source, media, grid, tables, scored, stack, count, seed):
    """One proton of the plan and all that it sets free."""
    state, increment = stream(seed, np.uint64(number))
    state, place, direction, energy, reached = emitted(source, grid, (number % count, count), state, increment)
    residual = range_of(tables[0], energy)
    scored[2][IN] += energy
    if not reached:
        scored[2][MISSED] += energy
        return
    stack[0, 0], stack[0, 1], stack[0, 2] = place
    stack[0, 3], stack[0, 4], stack[0, 5] = direction
    stack[0, 6] = residual
    stack[0, 7] = OWN * tables[0][int(residual * PER_MM), PV2]
    waiting = 1
    while waiting:
        waiting -= 1
        place, cell, direction, residual, start_pv2 = _popped(stack, waiting, grid[0])
        state, chance = uniform(state, increment)
        track = (place, cell, direction, residual, (0.0, 0.0, 0.0), -np.log(chance), start_pv2)
        state, waiting = _follow(track, media, grid, tables, scored, stack, waiting, (state, increment))


@njit(cache=True)
@no_type_check
def _batch(first, count, source, media, sizes, tables, scored, seed):
    """Histories `first` to `first + count` one after the other, on one thread. `sizes`: voxels along the axes, and voxels per mm."""
    shape, per_mm = sizes
    grid = ((shape[0], shape[1], shape[2]), (per_mm[0], per_mm[1], per_mm[2]))
    stack = np.empty((STACK, 8), dtype=np.float64)
    for number in range(first, first + count):
        _history(number, source, media, grid, tables, scored, stack, count, seed)


@njit(parallel=True, cache=True)
@no_type_check
def run(batches, count, source, media, sizes, tables, seed, dose, let, totals):
    """Batches `batches[0]` to `batches[1]` of `count` histories each, into the rows of dose, LET-weighted dose and totals."""
    start = batches[0]
    for b in prange(batches[1] - start):
        _batch((start + b) * count, count, source, media, sizes, tables, (dose[b], let[b], totals[b]), seed)

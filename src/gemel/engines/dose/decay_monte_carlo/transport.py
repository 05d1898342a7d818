"""Paths of electrons and photons through voxels, history by history; batches run side by side, each on a grid of its own."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.dose.decay_monte_carlo.flight import across, anywhere, depth, moved, outside, to_face
from gemel.engines.dose.electron.transport import STACK, hard, parted, push, scattered
from gemel.engines.dose.monte_carlo.geometry import tilted
from gemel.engines.dose.monte_carlo.random_numbers import stream, uniform
from gemel.engines.dose.photon.transport import PAIR_MEV, compton
from gemel.engines.dose.stopping_power import ELECTRON_MEV

CM = 0.1  # of a millimetre
LONGEST = 0.05  # of its energy is what an electron loses on one step at most
RANGE = 4  # column of the electrons' rows


@njit(cache=True)
@no_type_check
def _electron(stack, waiting, weight, grid, tables, dose, random):
    """The electron on top of the stack to its end; deposits `weight` times its energy. Returns the state and the electrons that wait."""
    shape, edges, medium, density = grid
    rows, elements, (start, step, threshold, absorbed) = tables
    state, increment = random
    waiting -= 1
    energy = stack[waiting, 0]
    place = (stack[waiting, 1], stack[waiting, 2], stack[waiting, 3])
    direction = (stack[waiting, 4], stack[waiting, 5], stack[waiting, 6])
    cell = (int(stack[waiting, 7]), int(stack[waiting, 8]), int(stack[waiting, 9]))
    while energy > absorbed:
        per_mm, kind = density[cell] * CM, medium[cell]
        row = rows[kind, int((np.log(energy) - start) / step)]
        if row[RANGE] < depth(place, cell, edges) * per_mm:
            break
        state, chance = uniform(state, increment)
        path = -np.log(chance) / (row[0] + row[1])
        longest = LONGEST * energy / (row[2] + row[3])
        face, axis = to_face(place, cell, direction, edges)
        free = min(path, longest, face * per_mm)
        dose[cell] += weight * row[2] * free
        energy -= (row[2] + row[3]) * free
        place = moved(place, direction, free / per_mm)
        if free == face * per_mm:
            cell = across(cell, direction, axis)
            if outside(cell, shape):
                return state, waiting
            continue
        if free == longest:
            continue
        state, chance = uniform(state, increment)
        if chance * (row[0] + row[1]) < row[0]:
            node = elements[kind, int((np.log(max(energy, absorbed)) - start) / step)]
            state, direction = scattered(energy, direction, node, threshold, (state, increment))
        elif 2.0 * threshold < energy:
            state, given = hard(energy, threshold, (state, increment))
            state, azimuth = uniform(state, increment)
            its, direction = parted(energy, given, direction, azimuth)
            if given > absorbed and waiting < STACK:
                stack[waiting, 7], stack[waiting, 8], stack[waiting, 9] = cell
                waiting = push(stack, waiting, given, place, its)
            else:
                dose[cell] += weight * given
            energy -= given
    dose[cell] += weight * max(energy, 0.0)
    return state, waiting


@njit(cache=True)
@no_type_check
def _photon(energy, place, cell, weight, grid, tables, dose, random):
    """A photon to its end; its electrons stay where they are set free."""
    shape, edges, medium, density = grid
    rows, (start, step, cut) = tables
    state, increment = random
    state, first = uniform(state, increment)
    state, second = uniform(state, increment)
    direction = anywhere(first, second)
    state, chance = uniform(state, increment)
    left = -np.log(chance)
    while energy > cut:
        row = rows[medium[cell], max(int((np.log(energy) - start) / step), 0)]
        total = (row[0] + row[1] + row[2]) * density[cell] * CM
        face, axis = to_face(place, cell, direction, edges)
        if left > face * total:
            left -= face * total
            place, cell = moved(place, direction, face), across(cell, direction, axis)
            if outside(cell, shape):
                return state
            continue
        place = moved(place, direction, left / total)
        state, chance = uniform(state, increment)
        state, turn = uniform(state, increment)
        chance *= row[0] + row[1] + row[2]
        cosine, doubled = 1.0, False
        if chance < row[1]:
            state, kept, cosine = compton(energy, (state, increment))
            given, energy = (1.0 - kept) * energy, kept * energy
        elif chance < row[1] + row[2]:
            given, energy, doubled = energy - PAIR_MEV, ELECTRON_MEV, True
            state, chance = uniform(state, increment)
            cosine = 2.0 * chance - 1.0
        else:
            given, energy = energy, 0.0
        dose[cell] += weight * given
        weight *= 2.0 if doubled else 1.0
        sine = np.sqrt(max(1.0 - cosine * cosine, 0.0))
        direction = tilted(direction, sine * np.cos(2 * np.pi * turn), sine * np.sin(2 * np.pi * turn), cosine)
        state, chance = uniform(state, increment)
        left = -np.log(chance)
    dose[cell] += weight * energy
    return state


@njit(cache=True)
@no_type_check
def _history(number, source, grid, tables, dose, stack, seed):
    """One electron and one photon of a decay, each chosen by its share of the energy and carrying the whole of it."""
    cumulative, electrons, photons = source
    shape, edges = grid[0], grid[1]
    state, increment = stream(seed, np.uint64(number))
    state, chance = uniform(state, increment)
    at = min(np.searchsorted(cumulative, chance), len(cumulative) - 1)
    cell = (at // (shape[1] * shape[2]), (at // shape[2]) % shape[1], at % shape[2])
    state, x = uniform(state, increment)
    state, y = uniform(state, increment)
    state, z = uniform(state, increment)
    place = ((cell[0] + x) * edges[0], (cell[1] + y) * edges[1], (cell[2] + z) * edges[2])
    if len(electrons):
        state, chance = uniform(state, increment)
        n = min(np.searchsorted(electrons[:, 1], chance * electrons[-1, 1]), len(electrons) - 1)
        state, x = uniform(state, increment)
        state, y = uniform(state, increment)
        stack[0, 7], stack[0, 8], stack[0, 9] = cell
        waiting = push(stack, 0, electrons[n, 0], place, anywhere(x, y))
        weight = electrons[-1, 1] / electrons[n, 0]
        while waiting:
            state, waiting = _electron(stack, waiting, weight, grid, tables[0], dose, (state, increment))
    if len(photons):
        state, chance = uniform(state, increment)
        n = min(np.searchsorted(photons[:, 1], chance * photons[-1, 1]), len(photons) - 1)
        weight = photons[-1, 1] / photons[n, 0]
        state = _photon(photons[n, 0], place, cell, weight, grid, tables[1], dose, (state, increment))


@njit(cache=True)
@no_type_check
def _batch(first, count, source, grid, electron_tables, photon_tables, dose, seed):
    shape, edges, medium, density = grid
    described = ((shape[0], shape[1], shape[2]), (edges[0], edges[1], edges[2]), medium, density)
    (rows, elements, limits), (photo, steps) = electron_tables, photon_tables
    physics = ((rows, elements, (limits[0], limits[1], limits[2], limits[3])), (photo, (steps[0], steps[1], steps[2])))
    stack = np.empty((STACK + 1, 10))
    for number in range(first, first + count):
        _history(number, source, described, physics, dose, stack, seed)


@njit(parallel=True, cache=True)
@no_type_check
def run(count, source, grid, electron_tables, photon_tables, seed, dose):
    """`count` histories for each grid of `dose` (MeV by voxel). `source`: cumulative share of the decays by voxel; electrons and photons as
    rows of energy and cumulative energy per decay (MeV). `grid`: shape, edges (mm), medium and density by voxel."""
    for batch in prange(len(dose)):
        _batch(batch * count, count, source, grid, electron_tables, photon_tables, dose[batch], seed)

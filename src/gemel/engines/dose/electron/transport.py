"""Paths of electrons from a point in an infinite medium, collision by collision; energy by spherical shell.

Scattering by nuclei is followed one by one (no multiple-scattering theory); losses below the threshold are continuous, those above it set
free an electron that is followed too. Bremsstrahlung is a continuous loss that leaves.
"""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.dose.monte_carlo.geometry import tilted
from gemel.engines.dose.monte_carlo.random_numbers import stream, uniform
from gemel.engines.dose.stopping_power import ELECTRON_MEV

PI_ALPHA = np.pi * 7.2973525693e-3
LONGEST = 0.05  # of its energy is what an electron loses on one step at most
STACK = 128


@njit(cache=True, inline="always")
@no_type_check
def _turned(direction, mu, state, increment):
    """The direction after a deflection with (1 − cos θ)/2 = mu, at a random azimuth."""
    state, turn = uniform(state, increment)
    sine = 2.0 * np.sqrt(mu * (1.0 - mu))
    return state, tilted(direction, sine * np.cos(2 * np.pi * turn), sine * np.sin(2 * np.pi * turn), 1.0 - 2.0 * mu)


@njit(cache=True)
@no_type_check
def scattered(energy, direction, elements, threshold, random):
    """Direction after a collision with an atom: screened Rutherford with the spin factor of McKinley & Feshbach 1948, Phys Rev 74:1759.

    One collision in Z + 1 is with an electron; those that lose more than the threshold are left to `hard`.
    """
    state, increment = random
    state, chance = uniform(state, increment)
    n = 0
    while n < len(elements) - 1 and chance > elements[n, 0]:
        n += 1
    eta, Z = elements[n, 1], elements[n, 2]
    state, chance = uniform(state, increment)
    mu = eta * chance / (1.0 + eta - chance)
    state, whom = uniform(state, increment)
    tau = energy / ELECTRON_MEV
    if whom * (Z + 1.0) < 1.0:
        loss = threshold / energy
        cosine2 = (1.0 - loss) * (tau + 2.0) / ((1.0 - loss) * tau + 2.0)
        if loss >= 0.5 or mu > 0.5 * (1.0 - np.sqrt(cosine2)):
            return state, direction
    else:
        beta2 = 1.0 - 1.0 / (1.0 + tau) ** 2
        s = np.sqrt(mu)
        spin = 1.0 - beta2 * mu + PI_ALPHA * np.sqrt(beta2) * Z * s * (1.0 - s)
        state, chance = uniform(state, increment)
        if chance * (1.0 + 0.25 * PI_ALPHA * Z) > spin:
            return state, direction
    return _turned(direction, mu, state, increment)


@njit(cache=True)
@no_type_check
def hard(energy, threshold, random):
    """Energy given to an atom's electron in a collision that loses more than the threshold. Møller 1932, Ann Phys 406:531."""
    state, increment = random
    tau = energy / ELECTRON_MEV
    a, b = (tau / (tau + 1.0)) ** 2, (2.0 * tau + 1.0) / (tau + 1.0) ** 2
    low = threshold / energy
    most = max(1.0, 2.0 + 0.25 * a - b)
    while True:
        state, chance = uniform(state, increment)
        e = low / (1.0 - chance * (1.0 - 2.0 * low))
        ratio = e / (1.0 - e)
        state, chance = uniform(state, increment)
        if chance * most <= 1.0 + ratio * ratio + a * e * e - b * ratio:
            return state, e * energy


@njit(cache=True, inline="always")
@no_type_check
def parted(energy, given, direction, azimuth):
    """Directions after a hard collision: of the electron set free with energy `given`, and of the one that goes on. Two-body kinematics."""
    left, tau = energy - given, energy / ELECTRON_MEV
    mine = np.sqrt(left * (tau + 2.0) / (energy * (left / ELECTRON_MEV + 2.0)))
    its = np.sqrt(given * (tau + 2.0) / (energy * (given / ELECTRON_MEV + 2.0)))
    x, y = np.cos(2 * np.pi * azimuth), np.sin(2 * np.pi * azimuth)
    sine, other = np.sqrt(max(1.0 - mine * mine, 0.0)), np.sqrt(max(1.0 - its * its, 0.0))
    return tilted(direction, -other * x, -other * y, its), tilted(direction, sine * x, sine * y, mine)


@njit(cache=True, inline="always")
@no_type_check
def _score(shells, place, per_length, energy):
    r = np.sqrt(place[0] * place[0] + place[1] * place[1] + place[2] * place[2]) * per_length
    shells[min(int(r), len(shells) - 1)] += energy


@njit(cache=True, inline="always")
@no_type_check
def push(stack, waiting, energy, place, direction):
    stack[waiting, 0] = energy
    stack[waiting, 1], stack[waiting, 2], stack[waiting, 3] = place
    stack[waiting, 4], stack[waiting, 5], stack[waiting, 6] = direction
    return waiting + 1


@njit(cache=True)
@no_type_check
def _follow(stack, waiting, tables, per_length, shells, random):
    """The electron on top of the stack to its end; returns the state and the electrons that wait."""
    rows, elements, (start, step, threshold, absorbed) = tables
    state, increment = random
    waiting -= 1
    energy = stack[waiting, 0]
    place = (stack[waiting, 1], stack[waiting, 2], stack[waiting, 3])
    direction = (stack[waiting, 4], stack[waiting, 5], stack[waiting, 6])
    while energy > absorbed:
        n = int((np.log(energy) - start) / step)
        scattering, collision, loss, radiative = rows[n, 0], rows[n, 1], rows[n, 2], rows[n, 3]
        state, chance = uniform(state, increment)
        path = -np.log(chance) / (scattering + collision)
        longest = LONGEST * energy / (loss + radiative)
        free = min(path, longest)
        half = 0.5 * free
        place = (place[0] + half * direction[0], place[1] + half * direction[1], place[2] + half * direction[2])
        _score(shells, place, per_length, loss * free)
        place = (place[0] + half * direction[0], place[1] + half * direction[1], place[2] + half * direction[2])
        energy -= (loss + radiative) * free
        if path > longest:
            continue
        state, chance = uniform(state, increment)
        if chance * (scattering + collision) < scattering:
            state, direction = scattered(energy, direction, elements[n], threshold, (state, increment))
        elif 2.0 * threshold < energy:
            state, given = hard(energy, threshold, (state, increment))
            state, azimuth = uniform(state, increment)
            its, direction = parted(energy, given, direction, azimuth)
            if given > absorbed and waiting < STACK:
                waiting = push(stack, waiting, given, place, its)
            else:
                _score(shells, place, per_length, given)
            energy -= given
    _score(shells, place, per_length, max(energy, 0.0))
    return state, waiting


@njit(cache=True)
@no_type_check
def _batch(first, energy, count, tables, per_length, seed, shells):
    stack = np.empty((STACK + 1, 7))
    rows, elements, limits = tables
    described = (rows, elements, (limits[0], limits[1], limits[2], limits[3]))
    for number in range(first, first + count):
        state, increment = stream(seed, np.uint64(number))
        waiting = push(stack, 0, energy, (0.0, 0.0, 0.0), (0.0, 0.0, 1.0))
        while waiting:
            state, waiting = _follow(stack, waiting, described, per_length, shells, (state, increment))


@njit(parallel=True, cache=True)
@no_type_check
def run(energy, count, tables, per_length, seed, shells):
    """`count` electrons of this energy for each row of `shells` (energy by shell, the last one all beyond); shells per g/cm².

    `tables`: rows, elements, and the array (start, step, threshold_MeV, absorbed_MeV) of `Collisions`.
    """
    for batch in prange(len(shells)):
        _batch(batch * count, energy, count, tables, per_length, seed, shells[batch])

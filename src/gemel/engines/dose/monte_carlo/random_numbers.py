"""Random numbers of one history: a counter that is mixed, so that they depend on the seed and the history's number alone."""

from typing import no_type_check

import numpy as np
from numba import njit

FIRST, SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
GOLDEN = np.uint64(0x9E3779B97F4A7C15)
S11, S27, S30, S31 = np.uint64(11), np.uint64(27), np.uint64(30), np.uint64(31)
ONE = np.uint64(1)
TO_UNIT = 2.0**-53


@njit(cache=True, inline="always")
@no_type_check
def mixed(z):
    """The 64-bit finaliser of SplitMix64. Steele, Lea & Flood 2014, OOPSLA '14, 453; constants of Stafford's variant 13."""
    z = (z ^ (z >> S30)) * FIRST
    z = (z ^ (z >> S27)) * SECOND
    return z ^ (z >> S31)


@njit(cache=True)
@no_type_check
def stream(seed, history):
    """(state, increment) of a history; odd increments that differ make different walks. Steele et al. 2014, section 4."""
    state = mixed(mixed(seed + GOLDEN) + history * GOLDEN)
    return state, mixed(state + GOLDEN) | ONE


@njit(cache=True, inline="always")
@no_type_check
def bits(state, increment):
    """The next state and 64 random bits."""
    state = state + increment
    return state, mixed(state)


@njit(cache=True, inline="always")
@no_type_check
def uniform(state, increment):
    """The next state and a number in (0, 1)."""
    state = state + increment
    return state, (np.float64(mixed(state) >> S11) + 0.5) * TO_UNIT


@njit(cache=True)
@no_type_check
def normal_pair(state, increment):
    """The next state and two independent standard normal numbers. Box & Muller 1958, Ann Math Stat 29:610."""
    state, one = uniform(state, increment)
    state, two = uniform(state, increment)
    radius = np.sqrt(-2.0 * np.log(one))
    return state, radius * np.cos(2 * np.pi * two), radius * np.sin(2 * np.pi * two)

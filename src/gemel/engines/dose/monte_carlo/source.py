"""Where protons start: spots drawn by their weights, places and energies by the machine's spreads."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit

from gemel.core.image import Array, Image
from gemel.engines.dose.beam_data import BeamData, layer
from gemel.engines.dose.monte_carlo.geometry import entry, moved
from gemel.engines.dose.monte_carlo.random_numbers import normal_pair, uniform
from gemel.engines.dose.path import beam_axes
from gemel.engines.dose.stopping_power import energy_at_range_MeV

BACK_MM = 1e4  # how far before the isocentre's plane a line is begun, beyond any grid
LONGER, LAG_MM = 1.0018, 0.05  # residual range at the start for an R80, see `commissioned_MeV`
SPREAD = 5.0  # standard deviations of energy at which the spread is cut
FIRST, LAST = 1.0, 399.0  # MeV, the ends of the tables


@dataclass(frozen=True)
class Source:
    """Cumulated share of the protons by spot; rows of (sin g, cos g, x_bev, z_bev, spot sigma, mean energy, energy sigma); the centre."""

    shares: Float[Array, "s"]
    rows: Float[Array, "s 7"]
    centre_mm: Float[Array, "3"]


def source_of(
    grid: Image, plan: Float[Array, "s 4"], weights: Float[Array, "s"], machine: BeamData, isocentre_mm: Float[Array, "3"]
) -> Source:
    """Spots with weight, in order, at energies that give the machine's R80 in water. The centre is the isocentre from the grid's corner."""
    energies, row = np.unique(plan[:, 3], return_inverse=True)
    layers = [layer(machine, float(e)) for e in energies]
    columns = [(one.spot_sigma_mm, commissioned_MeV(one.range_mm), one.energy_sigma_MeV) for one in layers]
    axes = np.array([beam_axes(float(angle)) for angle in plan[:, 0]])
    table = np.concatenate([axes, plan[:, 1:3], np.array(columns)[row]], axis=1)
    used = weights > 0
    shares = np.cumsum(weights[used]) / weights.sum()
    shares[-1] = 1.0
    return Source(shares, np.ascontiguousarray(table[used]), isocentre_mm - grid.origin_mm + grid.spacing_mm / 2)


def commissioned_MeV(r80_mm: float) -> float:
    """Mean energy that gives this R80 in water: that of a CSDA range longer by 0.2 %.

    Paths are longer than depths by 0.1 % (detour factor of ICRU Report 49, 1993), and nuclear secondaries change the peak; both together
    were fitted to own depth doses of 70 to 310 mm, within 0.1 mm, as the mean energy of a Monte Carlo beam is fitted to a
    measured R80.
    """
    return float(energy_at_range_MeV(np.array(LONGER * r80_mm + LAG_MM)))


@njit(cache=True)
@no_type_check
def _spot(shares, at):
    """First spot whose cumulated share reaches `at`."""
    low, high = 0, len(shares) - 1
    while low < high:
        middle = (low + high) // 2
        if shares[middle] < at:
            low = middle + 1
        else:
            high = middle
    return low


@njit(cache=True)
@no_type_check
def emitted(source, grid, stratum, state, increment):
    """One proton of the plan: state of the random numbers, place where it meets the grid, direction, energy; `reached` false if it misses.

    `stratum`: (number of the history, of how many); each history draws its spot from its own slice of the plan.
    """
    shares, rows, centre = source
    shape, per_mm = grid
    state, share = uniform(state, increment)
    sine, cosine, x, z, sigma, mean, spread = rows[_spot(shares, (stratum[0] + share) / stratum[1])]
    state, one, two = normal_pair(state, increment)
    state, three, _ = normal_pair(state, increment)
    x, z = x + sigma * one, z + sigma * two
    energy = mean + spread * min(max(three, -SPREAD), SPREAD)
    direction = (-sine, cosine, 0.0)
    place = (
        (centre[0] + cosine * x + sine * BACK_MM) * per_mm[0],
        (centre[1] + sine * x - cosine * BACK_MM) * per_mm[1],
        (centre[2] + z) * per_mm[2],
    )
    length = entry(place, direction, per_mm, shape)
    return state, moved(place, direction, per_mm, length), direction, min(max(energy, FIRST), LAST), length >= 0.0

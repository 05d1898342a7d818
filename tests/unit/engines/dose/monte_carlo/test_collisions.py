"""Nuclear collisions: energy and momentum are kept in each."""

import numpy as np
import pytest
from numba import njit

from gemel.engines.dose.monte_carlo import collisions
from gemel.engines.dose.monte_carlo.random_numbers import stream
from gemel.engines.dose.stopping_power import PROTON_MEV

EVENTS = 20_000


@njit
def _drawn(collide, energy, count):
    out = np.empty((count, 9))
    for h in range(count):
        state, increment = stream(np.uint64(1), np.uint64(h))
        out[h] = np.array(collide(energy, state, increment)[1])
    return out


def momentum(energy: np.ndarray | float, mass: float = PROTON_MEV) -> np.ndarray:
    return np.sqrt(energy * (energy + 2 * mass))


@pytest.mark.parametrize(
    "collide", [collisions.with_hydrogen, collisions.elastic, collisions.inelastic], ids=["hydrogen", "elastic", "inelastic"]
)
@pytest.mark.parametrize("energy", [6.0, 15.0, 40.0, 150.0, 250.0])
def test_energies_are_not_negative_and_add_up(collide, energy: float) -> None:
    drawn = _drawn(collide, energy, 2000)
    energies, cosines = drawn[:, [0, 2, 4, 6, 7, 8]], drawn[:, [1, 3, 5]]
    assert energies.min() >= 0
    assert energies.sum(axis=1) == pytest.approx(np.full(2000, energy), rel=1e-12)
    assert np.abs(cosines).max() <= 1 + 1e-12


@pytest.mark.parametrize("energy", [20.0, 150.0, 250.0])
def test_two_protons_carry_the_momentum_of_one(energy: float) -> None:
    T1, cos1, T2, cos2 = _drawn(collisions.with_hydrogen, energy, EVENTS)[:, :4].T
    assert momentum(T1) * cos1 + momentum(T2) * cos2 == pytest.approx(np.full(EVENTS, momentum(energy)), rel=1e-9)
    assert momentum(T1) * np.sqrt(1 - cos1**2) == pytest.approx(momentum(T2) * np.sqrt(1 - cos2**2), rel=1e-6, abs=1e-3)
    assert T1.mean() == pytest.approx(energy / 2, rel=0.02)


@pytest.mark.parametrize("energy", [50.0, 150.0])
def test_an_elastic_recoil_takes_the_momentum_that_is_missing(energy: float) -> None:
    drawn = _drawn(collisions.elastic, energy, EVENTS)
    T1, cos1, recoil = drawn[:, 0], drawn[:, 1], drawn[:, 6]
    before, after = momentum(energy), momentum(T1)
    missing2 = (after * cos1 - before) ** 2 + after**2 * (1 - cos1**2)
    assert missing2 == pytest.approx(recoil * (recoil + 2 * collisions.OXYGEN_MEV), rel=1e-6, abs=1e-3)


def test_energetic_nucleons_go_forward_and_slow_ones_anywhere() -> None:
    drawn = _drawn(collisions.inelastic, 200.0, EVENTS)
    T, cosine = drawn[:, 0], drawn[:, 1]
    assert cosine[T > 150].mean() > 0.8
    assert abs(cosine[(T > 0) & (T < 5)].mean()) < 0.3

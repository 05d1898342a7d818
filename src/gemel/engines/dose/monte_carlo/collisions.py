"""What comes out of a nuclear collision: energies and angles of up to three protons, energy that stays, energy that leaves.

Every function returns the state of the random numbers and (T1, cos1, T2, cos2, T3, cos3, local, neutral, binding) in MeV; the energies
add up to that of the proton that came in.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from gemel.engines.dose.monte_carlo.random_numbers import uniform
from gemel.engines.dose.stopping_power import PROTON_MEV

OXYGEN_MEV = 14895.08  # mass of the 16-O nucleus, from AME2020 (Wang et al. 2021, Chin Phys C 45:030003)
SEPARATION_MEV = (12.1, 10.2, 7.6)  # of a proton from 16-O, 15-N and 14-N, AME2020
NUCLEONS = 3
NEUTRONS, HEAVY = 0.25, 0.5  # of nucleons emitted; of the third ones, bound in a fragment
SHARE_POWER = 1.3
LOCAL_SHARE = 0.6


@njit(cache=True)
@no_type_check
def with_hydrogen(energy, state, increment):
    """Elastic, isotropic in the centre of mass: the recoil's energy is evenly spread, cos²θ = T'(T + 2m)/(T(T' + 2m)) for both protons.

    Flat within 10 % at 20-250 MeV outside the Coulomb peak: Fippel & Soukup 2004, Med Phys 31:2263.
    """
    state, share = uniform(state, increment)
    recoil = energy * share
    kept = energy - recoil
    factor = (energy + 2 * PROTON_MEV) / energy
    first = np.sqrt(kept * factor / (kept + 2 * PROTON_MEV))
    second = np.sqrt(recoil * factor / (recoil + 2 * PROTON_MEV))
    return state, (kept, first, recoil, second, 0.0, 1.0, 0.0, 0.0, 0.0)


@njit(cache=True)
@no_type_check
def elastic(energy, state, increment):
    """Elastic with oxygen: the recoil, exponential about 0.65 exp(−0.0013E) − 0.71 exp(−0.0177E) MeV, stays. Fippel & Soukup 2004.

    With T the recoil's energy and M its mass the momentum transfer is q² = T (T + 2M), the angle follows from the three momenta.
    """
    mean = max(0.65 * np.exp(-0.0013 * energy) - 0.71 * np.exp(-0.0177 * energy), 0.01)
    most = 4 * energy * PROTON_MEV * OXYGEN_MEV / (PROTON_MEV + OXYGEN_MEV) ** 2
    state, chance = uniform(state, increment)
    recoil = -mean * np.log(1 - chance * (1 - np.exp(-most / mean)))
    kept = energy - recoil
    before, after = energy * (energy + 2 * PROTON_MEV), kept * (kept + 2 * PROTON_MEV)
    cosine = (before + after - recoil * (recoil + 2 * OXYGEN_MEV)) / (2 * np.sqrt(before * after))
    return state, (kept, min(max(cosine, -1.0), 1.0), 0.0, 1.0, 0.0, 1.0, recoil, 0.0, 0.0)


@njit(cache=True)
@no_type_check
def forward_cosine(energy, incoming, state, increment):
    """Angle of a nucleon from the pre-equilibrium stage, exp(a cos θ). Kalbach 1988, Phys Rev C 37:2350, eq. 9 for nucleons.

    a = 0.04 e + 1.8e-6 e³ + 6.7e-7 (e min(e_in, 41)/e_in)⁴, e the energy with that of separation, at most 130 MeV.
    """
    coming = incoming + SEPARATION_MEV[0]
    out = min(energy + SEPARATION_MEV[0], coming)
    e1, e3 = out * min(1.0, 130.0 / coming), out * min(1.0, 41.0 / coming)
    a = 0.04 * e1 + 1.8e-6 * e1**3 + 6.7e-7 * e3**4
    state, chance = uniform(state, increment)
    return state, 1 + np.log(chance + (1 - chance) * np.exp(-2 * a)) / a


@njit(cache=True)
@no_type_check
def inelastic(energy, state, increment):
    """Reaction with oxygen: up to three nucleons one after the other; what is then left stays in part (heavies), else escapes (γ, binding).

    Each takes the share 1 − ξ^1.3 of what is above its separation energy; three in four are protons, and half of the third ones are bound
    in heavier fragments, which stay. At 150 MeV this gives protons 0.55, neutrons 0.19 and heavier fragments 0.07 of the energy; Seltzer
    1993 (NISTIR 5221; quoted by Paganetti 2002, Phys Med Biol 47:747): 0.57, 0.20 and 0.065. All nuclei but hydrogen count as oxygen.
    """
    first, second, third = 0.0, 0.0, 0.0
    local, neutral, left, lost = 0.0, 0.0, energy, 0.0
    for turn in range(NUCLEONS):
        need = SEPARATION_MEV[turn]
        if left <= need:
            break
        state, share = uniform(state, increment)
        state, kind = uniform(state, increment)
        taken = (left - need) * (1 - share**SHARE_POWER)
        left -= need + taken
        lost += need
        if turn == 2 and kind < HEAVY:
            local += taken
        elif kind > 1 - NEUTRONS:
            neutral += taken
        elif turn == 0:
            first = taken
        elif turn == 1:
            second = taken
        else:
            third = taken
    state, cosine1 = forward_cosine(first, energy, state, increment)
    state, cosine2 = forward_cosine(second, energy, state, increment)
    state, cosine3 = forward_cosine(third, energy, state, increment)
    stays = left * LOCAL_SHARE
    return state, (first, cosine1, second, cosine2, third, cosine3, local + stays, neutral, lost + left - stays)

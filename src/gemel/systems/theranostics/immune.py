"""EXPLORATORY: tumour cells, effector cells and cells dying of radiation, as rates for an ODE solver. Not for decisions.

Effector and tumour cells: Kuznetsov, Makalkin, Taylor & Perelson 1994, Bull Math Biol 56:295 (B-cell lymphoma in the mouse), per day and
cell. The dying cells, their clearance and their call on effectors (immunogenic death) are assumptions, each marked below.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

TUMOUR, EFFECTOR, DYING = 0, 1, 2


@dataclass(frozen=True)
class ImmuneParameters:
    """Rates of the model; those of Kuznetsov et al. 1994 keep their letters."""

    s_1_d: float = 1.3e4  # effector cells arriving a day
    p_1_d: float = 0.1245  # greatest recruitment
    g_cells_1: float = 2.019e7  # cells that recruit half of it
    m_1_d: float = 3.422e-10  # effectors lost to a tumour cell, per cell
    d_1_d: float = 0.0412  # death of effectors
    a_1_d: float = 0.18  # growth of the tumour
    b_1: float = 2.0e-9  # one over its greatest number of cells
    n_1_d: float = 1.101e-7  # tumour cells killed by an effector, per cell
    clearance_1_d: float = 0.48  # dying cells: assumption
    immunogenicity_1: float = 1.0  # a dying cell recruits as this many living ones: assumption, 0 turns it off
    alpha_1_Gy: float = 0.147  # radiosensitivity of the tumour cells
    dose_rate_Gy_d: float = 0.0  # at t = 0
    T_eff_d: float = 2.1  # half-life of the dose rate


def rates(state: Float[Array, "... 3"], params: ImmuneParameters, t_d: float | int) -> Float[Array, "... 3"]:
    """d/dt of (tumour, effector, dying) cells per day, at t in days; any axes may stand before the last.

    T' = aT(1 − bT) − nET − kT;  E' = s + pE(T + ωD)/(g + T + ωD) − mET − dE;  D' = kT + nET − cD;  k = α Ḋ₀ 2^{−t/T_eff}.
    """
    T, E, D = state[..., TUMOUR], state[..., EFFECTOR], state[..., DYING]
    kill = params.alpha_1_Gy * params.dose_rate_Gy_d * 2.0 ** (-t_d / params.T_eff_d)
    seen = T + params.immunogenicity_1 * D
    dT = params.a_1_d * T * (1 - params.b_1 * T) - params.n_1_d * E * T - kill * T
    dE = params.s_1_d + params.p_1_d * E * seen / (params.g_cells_1 + seen) - params.m_1_d * E * T - params.d_1_d * E
    dD = kill * T + params.n_1_d * E * T - params.clearance_1_d * D
    return np.stack([dT, dE, dD], axis=-1)

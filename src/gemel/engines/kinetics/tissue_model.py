"""Frame means of the two-tissue model and their derivatives by its parameters, compiled.

The tissue is K₁ times a sum of two exponentials convolved with the plasma: rates α > β, the roots of θ² - (k₂+k₃+k₄)θ + k₂k₄, and
weights (α-k₃-k₄)/(α-β) and (k₃+k₄-β)/(α-β). Gunn 2001, J Cereb Blood Flow Metab 21:635, eq. 16; Phelps 1979, Ann Neurol 6:371.
"""

from typing import no_type_check

import numpy as np
from numba import njit

from gemel.engines.kinetics.tissue_kernels import mean_of_lines, respond

K1, K2, K3, K4, VB, DELAY = range(6)


@njit(cache=True)
@no_type_check
def modes(k, out):
    """Rates and weights (α, β, w_α, w_β) into row 0 of out, and their derivatives by k₂, k₃, k₄ into rows 1 to 3."""
    k2, k3, k4 = k[K2], k[K3], k[K4]
    total = k2 + k3 + k4
    gap = max(np.sqrt((k2 - k4) ** 2 + k3 * (2.0 * (k2 + k4) + k3)), 1e-12 * total)
    fast, slow = 0.5 * (total + gap), 2.0 * k2 * k4 / (total + gap)
    weight = (fast - k3 - k4) / gap
    out[0, 0], out[0, 1], out[0, 2], out[0, 3] = fast, slow, weight, (k3 + k4 - slow) / gap
    for i in range(1, 4):
        by_gap = (total - 2.0 * (k4 if i == 1 else k2 if i == 3 else 0.0)) / gap
        out[i, 0], out[i, 1] = 0.5 * (1.0 + by_gap), 0.5 * (1.0 - by_gap)
        out[i, 2] = (out[i, 0] - (0.0 if i == 1 else 1.0) - weight * by_gap) / gap
        out[i, 3] = -out[i, 2]


@njit(cache=True)
@no_type_check
def respond_to_unit(k, curves, edges_s, work):
    """Fills the modes and the responses of both exponentials and of blood."""
    mode, fast, slow, blood, _ = work
    modes(k, mode)
    respond(mode[0, 0], (curves[0], curves[1]), edges_s, k[DELAY], fast)
    if mode[0, 3] != 0.0:
        respond(mode[0, 1], (curves[0], curves[1]), edges_s, k[DELAY], slow)
    mean_of_lines((curves[0], curves[2]), edges_s, k[DELAY], blood)


@njit(cache=True)
@no_type_check
def value_and_slope(k, n, work):
    """Mean of frame n; its derivatives by ln K₁ … ln k₄, v_B and the delay into the last of work."""
    mode, fast, slow, blood, slope = work
    weight, other = mode[0, 2], mode[0, 3]
    unit = weight * fast[0, n] + other * slow[0, n]
    tissue = k[K1] * (1.0 - k[VB])
    slope[K1] = tissue * unit
    for i in range(1, 4):
        by = mode[i, 2] * fast[0, n] + mode[i, 3] * slow[0, n]
        by += weight * mode[i, 0] * fast[1, n] + other * mode[i, 1] * slow[1, n]
        slope[i] = tissue * by * k[i]
    slope[VB] = blood[0, n] - k[K1] * unit
    slope[DELAY] = tissue * (weight * fast[2, n] + other * slow[2, n]) + k[VB] * blood[1, n]
    return tissue * unit + k[VB] * blood[0, n]


@njit(cache=True)
@no_type_check
def workspace(frames):
    """Modes, responses of the fast and the slow exponential and of blood, and one slope."""
    return np.zeros((4, 4)), np.zeros((3, frames)), np.zeros((3, frames)), np.zeros((2, frames)), np.zeros(6)


@njit(cache=True)
@no_type_check
def frame_means_kernel(rows, curves, edges_s, out):
    """The model of each row of parameters."""
    work = workspace(edges_s.size // 2)
    for r in range(rows.shape[0]):
        respond_to_unit(rows[r], curves, edges_s, work)
        for n in range(out.shape[1]):
            out[r, n] = value_and_slope(rows[r], n, work)

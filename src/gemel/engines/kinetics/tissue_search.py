"""The two-tissue model fitted to many regions with one input: Levenberg–Marquardt inside a box, compiled."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

from gemel.engines.kinetics.kernels import damped_step
from gemel.engines.kinetics.tissue_model import K1, VB, respond_to_unit, value_and_slope, workspace

ITERATIONS = 200
TOLERANCE = 1e-9
LONGEST = 1.5  # of one step, in the logarithm of a rate
FOUND, UNFINISHED, UNUSABLE = 0, 1, 2


@njit(cache=True)
@no_type_check
def normal_equations(k, y, w, problem, work, normal):
    """Cost ½Σw(model - y)²; gradient and normal matrix of all six parameters (rates by their logarithms)."""
    curves, edges_s = problem[0], problem[1]
    gradient, matrix = normal[0], normal[1]
    gradient[:] = 0.0
    matrix[:] = 0.0
    respond_to_unit(k, curves, edges_s, work)
    cost, slope = 0.0, work[4]
    for n in range(y.size):
        rest = value_and_slope(k, n, work) - y[n]
        cost += 0.5 * w[n] * rest * rest
        for i in range(6):
            gradient[i] += w[n] * rest * slope[i]
            for j in range(i + 1):
                matrix[i, j] += w[n] * slope[i] * slope[j]
    return cost


@njit(cache=True)
@no_type_check
def _hold(k, lower, upper, normal):
    """Takes what is held, or pushed against its bound, out of the normal equations."""
    gradient, matrix = normal[0], normal[1]
    for i in range(6):
        if lower[i] == upper[i] or (k[i] <= lower[i] and gradient[i] > 0.0) or (k[i] >= upper[i] and gradient[i] < 0.0):
            gradient[i] = 0.0
            for j in range(6):
                matrix[max(i, j), min(i, j)] = 1.0 if i == j else 0.0


@njit(cache=True)
@no_type_check
def _move(k, step, lower, upper, trial):
    """The point after a step, within the box; the largest part moved."""
    largest = 0.0
    for i in range(6):
        if i < VB:
            trial[i] = k[i] * np.exp(min(max(step[i], -LONGEST), LONGEST))
        else:
            trial[i] = k[i] + step[i]
        trial[i] = min(max(trial[i], lower[i]), upper[i])
        scale = max(abs(k[i]), 1e-3) if i >= VB else k[i]
        if scale > 0.0:
            largest = max(largest, abs(trial[i] - k[i]) / scale)
    return largest


@njit(cache=True)
@no_type_check
def descend(k, y, w, problem, work, normal):
    """Levenberg–Marquardt from k in place (Marquardt 1963, J SIAM 11:431); the final cost and whether it came to rest."""
    _, _, lower, upper = problem
    trial, step = np.empty(6), np.zeros(6)
    cost, damping = normal_equations(k, y, w, problem, work, normal), 1e-3
    for _ in range(ITERATIONS):
        _hold(k, lower, upper, normal)
        ahead, largest = np.inf, 1.0
        if damped_step(normal, damping, step):
            largest = _move(k, step, lower, upper, trial)
            ahead = normal_equations(trial, y, w, problem, work, normal)
        if ahead <= cost:
            gain = cost - ahead
            k[:] = trial
            cost, damping = ahead, max(damping * 0.1, 1e-12)
            if largest < TOLERANCE or (gain <= 1e-14 * cost and largest < 1e-5):
                return cost, True
        else:
            if damping > 1e8 or largest < TOLERANCE:
                return cost, True
            damping *= 8.0
            normal_equations(k, y, w, problem, work, normal)
    return cost, False


@njit(cache=True)
@no_type_check
def _linear(unit, blood, y, w, box, k):
    """K₁ and v_B that fit best with a given shape, within the box, into k; the cost."""
    lower, upper = box
    uu, ub, bb, uy, by, yy = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for n in range(y.size):
        uu += w[n] * unit[n] * unit[n]
        ub += w[n] * unit[n] * blood[n]
        bb += w[n] * blood[n] * blood[n]
        uy += w[n] * unit[n] * y[n]
        by += w[n] * blood[n] * y[n]
        yy += w[n] * y[n] * y[n]
    determinant = uu * bb - ub * ub
    part = (uu * by - ub * uy) / determinant if determinant > 1e-12 * uu * bb else 0.0
    part = min(max(part, lower[VB]), upper[VB])
    tissue = (uy - part * ub) / max(uu, 1e-300)
    k[K1] = min(max(tissue / (1.0 - part), lower[K1]), upper[K1])
    k[VB] = part
    tissue = k[K1] * (1.0 - part)
    return 0.5 * (yy + tissue * tissue * uu + part * part * bb) - tissue * uy - part * by + tissue * part * ub


@njit(cache=True)
@no_type_check
def _units(starts, problem):
    """Tissue and blood of every start for K₁ = 1: shared by all regions."""
    frames = problem[1].size // 2
    work = workspace(frames)
    unit, blood = np.empty((starts.shape[0], frames)), np.empty((starts.shape[0], frames))
    for s in range(starts.shape[0]):
        respond_to_unit(starts[s], problem[0], problem[1], work)
        unit[s] = work[0][0, 2] * work[1][0] + work[0][0, 3] * work[2][0]
        blood[s] = work[3][0]
    return unit, blood


@njit(cache=True)
@no_type_check
def _search(y, w, problem, starts, tables, best, fisher):
    """Descent from the start that fits best with its own K₁ and v_B; the normal matrix there into `fisher`."""
    work, normal = workspace(y.size), (np.zeros(6), np.zeros((6, 6)), np.zeros(6), np.zeros(6), np.zeros((6, 6)))
    k, lowest = np.empty(6), np.inf
    for s in range(starts.shape[0]):
        k[:] = starts[s]
        cost = _linear(tables[0][s], tables[1][s], y, w, (problem[2], problem[3]), k)
        if cost < lowest:
            lowest = cost
            best[:] = k
    lowest, rested = descend(best, y, w, problem, work, normal)
    normal_equations(best, y, w, problem, work, normal)
    fisher[:] = normal[1]
    return lowest, FOUND if rested else UNFINISHED


@njit(cache=True)
@no_type_check
def _row(r, y, w, problem, starts, tables, out):
    """One region."""
    parameters, costs, status, matrices = out
    costs[r], status[r] = np.inf, UNUSABLE
    parameters[r, :] = np.nan
    if (y[r] * w[r]).sum() > 0.0:
        costs[r], status[r] = _search(y[r], w[r], problem, starts, tables, parameters[r], matrices[r])


@njit(cache=True, parallel=True)
@no_type_check
def fit_tissue_kernel(y, w, problem, starts, out):
    """The best fit of each row of y (weights w = 1/sd²): parameters, costs, status, normal matrices.

    problem: the curves (times, plasma, blood), the edges of the frames, lower and upper bounds of (K₁, k₂, k₃, k₄, v_B, delay).
    """
    tables = _units(starts, problem)
    for r in prange(y.shape[0]):
        _row(r, y, w, problem, starts, tables, out)

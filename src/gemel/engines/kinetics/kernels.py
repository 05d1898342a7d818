"""Sums of exponentials fitted to many curves at once: Levenberg–Marquardt in the logarithms of amplitudes and rates, compiled."""

from typing import no_type_check

import numpy as np
from numba import njit, prange

BLOCK = 256  # curves that share one work space
ITERATIONS = 60
CONVERGED, AT_LIMIT, UNUSABLE = 0, 1, 2


@njit(cache=True)
@no_type_check
def value_and_slope(t_s, p, signs, decay_1_s, x, slope):
    """A(t) and its derivatives by the parameters p = ln(a, b); x holds exp(p)."""
    amplitudes, terms = signs.shape
    slope[:] = 0.0
    rate = decay_1_s
    value = 0.0
    for j in range(terms):
        rate += x[amplitudes + j]
        decayed = np.exp(-rate * t_s)
        c = 0.0
        for i in range(amplitudes):
            part = signs[i, j] * x[i]
            c += part
            slope[i] += part * decayed
        value += c * decayed
        for i in range(j + 1):
            slope[amplitudes + i] -= t_s * c * decayed * x[amplitudes + i]
    return value


@njit(cache=True)
@no_type_check
def _normal(t_s, y, w, p, problem, work):
    """Cost ½Σw(A-y)² + ½Σq(p-m)²; fills gradient and normal matrix."""
    signs, decay_1_s, mean, precision = problem
    gradient, matrix, x, slope, _ = work
    k = p.size
    cost = 0.0
    for i in range(k):
        x[i] = np.exp(p[i])
        off = p[i] - mean[i]
        cost += 0.5 * precision[i] * off * off
        gradient[i] = precision[i] * off
        for j in range(k):
            matrix[i, j] = precision[i] if i == j else 0.0
    for n in range(t_s.size):
        rest = value_and_slope(t_s[n], p, signs, decay_1_s, x, slope) - y[n]
        cost += 0.5 * w[n] * rest * rest
        for i in range(k):
            gradient[i] += w[n] * rest * slope[i]
            for j in range(i + 1):
                matrix[i, j] += w[n] * slope[i] * slope[j]
    return cost


@njit(cache=True)
@no_type_check
def damped_step(work, damping, step):
    """step = -(M + damping·(diag M))⁻¹ g by Cholesky; false when M is not positive definite."""
    gradient, matrix, factor = work[0], work[1], work[4]
    k = step.size
    for i in range(k):
        for j in range(i + 1):
            total = matrix[i, j] * (1.0 + damping if i == j else 1.0) + (1e-30 if i == j else 0.0)
            for m in range(j):
                total -= factor[i, m] * factor[j, m]
            if i == j:
                if total <= 0.0:
                    return False
                factor[i, i] = np.sqrt(total)
            else:
                factor[i, j] = total / factor[j, j]
    for i in range(k):
        total = -gradient[i]
        for m in range(i):
            total -= factor[i, m] * step[m]
        step[i] = total / factor[i, i]
    for i in range(k - 1, -1, -1):
        total = step[i]
        for m in range(i + 1, k):
            total -= factor[m, i] * step[m]
        step[i] = total / factor[i, i]
    return True


@njit(cache=True)
@no_type_check
def _amplitudes(t_s, y, w, p, signs, decay_1_s):
    """Weighted least-squares amplitudes for the rates in p, kept positive, as logarithms into p."""
    amplitudes, terms = signs.shape
    g00, g01, g11, r0, r1, top = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for n in range(t_s.size):
        b0, b1, rate = 0.0, 0.0, decay_1_s
        for j in range(terms):
            rate += np.exp(p[amplitudes + j])
            decayed = np.exp(-rate * t_s[n])
            b0 += signs[0, j] * decayed
            if amplitudes > 1:
                b1 += signs[1, j] * decayed
        g00 += w[n] * b0 * b0
        g01 += w[n] * b0 * b1
        g11 += w[n] * b1 * b1
        r0 += w[n] * b0 * y[n]
        r1 += w[n] * b1 * y[n]
        top = max(top, y[n])
    least = 1e-3 * top
    if amplitudes == 1:
        p[0] = np.log(max(r0 / max(g00, 1e-300), least))
        return
    determinant = g00 * g11 - g01 * g01
    if determinant > 1e-12 * g00 * g11:
        p[0] = np.log(max((g11 * r0 - g01 * r1) / determinant, least))
        p[1] = np.log(max((g00 * r1 - g01 * r0) / determinant, least))
    else:
        p[0] = p[1] = np.log(max(0.5 * r0 / max(g00, 1e-300), least))


@njit(cache=True)
@no_type_check
def _descend(t_s, y, w, p, problem, bounds, tolerance, work, trial, step):
    """Levenberg–Marquardt from p in place (Marquardt 1963, J SIAM 11:431), rates kept within the bounds; the final cost.

    Ends when no parameter moves by more than the tolerance (of its logarithm).
    """
    signs = problem[0]
    amplitudes = signs.shape[0]
    cost, damping = _normal(t_s, y, w, p, problem, work), 1e-3
    for _ in range(ITERATIONS):
        largest = 0.0
        if damped_step(work, damping, step):
            for i in range(p.size):
                moved = p[i] + min(max(step[i], -2.0), 2.0)
                trial[i] = min(max(moved, bounds[0]), bounds[1]) if i >= amplitudes else moved
                largest = max(largest, abs(trial[i] - p[i]))
            ahead = _normal(t_s, y, w, trial, problem, work)
        else:
            ahead, largest = np.inf, 1.0
        if ahead <= cost:
            gain = cost - ahead
            p[:] = trial
            cost, damping = ahead, max(damping * 0.1, 1e-12)
            if largest < tolerance or (gain <= 1e-13 * cost and largest < 1e-6):
                return cost
        else:
            damping = damping * 8.0 if damping < 1e12 else np.inf
            if not damping < 1e12:
                return cost
            _normal(t_s, y, w, p, problem, work)
    return cost


@njit(cache=True)
@no_type_check
def _begin(t_s, y, w, p, start, problem, bounds):
    """Parameters of a start: its rates within the bounds, and the amplitudes that fit best with them."""
    amplitudes = problem[0].shape[0]
    for i in range(p.size - amplitudes):
        p[amplitudes + i] = min(max(start[i], bounds[0]), bounds[1])
    _amplitudes(t_s, y, w, p, problem[0], problem[1])


@njit(cache=True)
@no_type_check
def _search(t_s, y, w, best, problem, bounds, starts, effort, work, trial, step, p):
    """Descent from every start, or from the one that begins lowest; the lowest cost, its parameters into `best`."""
    tolerance, every = effort
    lowest, first = np.inf, 0
    if not every:
        for s in range(starts.shape[0]):
            _begin(t_s, y, w, p, starts[s], problem, bounds)
            cost = _normal(t_s, y, w, p, problem, work)
            if cost < lowest:
                lowest, first = cost, s
    lowest = np.inf
    for s in range(0 if every else first, starts.shape[0] if every else first + 1):
        _begin(t_s, y, w, p, starts[s], problem, bounds)
        cost = _descend(t_s, y, w, p, problem, bounds, tolerance, work, trial, step)
        if cost < lowest:
            lowest = cost
            best[:] = p
    return lowest


@njit(cache=True, parallel=True)
@no_type_check
def fit_kernel(t_s, y, w, problem, bounds, starts, effort, out):
    """The best fit of each row of y (weights w = 1/sd², of its shape or one row for all): parameters, cost and status into `out`."""
    parameters, costs, status = out
    rows, amplitudes, k = y.shape[0], problem[0].shape[0], parameters.shape[1]
    for block in prange((rows + BLOCK - 1) // BLOCK):
        work = (np.empty(k), np.empty((k, k)), np.empty(k), np.empty(k), np.empty((k, k)))
        p, trial, step = np.empty(k), np.empty(k), np.empty(k)
        data, weight = np.empty(t_s.size), np.empty(t_s.size)
        for r in range(block * BLOCK, min(rows, (block + 1) * BLOCK)):
            total = 0.0
            for n in range(t_s.size):
                data[n] = y[r, n]
                weight[n] = w[r if w.shape[0] > 1 else 0, n]
                total += data[n] * weight[n]
            costs[r], status[r] = np.inf, UNUSABLE
            parameters[r] = np.nan
            if total > 0.0 and np.isfinite(total):
                costs[r] = _search(t_s, data, weight, parameters[r], problem, bounds, starts, effort, work, trial, step, p)
                status[r] = AT_LIMIT if parameters[r, amplitudes] <= bounds[0] + 1e-9 else CONVERGED

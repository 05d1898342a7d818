"""One step of Rodas5P on `LANES` draws, and the march of steps over an interval, each lane with its own step and its own end."""

from typing import no_type_check

import numpy as np
from numba import njit

from gemel.engines.ode.kernels import LANES, eliminate, rates, shifted, substitute
from gemel.engines.ode.tableau import DENSE, GAMMA, ORDER, STAGES, A, C

SAFETY, LEAST, MOST = 0.9, 0.2, 6.0
FIRST = 0.01  # first step, as a part of the shortest time constant
TINY = 1e-13  # steps shorter than this part of the time are too small
SOLVED, TOO_MANY_STEPS, STEP_TOO_SMALL, NOT_FINITE = range(4)


@njit(cache=True, error_model="numpy")
@no_type_check
def stages(tables, plan, values, source, work):
    """All stages U from y and the eliminated matrix; returns with `trial` the new y, and the last U the estimate of its error."""
    y, trial, u, right, _, shift, table, inverse = work
    n = len(plan[0])
    for s in range(STAGES):
        rates(tables, values, y if s == 0 else trial, source, right)
        for i in range(n):
            for j in range(s):
                for lane in range(LANES):
                    right[i, lane] += C[s, j] * GAMMA * shift[lane] * u[i, j, lane]  # shift = 1/(γh)
        substitute(plan, table, inverse, right)
        for i in range(n):
            for lane in range(LANES):
                u[i, s, lane] = right[i, lane]
        _advance(y, trial, u, s + 1)


@njit(cache=True, error_model="numpy")
@no_type_check
def _advance(y, trial, u, s):
    """Where stage s begins; after the last stage, the new y."""
    for i in range(len(u)):
        if s == STAGES:
            for lane in range(LANES):
                trial[i, lane] += u[i, s - 1, lane]
        else:
            for lane in range(LANES):
                trial[i, lane] = y[i, lane]
            for j in range(s):
                for lane in range(LANES):
                    trial[i, lane] += A[s, j] * u[i, j, lane]


@njit(cache=True, error_model="numpy")
@no_type_check
def error(work, tolerance, out):
    """Largest estimate of a state's error over absolute + relative·|y|, by lane; NaN if any is."""
    y, trial, u = work[0], work[1], work[2]
    out[:] = 0.0
    for i in range(len(u)):
        for lane in range(LANES):
            scale = tolerance[1] + tolerance[0] * max(abs(y[i, lane]), abs(trial[i, lane]))
            ratio = abs(u[i, STAGES - 1, lane]) / scale
            out[lane] = ratio if ratio > out[lane] or ratio != ratio else out[lane]


@njit(cache=True, error_model="numpy")
@no_type_check
def first_step(tables, plan, values, work, span):
    """A hundredth of the shortest time constant on the diagonal of the Jacobian, at most the span."""
    y, _, _, _, h, shift, table, _ = work
    shift[:] = 0.0
    shifted(tables, values, y, shift, (table, plan[0]))
    for lane in range(LANES):
        fastest = FIRST / span
        for place in plan[0]:
            fastest = max(fastest, abs(table[place, lane]))
        h[lane] = min(span, FIRST / fastest)


@njit(cache=True, error_model="numpy")
@no_type_check
def written(work, outputs, interval, times, where):
    """Values of the outputs at the times of one lane's step, by the dense output of order 4."""
    y, trial, u = work[0], work[1], work[2]
    lane, start, h = interval
    values, begin, end = where
    values[begin:end, :, lane] = 0.0
    for w in range(len(outputs)):
        output, i = outputs[w, 0], outputs[w, 1]
        bend = [0.0, 0.0, 0.0]
        for j in range(STAGES):
            for d in range(3):
                bend[d] += DENSE[d, j] * u[i, j, lane]
        for k in range(begin, end):
            s = (times[k] - start) / h
            inner = bend[0] + s * (bend[1] + s * bend[2])
            values[k, output, lane] += (1 - s) * y[i, lane] + s * (trial[i, lane] + (1 - s) * inner)


@njit(cache=True, error_model="numpy")
@no_type_check
def _settled(ratio, step, t, count, most):
    """Next step and status from the estimate of the error: SOLVED while there is nothing wrong."""
    factor = min(MOST, max(LEAST, SAFETY * max(ratio, 1e-12) ** (-1.0 / ORDER))) if np.isfinite(ratio) else LEAST
    status = SOLVED
    if count >= most:
        status = TOO_MANY_STEPS
    elif step * factor <= TINY * max(abs(t), step):
        status = STEP_TOO_SMALL if np.isfinite(ratio) else NOT_FINITE
    return step * factor, status


@njit(cache=True, error_model="numpy")
@no_type_check
def march(tables, plan, values, source, work, course):
    """All lanes over a span; outputs from `cursor` on at times in [start, end), and at the end itself if the span is the last."""
    (start, end, last), tolerance, (outputs, times, into), (cursor, steps, status) = course
    y, trial, _, _, h, shift, table, inverse = work
    t = np.full(LANES, start)
    ratio, moving = np.empty(LANES), status == SOLVED
    first_step(tables, plan, values, work, end - start)
    while moving.any():
        for lane in range(LANES):
            if moving[lane] and t[lane] + 1.01 * h[lane] >= end:
                h[lane] = end - t[lane]
            shift[lane] = 1.0 / (GAMMA * h[lane])
        shifted(tables, values, y, shift, (table, plan[0]))
        eliminate(plan, table, inverse)
        stages(tables, plan, values, source, work)
        error(work, tolerance, ratio)
        for lane in range(LANES):
            if not moving[lane]:
                continue
            steps[lane] += 1
            if ratio[lane] <= 1.0:
                reached = end if h[lane] >= end - t[lane] else t[lane] + h[lane]
                begin = cursor[lane]
                while cursor[lane] < len(times) and (times[cursor[lane]] < reached or (last and times[cursor[lane]] <= reached)):
                    cursor[lane] += 1
                if cursor[lane] > begin:
                    written(work, outputs, (lane, t[lane], h[lane]), times, (into, begin, cursor[lane]))
                t[lane] = reached
                for i in range(len(inverse)):
                    y[i, lane] = trial[i, lane]
                moving[lane] = t[lane] < end
            if moving[lane]:
                h[lane], status[lane] = _settled(ratio[lane], h[lane], t[lane], steps[lane], tolerance[2])
                moving[lane] = status[lane] == SOLVED

"""An exponential convolved with a piecewise-linear input, and its means over frames, in closed form; compiled."""

import math
from typing import no_type_check

import numpy as np
from numba import njit

SMALL, TERMS = 0.5, 12  # below, φ₃ = Σ(-z)^n/(n+3)!; the remainder is under the rounding
TINY, FEW = 0.02, 6
SERIES = np.array([(-1.0) ** n / math.factorial(n + 3) for n in range(TERMS)])


@njit(cache=True)
@no_type_check
def _phi(z, f, d):
    """φ_k(z), φ_0 = e^(-z), φ_(k+1) = (1/k! - φ_k)/z into f, and their derivatives into d; k = 0 … 3, z >= 0.

    Minchev & Wright 2005, NTNU Preprint Numerics 2/2005 (φ-functions of exponential integrators), here of the argument -z.
    """
    if z > SMALL:
        f[0] = np.exp(-z)
        f[1] = (1.0 - f[0]) / z
        f[2] = (1.0 - f[1]) / z
        f[3] = (0.5 - f[2]) / z
        d[0] = -f[0]
        for k in range(3):
            d[k + 1] = -(d[k] + f[k + 1]) / z
        return
    value, slope = 0.0, 0.0
    for n in range(FEW - 1 if z < TINY else TERMS - 1, -1, -1):
        slope = slope * z + value
        value = value * z + SERIES[n]
    f[3], d[3] = value, slope
    f[2], d[2] = 0.5 - z * value, -value - z * slope
    f[1], d[1] = 1.0 - z * f[2], -f[2] - z * d[2]
    f[0], d[0] = 1.0 - z * f[1], -f[1] - z * d[1]


@njit(cache=True)
@no_type_check
def _ahead(h, theta, c, rise, state, f, d, out):
    """E, ∫E, ∂E/∂θ and ∂∫E/∂θ after a time h in which the input is c + rise·t; E' = input - θE."""
    _phi(theta * h, f, d)
    e, whole, by, whole_by = state[0], state[1], state[2], state[3]
    out[0] = e * f[0] + h * (c * f[1] + h * rise * f[2])
    out[1] = whole + h * (e * f[1] + h * (c * f[2] + h * rise * f[3]))
    out[2] = by * f[0] + h * (e * d[0] + h * (c * d[1] + h * rise * d[2]))
    out[3] = whole_by + h * (by * f[1] + h * (e * d[1] + h * (c * d[2] + h * rise * d[3])))


@njit(cache=True)
@no_type_check
def respond(theta, curve, edges_s, delay_s, out):
    """Means over frames of E(t) = ∫C(u)e^(-θ(t-u))du, t less the delay, and their derivatives by θ and the delay, into the rows of out.

    curve: times and values of C, straight lines between, zero before. edges_s: start and end of each frame, ascending.
    """
    t_s, value = curve
    f, d, state, there = np.zeros(4), np.zeros(4), np.zeros(4), np.zeros(4)
    begin = np.zeros(4)
    edge = 0
    for i in range(t_s.size - 1):
        width = t_s[i + 1] - t_s[i]
        rise = (value[i + 1] - value[i]) / width
        while edge < edges_s.size and (edges_s[edge] - delay_s <= t_s[i + 1] or i == t_s.size - 2):
            h = edges_s[edge] - delay_s - t_s[i]
            if h > 0.0:
                _ahead(h, theta, value[i], rise, state, f, d, there)
            else:
                there[:] = 0.0
            if edge % 2 == 0:
                begin[:] = there
            else:
                n, duration = edge // 2, edges_s[edge] - edges_s[edge - 1]
                out[0, n] = (there[1] - begin[1]) / duration
                out[1, n] = (there[3] - begin[3]) / duration
                out[2, n] = (begin[0] - there[0]) / duration
            edge += 1
        if edge == edges_s.size:
            return
        _ahead(width, theta, value[i], rise, state, f, d, there)
        state[:] = there


@njit(cache=True)
@no_type_check
def respond_at(theta, curve, t_s, out):
    """E at each of the ascending times, without frames."""
    knots_s, value = curve
    f, d, state, there = np.zeros(4), np.zeros(4), np.zeros(4), np.zeros(4)
    n = 0
    for i in range(knots_s.size - 1):
        width = knots_s[i + 1] - knots_s[i]
        rise = (value[i + 1] - value[i]) / width
        while n < t_s.size and (t_s[n] <= knots_s[i + 1] or i == knots_s.size - 2):
            h = t_s[n] - knots_s[i]
            if h > 0.0:
                _ahead(h, theta, value[i], rise, state, f, d, there)
                out[n] = there[0]
            else:
                out[n] = 0.0
            n += 1
        _ahead(width, theta, value[i], rise, state, f, d, there)
        state[:] = there


@njit(cache=True)
@no_type_check
def mean_of_lines(curve, edges_s, delay_s, out):
    """Means over frames of the piecewise-linear C(t - delay), and their derivatives by the delay, into the rows of out."""
    t_s, value = curve
    whole, begin, here = 0.0, 0.0, 0.0
    edge = 0
    for i in range(t_s.size - 1):
        width = t_s[i + 1] - t_s[i]
        rise = (value[i + 1] - value[i]) / width
        while edge < edges_s.size and (edges_s[edge] - delay_s <= t_s[i + 1] or i == t_s.size - 2):
            h = max(edges_s[edge] - delay_s - t_s[i], 0.0)
            now = value[i] + rise * h if edges_s[edge] - delay_s >= t_s[0] else 0.0
            area = whole + h * (value[i] + 0.5 * rise * h)
            if edge % 2 == 0:
                begin, here = area, now
            else:
                duration = edges_s[edge] - edges_s[edge - 1]
                out[0, edge // 2] = (area - begin) / duration
                out[1, edge // 2] = (here - now) / duration
            edge += 1
        whole += 0.5 * width * (value[i] + value[i + 1])

"""Rates, Jacobian and sparse elimination of a network for `LANES` draws side by side.

Each lane is a draw with its own coefficients, step and matrix; lanes never mix, so that a draw's numbers do not depend on its company.
"""

from typing import no_type_check

from numba import njit

LANES = 8


@njit(inline="always")
@no_type_check
def three(table, i):
    """A row of three as scalars."""
    return table[i, 0], table[i, 1], table[i, 2]


@njit(inline="always")
@no_type_check
def five(table, i):
    """A row of five as scalars."""
    return table[i, 0], table[i, 1], table[i, 2], table[i, 3], table[i, 4]


@njit(cache=True, error_model="numpy")
@no_type_check
def assemble(linear, coefficients, matrix):
    """Values of A from the coefficients (c, lanes)."""
    matrix[:] = 0.0
    for t in range(len(linear.entries)):
        entry, which, factor = linear.entries[t], linear.coefficients[t], linear.factors[t]
        for lane in range(LANES):
            matrix[entry, lane] += factor * (coefficients[which, lane] if which >= 0 else 1.0)


@njit(cache=True, error_model="numpy")
@no_type_check
def rates(tables, values, y, source, out):
    """out = source + A y + products; the row after the last of y is 1. `values` holds A and the coefficients."""
    linear, products = tables
    matrix, coefficients = values
    n = len(linear.ends)
    start = 0
    for i in range(n):
        for lane in range(LANES):
            out[i, lane] = source[i, lane]
        for e in range(start, linear.ends[i]):
            j = linear.columns[e]
            for lane in range(LANES):
                out[i, lane] += matrix[e, lane] * y[j, lane]
        start = linear.ends[i]
    start = 0
    for q in range(len(products.ends)):
        which, first, second, divisor, half = five(products.rates, q)
        for s in range(start, products.ends[q]):
            i, factor = products.rows[s], products.factors[s]
            for lane in range(LANES):
                rate = factor * coefficients[which, lane] * y[first, lane] * y[second, lane]
                if divisor >= 0:
                    rate /= coefficients[half, lane] + y[divisor, lane]
                out[i, lane] += rate
        start = products.ends[q]


@njit(cache=True, error_model="numpy")
@no_type_check
def shifted(tables, values, y, shift, lu):
    """shift·I − J(y), before its elimination, into the first of `lu`, whose second are the places of the pivots."""
    linear, products = tables
    matrix, coefficients = values
    table, diagonal = lu
    table[:] = 0.0
    for i in range(len(diagonal)):
        for lane in range(LANES):
            table[diagonal[i], lane] = shift[lane]
    for e in range(len(linear.places)):
        place = linear.places[e]
        if place >= 0:
            for lane in range(LANES):
                table[place, lane] -= matrix[e, lane]
    start = 0
    for q in range(len(products.ends)):
        which, first, second, divisor, half = five(products.rates, q)
        for s in range(start, products.ends[q]):
            by_first, by_second, by_divisor = three(products.places, s)
            for lane in range(LANES):
                slope = products.factors[s] * coefficients[which, lane]
                if divisor >= 0:
                    below = coefficients[half, lane] + y[divisor, lane]
                    slope /= below
                    table[by_divisor, lane] += slope * y[first, lane] * y[second, lane] / below
                if by_first >= 0:
                    table[by_first, lane] -= slope * y[second, lane]
                if by_second >= 0:
                    table[by_second, lane] -= slope * y[first, lane]
        start = products.ends[q]


@njit(cache=True, error_model="numpy")
@no_type_check
def eliminate(plan, table, inverse):
    """LU in place, without pivoting; `inverse` (n, lanes) of the pivots."""
    diagonal, lower, updates, update_ends, _, _ = plan
    at, start = 0, 0
    for k in range(len(diagonal)):
        for lane in range(LANES):
            inverse[k, lane] = 1.0 / table[diagonal[k], lane]
        while at < len(lower) and lower[at, 2] == k:
            place = lower[at, 0]
            for lane in range(LANES):
                table[place, lane] *= inverse[k, lane]
            for u in range(start, update_ends[at]):
                target, pivot = updates[u, 0], updates[u, 1]
                for lane in range(LANES):
                    table[target, lane] -= table[place, lane] * table[pivot, lane]
            start = update_ends[at]
            at += 1


@njit(cache=True, error_model="numpy")
@no_type_check
def substitute(plan, table, inverse, b):
    """b becomes the solution of L U x = b."""
    diagonal, lower, _, _, upper, upper_ends = plan
    for at in range(len(lower)):
        place, i, k = three(lower, at)
        for lane in range(LANES):
            b[i, lane] -= table[place, lane] * b[k, lane]
    for k in range(len(diagonal) - 1, -1, -1):
        for u in range(upper_ends[k - 1] if k > 0 else 0, upper_ends[k]):
            place, j = upper[u, 0], upper[u, 1]
            for lane in range(LANES):
                b[k, lane] -= table[place, lane] * b[j, lane]
        for lane in range(LANES):
            b[k, lane] *= inverse[k, lane]

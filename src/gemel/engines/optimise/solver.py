"""Minimise a smooth function of non-negative variables: L-BFGS-B in scaled variables, with a convergence test of its own.

Byrd, Lu, Nocedal & Zhu 1995, SIAM J Sci Comput 16:1190 (the method; scipy's implementation is used).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits

from gemel.core.image import Array

Function = Callable[[Float[Array, "n"]], tuple[float, Float[Array, "n"]]]
Progress = Callable[[int, float], None]

WINDOW = 10  # iterations over which the decrease is averaged: one short step does not end the search
MEMORY = 40  # pairs kept by L-BFGS; on spot problems more pairs save iterations and cost little beside the products


@dataclass(frozen=True)
class Rule:
    """When to stop: both tests passed, or the cap.

    `decrease`: mean relative decrease an iteration over the last ten. `cosine`: max|projected gradient in u|/√(2f), the cosine of
    the angle between residual and columns when f is a sum of squares and u is scaled to unit columns (Moré 1978, Lect Notes Math
    630:105, sec. 8). `floor`: a value at which the objective counts as zero; both tests are relative to the larger of f and it.
    """

    decrease: float
    cosine: float
    floor: float
    max_iterations: int


@dataclass(frozen=True)
class Minimum:
    """Where the search ended; `status` says in words why."""

    x: Float[Array, "n"]
    value: float
    status: str
    converged: bool
    iterations: int


def minimise(
    function: Function, start: Float[Array, "n"], scale: Float[Array, "n"], rule: Rule, progress: Progress | None = None
) -> Minimum:
    """Minimum of f(x) over x ≥ 0, searched in u = x/scale."""
    values: list[float] = []
    last: dict[str, Any] = {}

    def in_scaled(u: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
        value, gradient = function(u * scale)
        last.update(u=u.copy(), gradient=gradient * scale)
        return value, last["gradient"]

    def accepted(intermediate_result: Any) -> None:
        values.append(float(intermediate_result.fun))
        if progress is not None:
            progress(len(values) - 1, values[-1])
        if not np.array_equal(last["u"], intermediate_result.x):
            in_scaled(intermediate_result.x)
        if is_converged(values, last["u"], last["gradient"], rule):
            raise StopIteration

    u = start / scale
    values.append(in_scaled(u)[0])
    if rule.max_iterations > 0 and not is_converged(values, u, last["gradient"], rule):
        limits: Any = {"maxiter": rule.max_iterations, "maxfun": 20 * rule.max_iterations + 20, "maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0}
        bounds: Any = Bounds(0.0, np.inf)
        with threadpool_limits(1, user_api="blas"):  # its matrices are small: BLAS threads would only stand in the way of the products
            u = minimize(in_scaled, u, jac=True, method="L-BFGS-B", bounds=bounds, callback=accepted, options=limits).x
        in_scaled(u)
    converged = is_converged(values, u, last["gradient"], rule)
    return Minimum(np.maximum(u, 0.0) * scale, values[-1], _status(converged, values, rule), converged, len(values) - 1)


def is_converged(values: list[float], u: Float[Array, "n"], gradient: Float[Array, "n"], rule: Rule) -> bool:
    """True when the decrease has died out and no feasible direction is left along the gradient."""
    size = max(values[-1], rule.floor)
    still = projected_gradient(u, gradient) <= rule.cosine * np.sqrt(2.0 * size)
    if values[-1] <= rule.floor or len(values) == 1:
        return bool(values[-1] <= rule.floor)
    before = values[-1 - min(WINDOW, len(values) - 1)]
    return bool(still and len(values) > WINDOW and before - values[-1] <= WINDOW * rule.decrease * size)


def projected_gradient(u: Float[Array, "n"], gradient: Float[Array, "n"]) -> float:
    """Largest component of the gradient along which a variable may still move within u ≥ 0."""
    return float(np.abs(u - np.maximum(u - gradient, 0.0)).max())


def _status(converged: bool, values: list[float], rule: Rule) -> str:
    if converged and values[-1] <= rule.floor:
        return "converged: every objective is met"
    if converged:
        return f"converged: relative decrease below {rule.decrease:.0e} an iteration and projected gradient below {rule.cosine:.0e}"
    if len(values) > rule.max_iterations:
        return f"stopped at the cap of {rule.max_iterations} iterations, not converged: raise max_iterations or go on from these weights"
    return "stopped at rounding error: no lower value is found along the gradient"

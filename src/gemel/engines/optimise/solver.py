"""Minimise a smooth function of non-negative variables: L-BFGS-B in scaled variables, with a convergence test of its own.

Byrd, Lu, Nocedal & Zhu 1995, SIAM J Sci Comput 16:1190 (the method; scipy's implementation is used).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int
from scipy.optimize import Bounds, minimize
from threadpoolctl import threadpool_limits

from gemel.core.image import Array

Function = Callable[[Float[Array, "n"]], tuple[float, Float[Array, "n"]]]
Progress = Callable[[int, float], None]

WINDOW = 10  # iterations over which the decrease is averaged: one short step does not end the search
MEMORY = 20  # pairs kept by L-BFGS; more save hardly an iteration on spot problems, fewer cost some


@dataclass(frozen=True)
class Rule:
    """When to stop: both tests passed, the cap, or when `expired` says so after an iteration.

    `decrease`: mean relative decrease an iteration over the last ten. `cosine`: max|projected gradient in u|/√(2f), the cosine of
    the angle between residual and columns when f is a sum of squares and u is scaled to unit columns (Moré 1978, Lect Notes Math
    630:105, sec. 8). `floor`: a value at which the objective counts as zero; both tests are relative to the larger of f and it.
    """

    decrease: float
    cosine: float
    floor: float
    max_iterations: int
    expired: Callable[[], bool] | None = None


@dataclass(frozen=True)
class Box:
    """Bounds of each variable, and the unit in which it is searched."""

    low: Float[Array, "n"]
    high: Float[Array, "n"]
    scale: Float[Array, "n"]

    def of(self, some: Int[Array, "m"]) -> "Box":
        """The box of some of the variables."""
        return Box(self.low[some], self.high[some], self.scale[some])

    def scaled(self) -> "Box":
        """The same box in the variables u = x/scale."""
        return Box(self.low / self.scale, self.high / self.scale, np.ones(self.scale.size))


Ending = Literal["met", "converged", "cap", "time", "rounding", "empty"]  # "empty": all zero, by `planning`


@dataclass(frozen=True)
class Minimum:
    """Where the search ended, and why."""

    x: Float[Array, "n"]
    value: float
    ending: Ending
    iterations: int

    @property
    def converged(self) -> bool:
        """Both tests passed, or nothing is left to gain."""
        return self.ending in ("met", "converged")


def non_negative(n: int) -> Box:
    """x ≥ 0."""
    return Box(np.zeros(n), np.full(n, np.inf), np.ones(n))


def minimise(function: Function, start: Float[Array, "n"], box: Box, *, rule: Rule, progress: Progress) -> Minimum:
    """Minimum of f(x) within the box, searched in u = x/scale."""
    values: list[float] = []
    last: dict[str, Any] = {}
    within, scale = box.scaled(), box.scale

    def in_scaled(u: Float[Array, "n"]) -> tuple[float, Float[Array, "n"]]:
        value, gradient = function(u * scale)
        last.update(u=u.copy(), gradient=gradient * scale)
        return value, last["gradient"]

    def accepted(intermediate_result: Any) -> None:
        values.append(float(intermediate_result.fun))
        progress(len(values) - 1, values[-1])
        if not np.array_equal(last["u"], intermediate_result.x):
            in_scaled(intermediate_result.x)
        if _ending(values, last["u"], last["gradient"], rule, within) in ("met", "converged", "time"):
            raise StopIteration

    u = np.clip(start / scale, within.low, within.high)
    values.append(in_scaled(u)[0])
    if _ending(values, u, last["gradient"], rule, within) == "rounding":
        limits: Any = {"maxiter": rule.max_iterations, "maxfun": 20 * rule.max_iterations + 20, "maxcor": MEMORY, "ftol": 0.0, "gtol": 0.0}
        bounds: Any = Bounds(within.low, within.high)
        with threadpool_limits(1, user_api="blas"):  # its matrices are small: BLAS threads would only stand in the way of the products
            u = minimize(in_scaled, u, jac=True, method="L-BFGS-B", bounds=bounds, callback=accepted, options=limits).x
        if not np.array_equal(last["u"], u):
            in_scaled(u)
    ending = _ending(values, u, last["gradient"], rule, within)
    return Minimum(np.clip(u * scale, box.low, box.high), values[-1], ending, len(values) - 1)


def is_converged(values: list[float], u: Float[Array, "n"], gradient: Float[Array, "n"], rule: Rule, box: Box | None = None) -> bool:
    """True when the decrease has died out and no feasible direction is left along the gradient."""
    size = max(values[-1], rule.floor)
    still = projected_gradient(u, gradient, box) <= rule.cosine * np.sqrt(2.0 * size)
    if values[-1] <= rule.floor or len(values) == 1:
        return bool(values[-1] <= rule.floor)
    before = values[-1 - min(WINDOW, len(values) - 1)]
    return bool(still and len(values) > WINDOW and before - values[-1] <= WINDOW * rule.decrease * size)


def projected_gradient(u: Float[Array, "n"], gradient: Float[Array, "n"], box: Box | None = None) -> float:
    """Largest component of the gradient along which a variable may still move within its bounds (u ≥ 0 without a box)."""
    inside = box or non_negative(u.size)
    return float(np.abs(u - np.clip(u - gradient, inside.low, inside.high)).max(initial=0.0))


def _ending(values: list[float], u: Float[Array, "n"], gradient: Float[Array, "n"], rule: Rule, box: Box) -> Ending:
    """Why a search that stops here does; "rounding" when nothing but the lack of a lower value would stop it."""
    if is_converged(values, u, gradient, rule, box):
        return "met" if values[-1] <= rule.floor else "converged"
    if len(values) > rule.max_iterations:
        return "cap"
    return "time" if rule.expired is not None and rule.expired() else "rounding"

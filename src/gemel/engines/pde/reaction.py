"""What happens within a voxel: rates as compiled functions, with the parameters they are given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Shaped
from numba import njit

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import WHERE, Domain

Parameter = float | int | Shaped[Array, "x y z"]


@dataclass(frozen=True)
class Reaction:
    """du/dt within a voxel, as a function compiled by numba.

    One species: `rate(u, p, f) -> du/dt`, u a number; several: `rate(u, p, f, du)`, which fills du (species,) from u (species,).
    p are the `parameters` at the voxel, in order (each a number or a map); f what `forcing(t0, t1)` says of the step, the means over it of
    functions of time alone. `steepest(u_max)`: a bound of |∂rate/∂u| (one over the unit of time) while u is up to u_max; it sets the step.
    """

    rate: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    steepest: Callable[[float], float]
    forcing: Callable[[float, float], Sequence[float]] | None = None
    species: int = 1


@njit(cache=True)
@no_type_check
def logistic_rate(u, p, f):
    """k u (1 − u/K), p = (k, 1/K); without a literal number, which would make it float64."""
    return p[0] * (u - u * u * p[1])


def nothing() -> Reaction:
    """Diffusion alone."""
    return Reaction(logistic_rate, (0.0, 0.0), lambda most: 0.0)


def logistic(k_1_d: Parameter, capacity: Parameter = 1.0) -> Reaction:
    """k u (1 − u/capacity), each one number or a map. Verhulst 1838. Raises RangeError for NaN or a capacity not over zero."""
    k, full = np.asarray(k_1_d, dtype=np.float64), np.asarray(capacity, dtype=np.float64)
    if not np.isfinite(k).all() or not (np.isfinite(full).all() and (full > 0).all()):
        raise RangeError("a growth rate or capacity that cannot be", where="logistic", remedy="give finite rates and capacities over zero")
    fastest, least = float(np.abs(k).max()), float(full.min())
    inverse = np.asarray(1.0 / full)
    return Reaction(logistic_rate, (_plain(k), _plain(inverse)), lambda most: fastest * max(1.0, 2.0 * most / least - 1.0))


def exponential(k_1_d: Parameter) -> Reaction:
    """k u: growth, or loss for k < 0; one number or a map. Raises RangeError for NaN."""
    k = np.asarray(k_1_d, dtype=np.float64)
    if not np.isfinite(k).all():
        raise RangeError("a rate that is not finite", where="exponential", remedy="give finite numbers")
    fastest = float(np.abs(k).max())
    return Reaction(logistic_rate, (_plain(k), 0.0), lambda most: fastest)


def tabled(of: Reaction, on: Domain, dtype: type) -> Shaped[Array, "p x y z"]:
    """Parameters as the kernels read them: one row that serves everywhere where all are numbers, else a field of each.

    Raises GeometryError for a map of another shape, RangeError for NaN in the mask.
    """
    values = [np.asarray(value, dtype=np.float64) for value in of.parameters]
    if all(value.ndim == 0 for value in values):
        numbers: Array = np.array(values, dtype=dtype)[:, None, None, None]
        return np.ascontiguousarray(np.broadcast_to(numbers, (len(values), 1, 1, on.inside.shape[2])))
    for value in values:
        if value.ndim and value.shape != on.shape:
            raise GeometryError(f"a parameter of shape {value.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    fields = on.enter(np.stack([np.broadcast_to(value, on.shape) for value in values]).astype(dtype))
    if not np.isfinite(fields).all():
        raise RangeError("a parameter that is not finite in the mask", where=WHERE, remedy="give finite numbers in every voxel of the mask")
    return fields


def _plain(value: Shaped[Array, "..."]) -> Parameter:
    return value if value.ndim else float(value)

"""What happens within a voxel: rates as compiled functions, with the parameters they are given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Shaped
from numba import njit

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import numbers
from gemel.engines.pde.domain import WHERE, Domain

Parameter = float | int | Shaped[Array, "x y z"]
LOGISTIC, GOMPERTZ = 0, 1
"""Of the standard rate."""


@dataclass(frozen=True)
class Reaction:
    """du/dt within a voxel, as a function compiled by numba.

    One species: `rate(u, p, f) -> du/dt`, u a number; several: `rate(u, p, f, du)`, which fills du (species,) from u (species,).
    p are the `parameters` at the voxel, in order (each a number or a map); f what `forcing(t0, t1)` says of the step, the means over it of
    functions of time alone. `steepest(u_max)`: a bound of |∂rate/∂u| (one over the unit of time) while u is up to u_max; it sets the step.
    For `gradient` of one species: `slope(u, p, f) -> (∂rate/∂u, (∂rate/∂p₀, …))`, compiled too. `still`: rate(0) is 0 whatever p and f.
    `which`: of the standard rates (the compiled kernel of which is kept on disk). `full`: up to where u grows by itself, where it does.
    """

    rate: Callable[..., Any]
    parameters: tuple[Parameter, ...]
    steepest: Callable[[float], float]
    forcing: Callable[[float, float], Sequence[float]] | None = None
    species: int = 1
    slope: Callable[..., Any] | None = None
    still: bool = False
    which: int = 0
    full: float = 0.0

    def by_capacity(self, by: Sequence[Any]) -> tuple[Any, Any]:
        """Derivatives by k and capacity K from those by k and q, of a standard reaction: dq/dK = −q² (q = 1/K) or e^{−q} (q = ln K)."""
        q = np.asarray(self.parameters[1])
        return by[0], by[1] * (np.exp(-q) if self.which == GOMPERTZ else -(q**2))


@njit(cache=True)
@no_type_check
def standard_rate(u, p, f):
    """p = (which, k, q): logistic (None) k (u − q u²), q = 1/K, or Gompertz k u (q − ln u), q = ln K.

    The kind is a type, so that the loop holds one of them; no literal number, for that would be float64.
    """
    if p[0] is None:
        return p[1] * (u - u * u * p[2])
    return p[1] * u * (p[2] - np.log(u)) if u > u - u else u - u


@njit(cache=True)
@no_type_check
def standard_slope(u, p, f):
    """∂/∂u of `standard_rate`, and ∂/∂k, ∂/∂q."""
    nothing = u - u
    if p[0] is None:
        crowd = p[1] * p[2] * u
        return p[1] - crowd - crowd, (u - u * u * p[2], -p[1] * u * u)
    if u > nothing:
        rest = p[2] - np.log(u)
        return p[1] * (rest - u / u), (u * rest, p[1] * u)
    return nothing, (nothing, nothing)


def nothing() -> Reaction:
    """Diffusion alone."""
    return _standard((0.0, 0.0), lambda most: 0.0)


def checked_reaction(given: object) -> Reaction:
    """A reaction; `nothing` for None. Raises InputError for what is none."""
    if given is None:
        return nothing()
    if not isinstance(given, Reaction):
        remedy = "give logistic(k_1_d), another Reaction, or None"
        raise InputError(f"reaction = {given!r:.60}", where="reaction", remedy=remedy)
    return given


def logistic(k_1_d: Parameter, capacity: Parameter = 1.0) -> Reaction:
    """k u (1 − u/capacity), each one number or a map. Verhulst 1838. Raises RangeError for NaN or a capacity not over zero."""
    k, full = _growth(k_1_d, capacity, "logistic")
    fastest, least, largest = float(np.abs(k).max()), float(full.min()), float(full.max())
    return _standard((k, 1.0 / full), lambda most: fastest * max(1.0, 2.0 * max(most, largest) / least - 1.0), full=largest)


def gompertz(k_1_d: Parameter, capacity: Parameter = 1.0) -> Reaction:
    """k u ln(capacity/u), 0 at u = 0; each one number or a map. Gompertz 1825, Phil Trans 115:513; Norton 1988, Cancer Res 48:7067.

    Its slope has no bound at u → 0: the step is set for u down to 10⁻⁶ of the capacity. Raises RangeError as `logistic`.
    """
    k, full = _growth(k_1_d, capacity, "gompertz")
    fastest, spread = float(np.abs(k).max()), float(full.max() / full.min())
    steepest = fastest * (1.0 + np.log(1e6 * spread))
    least = float(full.min())
    return _standard(
        (k, np.log(full)),
        lambda most: max(steepest, fastest * (1.0 + abs(np.log(max(most, 1e-300) / least)))),
        which=GOMPERTZ,
        full=float(full.max()),
    )


def exponential(k_1_d: Parameter) -> Reaction:
    """k u: growth, or loss for k < 0; one number or a map. Raises RangeError for NaN."""
    k = numbers(k_1_d, "k_1_d")
    if not k.size or not np.isfinite(k).all():
        raise RangeError("a rate that is not finite", where="exponential", remedy="give finite numbers")
    fastest = float(np.abs(k).max())
    return _standard((k, 0.0), lambda most: fastest)


def _growth(k_1_d: Parameter, capacity: Parameter, where: str) -> tuple[Shaped[Array, "..."], Shaped[Array, "..."]]:
    k, full = numbers(k_1_d, "k_1_d"), numbers(capacity, "capacity")
    if not (k.size and full.size) or not np.isfinite(k).all() or not (np.isfinite(full).all() and (full > 0).all()):
        raise RangeError("a growth rate or capacity that cannot be", where=where, remedy="give finite rates and capacities over zero")
    return k, full


def _standard(kq: tuple[Any, Any], steepest: Callable[[float], float], *, which: int = LOGISTIC, full: float = 0.0) -> Reaction:
    parameters = (_plain(np.asarray(kq[0])), _plain(np.asarray(kq[1])))
    return Reaction(standard_rate, parameters, steepest, slope=standard_slope, still=True, which=which, full=full)


def tabled(of: Reaction, on: Domain, dtype: type) -> Shaped[Array, "p x y z"]:
    """Parameters as the kernels read them: one voxel that serves everywhere where all are numbers, else a field of each.

    Raises GeometryError for a map of another shape, RangeError for NaN in the mask.
    """
    values = [np.asarray(value) for value in of.parameters]
    for value in values:
        if value.ndim and value.shape != on.shape:
            raise GeometryError(f"a parameter of shape {value.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    if all(value.ndim == 0 for value in values):
        return np.array(values, dtype=dtype).reshape(-1, 1, 1, 1)
    found: Array = np.zeros((len(values), *on.inside.shape), dtype=dtype)
    for field, value in zip(found, values):
        field[:] = on.enter(np.broadcast_to(value, on.shape).astype(dtype))
    if not np.isfinite(found).all():
        raise RangeError("a parameter that is not finite in the mask", where=WHERE, remedy="give finite numbers in every voxel of the mask")
    return found


def _plain(value: Shaped[Array, "..."]) -> Parameter:
    return value if value.ndim else float(value)

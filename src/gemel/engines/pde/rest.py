"""Reaction and diffusion at rest: ∇·(D ∇u) − sink(u) + exchange (supply − u) = 0 on a masked grid."""

from collections.abc import Callable
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numba import njit, prange

from gemel.core.errors import GemelError, GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import Domain, domain, runs
from gemel.engines.pde.faces import Diffusivity, Faces, faces
from gemel.engines.pde.sink import Sink
from gemel.engines.pde.solve import Spacing

WHERE = "at_rest"
MOST_NEWTON, MOST_CG = 60, 20000
Field = Float[Array, "..."]
"""A field as it was given, or as the kernels read it."""


def at_rest(
    mask: Shaped[Array, "..."],
    spacing_mm: Spacing,
    diffusivity: Diffusivity,
    sink: Sink,
    *,
    exchange: Shaped[Array, "x y z"] | float | int = 0.0,
    supply: Shaped[Array, "x y z"] | float | int = 0.0,
    held: Shaped[Array, "x y z"] | None = None,
    tolerance: float = 1e-6,
) -> Field:
    """u with ∇·(D ∇u) − sink(u) + exchange (supply − u) = 0, no flux through the mask's border; u = supply where `held`; float64.

    D in mm² and all rates in the same unit of time. Newton's method, each step by conjugate gradients with the diagonal as preconditioner,
    without a matrix; converged when no voxel's u changes by more than `tolerance` of the largest supply. With a concave sink every step
    after the first is from below (Ortega & Rheinboldt 1970, Iterative solution of nonlinear equations, 13.3.4).
    Raises as `solve`; InputError when nothing is held or exchanged; GemelError when it does not converge.
    """
    on = domain(mask, spacing_mm)
    kappa, given = _field(exchange, on, "exchange"), _field(supply, on, "supply")
    fixed = on.enter(_mask(held, on))
    if not (kappa.any() or fixed.any()):
        raise InputError("nothing that supplies", where=WHERE, remedy="give an exchange over zero or hold some voxels")
    free = on.inside & ~fixed
    system = _System(faces(diffusivity, on, np.float64), runs(free), free)
    return on.leave(_newton(system, (sink, kappa * free, given), np.where(on.inside, given, 0.0), tolerance, on))


class _System:
    """The diffusion matrix over the free voxels, never built."""

    def __init__(self, of: Faces, over: Shaped[Array, "runs 4"], free: Bool[Array, "..."]) -> None:
        self.faces, self.runs, self.free = of, over, free
        wx, wy, wz = of
        self.diagonal = np.zeros(free.shape)
        self.diagonal[:-1, :-1, :-1] = (
            wx[:-1, :-1, :-1] + wx[1:, :-1, :-1] + wy[:-1, :-1, :-1] + wy[:-1, 1:, :-1] + wz[:-1, :-1, :-1] + wz[:-1, :-1, 1:]
        )

    def times(self, u: Field, extra: Field) -> tuple[Field, float]:
        """(A + extra) u over the free voxels, and uᵀ of it."""
        found = np.zeros_like(u)
        return found, float(_apply(u, found, self.faces, self.runs, extra).sum())


@njit(parallel=True, cache=True)
@no_type_check
def _apply(u, out, of, over, extra):
    """Minus the divergence, plus extra u; what comes back are the parts of uᵀAu by run, to be summed in order."""
    wx, wy, wz = of
    parts = np.zeros(len(over))
    for r in prange(len(over)):
        x, y, start, stop = over[r]
        total = 0.0
        for z in range(start, stop):
            c = u[x, y, z]
            flow = wx[x, y, z] * (c - u[x - 1, y, z]) + wx[x + 1, y, z] * (c - u[x + 1, y, z])
            flow += wy[x, y, z] * (c - u[x, y - 1, z]) + wy[x, y + 1, z] * (c - u[x, y + 1, z])
            flow += wz[x, y, z] * (c - u[x, y, z - 1]) + wz[x, y, z + 1] * (c - u[x, y, z + 1]) + extra[x, y, z] * c
            out[x, y, z] = flow
            total += c * flow
        parts[r] = total
    return parts


def _newton(system: _System, rates: tuple[Sink, Field, Field], u: Field, tolerance: float, on: Domain) -> Field:
    sink, kappa, supply = rates
    inner = (slice(1, -1),) * 3
    scale = max(float(np.abs(supply).max()), 1e-300)
    for _ in range(MOST_NEWTON):
        use, slope = np.zeros_like(u), np.zeros_like(u)
        use[inner], slope[inner] = _turned(sink.rate, u, on), _turned(sink.slope, u, on)
        residual = kappa * supply - use * system.free - system.times(u, kappa)[0]
        change = _conjugate_gradients(system, residual, (kappa + slope) * system.free, tolerance * 0.01 * scale)
        u = u + change
        if float(np.abs(change).max()) <= tolerance * scale:
            return u
    raise GemelError(f"no rest after {MOST_NEWTON} steps", where=WHERE, remedy="check that the sink is concave and rises with u")


def _turned(function: Callable[[Field], Field], u: Field, on: Domain) -> Field:
    """The sink speaks of fields as they were given; the kernels of fields in their order."""
    return np.asarray(np.transpose(function(on.leave(u)), on.order))


def _conjugate_gradients(system: _System, wanted: Field, extra: Field, least: float) -> Field:
    """Hestenes & Stiefel 1952 with the diagonal; until no voxel's residual over its diagonal is more than `least`, twice over."""
    diagonal = np.where(system.free, system.diagonal + extra, 1.0)
    found, residual = np.zeros_like(wanted), wanted.copy()
    scaled = residual / diagonal
    direction, product = scaled.copy(), float(np.sum(residual * scaled))
    goal = product * 1e-16
    for _ in range(MOST_CG):
        if product <= goal or (float(np.abs(scaled).max()) <= least * 1e-3):
            return found
        image, curvature = system.times(direction, extra)
        step = product / curvature
        found += step * direction
        residual -= step * image
        scaled = residual / diagonal
        product, before = float(np.sum(residual * scaled)), product
        direction *= product / before
        direction += scaled
    raise GemelError(f"no solution after {MOST_CG} steps", where=WHERE, remedy="use a coarser grid or a stronger exchange")


def _field(value: Shaped[Array, "..."] | float, on: Domain, name: str) -> Field:
    numbers = np.asarray(value, dtype=np.float64)
    if numbers.ndim and numbers.shape != on.shape:
        raise GeometryError(f"{name} of shape {numbers.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    found = on.enter(np.broadcast_to(numbers, on.shape))
    if not np.isfinite(found).all() or (found < 0).any():
        raise RangeError(f"{name} that is negative or not finite", where=WHERE, remedy="give zero or more in every voxel of the mask")
    return found


def _mask(held: Shaped[Array, "..."] | None, on: Domain) -> Bool[Array, "..."]:
    found = np.zeros(on.shape, dtype=bool) if held is None else np.asarray(held).astype(bool)
    if found.shape != on.shape:
        raise GeometryError(f"held voxels of shape {found.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    return found

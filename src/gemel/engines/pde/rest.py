"""Reaction and diffusion at rest: ∇·(D ∇u) − sink(u) + exchange (supply − u) = 0 on a masked grid."""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gemel.core.errors import GemelError, InputError
from gemel.core.image import Array
from gemel.engines.pde.domain import Domain, domain
from gemel.engines.pde.elliptic import Spacing, field, freed, solved_by, where_held
from gemel.engines.pde.faces import Diffusivity, Faces, faces
from gemel.engines.pde.sink import Sink

WHERE = "at_rest"
MOST_NEWTON = 60
INNER, LEAST = 0.01, 1e-13  # residual of each step: of the tolerance, and at least
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

    D in mm² and all rates in the same unit of time. Newton's method, each step by conjugate gradients with multigrid as preconditioner,
    without a matrix; converged when no voxel's u changes by more than `tolerance` of the largest supply. With a concave sink every step
    after the first is from below (Ortega & Rheinboldt 1970, Iterative solution of nonlinear equations, 13.3.4).
    Raises as `solve`; InputError when nothing is held or exchanged; GemelError when it does not converge.
    """
    on = domain(mask, spacing_mm)
    kappa, given = field(exchange, on, "exchange"), field(supply, on, "supply")
    fixed = on.enter(where_held(held, on))
    if not (kappa.any() or fixed.any()):
        raise InputError("nothing that supplies", where=WHERE, remedy="give an exchange over zero or hold some voxels")
    at = (on, faces(diffusivity, on, np.float64), fixed)
    return on.leave(_newton(at, (sink, kappa, given), np.where(on.inside, given, 0.0), tolerance))


def _newton(at: tuple[Domain, Faces, Bool[Array, "..."]], rates: tuple[Sink, Field, Field], u: Field, tolerance: float) -> Field:
    on, of, fixed = at
    sink, kappa, supply = rates
    inner = (slice(1, -1),) * 3
    free, scale = on.inside & ~fixed, max(float(np.abs(supply).max()), 1e-300)
    for _ in range(MOST_NEWTON):
        use, slope = np.zeros_like(u), np.zeros_like(u)
        use[inner], slope[inner] = _turned(sink.rate, u, on), _turned(sink.slope, u, on)
        system = freed(on, of, kappa + slope, fixed)
        balance = kappa * supply - use + slope * u
        right = balance * free + system.supplied(np.where(fixed, u, 0.0))
        found = np.where(free, solved_by(system, right, start=u * free, tolerance=max(INNER * tolerance, LEAST)).x, u)
        change, u = float(np.abs(found - u).max()), found
        if change <= tolerance * scale:
            return u
    raise GemelError(f"no rest after {MOST_NEWTON} steps", where=WHERE, remedy="check that the sink is concave and rises with u")


def _turned(function: Callable[[Field], Field], u: Field, on: Domain) -> Field:
    """The sink speaks of fields as they were given; the kernels of fields in their order."""
    return np.asarray(np.transpose(function(on.leave(u)), on.order))

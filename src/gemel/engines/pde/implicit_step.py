"""One implicit step of C ∂u/∂t = ∇·(K ∇u) − s u + q, of any length, by multigrid."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import GemelError
from gemel.core.image import Array
from gemel.engines.conjugate_gradients import conjugate_gradients
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.elliptic import System, freed
from gemel.engines.pde.faces import Faces
from gemel.engines.pde.multigrid import Multigrid, cycle

Field = Float[Array, "..."]
GAMMA = 2.0 - np.sqrt(2.0)
"""Where the trapezium rule ends and the backward formula begins, so that both solve with one matrix."""
PART = {1: 1.0, 2: GAMMA / 2.0}
"""Of the step, which stands in the matrix: Euler backward; TR-BDF2, Bank et al. 1985, IEEE Trans Electron Devices 32:1992."""


@dataclass(frozen=True)
class Step:
    """Matrix, its multigrid, C over the part of the step (so C u/a), and the order: 1 never overshoots, 2 is as stable and more exact."""

    system: System
    grids: Multigrid
    held: Field
    order: int
    tolerance: float


@dataclass(frozen=True)
class Ground:
    """Where things spread: conductances, loss s, capacity C (over 0), voxels that are held, all as the kernels read them."""

    on: Domain
    faces: Faces
    loss: Field
    capacity: Field
    fixed: Bool[Array, "..."]


def step_of(ground: Ground, dt: float, order: int, tolerance: float, grids: Multigrid | None = None) -> Step:
    """A step of length dt; `grids`: those of a similar step, which serve as well."""
    held = ground.capacity / (PART[order] * dt) * (ground.on.inside & ~ground.fixed)
    system = freed(ground.on, ground.faces, ground.loss + held, ground.fixed)
    return Step(system, grids or system.grids, held, order, tolerance)


def stepped(by: Step, u: Field, source: Field) -> Field:
    """u at the end of the step; held voxels keep their values. Raises GemelError when the steps of the solver do not suffice.

    What is left of each solution's residual is added, which makes the balance exact: u then is what the fluxes say.
    """
    free = by.system.network.free
    fixed = np.where(free, 0.0, u)
    given = source * free + by.system.supplied(fixed)
    u = u * free
    if by.order == 1:
        return _solved(by, by.held * u + given, u) + fixed
    middle = _solved(by, 2.0 * by.held * u - by.system.times(u) + 2.0 * given, u)
    late = (middle - (1.0 - GAMMA) ** 2 * u) / (GAMMA * (2.0 - GAMMA))
    return _solved(by, by.held * late + given, middle) + fixed


def _solved(by: Step, right: Field, start: Field) -> Field:
    found = conjugate_gradients(by.system.times, partial(cycle, by.grids), right, start=start, tolerance=by.tolerance)
    if not found.reached:
        remedy = "take shorter steps, or ask for less"
        raise GemelError(f"a residual of {found.relative:.1e} after {found.iterations} steps", where="implicit", remedy=remedy)
    return np.asarray(found.x + np.divide(found.residual, by.held, out=np.zeros_like(right), where=by.held > 0))

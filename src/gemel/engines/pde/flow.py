"""Flow through porous media: Darcy's velocities from a pressure, as volumes through faces, so that nothing is lost between voxels."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.elliptic import Held, Map, solution
from gemel.engines.pde.faces import Faces

Field = Float[Array, "..."]


@dataclass(frozen=True)
class Flow:
    """Volume through each face a voxel's volume and unit of time (1/s), positive along its axis, and the pressure that drives it."""

    on: Domain
    faces: Faces
    pressure: Field

    @property
    def divergence(self) -> Float[Array, "x y z"]:
        """∇·v (1/s): what each voxel gives more than it gets."""
        found = np.zeros(self.on.inside.shape)
        for axis, through in enumerate(self.faces):
            found -= through
            found[_below(axis)] += through[_above(axis)]
        return self.on.leave(found)

    def speed_mm_s(self) -> Float[Array, "three x y z"]:
        """Darcy's velocity along x, y, z in the middle of each voxel: the mean of its two faces."""
        found = np.zeros((3, *self.on.inside.shape))
        for place, through in enumerate(self.faces):
            middle = found[self.on.order[place]]
            middle += through
            middle[_below(place)] += through[_above(place)]
            middle *= self.on.spacing_mm[place] / 2
        return self.on.leave(np.where(self.on.inside, found, 0.0))


def darcy(on: Domain, conductivity: Map, *, source: Map = 0.0, loss: Map = 0.0, held: Held | None = None, tolerance: float = 1e-10) -> Flow:
    """v = −(K/μ) ∇p with ∇·v = source − loss p. Darcy 1856; Morrison et al. 1994, Am J Physiol 266:R292 (infusion into tissue).

    conductivity: K/μ (mm²/(kPa s)), one number, a field, three fields along x, y, z, or tensors; source: volume a volume and time (1/s);
    loss to what drains (1/(kPa s)), p then being over the pressure there. Raises as `elliptic`.
    """
    matrix, p = solution(on, conductivity, source=source, loss=loss, held=held, tolerance=tolerance)
    return Flow(on, matrix.through(p), p)


def _below(axis: int) -> tuple[slice, ...]:
    return tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))


def _above(axis: int) -> tuple[slice, ...]:
    return tuple(slice(1, None) if a == axis else slice(None) for a in range(3))

"""Links of a tensor field whose ways stay in the mask: what they sum up to, and what goes through faces on these ways."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numba import njit, prange

from gemel.core.image import Array
from gemel.engines.pde.domain import Domain
from gemel.engines.pde.faces import Diffusivity, Faces
from gemel.engines.pde.tensors.links import COLUMNS, ROWS, links

Field = Float[Array, "..."]
ORDERS = np.array([[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]])
"""Of the axes along which a way takes its steps."""


@dataclass(frozen=True)
class Ways:
    """Conductances from each voxel to the one `steps` further on, 0 where no way leads there; `kind`: 0 outside, 1 free, 2 held."""

    weights: Float[Array, "directions x y z"]
    steps: Int[Array, "directions 3"]
    kind: Shaped[Array, "x y z"]

    def gathered(self, u: Field) -> Field:
        """For each voxel the sum over its links of conductance times u at the other end."""
        found = np.zeros_like(u)
        _gather(u, found, self.weights, self.steps)
        return found

    def through(self, p: Field) -> Faces:
        """What potential p drives through each face, positive along its axis: each link's flow in equal parts on all its ways.

        In even tissue this is −D∇p·n; what voxels give and get is what their links give and get.
        """
        found = (np.zeros_like(p), np.zeros_like(p), np.zeros_like(p))
        _lay(p, self.weights, self.steps, (self.kind, *found))
        return found


def ways(diffusivity: Diffusivity, on: Domain, fixed: Bool[Array, "..."]) -> Ways:
    """As `links`, without those that no way of steps along axes (each axis at once, in any order) joins within the mask.

    Ways between free voxels are free; those to held voxels become held once, and stay so. Raises as `links`.
    """
    found = links(diffusivity, on, np.float64)
    inner = found.weights[:, found.margin : found.weights.shape[1] - found.margin] if found.margin else found.weights
    weights = np.ascontiguousarray(inner).reshape(len(found.offsets), *on.inside.shape)
    kind = on.inside.astype(np.int8) + (on.inside & fixed)
    _prune(weights, found.steps, kind)
    return Ways(weights, found.steps, kind)


def main_diagonal(diffusivity: Diffusivity, on: Domain) -> Float[Array, "three x y z"]:
    """xx, yy, zz as three fields."""
    given = np.asarray(diffusivity, dtype=np.float64)
    parts = given[..., np.flatnonzero(ROWS == COLUMNS)] if given.shape[-1] == 6 else np.diagonal(given, axis1=-2, axis2=-1)
    return np.ascontiguousarray(np.moveaxis(np.broadcast_to(parts, (*on.shape, 3)), -1, 0))


@njit(parallel=True, cache=True)
@no_type_check
def _gather(u, out, weights, steps):
    for x in prange(1, u.shape[0] - 1):
        for k in range(len(steps)):
            a, b, c = steps[k]
            w = weights[k]
            for y in range(1, u.shape[1] - 1):
                for z in range(1, u.shape[2] - 1):
                    if w[x, y, z] > 0:
                        out[x, y, z] += w[x, y, z] * u[x + a, y + b, z + c]
                    i, j, l = x - a, y - b, z - c
                    if 0 < i < u.shape[0] - 1 and 0 < j < u.shape[1] - 1 and 0 < l < u.shape[2] - 1 and w[i, j, l] > 0:
                        out[x, y, z] += w[i, j, l] * u[i, j, l]


@njit(cache=True)
@no_type_check
def _leads(at, step, order, kind):
    """Whether the way lies in the mask, and turns from free to held, or back, only where its ends differ."""
    x, y, z = at
    now, turns = kind[x, y, z], 0
    for axis in order:
        for _ in range(abs(step[axis])):
            one = 1 if step[axis] > 0 else -1
            x, y, z = x + one * (axis == 0), y + one * (axis == 1), z + one * (axis == 2)
            if kind[x, y, z] == 0:
                return False
            turns += kind[x, y, z] != now
            now = kind[x, y, z]
    return turns == (now != kind[at])


@njit(cache=True)
@no_type_check
def _count(at, step, kind):
    found = 0
    for n in range(len(ORDERS)):
        found += _leads(at, step, ORDERS[n], kind)
    return found


@njit(parallel=True, cache=True)
@no_type_check
def _prune(weights, steps, kind):
    for k in prange(len(steps)):
        for x in range(kind.shape[0]):
            for y in range(kind.shape[1]):
                for z in range(kind.shape[2]):
                    if weights[k, x, y, z] > 0 and _count((x, y, z), steps[k], kind) == 0:
                        weights[k, x, y, z] = 0.0


@njit(cache=True)
@no_type_check
def _lay(p, weights, steps, of):
    kind, fx, fy, fz = of
    for k in range(len(steps)):
        a, b, c = steps[k]
        for x in range(1, p.shape[0] - 1):
            for y in range(1, p.shape[1] - 1):
                for z in range(1, p.shape[2] - 1):
                    w = weights[k, x, y, z]
                    if w > 0:
                        flow = w * (p[x, y, z] - p[x + a, y + b, z + c]) / _count((x, y, z), steps[k], kind)
                        for n in range(len(ORDERS)):
                            if _leads((x, y, z), steps[k], ORDERS[n], kind):
                                _walk((x, y, z), steps[k], ORDERS[n], (flow, fx, fy, fz))


@njit(cache=True)
@no_type_check
def _walk(at, step, order, into):
    """Add the flow to each face on the way."""
    x, y, z = at
    flow, fx, fy, fz = into
    for axis in order:
        for _ in range(abs(step[axis])):
            up = step[axis] > 0
            one = 1 if up else -1
            i, j, l = x + (axis == 0 and up), y + (axis == 1 and up), z + (axis == 2 and up)
            if axis == 0:
                fx[i, j, l] += one * flow
            elif axis == 1:
                fy[i, j, l] += one * flow
            else:
                fz[i, j, l] += one * flow
            x, y, z = x + one * (axis == 0), y + one * (axis == 1), z + one * (axis == 2)

"""Potentials at rest: −∇·(K ∇p) + s p = q on a masked grid, by conjugate gradients with multigrid."""

from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numba import njit, prange
from scipy import ndimage

from gemel.core.errors import GemelError, GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.conjugate_gradients import Solved, conjugate_gradients
from gemel.engines.pde.domain import Domain, runs
from gemel.engines.pde.faces import Faces, faces
from gemel.engines.pde.multigrid import Multigrid, Network, cycle, diagonal, multigrid
from gemel.engines.pde.tensors.links import is_tensor
from gemel.engines.pde.tensors.ways import Ways, main_diagonal, ways

WHERE = "elliptic"
Field = Float[Array, "..."]
Map = Shaped[Array, "..."] | float | int
Spacing = Shaped[Array, "..."] | tuple[float, ...] | list[float] | float
BALANCE = 1e-6  # of what flows in, which may stay over where nothing can flow out


@dataclass(frozen=True)
class Held:
    """Voxels whose value is given: a mask, and one number or a map of which only those voxels are read."""

    where: Shaped[Array, "x y z"]
    value: Map = 0.0


@dataclass(frozen=True)
class System:
    """The matrix over the free voxels, never built: conductances of all faces, those to held voxels as walls, and a loss.

    `ways`: links of tensors, which then are the matrix; the faces are those of their diagonals, by which it is solved.
    """

    on: Domain
    network: Network
    to_held: Faces
    ways: Ways | None = None

    @cached_property
    def runs(self) -> Int[Array, "runs 4"]:
        return runs(self.network.free)

    @cached_property
    def whole(self) -> Field:
        """The diagonal."""
        if self.ways is None:
            return diagonal(self.network)
        return np.asarray((self.ways.gathered(np.ones_like(self.network.loss)) + self.network.loss) * self.network.free)

    @cached_property
    def grids(self) -> Multigrid:
        return multigrid(self.network)

    def times(self, u: Field) -> Field:
        """A u over the free voxels."""
        if self.ways is not None:
            return np.asarray(self.whole * u - self.ways.gathered(u) * self.network.free)
        found = np.zeros_like(u)
        _apply(u, found, (*self.network.faces, self.whole), self.runs)
        return found

    def supplied(self, held: Field) -> Field:
        """What held voxels of these values send to the free ones: −A u of u = held there, 0 elsewhere."""
        if self.ways is not None:
            return np.asarray(self.ways.gathered(held) * self.network.free)
        found = np.zeros_like(held)
        for axis, w in enumerate(self.to_held):
            low, high = _sides(axis)
            found[high] += w[high] * held[low]
            found[low] += w[high] * held[high]
        return np.asarray(found * self.network.free)

    def through(self, p: Field) -> Faces:
        """What p drives through each face, positive along its axis."""
        if self.ways is not None:
            return self.ways.through(p)
        found = []
        for axis, (inner, outer) in enumerate(zip(self.network.faces, self.to_held)):
            low, high = _sides(axis)
            flux = np.zeros_like(inner)
            flux[high] = (inner[high] + outer[high]) * (p[low] - p[high])
            found.append(flux)
        return found[0], found[1], found[2]


def elliptic(
    on: Domain,
    conductivity: Map,
    *,
    source: Map = 0.0,
    loss: Map = 0.0,
    held: Held | None = None,
    tolerance: float = 1e-9,
) -> Float[Array, "x y z"]:
    """p with −∇·(K ∇p) + s p = q, nothing through the mask's border, p given in the voxels that are `held`; float64, 0 outside.

    K: one number, a field, or three of these (along x, y, z) on a leading axis, by harmonic faces; or tensors, (3, 3), (x, y, z, 3, 3)
    or (x, y, z, 6) as xx, xy, xz, yy, yz, zz, by `ways`. q and s by volume. Parts of the mask that are neither held nor lose anything
    have a p of mean 0. Until the residual is `tolerance` of the right-hand side.
    Raises RangeError for maps that cannot be, or where sources cannot flow out (they must then sum to 0 in each connected part);
    GeometryError for other grids; GemelError when the steps do not suffice.
    """
    return on.leave(solution(on, conductivity, source=source, loss=loss, held=held, tolerance=tolerance)[1])


def solution(
    on: Domain, conductivity: Map, *, source: Map, loss: Map, held: Held | None, tolerance: float
) -> tuple[System, Float[Array, "..."]]:
    """The matrix of `elliptic`, and its p as the kernels read it."""
    found = system(on, conductivity, loss, held)
    given, fixed = field(source, on, "source", signed=True), _values(held, on)
    right = given * found.network.free + found.supplied(fixed)
    afloat = _afloat(found, right)
    solved = solved_by(found, right, tolerance=tolerance)
    return found, _of_mean_zero(solved.x, afloat) + fixed


def system(on: Domain, conductivity: Map, loss: Map, held: Held | None) -> System:
    """The matrix of `elliptic`."""
    fixed, lost = on.enter(where_held(held.where if held else None, on)), field(loss, on, "loss")
    if is_tensor(conductivity, on):
        linked = ways(conductivity, on, fixed)
        return replace(freed(on, conductances(main_diagonal(conductivity, on), on), lost, fixed), ways=linked)
    return freed(on, conductances(conductivity, on), lost, fixed)


def freed(on: Domain, of: Faces, loss: Field, fixed: Bool[Array, "..."]) -> System:
    """Faces between free voxels apart from those to voxels that are held."""
    free = on.inside & ~fixed
    inner, outer, walls = [], [], []
    for axis, w in enumerate(of):
        low, high = _sides(axis)
        between, wall = np.zeros_like(w), np.zeros_like(w)
        between[high] = np.where(free[low] & free[high], w[high], 0.0)
        edge = w - between
        wall[high] += edge[high]
        wall[low] += edge[high]
        inner.append(between)
        outer.append(edge)
        walls.append(wall * free)
    network = Network((inner[0], inner[1], inner[2]), loss * free, (walls[0], walls[1], walls[2]), free)
    return System(on, network, (outer[0], outer[1], outer[2]))


def solved_by(of: System, right: Field, *, start: Field | None = None, tolerance: float) -> Solved:
    """A p = b. Raises GemelError when the steps do not suffice."""
    found = conjugate_gradients(of.times, partial(cycle, of.grids), right, start=start, tolerance=tolerance)
    if not found.reached:
        remedy = "ask for less, or bring conductivities closer together"
        raise GemelError(f"a residual of {found.relative:.1e} after {found.iterations} steps", where=WHERE, remedy=remedy)
    return found


def conductances(conductivity: Map, on: Domain) -> Faces:
    """K_face/h² along each axis; as `faces`, but also for three fields, one an axis."""
    values = np.asarray(conductivity, dtype=np.float64)
    if values.ndim in (1, 4) and len(values) == 3:
        each = [faces(values[axis], on, np.float64)[place] for place, axis in enumerate(on.order)]
        return each[0], each[1], each[2]
    return faces(values, on, np.float64)


def field(value: Map, on: Domain, name: str, *, signed: bool = False) -> Field:
    """A map as the kernels read it. Raises GeometryError for another shape, RangeError for NaN, or below 0 unless `signed`."""
    numbers = np.asarray(value, dtype=np.float64)
    if numbers.ndim and numbers.shape != on.shape:
        raise GeometryError(f"{name} of shape {numbers.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    found = on.enter(np.broadcast_to(numbers, on.shape))
    if not np.isfinite(found).all() or (not signed and (found < 0).any()):
        wanted = "finite numbers" if signed else "zero or more"
        raise RangeError(f"{name} that is {'' if signed else 'negative or '}not finite", where=WHERE, remedy=f"give {wanted} in the mask")
    return found


def _afloat(of: System, right: Field) -> tuple[Int[Array, "x y z"], Bool[Array, "parts"]]:
    """The number of the part each voxel belongs to, and which parts nothing holds.

    Makes what these are given sum to 0; raises RangeError where that would change it, or where a voxel cannot pass on what it is given.
    """
    network, passes = of.network, np.zeros(right.shape, dtype=bool)
    for axis, w in enumerate(network.faces):
        low, high = _sides(axis)
        passes |= w > 0
        passes[low] |= w[high] > 0
    number, parts = ndimage.label(passes)
    rooted = network.loss + network.walls[0] + network.walls[1] + network.walls[2]
    index = number.ravel()
    net, gross, hold = (np.bincount(index, weights=field.ravel(), minlength=parts + 1) for field in (right, np.abs(right), rooted))
    afloat = hold <= 0
    afloat[0] = False
    stuck = np.abs(right[network.free & ~passes & (rooted <= 0)])
    over = float(np.max(np.abs(net) * afloat * (np.abs(net) > BALANCE * gross), initial=0.0)) + float(stuck.max(initial=0.0))
    if over > 0:
        found = f"sources of {over:.6g} (per voxel volume) in a part of the mask that nothing can leave"
        raise RangeError(found, where=WHERE, remedy="hold some of its voxels, give a loss, or make its sources sum to 0")
    right -= np.where(afloat, net / np.maximum(np.bincount(index, minlength=parts + 1), 1), 0.0)[number]
    return number, afloat


def _of_mean_zero(p: Field, afloat: tuple[Int[Array, "x y z"], Bool[Array, "parts"]]) -> Field:
    number, which = afloat
    index = number.ravel()
    means = np.bincount(index, weights=p.ravel(), minlength=len(which)) / np.maximum(np.bincount(index, minlength=len(which)), 1)
    return np.asarray(p - np.where(which, means, 0.0)[number])


def _values(held: Held | None, on: Domain) -> Field:
    if held is None:
        return np.zeros(on.inside.shape)
    numbers = np.asarray(held.value, dtype=np.float64)
    if numbers.ndim and numbers.shape != on.shape:
        raise GeometryError(f"held values of shape {numbers.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    return field(np.where(where_held(held.where, on), numbers, 0.0), on, "a held value", signed=True)


def where_held(held: Shaped[Array, "..."] | None, on: Domain) -> Bool[Array, "..."]:
    """A mask of held voxels, none by default. Raises GeometryError for another grid."""
    found = np.zeros(on.shape, dtype=bool) if held is None else np.asarray(held).astype(bool)
    if found.shape != on.shape:
        raise GeometryError(f"held voxels of shape {found.shape} on {on.shape}", where=WHERE, remedy="give both on one grid")
    return found


def _sides(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Cells below and above each face along an axis."""
    low = tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))
    high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
    return low, high


@njit(parallel=True, cache=True)
@no_type_check
def _apply(u, out, of, over):
    wx, wy, wz, whole = of
    for r in prange(len(over)):
        x, y, start, stop = over[r]
        here, found, d = u[x, y, start - 1 : stop + 1], out[x, y, start:stop], whole[x, y, start:stop]
        west, east, south, north = u[x - 1, y, start:stop], u[x + 1, y, start:stop], u[x, y - 1, start:stop], u[x, y + 1, start:stop]
        x0, x1, y0, y1 = wx[x, y, start:stop], wx[x + 1, y, start:stop], wy[x, y, start:stop], wy[x, y + 1, start:stop]
        z = wz[x, y, start : stop + 1]
        for i in range(stop - start):
            flow = d[i] * here[i + 1] - x0[i] * west[i] - x1[i] * east[i] - y0[i] * south[i] - y1[i] * north[i]
            found[i] = flow - z[i] * here[i] - z[i + 1] * here[i + 2]

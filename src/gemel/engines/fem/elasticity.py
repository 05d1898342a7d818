"""Bodies of voxels at rest under load: quasi-static linear elasticity, its strains and stresses."""

from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gemel.core.errors import GemelError, GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.conjugate_gradients import Solved, conjugate_gradients
from gemel.engines.fem.multigrid import Elastic, cycle, grid, multigrid

WHERE = "elasticity"
Map = Shaped[Array, "..."] | float | int
STIFFEST = 0.499


@dataclass(frozen=True)
class Solid:
    """Lamé's λ and μ (kPa) of each voxel, 0 where there is nothing, and its edges.

    `full`: dilatation integrated in full, as other programs have it for bone; it locks as ν nears ½.
    """

    lam_kPa: Float[Array, "x y z"]
    mu_kPa: Float[Array, "x y z"]
    spacing_mm: Float[Array, "3"]
    full: bool = False

    @property
    def nodes(self) -> tuple[int, int, int]:
        """Shape of the grid of voxel corners."""
        nx, ny, nz = self.mu_kPa.shape
        return nx + 1, ny + 1, nz + 1


@dataclass(frozen=True)
class Fixed:
    """Displacements that are given: a mask of nodes (x, y, z) or of their components (x, y, z, 3), and values (mm)."""

    where: Shaped[Array, "..."]
    value_mm: Map = 0.0


def solid(E_kPa: Shaped[Array, "x y z"], poisson: Map, spacing_mm: Shaped[Array, "..."] | tuple[float, ...] | float) -> Solid:
    """From Young's modulus (0: nothing there) and Poisson's ratio (0 up to 0.499), each by voxel.

    λ = Eν/((1 + ν)(1 − 2ν)), μ = E/(2(1 + ν)). Raises RangeError for other values, GeometryError for other grids.
    """
    stiff, ratio = np.asarray(E_kPa, dtype=np.float64), np.asarray(poisson, dtype=np.float64)
    edges = np.asarray(spacing_mm, dtype=np.float64)
    if stiff.ndim != 3 or (ratio.ndim and ratio.shape != stiff.shape) or edges.size not in (1, 3) or not (edges > 0).all():
        raise GeometryError(
            f"a stiffness of shape {stiff.shape}, ratios of {ratio.shape}", where=WHERE, remedy="give one grid (x, y, z), edges > 0"
        )
    if not np.isfinite(stiff).all() or (stiff < 0).any() or not (stiff > 0).any():
        raise RangeError(
            "a stiffness that is negative, not finite or 0 everywhere", where=WHERE, remedy="give kPa over 0, and 0 for nothing"
        )
    if not ((ratio >= 0) & (ratio <= STIFFEST)).all():
        raise RangeError("a Poisson's ratio that cannot be", where=WHERE, remedy=f"give 0 to {STIFFEST}; tissue is near 0.45")
    ratio = np.broadcast_to(ratio, stiff.shape)
    return Solid(stiff * ratio / ((1 + ratio) * (1 - 2 * ratio)), stiff / (2 * (1 + ratio)), np.broadcast_to(edges.ravel(), 3).copy())


def border(of: Solid) -> Bool[Array, "i j k"]:
    """The nodes on the faces of the box."""
    found = np.ones(of.nodes, dtype=bool)
    found[1:-1, 1:-1, 1:-1] = False
    return found


def displacement_mm(
    of: Solid, fixed: Fixed, *, pressure_kPa: Map = 0.0, force_mN: Shaped[Array, "..."] | float = 0.0, tolerance: float = 1e-7
) -> Float[Array, "i j k 3"]:
    """u of each node with ∇·σ(u) = ∇p − f: σ = λ tr ε I + 2μ ε, u given where `fixed`, no traction on other faces (σ − p I there).

    pressure_kPa: p by voxel, an isotropic push of the voxel on its surroundings (λ_f N of growth, 3K α ΔT of heat); force_mN: of
    nodes (x, y, z, 3). Conjugate gradients with multigrid, until the residual is `tolerance` of the load. Trilinear bricks, the
    dilatation constant in each (ν up to 0.499 does not lock). Raises RangeError, GeometryError; InputError when nothing is held;
    GemelError when the steps do not suffice (parts that nothing holds).
    """
    return solved(of, fixed, pressure_kPa=pressure_kPa, force_mN=force_mN, tolerance=tolerance)[0]


def solved(
    of: Solid, fixed: Fixed, *, pressure_kPa: Map, force_mN: Shaped[Array, "..."] | float, tolerance: float
) -> tuple[Float[Array, "i j k 3"], Solved]:
    """As `displacement_mm`, with how it was found."""
    held, given = _fixed(fixed, of)
    elastic = Elastic(of.lam_kPa, of.mu_kPa, of.spacing_mm, ~held, of.full)
    fine = grid(elastic, np.float64, (1, 1, 1), 1.0)
    free = fine.inverse > 0
    known, room = np.where(held, given, 0.0), fine.room[0]
    load = _pressed(_map(pressure_kPa, of), of) + _map(force_mN, of, (*of.nodes, 3))
    right = (load - fine.times(known, room)) * free
    found = conjugate_gradients(lambda u: fine.times(u, room) * free, partial(cycle, multigrid(elastic)), right, tolerance=tolerance)
    if not found.reached:
        remedy = "hold every part of the body, or bring stiffnesses closer together"
        raise GemelError(f"a residual of {found.relative:.1e} after {found.iterations} steps", where=WHERE, remedy=remedy)
    return found.x + known, found


def strain(u_mm: Float[Array, "i j k 3"], spacing_mm: Float[Array, "3"]) -> Float[Array, "x y z 3 3"]:
    """ε = (∇u + ∇uᵀ)/2, the mean over each voxel."""
    slope = np.stack([_mean_slope(u_mm, axis) / spacing_mm[axis] for axis in range(3)], axis=-1)
    return np.asarray((slope + slope.swapaxes(-1, -2)) / 2)


def stress_kPa(u_mm: Float[Array, "i j k 3"], of: Solid) -> Float[Array, "x y z 3 3"]:
    """σ = λ tr ε I + 2μ ε, the mean over each voxel."""
    found = strain(u_mm, of.spacing_mm)
    dilatation = np.trace(found, axis1=-2, axis2=-1)
    return np.asarray(2 * of.mu_kPa[..., None, None] * found + (of.lam_kPa * dilatation)[..., None, None] * np.eye(3))


def von_mises_kPa(u_mm: Float[Array, "i j k 3"], of: Solid) -> Float[Array, "x y z"]:
    """√(3/2 s:s), s = σ − tr σ/3 I. von Mises 1913, Nachr Ges Wiss Göttingen 582."""
    found = strain(u_mm, of.spacing_mm)
    deviator = found - np.trace(found, axis1=-2, axis2=-1)[..., None, None] / 3 * np.eye(3)
    return np.asarray(2 * of.mu_kPa * np.sqrt(1.5 * (deviator**2).sum(axis=(-2, -1))))


def _mean_slope(u: Float[Array, "i j k 3"], axis: int) -> Float[Array, "x y z 3"]:
    found = np.diff(u, axis=axis)
    for other in (a for a in range(3) if a != axis):
        low, high = (tuple(part if a == other else slice(None) for a in range(3)) for part in (slice(0, -1), slice(1, None)))
        found = (found[low] + found[high]) / 2
    return found


def _pressed(pressure: Float[Array, "x y z"], of: Solid) -> Float[Array, "i j k 3"]:
    """Forces on nodes by voxels that push on their faces, a quarter to each corner."""
    found = np.zeros((*of.nodes, 3))
    volume = float(np.prod(of.spacing_mm))
    for axis in range(3):
        each = pressure * volume / of.spacing_mm[axis] / 4
        for corner in np.ndindex(2, 2, 2):
            where = tuple(slice(i, i + n) for i, n in zip(corner, pressure.shape))
            found[..., axis][where] += each if corner[axis] else -each
    return found


def _fixed(fixed: Fixed, of: Solid) -> tuple[Bool[Array, "i j k 3"], Float[Array, "i j k 3"]]:
    where = np.asarray(fixed.where).astype(bool)
    if where.shape not in (of.nodes, (*of.nodes, 3)):
        raise GeometryError(
            f"fixed nodes of shape {where.shape}", where=WHERE, remedy=f"give a mask of {of.nodes}, or with three components"
        )
    held = np.array(np.broadcast_to(where if where.ndim == 4 else where[..., None], (*of.nodes, 3)))
    if not held.any():
        raise InputError("nothing that is held", where=WHERE, remedy="fix at least three nodes that are not in line")
    value = np.asarray(fixed.value_mm, dtype=np.float64)
    if (
        value.ndim not in (0, 4)
        or (value.ndim and value.shape != held.shape)
        or not np.isfinite(value[held] if value.ndim else value).all()
    ):
        raise GeometryError(f"displacements of shape {value.shape}", where=WHERE, remedy=f"give one number or {held.shape}, finite")
    return held, np.array(np.broadcast_to(value, held.shape))


def _map(value: Map, of: Solid, shape: tuple[int, ...] | None = None) -> Float[Array, "..."]:
    numbers, wanted = np.asarray(value, dtype=np.float64), shape or of.mu_kPa.shape
    if numbers.ndim and numbers.shape != wanted:
        raise GeometryError(f"a load of shape {numbers.shape}", where=WHERE, remedy=f"give {wanted}")
    if not np.isfinite(numbers).all():
        raise RangeError("a load that is not finite", where=WHERE, remedy="give finite numbers")
    return np.array(np.broadcast_to(numbers, wanted))

"""The day's anatomy in six numbers, and how they are measured on any displacement field."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array, Image, world_mm
from gemel.core.structures import Structures, centroid_mm
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.warp import invert, pull_fraction

COORDINATES = ("ln_bladder_ratio", "ln_rectum_ratio", "prostate_x_mm", "prostate_y_mm", "prostate_z_mm", "rotation_deg")

REACH_mm = 40.0
"""The farthest that a wall is looked for on the day."""


@dataclass(frozen=True)
class DayState:
    """The day's anatomy relative to the planning CT, bones aligned.

    ln_bladder_ratio, ln_rectum_ratio: ln(volume of the day / planning volume). prostate_mm: mean displacement of the CTV in LPS
    (+ left, + posterior, + superior). rotation_deg: of the CTV about the left-right axis through its centroid, right-hand rule about
    +x (left), so that positive tips the base anterior. Raises RangeError when a number is not finite.
    """

    ln_bladder_ratio: float = 0.0
    ln_rectum_ratio: float = 0.0
    prostate_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    rotation_deg: float = 0.0

    def __post_init__(self) -> None:
        if not np.isfinite(to_vector(self)).all():
            raise RangeError(f"a state that is not finite: {self!r}", where="DayState", remedy="measure the day again")


def to_vector(state: DayState) -> Float[Array, "6"]:
    """The state as an array in the order of COORDINATES."""
    return np.array([state.ln_bladder_ratio, state.ln_rectum_ratio, *state.prostate_mm, state.rotation_deg], dtype=np.float64)


def from_vector(vector: Float[Array, "6"]) -> DayState:
    """The state held by an array in the order of COORDINATES."""
    bladder, rectum, x_mm, y_mm, z_mm, rotation_deg = (float(v) for v in vector)
    return DayState(bladder, rectum, (x_mm, y_mm, z_mm), rotation_deg)


def measure(planning: Structures, pull: DisplacementField, *, push: DisplacementField | None = None) -> DayState:
    """The state that a pull field day(x) = planning(x + u(x)) makes of the planning structures.

    Volumes are sums of partial-volume fractions. The CTV is fitted rigidly to its push field p -> p + w(p), which is the inverse
    of the pull field unless given.
    """
    forward = invert(pull) if push is None else push
    shift_mm, rotation = rigid_fit(planning, "CTV", forward)
    return DayState(
        _ln_ratio(planning, "BLADDER", pull),
        _ln_ratio(planning, "RECTUM", pull),
        (float(shift_mm[0]), float(shift_mm[1]), float(shift_mm[2])),
        rotation_about_x_deg(rotation),
    )


def rigid_fit(structures: Structures, name: str, push: DisplacementField) -> tuple[Float[Array, "3"], Float[Array, "3 3"]]:
    """Mean displacement and least-squares rotation of a structure's voxel centres. Kabsch 1976, Acta Cryst A32:922."""
    points_mm = world_mm(structures.grid, np.argwhere(structures[name]).astype(np.float64))
    moved_mm = points_mm + sample(push, points_mm)
    covariance = (points_mm - centroid_mm(structures, name)).T @ (moved_mm - moved_mm.mean(axis=0))
    u, _, vt = np.linalg.svd(covariance)
    proper = np.diag([1.0, 1.0, np.sign(np.linalg.det(vt.T @ u.T))])
    return (moved_mm - points_mm).mean(axis=0), vt.T @ proper @ u.T


def rotation_about_x_deg(rotation: Float[Array, "3 3"]) -> float:
    """Angle about +x (left) of the rotation nearest to R among those about x, right-hand rule."""
    return float(np.degrees(np.arctan2(rotation[2, 1] - rotation[1, 2], rotation[1, 1] + rotation[2, 2])))


def sample(field: DisplacementField, points_mm: Float[Array, "n 3"]) -> Float[Array, "n 3"]:
    """The field at points, linear between nodes, nearest node outside."""
    inverse = np.linalg.inv(field.affine_mm)
    last = np.array(field.shape) - 1
    index = np.clip(points_mm @ inverse[:3, :3].T + inverse[:3, 3], 0, last)
    low = np.minimum(index.astype(np.intp), np.maximum(last - 1, 0))
    part = index - low
    total = np.zeros_like(points_mm)
    for corner in np.ndindex(2, 2, 2):
        weight = np.prod(np.where(corner, part, 1 - part), axis=1)
        total += weight[:, None] * field.vectors_mm[tuple(np.minimum(low + corner, last).T)]
    return total


def _ln_ratio(structures: Structures, name: str, pull: DisplacementField) -> float:
    mask, grid = _around(structures, name)
    after = float(pull_fraction(mask, grid, pull).sum(dtype=np.float64))
    before = np.count_nonzero(mask)
    if after <= 0:
        raise RangeError("a volume of zero", where=name, remedy="refuse this field: it moves the structure out of the scan")
    return float(np.log(after / before))


def _around(structures: Structures, name: str) -> tuple[Bool[Array, "x y z"], Image]:
    """A structure's mask and grid cut down to its box and REACH_mm around it."""
    index = np.argwhere(structures[name])
    if len(index) == 0:
        raise StructureError("an empty structure", where=name, remedy="contour it again")
    grid = structures.grid
    pad = np.ceil(REACH_mm / grid.spacing_mm).astype(int)
    low, high = np.maximum(index.min(axis=0) - pad, 0), index.max(axis=0) + pad + 1
    box = tuple(slice(a, b) for a, b in zip(low, high))
    affine_mm = grid.affine_mm.copy()
    affine_mm[:3, 3] = world_mm(grid, low[None].astype(np.float64))[0]
    return structures[name][box], Image(grid.array[box], affine_mm, grid.frame)

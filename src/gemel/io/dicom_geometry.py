"""From the planes of single slices to one valid grid, or an error that names the slice at fault. DICOM PS3.3 C.7.6.2.1.1."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.io.dicom_file import numbers

SPACING_TOLERANCE = 0.01  # of the slice spacing: coordinates are written with few decimals
SIDEWAYS_TOLERANCE_mm = 0.1  # drift of slice origins across the whole stack
AXIS_TOLERANCE = 1e-4  # of direction cosines


@dataclass(frozen=True)
class Plane:
    """One slice: centre of its first pixel, unit vectors along a row (x index) and a column (y index), pixel spacing along each."""

    origin_mm: Float[Array, "3"]
    row: Float[Array, "3"]
    column: Float[Array, "3"]
    spacing_mm: tuple[float, float]
    shape: tuple[int, int]
    where: str

    @property
    def normal(self) -> Float[Array, "3"]:
        """Row × column."""
        return np.cross(self.row, self.column)


def plane(dataset: Dataset, where: str) -> Plane:
    """The plane that a data set describes. Raises GeometryError for axes that are not orthonormal or spacing that is not positive."""
    cosines = numbers(dataset, "ImageOrientationPatient", 6, where).reshape(2, 3)
    row_mm, column_mm = numbers(dataset, "PixelSpacing", 2, where)[::-1]
    rows, columns = (int(numbers(dataset, keyword, 1, where)[0]) for keyword in ("Rows", "Columns"))
    if np.abs(cosines @ cosines.T - np.eye(2)).max() > 1e-3:
        raise GeometryError(
            f"row and column directions {cosines.tolist()} that are not orthonormal", where=where, remedy="export the series again"
        )
    if min(row_mm, column_mm, rows, columns) <= 0:
        raise GeometryError(f"pixel spacing {row_mm} x {column_mm} mm of {columns} x {rows} pixels", where=where, remedy="export it again")
    row = cosines[0] / np.linalg.norm(cosines[0])
    column = cosines[1] - row * (cosines[1] @ row)
    origin_mm = numbers(dataset, "ImagePositionPatient", 3, where)
    return Plane(origin_mm, row, column / np.linalg.norm(column), (float(row_mm), float(column_mm)), (columns, rows), where)


def stack(planes: Sequence[Plane], single_mm: float = 0.0) -> tuple[list[int], Float[Array, "4 4"]]:
    """Order of the planes along their common normal, and the affine (x index, y index, slice) → LPS mm.

    `single_mm` is the slice spacing of a stack of one. Raises GeometryError for mixed planes, a repeated or missing slice, or gantry tilt.
    """
    first = planes[0]
    for other in planes[1:]:
        _require_alike(first, other)
    depth_mm = np.array([p.origin_mm @ first.normal for p in planes])
    order = [int(i) for i in np.argsort(depth_mm, kind="stable")]
    ordered = [planes[i] for i in order]
    step_mm = _step(ordered, depth_mm[order]) if len(planes) > 1 else single_mm
    _require_upright(ordered)
    affine = np.eye(4)
    affine[:3, 0] = first.row * first.spacing_mm[0]
    affine[:3, 1] = first.column * first.spacing_mm[1]
    affine[:3, 2] = first.normal * step_mm
    affine[:3, 3] = ordered[0].origin_mm
    return order, affine


def regular_step_mm(offsets_mm: Float[Array, "n"], where: str) -> float:
    """The one signed step between consecutive offsets; GeometryError when they are uneven."""
    steps_mm = np.diff(offsets_mm)
    mean_mm = float(steps_mm.mean())
    if mean_mm == 0 or np.abs(steps_mm - mean_mm).max() > SPACING_TOLERANCE * abs(mean_mm):
        raise GeometryError(f"frames {steps_mm.min():.3f} to {steps_mm.max():.3f} mm apart", where=where, remedy="export on a regular grid")
    return mean_mm


def _require_alike(a: Plane, b: Plane) -> None:
    if np.abs(a.row - b.row).max() > AXIS_TOLERANCE or np.abs(a.column - b.column).max() > AXIS_TOLERANCE:
        raise GeometryError(
            f"mixed orientation: the slice differs from {a.where}", where=b.where, remedy="choose one reconstruction, without localizers"
        )
    if a.shape != b.shape:
        raise GeometryError(
            f"mixed size: {b.shape} pixels where {a.where} has {a.shape}", where=b.where, remedy="choose one reconstruction"
        )
    if not np.allclose(a.spacing_mm, b.spacing_mm, rtol=1e-4):
        raise GeometryError(
            f"mixed pixel spacing: {b.spacing_mm} mm where {a.where} has {a.spacing_mm}", where=b.where, remedy="choose one reconstruction"
        )


def _step(ordered: Sequence[Plane], depth_mm: Float[Array, "n"]) -> float:
    gaps_mm = np.diff(depth_mm)
    usual_mm = float(np.median(gaps_mm))
    least, most = int(np.argmin(gaps_mm)), int(np.argmax(gaps_mm))
    if gaps_mm[least] < SPACING_TOLERANCE * max(usual_mm, 1.0):
        found = (
            f"a duplicated slice: {ordered[least].where} and {ordered[least + 1].where} lie at the same place ({depth_mm[least]:.2f} mm)"
        )
        raise GeometryError(found, where=ordered[least + 1].where, remedy="remove one of the two, or choose one series")
    missing = gaps_mm[most] / usual_mm - 1
    if missing > SPACING_TOLERANCE:
        kind = f"{round(missing)} missing slice(s)" if missing > 0.5 and abs(missing - round(missing)) < 0.1 else "uneven slice spacing"
        found = f"{kind}: {gaps_mm[most]:.3f} mm between {ordered[most].where} and the next, {usual_mm:.3f} mm elsewhere"
        raise GeometryError(found, where=ordered[most + 1].where, remedy="transfer the whole series again")
    if 1 - gaps_mm[least] / usual_mm > SPACING_TOLERANCE:
        found = f"uneven slice spacing: {gaps_mm[least]:.3f} mm after {ordered[least].where}, {usual_mm:.3f} mm elsewhere"
        raise GeometryError(found, where=ordered[least + 1].where, remedy="choose one reconstruction with even spacing")
    return float(depth_mm[-1] - depth_mm[0]) / len(gaps_mm)


def _require_upright(ordered: Sequence[Plane]) -> None:
    """Slice origins step along the normal; a steady sideways step is gantry tilt (shear)."""
    normal = ordered[0].normal
    offsets_mm = np.array([p.origin_mm for p in ordered]) - ordered[0].origin_mm
    along_mm = offsets_mm @ normal
    sideways_mm = np.linalg.norm(offsets_mm - along_mm[:, None] * normal, axis=1)
    worst = int(np.argmax(sideways_mm))
    if sideways_mm[worst] <= SIDEWAYS_TOLERANCE_mm:
        return
    tilt_deg = float(np.degrees(np.arctan2(sideways_mm[worst], along_mm[worst])))
    steady = np.abs(sideways_mm - np.tan(np.radians(tilt_deg)) * along_mm).max() <= SIDEWAYS_TOLERANCE_mm
    found = f"a gantry tilt of {tilt_deg:.2f}°" if steady else f"a slice {sideways_mm[worst]:.2f} mm to the side of the stack"
    raise GeometryError(found, where=ordered[worst].where, remedy="resample the series to an upright grid, or scan without tilt")

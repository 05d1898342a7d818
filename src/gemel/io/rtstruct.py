"""Contours of an RTSTRUCT onto the grid of an image. DICOM PS3.3 C.8.8.5, C.8.8.6."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from pydicom.dataset import Dataset
from pydicom.uid import RTStructureSetStorage

from gemel.core.errors import InputError, StructureError
from gemel.core.image import Array, Image, voxel_index
from gemel.core.structures import Structures
from gemel.io.dicom_file import decimals, items, numbers, parse, require_class, text, uid, value
from gemel.io.dicom_folder import only_file
from gemel.io.files import read_bytes
from gemel.io.identity import Identity, Series, require_same_frame, require_same_patient
from gemel.io.rasterise import SNAP, between, fill, gaps

LARGEST_GAP_mm = 15.0  # beyond it, missing contours are not interpolated
_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_FLAT = 0.1  # of a slice: how far apart across slices the points of one plane may lie


@dataclass(frozen=True)
class _Region:
    """One ROI: its name, its closed polygons as fractional voxel indices (n, 3)."""

    name: str
    polygons: tuple[Float[Array, "_ 3"], ...]


def read_structures(path: str | Path, image: Image | Series, *, names: Mapping[str, str] | None = None, clip: bool = False) -> Structures:
    """Masks of all regions of an RTSTRUCT (a file, or the only one in a folder) on the image's grid.

    Voxel-centre rule: a voxel belongs to a region when its centre lies inside an odd number of the contours of one plane
    (`rasterise.fill`).
    Each slice takes the plane nearest to it within half a slice; slices that a coarser contouring left out are interpolated by shape.
    `names` renames regions, and leaves out those it maps to ""; `clip` keeps what lies inside the image of a region that reaches beyond it.
    Raises IdentityError for another patient (when `image` is a Series) or frame of reference; StructureError, naming every region at fault,
    for a region that is empty, outside the image, or not of closed contours.
    """
    path = only_file(path, "RTSTRUCT")
    where = str(path)
    dataset = parse(read_bytes(path), where)
    grid = image.image if isinstance(image, Series) else image
    if text(dataset, "Modality", where) != "RTSTRUCT":
        raise InputError(f"an object of modality {text(dataset, 'Modality', where)}", where=where, remedy="name an RTSTRUCT file")
    require_class(dataset, RTStructureSetStorage, where)
    if isinstance(image, Series):
        require_same_patient(image.identity, Identity(text(dataset, "PatientID", where), text(dataset, "IssuerOfPatientID", where)), where)
    labels = _labels(dataset, grid.frame, names or {}, where)
    masks: dict[str, Bool[Array, "x y z"]] = {}
    faults: list[StructureError] = []
    for number, label in labels.items():
        try:
            masks[label] = _mask(_Region(label, _polygons(dataset, number, label, grid, where)), grid, clip)
        except StructureError as error:
            faults.append(error)
    if faults:
        raise _all_of(faults, where)
    return Structures(Image(np.zeros(grid.shape, np.uint8), grid.affine_mm, grid.frame), masks)


def _labels(dataset: Dataset, frame: str, names: Mapping[str, str], where: str) -> dict[int, str]:
    """ROI number → name, of the regions that are asked for; all must lie in the image's frame of reference."""
    labels: dict[int, str] = {}
    known = []
    for item in value(dataset, "StructureSetROISequence", where):
        name = text(item, "ROIName", where)
        known.append(name)
        label = names.get(name, name)
        if label == "":
            continue
        require_same_frame(frame, uid(item, "ReferencedFrameOfReferenceUID", where), f"{name} of {where}")
        if label in labels.values():
            raise StructureError(f"two regions named {label!r}", where=where, remedy="rename one, or leave it out, with names=")
        labels[int(numbers(item, "ROINumber", 1, where)[0])] = label
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise StructureError(
            f"no region {unknown[0]!r}; there are {', '.join(known)}", where=where, remedy="correct the name that is mapped (--map)"
        )
    return labels


def _polygons(dataset: Dataset, number: int, label: str, grid: Image, where: str) -> tuple[Float[Array, "_ 3"], ...]:
    """All contours of one ROI in fractional voxel indices."""
    polygons = []
    for roi in value(dataset, "ROIContourSequence", where):
        if int(numbers(roi, "ReferencedROINumber", 1, where)[0]) != number:
            continue
        for contour in items(roi, "ContourSequence", where):
            kind = text(contour, "ContourGeometricType", where)
            if kind not in _CLOSED:
                raise StructureError(
                    f"a contour of type {kind or 'none'}, not closed and planar", where=label, remedy="leave it out with names="
                )
            points_mm = decimals(contour, "ContourData", where)
            claimed = int(numbers(contour, "NumberOfContourPoints", 1, where)[0])
            if len(points_mm) != 3 * claimed:
                raise InputError(f"{len(points_mm)} coordinates of {claimed} contour points", where=where, remedy="transfer the file again")
            polygons.append(voxel_index(grid, points_mm.reshape(-1, 3)))
    return tuple(polygons)


def _mask(region: _Region, grid: Image, clip: bool) -> Bool[Array, "x y z"]:
    """The region on the grid: planes onto slices, polygons filled, slices between filled in."""
    if not region.polygons:
        raise StructureError("no contour", where=region.name, remedy="contour it or leave it out")
    planes = _planes(region)
    if not clip:
        _require_inside(region, grid)
    mask = np.zeros(grid.shape, dtype=bool)
    nx, ny, nz = grid.shape
    contoured = _nearest_planes(planes, nz)
    for k, depth in contoured.items():
        mask[:, :, k] = fill([polygon[:, :2] for polygon in planes[depth]], (nx, ny))
    for low, high in gaps(dict(sorted(contoured.items())), LARGEST_GAP_mm / float(grid.spacing_mm[2])):
        for k in range(low + 1, high):
            spacing_mm = (float(grid.spacing_mm[0]), float(grid.spacing_mm[1]))
            mask[:, :, k] = between(mask[:, :, low], mask[:, :, high], (k - low) / (high - low), spacing_mm)
    if not mask.any():
        found = "no voxel centre inside the contours" if contoured else "the whole region lies outside the image"
        raise StructureError(found, where=region.name, remedy="choose the image it was drawn on, a finer grid, or leave it out")
    return mask


def _planes(region: _Region) -> dict[float, list[Float[Array, "_ 3"]]]:
    """Polygons by the fractional slice index of their plane."""
    planes: dict[float, list[Float[Array, "_ 3"]]] = {}
    latest = -np.inf
    for polygon in sorted(region.polygons, key=lambda polygon: float(polygon[:, 2].mean())):
        depth = polygon[:, 2]
        if np.ptp(depth) > _FLAT:
            found = f"a contour that crosses {np.ptp(depth):.1f} slices"
            raise StructureError(found, where=region.name, remedy="contour on the slices of this image")
        if depth.mean() - latest > _FLAT:
            latest = float(depth.mean())
        planes.setdefault(latest, []).append(polygon)
    return planes


def _nearest_planes(planes: Mapping[float, object], nz: int) -> dict[int, float]:
    """Slice → the plane nearest to it within half a slice. Several planes a slice (finer contouring) are never mixed."""
    nearest: dict[int, float] = {}
    for depth in planes:
        k = int(np.floor(depth + 0.5))
        if 0 <= k < nz and (k not in nearest or abs(depth - k) < abs(nearest[k] - k)):
            nearest[k] = depth
    return nearest


def _require_inside(region: _Region, grid: Image) -> None:
    """StructureError, with the distance, for contours beyond the first or last slice or around voxel centres beyond the image's sides."""
    points = np.concatenate(region.polygons)
    last = np.array(grid.shape) - 1
    slack = np.array([1.0, 1.0, 0.5]) + SNAP
    below, above = -points.min(axis=0), points.max(axis=0) - last
    if (points.min(axis=0) > last + slack).any() or (points.max(axis=0) < -slack).any():
        raise StructureError(
            "the whole region lies outside the image", where=region.name, remedy="choose the image it was drawn on, or leave it out"
        )
    beyond = {"first slice": (below, 2), "last slice": (above, 2), "first column": (below, 0), "last column": (above, 0),
              "first row": (below, 1), "last row": (above, 1)}  # fmt: skip
    for side, (excess, axis) in beyond.items():
        if excess[axis] > slack[axis]:
            found = f"contours reach {excess[axis] * grid.spacing_mm[axis]:.1f} mm beyond the {side}"
            raise StructureError(
                found, where=region.name, remedy="use a longer scan, leave it out, or keep the inside part (clip=True from Python)"
            )


def _all_of(faults: list[StructureError], where: str) -> StructureError:
    """One error for all regions at fault, so that one correction mends all."""
    if len(faults) == 1:
        return StructureError(faults[0].found, where=f"{faults[0].where} of {where}", remedy=faults[0].remedy)
    found = "; ".join(f"{fault.where}: {fault.found}" for fault in faults)
    return StructureError(found, where=where, remedy="contour them again, or leave them out with names={'NAME': ''}")

"""Masks as an RTSTRUCT: closed planar contours with the images they lie on. DICOM PS3.3 A.19.3, C.8.8.5, C.8.8.6, C.8.8.8."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, RTStructureSetStorage

from gemel.core.errors import StructureError
from gemel.core.image import Array, Image, require_same_grid, world_mm
from gemel.core.structures import Structures
from gemel.io.contours import trace
from gemel.io.dicom_file import serialise
from gemel.io.dicom_object import new_dataset, reference
from gemel.io.equipment import stated_maker
from gemel.io.files import write_atomic
from gemel.io.identity import Series
from gemel.io.uids import content_uid

_DETACHED_STUDY = "1.2.840.10008.3.1.2.3.1"  # retired class that PS3.3 C.8.8.5 still asks for in RTReferencedStudySequence
# Eight colours that colour-blind readers tell apart: Okabe & Ito 2008, Color Universal Design.
_COLOURS = ((230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (0, 114, 178), (213, 94, 0), (204, 121, 167), (160, 160, 160))


def write_structures(
    path: str | Path, structures: Structures, series: Series, *, label: str = "GEMEL", kinds: Mapping[str, str] | None = None
) -> str:
    """Write all masks as one RTSTRUCT that refers to `series`; returns the SOPInstanceUID. Never approved.

    Rasterised again by the voxel-centre rule each mask comes back exactly. `kinds` gives the RTROIInterpretedType (CTV, ORGAN,
    EXTERNAL …) by name. Raises GeometryError when the masks are on another grid than the series, StructureError for an empty mask or a
    name that DICOM cannot hold.
    """
    require_same_grid(structures.grid, series.image, str(path))
    names = list(structures.masks)
    for name in names:
        _require_writable(name, structures.masks[name], str(path))
    masks = [np.packbits(structures.masks[name]).tobytes() for name in names]
    content = content_uid("RTSTRUCT", series.identity.series_uid, label, *names, *sorted((kinds or {}).values()), *masks)
    dataset = new_dataset(RTStructureSetStorage, "RTSTRUCT", series.identity, content, frame=series.identity.frame_uid, description=label)
    dataset.StructureSetLabel, dataset.StructureSetDate, dataset.StructureSetTime = label[:16], "", ""
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.ReferencedFrameOfReferenceSequence = [_referenced_frame(series)]
    dataset.StructureSetROISequence = [_roi(n, name, series.identity.frame_uid) for n, name in enumerate(names, 1)]
    dataset.ROIContourSequence = [_contours(n, structures.masks[name], series) for n, name in enumerate(names, 1)]
    dataset.RTROIObservationsSequence = [_observation(n, (kinds or {}).get(name, "")) for n, name in enumerate(names, 1)]
    write_atomic(path, serialise(stated_maker(dataset)))
    return content


def _require_writable(name: str, mask: Bool[Array, "x y z"], where: str) -> None:
    if not name or len(name) > 64 or "\\" in name:
        raise StructureError(f"a structure name {name[:80]!r}", where=where, remedy="use 1 to 64 characters without a backslash")
    if not mask.any():
        raise StructureError("an empty structure", where=f"{name}, to be written to {where}", remedy="leave it out or contour it again")


def _referenced_frame(series: Series) -> Dataset:
    images, study, frame = Dataset(), Dataset(), Dataset()
    images.SeriesInstanceUID = series.identity.series_uid
    images.ContourImageSequence = [reference(CTImageStorage, sop_uid) for sop_uid in series.sop_uids]
    study.ReferencedSOPClassUID, study.ReferencedSOPInstanceUID = _DETACHED_STUDY, series.identity.study_uid
    study.RTReferencedSeriesSequence = [images]
    frame.FrameOfReferenceUID, frame.RTReferencedStudySequence = series.identity.frame_uid, [study]
    return frame


def _roi(number: int, name: str, frame: str) -> Dataset:
    item = Dataset()
    item.ROINumber, item.ROIName, item.ReferencedFrameOfReferenceUID, item.ROIGenerationAlgorithm = number, name, frame, "AUTOMATIC"
    return item


def _observation(number: int, kind: str) -> Dataset:
    item = Dataset()
    item.ObservationNumber, item.ReferencedROINumber, item.RTROIInterpretedType, item.ROIInterpreter = number, number, kind, ""
    return item


def _contours(number: int, mask: Bool[Array, "x y z"], series: Series) -> Dataset:
    item = Dataset()
    item.ROIDisplayColor, item.ReferencedROINumber = list(_COLOURS[(number - 1) % len(_COLOURS)]), number
    item.ContourSequence = [
        _contour(polygon, k, series) for k in np.flatnonzero(mask.any(axis=(0, 1))).tolist() for polygon in _cropped(mask[:, :, k])
    ]
    return item


def _cropped(mask: Bool[Array, "x y"]) -> Sequence[Float[Array, "_ 2"]]:
    """Polygons traced in the mask's bounding box only."""
    columns, rows = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    corner = np.array([columns[0], rows[0]])
    return [polygon + corner for polygon in trace(mask[columns[0] : columns[-1] + 1, rows[0] : rows[-1] + 1])]


def _contour(polygon: Float[Array, "n 2"], k: int, series: Series) -> Dataset:
    item = Dataset()
    points_mm = _patient_mm(polygon, k, series.image)
    item.ContourImageSequence = [reference(CTImageStorage, series.sop_uids[k])]
    item.ContourGeometricType, item.NumberOfContourPoints = "CLOSED_PLANAR", len(points_mm)
    item.ContourData = [f"{v:.4f}" for v in points_mm.ravel()]
    return item


def _patient_mm(polygon: Float[Array, "n 2"], k: int, image: Image) -> Float[Array, "n 3"]:
    return world_mm(image, np.column_stack([polygon, np.full(len(polygon), float(k))]))

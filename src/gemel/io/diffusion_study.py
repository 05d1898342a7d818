"""One MRI visit in as an archive holds it: a folder with an ADC map (Parametric Map, or MR images) and a Segmentation drawn on it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from jaxtyping import Bool
from pydicom.uid import ParametricMapStorage, SegmentationStorage

from gemel.core.diffusion import TISSUES, DiffusionVisit
from gemel.core.errors import GeometryError, InputError, StructureError
from gemel.core.image import Array, Image, voxel_index, with_array
from gemel.core.structures import Structures
from gemel.core.time import seconds
from gemel.io.adc import AdcRead, read_adc
from gemel.io.dicom_file import text
from gemel.io.dicom_folder import Entry, scan
from gemel.io.files import digest, read_bytes
from gemel.io.identity import Identity, require_same_frame, require_same_patient
from gemel.io.mri import VisitRead, read_visit

TUMOUR = ("tumour", "tumor", "lesion")
"""Labels of the outline's segment; a segment that is alone needs none of them."""
NEAR = 0.02
"""Of a voxel: how far a segmentation's grid may lie from the map's."""


def is_study(folder: Path) -> bool:
    """Whether a folder holds a Segmentation, as no folder with a visit.json does."""
    return any(_class(entry) == SegmentationStorage for entry in scan(folder))


def read_study(folder: Path) -> tuple[DiffusionVisit, VisitRead, Identity, str]:
    """The visit, what its segmentation states, whose it is and the digest of the files.

    Raises InputError unless there are one Segmentation and one map, IdentityError for two patients or frames of reference, StructureError
    without an outline, GeometryError for a grid that is not the map's, and what `read_adc` raises (a unit that nobody states).
    """
    where, entries = str(folder), scan(folder)
    outlines = [entry.path for entry in entries if _class(entry) == SegmentationStorage]
    if len(outlines) != 1:
        raise InputError(f"{len(outlines)} Segmentations", where=where, remedy="give the one that was drawn on the ADC map")
    seen, adc = read_visit(outlines[0]), _map(folder, entries)
    whose = seen.identity or Identity("")
    require_same_patient(Identity(whose.patient_id), Identity(adc.patient_id), where)
    grid = adc.adc_mm2_s
    require_same_frame(grid.frame, seen.structures.grid.frame, where)
    made = digest(b"".join(sorted(digest(read_bytes(entry.path)).encode() for entry in entries)))
    visit = DiffusionVisit(
        adc_mm2_s=grid,
        tumour=placed(seen.structures[_tumour(seen.structures, where)], seen.structures.grid, grid, where),
        acquired_s=seconds(seen.acquired),
        tissue=_tissue(seen.structures, grid, where),
        source=f"{whose.series_uid}#{made[:16]}",
    )
    return visit, seen, whose, made


def placed(mask: Bool[Array, "x y z"], own: Image, grid: Image, where: str) -> Bool[Array, "u v w"]:
    """A mask on a larger grid of the same voxels. Raises GeometryError for other voxels, or a mask that reaches out of the grid."""
    start = voxel_index(grid, own.affine_mm[None, :3, 3])[0]
    first = np.rint(start).astype(int)
    apart = max(float(np.abs(start - first).max()), float(np.abs(own.affine_mm[:3, :3] - grid.affine_mm[:3, :3]).max()))
    if apart > NEAR or (first < 0).any() or (first + mask.shape > np.array(grid.shape)).any():
        raise GeometryError("a segmentation that does not lie on the map's voxels", where=where, remedy="segment the ADC map itself")
    found = np.zeros(grid.shape, dtype=bool)
    found[tuple(slice(a, a + n) for a, n in zip(first, mask.shape))] = mask
    return found


def _map(folder: Path, entries: list[Entry]) -> AdcRead:
    """The one ADC map of the folder."""
    maps = [entry.path for entry in entries if _class(entry) == ParametricMapStorage]
    images = any(entry.modality == "MR" and entry.path not in maps for entry in entries)
    if len(maps) + images != 1:
        found = f"{len(maps)} Parametric Maps" + (" and a series of MR images" if images else "")
        raise InputError(found, where=str(folder), remedy="give the ADC map alone: one Parametric Map, or one series of MR images")
    return read_adc(maps[0] if maps else folder)


def _tumour(drawn: Structures, where: str) -> str:
    """The segment that is the tumour."""
    named = [name for name in drawn.masks if name.strip().lower() in TUMOUR]
    found = named or list(drawn.masks)
    if len(found) != 1:
        raise StructureError(f"segments {', '.join(drawn.masks)}", where=where, remedy=f"call one of them {TUMOUR[0]}")
    return found[0]


def _tissue(drawn: Structures, grid: Image, where: str) -> Image | None:
    """Labels of TISSUES, where a segment is called as each of them."""
    own: Mapping[str, str] = {name.strip().lower(): name for name in drawn.masks}
    if not all(tissue in own for tissue in TISSUES.values()):
        return None
    labels = np.zeros(grid.shape, dtype=np.float32)
    for value, tissue in TISSUES.items():
        labels[placed(drawn[own[tissue]], drawn.grid, grid, where)] = value
    return with_array(grid, labels)


def _class(entry: Entry) -> str:
    return text(entry.header, "SOPClassUID", str(entry.path))

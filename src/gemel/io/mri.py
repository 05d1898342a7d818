"""Segmentations of one MRI visit in: a NIfTI label map with a sidecar, or a DICOM Segmentation.

The sidecar is the JSON of the same name: {"AcquisitionDateTime": "2026-03-02T09:00", "labels": {"1": "necrosis", "2": "oedema", "4":
"enhancing"}}, with PatientID if it is to be checked, and FrameOfReferenceUID if a dose is to be laid on it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from highdicom.seg import Segmentation
from jaxtyping import Bool
from pydicom.dataset import Dataset
from pydicom.uid import SegmentationStorage

from gemel.core.digest import digest as digest_of
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Array, Image
from gemel.core.structures import Structures
from gemel.core.time import seconds
from gemel.io.dicom_file import guarded, parse, require_class
from gemel.io.dicom_folder import only_file
from gemel.io.dicom_header import acquired_at, identity_of, studied_at
from gemel.io.files import read_bytes
from gemel.io.identity import Identity
from gemel.io.nifti import read_nifti
from gemel.io.orientation import along_lps
from gemel.io.seg_extent import slices_left_out

MOST_VOXELS = 1 << 29
"""Of a segmentation: two thousand slices of 512 by 512."""


@dataclass(frozen=True)
class VisitRead:
    """Regions under the names they came with, when the images were taken (ISO 8601), whose they are if the file says, files and digest.

    `labels`: names by the value in a label map, empty for a DICOM Segmentation.
    """

    structures: Structures
    acquired: str
    identity: Identity | None
    files: tuple[Path, ...]
    digest: str
    labels: Mapping[str, str] = field(default_factory=dict)


def read_visit(path: str | Path) -> VisitRead:
    """The segmentation of a visit. Raises InputError for one without a time, StructureError for labels without a name or no region."""
    path = Path(path)
    found = _nifti(path) if path.name.endswith((".nii", ".nii.gz")) else _segmentation(only_file(path, "SEG"))
    if not found.structures.masks:
        raise StructureError("a segmentation without regions", where=str(path), remedy="segment the visit again")
    seconds(found.acquired)
    return found


def _nifti(path: Path) -> VisitRead:
    beside = path.with_name(path.name.removesuffix(".gz").removesuffix(".nii") + ".json")
    fields = _fields(beside)
    names: Mapping[str, Any] = fields["labels"]
    image = read_nifti(path, frame=str(fields.get("FrameOfReferenceUID", "")))
    identity = Identity(str(fields["PatientID"])) if fields.get("PatientID") else None
    return labelled(image, names, str(fields["AcquisitionDateTime"]), identity, (path, beside))


def labelled(image: Image, names: Mapping[str, Any], acquired: str, identity: Identity | None, files: tuple[Path, ...]) -> VisitRead:
    """A visit from a label map and the names of its values. Raises as `read_visit`."""
    _require_named(image.array, names, str(files[0]))
    _require_once([str(name) for name in names.values()], str(files[0]))
    masks = {str(name): np.rint(image.array) == int(value) for value, name in names.items()}
    named = {str(value): str(name) for value, name in names.items()}
    return VisitRead(Structures(_blank(image), masks), acquired, identity, files, digest_of(masks), named)


def _fields(path: Path) -> dict[str, Any]:
    remedy = 'write {"AcquisitionDateTime": "2026-03-02T09:00", "labels": {"1": "necrosis", "2": "oedema", "4": "enhancing"}}'
    if not path.is_file():
        raise InputError("no sidecar beside a label map", where=str(path), remedy=remedy)
    try:
        fields = json.loads(read_bytes(path))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise InputError(f"not JSON ({str(error)[:80]})", where=str(path), remedy=remedy) from error
    if not isinstance(fields, dict) or not isinstance(fields.get("labels"), dict) or not fields.get("AcquisitionDateTime"):
        raise InputError("a sidecar without AcquisitionDateTime or labels", where=str(path), remedy=remedy)
    numbered = [str(value) for value in fields["labels"]]
    if not all(value.isascii() and value.isdigit() for value in numbered) or len({*map(int, numbered)}) < len(numbered):
        raise InputError(f"labels {', '.join(fields['labels'])}", where=str(path), remedy="number the labels as in the map, from 1")
    return fields


def _require_named(array: Array, names: Mapping[str, Any], where: str) -> None:
    """Raises StructureError for a value of the map without a name: no label is guessed; InputError for what is no label map."""
    values = np.unique(array)
    if len(values) > 256 or not np.array_equal(values, np.rint(values)) or values[0] < 0:
        raise InputError("values that are no labels", where=where, remedy="give a map of whole numbers from 0, one a region")
    unknown = sorted({int(v) for v in values if v > 0} - {int(v) for v in names})
    if unknown:
        raise StructureError(f"label {unknown[0]} without a name", where=where, remedy="name every label in the sidecar")


def _require_once(names: Sequence[str], where: str) -> None:
    """Raises StructureError for two regions of one name: the second would take the place of the first."""
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise StructureError(f"two regions named {twice[0]!r}", where=where, remedy="join them, or give each its own name")


def _segmentation(path: Path) -> VisitRead:
    data, where = read_bytes(path), str(path)
    dataset = parse(data, where)
    require_class(dataset, SegmentationStorage, where)
    at = studied_at(dataset, where) or acquired_at(dataset, where)  # a series may be dated by when it was segmented
    if not at:
        raise InputError("a segmentation that states no time of its images", where=where, remedy="export it with StudyDate and StudyTime")
    segments = guarded(lambda: Segmentation.from_dataset(dataset), where)
    identity, masks, grid = identity_of(dataset, where), dict[str, Bool[Array, "x y z"]](), None
    labels = {number: str(segments.get_segment_description(number).SegmentLabel) for number in segments.segment_numbers}
    _require_once([*labels.values()], where)
    for number, name in labels.items():
        masks[name], grid = _volume(segments, dataset, int(number), where)
    if grid is None:
        raise StructureError("a segmentation without regions", where=where, remedy="segment the visit again")
    return VisitRead(Structures(grid, masks), at, identity, (path,), digest_of(masks))


def _require_bounded(voxels: int, where: str) -> None:
    """Raises InputError for more voxels than images have: an object of a few bytes can list any number of them."""
    if voxels > MOST_VOXELS:
        raise InputError(f"a segmentation of {voxels:.3g} voxels", where=where, remedy=f"crop its images to {MOST_VOXELS:.3g} or fewer")


def _volume(segments: Segmentation, dataset: Dataset, number: int, where: str) -> tuple[Bool[Array, "x y z"], Image]:
    """One segment's mask along LPS, and its grid; frames without the segment, and slices that were left out, are empty."""
    held = guarded(lambda: segments.get_volume(segment_numbers=[number], combine_segments=True, rescale_fractional=False), where)
    drawn, placed_mm = np.asarray(held.array, dtype=np.float32), np.array(held.affine, dtype=np.float64)
    before, behind = guarded(lambda: slices_left_out(dataset, placed_mm, len(drawn)), where)
    _require_bounded((len(drawn) + before + behind) * drawn[0].size, where)
    placed_mm[:3, 3] -= before * placed_mm[:3, 0]
    array, affine_mm = along_lps(np.pad(drawn, ((before, behind), (0, 0), (0, 0))), placed_mm)
    image = Image(array, affine_mm, identity_of(dataset, where).frame_uid)
    return image.array > 0, _blank(image)


def _blank(image: Image) -> Image:
    return Image(np.zeros(image.shape, dtype=np.uint8), image.affine_mm, image.frame)

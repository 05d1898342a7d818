"""Masks as a DICOM Segmentation, by highdicom. PS3.3 A.51, C.8.20."""

from pathlib import Path

import highdicom as hd
import numpy as np
from highdicom.seg import Segmentation, SegmentDescription
from highdicom.sr.coding import CodedConcept
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from gemel import __version__
from gemel.core.errors import StructureError
from gemel.core.image import require_same_grid
from gemel.core.structures import Structures
from gemel.io.anatomy import site
from gemel.io.dicom_file import serialise
from gemel.io.equipment import stated_maker
from gemel.io.files import write_atomic
from gemel.io.frames import On, made_here, planes, pointed, settled
from gemel.io.orientation import along_lps
from gemel.io.uids import content_uid

FAMILY = ("123111", "DCM", "Deformable Models")
"""PS3.16 CID 7162."""


def write_segmentation(path: str | Path, structures: Structures, volume: On, *, description: str = "", algorithm: str = "") -> str:
    """Write all masks as one binary SEG on the frames of a volume; returns its SOPInstanceUID, which follows from the content.

    Segments may overlap. `algorithm` is what carried them here from a person's contours (SEMIAUTOMATIC); empty: a person outlined them
    (MANUAL). Dated as the volume, so that it can be
    read as a visit. Never approved. Raises GeometryError
    for masks on another grid, StructureError for an empty mask.
    """
    require_same_grid(structures.grid, volume.image, str(path))
    for name, mask in structures.masks.items():
        if not mask.any():
            raise StructureError("an empty structure", where=f"{name}, to be written to {path}", remedy="leave it out or contour it again")
    names = list(structures.masks)
    stacked = np.stack([along_lps(structures.masks[n], volume.image.affine_mm)[0] for n in names], axis=-1)
    content = content_uid("SEG", volume.sop_uid, description, *filter(None, [algorithm]), *names, np.packbits(stacked).tobytes())
    dataset = Segmentation(
        source_images=planes(volume),
        pixel_array=np.ascontiguousarray(stacked.transpose(2, 1, 0, 3)).astype(np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[_segment(n, name, algorithm) for n, name in enumerate(names, 1)],
        **made_here(content),
        content_description=description[:64] or "regions, research use",
    )
    _add_sides(dataset, names)
    dataset.add_new("SeriesDate", "DA", volume.date)
    dataset.add_new("SeriesTime", "TM", volume.time)
    write_atomic(path, serialise(stated_maker(settled(pointed(dataset, volume), volume))))
    return content


def _segment(number: int, name: str, algorithm: str) -> SegmentDescription:
    codes, kinds = site(name), hd.seg.SegmentAlgorithmTypeValues
    told = hd.AlgorithmIdentificationSequence(algorithm, CodedConcept(*FAMILY), __version__) if algorithm else None
    return SegmentDescription(
        segment_number=number,
        segment_label=name[:64],
        segmented_property_category=CodedConcept.from_dataset(codes.category),
        segmented_property_type=CodedConcept.from_dataset(codes.kind),
        algorithm_type=kinds.SEMIAUTOMATIC if algorithm else kinds.MANUAL,
        algorithm_identification=told,
        tracking_uid=content_uid("region", name),
        tracking_id=name[:64],
    )


def _add_sides(dataset: Dataset, names: list[str]) -> None:
    """Laterality as a modifier of the type (PS3.3 C.8.20.2)."""
    for item, name in zip(dataset.SegmentSequence, names, strict=True):
        side = site(name).side
        if side is not None:
            item.SegmentedPropertyTypeCodeSequence[0].SegmentedPropertyTypeModifierCodeSequence = Sequence([side])

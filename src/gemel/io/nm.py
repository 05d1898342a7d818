"""A reconstructed SPECT volume in: one multi-frame DICOM NM file → ActivityImage in counts or Bq/mL. PS3.3 A.5, C.8.4."""

import math
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.uid import NuclearMedicineImageStorage

from gemel.core.activity import ActivityImage
from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array, Image
from gemel.core.time import seconds
from gemel.io.dicom_file import items, numbers, parse, require_class, text, uid, value
from gemel.io.dicom_folder import only_file
from gemel.io.dicom_geometry import plane
from gemel.io.dicom_header import acquired_at
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import read_bytes
from gemel.io.nuclear_header import NOTHING_STATED, Stated, injected_at_s, injected_MBq, nuclide_of
from gemel.io.nuclear_units import correction_of, nm_unit
from gemel.io.orientation import along_lps


def read_nm(path: str | Path, stated: Stated = NOTHING_STATED) -> ActivityImage:
    """The volume of a RECON TOMO object (a file, or a folder with one NM file); `stated` replaces tags that are missing or wrong.

    Counts are those of the whole scan: duration = NumberOfFramesInRotation · ActualFrameDuration unless stated. InputError names the
    missing tag and the option or sidecar field that states it.
    """
    file = only_file(path, "NM")
    where = str(file)
    dataset = parse(read_bytes(file), where)
    require_class(dataset, NuclearMedicineImageStorage, where)
    _require_volume(dataset, where)
    unit, slope, intercept = nm_unit(dataset, where)
    if math.isfinite(stated.Bq_mL_per_unit):
        unit, slope, intercept = "Bq/mL", slope * stated.Bq_mL_per_unit, intercept * stated.Bq_mL_per_unit
    values = stored_values(dataset, where).transpose(2, 1, 0) * slope + intercept
    array, affine_mm = along_lps(values.astype(np.float32), _affine_mm(dataset, where))
    acquired_s = acquired_time_s(dataset, stated, where)
    return ActivityImage(
        image=Image(array, affine_mm, text(dataset, "FrameOfReferenceUID", where)),
        unit=unit,
        nuclide=nuclide_of(dataset, stated, where),
        acquired_s=acquired_s,
        duration_s=stated.duration_s if math.isfinite(stated.duration_s) else _duration_s(dataset, where),
        injected_s=injected_at_s(dataset, acquired_s, stated, where),
        injected_MBq=injected_MBq(dataset, stated, where, per_MBq=1.0),
        decay_corrected_to=stated.decay_corrected_to or correction_of(dataset, where),
        source=uid(dataset, "SOPInstanceUID", where),
    )


def acquired_time_s(dataset: Dataset, stated: Stated, where: str) -> float:
    """Start of the scan: stated, else of the header. Raises InputError when it has a date without a time, or neither."""
    moment = stated.acquired or acquired_at(dataset, where)
    if "T" not in moment:
        remedy = "write AcquisitionDate and AcquisitionTime into the header, or give NIfTI with AcquisitionDateTime in its sidecar"
        raise InputError(f"no time of acquisition ({moment or 'nor a date'})", where=where, remedy=remedy)
    return seconds(moment)


def _require_volume(dataset: Dataset, where: str) -> None:
    kind = text(dataset, "ImageType", where)
    if "RECON TOMO" not in kind:
        remedy = "name the reconstructed volume (ImageType RECON TOMO); planar images are not read"
        raise InputError(f"an NM object of ImageType {kind or 'none'}", where=where, remedy=remedy)
    for keyword in ("NumberOfEnergyWindows", "NumberOfDetectors"):
        if keyword in dataset and int(numbers(dataset, keyword, 1, where)[0]) != 1:
            raise InputError(f"{keyword} = {dataset[keyword].value}", where=where, remedy="export one volume of one energy window")
    frames = int(numbers(dataset, "NumberOfFrames", 1, where)[0])
    if frames > 1:
        order = numbers(dataset, "SliceVector", frames, where)
        if not np.array_equal(order, np.arange(1, frames + 1)):
            raise GeometryError("slices that are not in the order 1, 2, 3 …", where=where, remedy="export one volume, slices in order")


def _affine_mm(dataset: Dataset, where: str) -> Float[Array, "4 4"]:
    """Index → LPS mm: the first slice's plane from the detector's item, further slices along row × column (PS3.3 C.8.4.15).

    SpacingBetweenSlices is signed there; SliceThickness stands in for it when it is absent.
    """
    detector = items(dataset, "DetectorInformationSequence", where)
    holder = Dataset()
    for keyword in ("ImageOrientationPatient", "ImagePositionPatient"):
        source = dataset if keyword in dataset or not detector else detector[0]
        setattr(holder, keyword, value(source, keyword, where))
    for keyword in ("PixelSpacing", "Rows", "Columns"):
        setattr(holder, keyword, value(dataset, keyword, where))
    first = plane(holder, where)
    step_mm = float(numbers(dataset, "SpacingBetweenSlices" if "SpacingBetweenSlices" in dataset else "SliceThickness", 1, where)[0])
    if step_mm == 0:
        raise GeometryError("slices 0 mm apart", where=where, remedy="export it again with SpacingBetweenSlices")
    affine = np.eye(4)
    affine[:3, 0], affine[:3, 1] = first.row * first.spacing_mm[0], first.column * first.spacing_mm[1]
    affine[:3, 2], affine[:3, 3] = first.normal * step_mm, first.origin_mm
    return affine


def _duration_s(dataset: Dataset, where: str) -> float:
    """Time of the whole rotation (PS3.3 C.8.4.12): views of one detector times the time of each."""
    rotations = items(dataset, "RotationInformationSequence", where)
    if not rotations or "ActualFrameDuration" not in rotations[0]:
        remedy = "state it: --duration-s 1200, or FrameDuration in the sidecar"
        raise InputError("no duration of the scan (ActualFrameDuration)", where=where, remedy=remedy)
    total_ms = 0.0
    for rotation in rotations:
        views = numbers(rotation, "NumberOfFramesInRotation", 1, where)[0]
        total_ms += float(views * numbers(rotation, "ActualFrameDuration", 1, where)[0])
    return total_ms / 1000.0

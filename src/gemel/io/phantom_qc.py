"""One day's check of a scanner in: a folder of CT slices of a phantom, and the tube's log beside them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from gemel.core.errors import GeometryError, IdentityError, InputError, UnitError
from gemel.core.image import Array, Image
from gemel.core.quality import Exposure, QualityDay
from gemel.core.time import seconds
from gemel.io.dicom_file import is_dicom, numbers, parse, require_class, text, uid
from gemel.io.dicom_geometry import Plane, plane, stack
from gemel.io.dicom_header import acquired_at, scanner_of
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import digest, read_bytes
from gemel.io.orientation import along_lps
from gemel.io.phantom_log import NAME, is_tube_log, read_tube_log, require_plausible

META = b"\x02\x00"
"""What a file begins with that was stored without preamble: the group of file meta elements (PS3.10, sec. 7.1)."""
MOST_SLICES = 400
LEAST_UPRIGHT = float(np.cos(np.radians(1.0)))
"""Of a slice's normal along z: rods of a slice tilted by more are ellipses."""


@dataclass(frozen=True)
class QualityRead:
    """The day as read, ISO 8601 of its first slice, and the digest of its files."""

    day: QualityDay
    acquired: str
    digest: str


@dataclass(frozen=True)
class _Slice:
    image: Image
    exposure: Exposure
    scanner: str
    patient: str
    acquired: str
    series: str


def read_quality(folder: str | Path) -> QualityRead:
    """All CT slices of a folder (each stands alone), or the one of a file, and the tube's log where there is one.

    Raises InputError for no slice, exposure tags that are missing or make no sense, no time, two protocols, a log that makes no sense;
    IdentityError for slices of two scanners or patients, GeometryError for slices that are not transverse, UnitError for what is not in HU.
    """
    folder = Path(folder)
    if not folder.exists():
        raise InputError("no such folder", where=str(folder), remedy="name the folder of one day's check")
    paths = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    held = {path: read_bytes(path) for path in paths if path.is_file() and not path.name.startswith(".")}
    slices = [_slice(_whole(data), str(path)) for path, data in held.items() if is_dicom(data) or data.startswith(META)]
    logs = [(path, data) for path, data in held.items() if is_tube_log(data) or path.name == NAME]
    if not 0 < len(slices) <= MOST_SLICES:
        raise InputError(
            f"{len(slices)} CT slices", where=str(folder), remedy=f"name the folder of one day's check: 1 to {MOST_SLICES} slices"
        )
    first = _one(slices, str(folder))
    if len(logs) > 1:
        raise InputError(f"{len(logs)} tube logs", where=str(folder), remedy="keep one log a folder")
    tube = read_tube_log(logs[0][1], str(logs[0][0]), first.acquired) if logs else np.zeros((0, 2))
    made = digest("".join(sorted(digest(data) for data in held.values())).encode())
    of = {one.series for one in slices}
    name = f"{of.pop() if len(of) == 1 else folder.name}#{made[:16]}"
    images = tuple(one.image for one in slices)
    return QualityRead(QualityDay(images, first.exposure, tube, seconds(first.acquired), first.scanner, name), first.acquired, made)


def _whole(data: bytes) -> bytes:
    """The file with the preamble that it lacks."""
    return data if is_dicom(data) else b"\0" * 128 + b"DICM" + data


def _slice(data: bytes, where: str) -> _Slice:
    dataset = parse(data, where)
    require_class(dataset, CTImageStorage, where)
    modality, patient = (text(dataset, keyword, where) for keyword in ("Modality", "PatientID"))
    if modality not in ("", "CT"):
        raise InputError(f"a CT image of modality {modality}", where=where, remedy="export the phantom's CT slices with their own header")
    acquired = acquired_at(dataset, where)
    if not acquired:
        raise InputError("a slice without a time", where=where, remedy="export it with AcquisitionDate")
    exposure = _exposure(dataset, where)
    image = _image(_transverse(plane(dataset, where), where), _HU(dataset, where), exposure.slice_mm)
    return _Slice(image, exposure, scanner_of(dataset, where), patient, acquired, uid(dataset, "SeriesInstanceUID", where))


def _transverse(place: Plane, where: str) -> Plane:
    """The plane. Raises GeometryError for one tilted by more than a degree."""
    upright = min(abs(float(place.normal[2])), 1.0)
    if upright < LEAST_UPRIGHT:
        found = f"a slice tilted by {np.degrees(np.arccos(upright)):.0f}°"
        raise GeometryError(found, where=where, remedy="check the phantom in transverse slices, without tilt of the gantry")
    return place


def _HU(dataset: Dataset, where: str) -> Float[Array, "x y"]:
    """slope·stored + intercept (PS3.3 C.11.1.1.2). Raises UnitError for what is not in HU."""
    stated = [text(dataset, name, where) for name in ("RescaleSlope", "RescaleIntercept")]
    if text(dataset, "RescaleType", where) not in ("", "HU") or not all(stated):
        raise UnitError("a slice that is not in HU", where=where, remedy="export it with RescaleSlope and RescaleIntercept to HU")
    slope, intercept = (float(numbers(dataset, name, 1, where)[0]) for name in ("RescaleSlope", "RescaleIntercept"))
    if slope <= 0:
        raise UnitError(f"RescaleSlope {slope:g}", where=where, remedy="export it with its rescale to HU")
    return np.asarray((stored_values(dataset, where)[0].T * slope + intercept).astype(np.float32))


def _image(place: Plane, HU: Float[Array, "x y"], slice_mm: float) -> Image:
    _, affine_mm = stack([place], slice_mm)
    return Image(*along_lps(HU[:, :, None], affine_mm))


def _exposure(dataset: Dataset, where: str) -> Exposure:
    """KVP, the load in mAs (Exposure, or current × time), SliceThickness, ConvolutionKernel, CTDIvol. DICOM PS3.3 C.8.2.1."""
    remedy = "export the slice with its exposure: KVP, Exposure (or XRayTubeCurrent and ExposureTime), SliceThickness"
    missing = [name for name in ("KVP", "SliceThickness") if not text(dataset, name, where)]
    if text(dataset, "Exposure", where):
        mAs = float(numbers(dataset, "Exposure", 1, where)[0])
    elif text(dataset, "XRayTubeCurrent", where) and text(dataset, "ExposureTime", where):
        mAs = float(numbers(dataset, "XRayTubeCurrent", 1, where)[0] * numbers(dataset, "ExposureTime", 1, where)[0]) / 1000.0
    else:
        missing.append("Exposure")
    if missing:
        raise InputError(f"no {' or '.join(missing)}", where=where, remedy=remedy)
    kVp, slice_mm = (float(numbers(dataset, name, 1, where)[0]) for name in ("KVP", "SliceThickness"))
    require_plausible(kVp, mAs, where)
    if slice_mm <= 0:
        raise InputError(f"SliceThickness {slice_mm:g} mm", where=where, remedy=remedy)
    dose = float(numbers(dataset, "CTDIvol", 1, where)[0]) if text(dataset, "CTDIvol", where) else 0.0
    return Exposure(kVp, mAs, slice_mm, text(dataset, "ConvolutionKernel", where), dose if dose > 0 else float("nan"))


def _one(slices: list[_Slice], where: str) -> _Slice:
    """The earliest slice; all must be of its scanner, phantom, protocol and day."""
    first = min(slices, key=lambda one: one.acquired)
    for other in slices:
        if other.scanner != first.scanner:
            raise IdentityError(f"slices of {first.scanner} and of {other.scanner}", where=where, remedy="keep one scanner a folder")
        if other.patient != first.patient:
            found = f"slices of PatientID {first.patient!r} and {other.patient!r}"
            raise IdentityError(found, where=where, remedy="keep one phantom a folder, and nobody's images beside it")
        if other.exposure.words != first.exposure.words:
            found = f"slices at {first.exposure.words} and at {other.exposure.words}"
            raise InputError(found, where=where, remedy="expose all slices of a check alike, or keep one protocol a folder")
        if other.acquired[:10] != first.acquired[:10]:
            raise InputError(f"slices of {first.acquired[:10]} and {other.acquired[:10]}", where=where, remedy="keep one day a folder")
    return first

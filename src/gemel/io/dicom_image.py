"""A CT or CBCT series, or a dose, in: DICOM files → Image in HU or Gy, LPS, (x, y, z), z increasing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Shaped
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage

from gemel.core.errors import GeometryError, IdentityError, InputError, UnitError
from gemel.core.image import Array, Image
from gemel.io.dicom_file import numbers, parse, require_class, text, uid
from gemel.io.dicom_folder import Entry, scan, series_of
from gemel.io.dicom_geometry import Plane, plane, stack
from gemel.io.dicom_header import acquired_at, identity_of, scanner_of, studied_at
from gemel.io.dicom_pixels import stored_values
from gemel.io.files import digest, read_bytes
from gemel.io.identity import Identity, Series, require_same_patient
from gemel.io.orientation import along_lps
from gemel.io.rtdose import read_dose

_ENHANCED = "an enhanced or multi-frame object"
_SHARED = ("study_uid", "series_uid", "frame_uid")
Values = Callable[[Dataset, str], Float[Array, "x y"]]
"""Real values of one slice, of its data set and where it came from."""


@dataclass(frozen=True)
class _Slice:
    plane: Plane
    rescaled: Float[Array, "x y"]
    identity: Identity
    sop_uid: str
    acquired: str
    studied: str
    digest: str
    scanner: str


def read_dicom(path: str | Path, *, series_uid: str = "") -> Image:
    """The CT image of a folder, or of the series that a file belongs to; the dose of an RTDOSE file, or of a folder without CT."""
    entries = scan(path)
    if not any(entry.modality == "CT" for entry in entries) and any(entry.modality == "RTDOSE" for entry in entries):
        return read_dose(path)
    return read_series(path, series_uid=series_uid).image


def read_series(path: str | Path, *, modality: str = "CT", series_uid: str = "", values: Values | None = None) -> Series:
    """The one series of `modality` in a folder, or of the file named, with its identity.

    Slices must form one regular upright transverse stack (see dicom_geometry). Stored values are rescaled to HU (PS3.3 C.11.1), or by
    `values`; a series of one slice takes its SliceThickness as spacing. Feet-first and prone scans are flipped to LPS. Errors name the
    file and the remedy.
    """
    entries = series_of(scan(path), modality, series_uid, str(path))
    slices = [_slice(entry, values or _rescaled) for entry in entries]
    identity = _one_identity(slices)
    order, affine_mm = stack([item.plane for item in slices], _thickness_mm(entries))
    slices = [slices[i] for i in order]
    array, affine_mm = _upright(np.stack([item.rescaled for item in slices], axis=2), affine_mm, str(path))
    if affine_mm[:3, 2] @ (slices[-1].plane.origin_mm - slices[0].plane.origin_mm) < 0:
        slices = slices[::-1]
    return Series(
        image=Image(array, affine_mm, identity.frame_uid),
        identity=identity,
        sop_uids=tuple(item.sop_uid for item in slices),
        acquired=min(item.acquired for item in slices),
        studied=min(item.studied for item in slices),
        digest=digest("".join(sorted(item.digest for item in slices)).encode()),
        scanner=slices[0].scanner,
    )


def _slice(entry: Entry, values: Values) -> _Slice:
    where = str(entry.path)
    data = read_bytes(entry.path)
    dataset = parse(data, where)
    if "NumberOfFrames" in dataset and int(numbers(dataset, "NumberOfFrames", 1, where)[0]) != 1:
        raise GeometryError(_ENHANCED, where=where, remedy="export it as single-frame CT images")
    if entry.modality == "CT":
        require_class(dataset, CTImageStorage, where)
    return _Slice(
        plane=plane(dataset, where),
        rescaled=values(dataset, where),
        identity=identity_of(dataset, where),
        sop_uid=uid(dataset, "SOPInstanceUID", where),
        acquired=acquired_at(dataset, where),
        studied=studied_at(dataset, where),
        digest=digest(data),
        scanner=scanner_of(dataset, where),
    )


def _rescaled(dataset: Dataset, where: str) -> Float[Array, "x y"]:
    """HU = slope·stored + intercept (PS3.3 C.11.1.1.2)."""
    unit = text(dataset, "RescaleType", where)
    if unit not in ("", "HU") or "ModalityLUTSequence" in dataset:
        raise UnitError(f"pixel values in {unit or 'a look-up table'}, not HU", where=where, remedy="export the series in Hounsfield units")
    if "RescaleSlope" not in dataset or "RescaleIntercept" not in dataset:
        raise UnitError("no RescaleSlope or RescaleIntercept", where=where, remedy="export the series with its rescale to Hounsfield units")
    slope, intercept = (float(numbers(dataset, keyword, 1, where)[0]) for keyword in ("RescaleSlope", "RescaleIntercept"))
    if slope == 0:
        raise UnitError("RescaleSlope = 0", where=where, remedy="export the series again with its rescale to Hounsfield units")
    rescaled = (stored_values(dataset, where)[0].T * slope + intercept).astype(np.float32)
    if not np.isfinite(rescaled).all():
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(rescaled))} pixel values that are not finite", where=where, remedy="export it again"
        )
    return rescaled


def _one_identity(slices: Sequence[_Slice]) -> Identity:
    first = slices[0]
    for item in slices[1:]:
        require_same_patient(first.identity, item.identity, item.plane.where)
        for name in _SHARED:
            a, b = getattr(first.identity, name), getattr(item.identity, name)
            if a != b:
                raise IdentityError(f"{name} {b} where the series has {a}", where=item.plane.where, remedy="keep one scan in a series")
    return first.identity


def _thickness_mm(entries: Sequence[Entry]) -> float:
    if len(entries) > 1:
        return 0.0
    where = str(entries[0].path)
    thickness_mm = float(numbers(entries[0].header, "SliceThickness", 1, where)[0])
    if thickness_mm <= 0:
        raise GeometryError(f"one slice with SliceThickness {thickness_mm} mm", where=where, remedy="transfer the whole series")
    return thickness_mm


def _upright(
    array: Shaped[Array, "a b c"], affine_mm: Float[Array, "4 4"], where: str
) -> tuple[Shaped[Array, "x y z"], Float[Array, "4 4"]]:
    stacking = int(np.argmax(np.abs(affine_mm[:3, 2])))
    if stacking != 2:
        raise GeometryError(f"slices stacked along {'xyz'[stacking]}, not transverse", where=where, remedy="reconstruct transverse slices")
    return along_lps(array, affine_mm)

"""NIfTI-1 in and out: RAS millimetres on disk, LPS here. Cox et al. 2004, NIfTI-1.1 (x right, y anterior, z superior)."""

import gzip
import math
import zlib
from io import BytesIO
from pathlib import Path

import nibabel as nib
import numpy as np
from jaxtyping import Float32, Shaped

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.core.image import Array, Image
from gemel.io.files import read_bytes, write_atomic
from gemel.io.orientation import along_lps

_RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_MM = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}  # xyzt_units of space: unstated (mm by the format's custom), m, mm, µm
_LARGEST_BYTES = 4 << 30  # unpacked: a small file must not make us allocate without bound
_FAULTS = (
    EOFError, OSError, OverflowError, TypeError, ValueError, zlib.error,
    nib.filebasedimages.ImageFileError, nib.spatialimages.HeaderDataError, nib.wrapstruct.WrapStructError,
)  # fmt: skip


def read_nifti(path: str | Path, *, frame: str = "") -> Image:
    """One volume, float32, axes along LPS. NIfTI has no frame of reference: `frame` says which one it lies in.

    Raises GeometryError for 4-D, sheared or unplaced volumes; InputError for damaged files and values that are not finite.
    """
    where = str(path)
    array, affine_mm = _read(Path(path), where)
    if array.ndim == 4 and array.shape[3] == 1:
        array = array[..., 0]
    if array.ndim != 3:
        raise GeometryError(f"a volume of shape {array.shape}", where=where, remedy="extract one 3-D volume")
    return _image(*along_lps(array, affine_mm), frame, where)


def read_nifti_frames(path: str | Path, *, frame: str = "") -> tuple[Float32[Array, "frames x y z"], Image]:
    """All volumes of a 4-D file in their order, and their mean with its place. Raises what `read_nifti` raises, and for 3-D volumes."""
    where = str(path)
    array, affine_mm = _read(Path(path), where)
    if array.ndim != 4:
        raise GeometryError(f"a volume of shape {array.shape}", where=where, remedy="give the frames as one 4-D file")
    turned = [along_lps(array[..., k], affine_mm) for k in range(array.shape[3])]
    frames = np.stack([one for one, _ in turned]).astype(np.float32)
    return frames, _image(frames.mean(axis=0, dtype=np.float64).astype(np.float32), turned[0][1], frame, where)


def _read(path: Path, where: str) -> tuple[Shaped[Array, "..."], Shaped[Array, "4 4"]]:
    """Values as float32, and index to LPS mm."""
    data = read_bytes(path)
    try:
        unpacked = _unpacked(data)
        volume = nib.Nifti1Image.from_bytes(unpacked)
        _require_whole(volume, len(unpacked), where)
        array = np.asarray(volume.dataobj, dtype=np.float32)
    except _FAULTS as error:
        raise InputError(f"not a readable NIfTI-1 file ({str(error)[:120]})", where=where, remedy="convert or transfer it again") from error
    if not np.isfinite(array).all():
        raise InputError(
            f"{np.count_nonzero(~np.isfinite(array))} voxels that are not finite", where=where, remedy="repair the image first"
        )
    return array, _RAS_LPS @ _placed(volume, where)


def _image(array: Shaped[Array, "x y z"], affine_mm: Shaped[Array, "4 4"], frame: str, where: str) -> Image:
    try:
        return Image(array, affine_mm, frame)
    except GeometryError as error:
        raise GeometryError(error.found, where=where, remedy=error.remedy) from error


def write_nifti(path: str | Path, image: Image, *, level: int = 6) -> None:
    """Write `.nii` or `.nii.gz`: masks as uint8, whole numbers within int16 as int16, others as float32. Equal images give equal bytes.

    `level`: of compression, from 1 (fast) to 9.
    """
    path = Path(path)
    if not np.isfinite(image.array).all():
        raise RangeError("voxels that are not finite", where=str(path), remedy="repair the image before writing it")
    volume = nib.Nifti1Image(_compact(image.array), _RAS_LPS @ image.affine_mm)
    volume.header.set_xyzt_units("mm", "sec")
    volume.set_sform(volume.affine, 1)
    volume.set_qform(volume.affine, 1)
    data = volume.to_bytes()
    write_atomic(path, _gzipped(data, level) if path.suffix == ".gz" else data)


def _unpacked(data: bytes) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    with gzip.GzipFile(fileobj=BytesIO(data)) as file:
        unpacked = file.read(_LARGEST_BYTES)
        if len(unpacked) == _LARGEST_BYTES:
            raise ValueError(f"more than {_LARGEST_BYTES} bytes when unpacked")
    return unpacked


def _require_whole(volume: nib.Nifti1Image, present: int, where: str) -> None:
    """The file holds as many bytes as its header claims; checked before they are allocated."""
    header = volume.header
    claimed = int(header["vox_offset"]) + math.prod(header.get_data_shape()) * int(header["bitpix"]) // 8
    if claimed > present:
        raise InputError(f"not a readable NIfTI-1 file ({present} bytes of {claimed})", where=where, remedy="convert or transfer it again")


def _placed(volume: nib.Nifti1Image, where: str) -> Shaped[Array, "4 4"]:
    """Voxel → RAS mm from the sform, else the qform."""
    header = volume.header
    if header["sform_code"] == 0 and header["qform_code"] == 0:
        raise GeometryError(
            "neither sform nor qform: the orientation is unknown", where=where, remedy="set its orientation from the source images"
        )
    unit = int(header["xyzt_units"]) & 7
    if unit not in _MM:
        raise UnitError(f"spatial unit code {unit}", where=where, remedy="set xyzt_units to 2 (mm)")
    affine = np.asarray(volume.affine, dtype=np.float64).copy()
    affine[:3] *= _MM[unit]
    lengths_mm = np.linalg.norm(affine[:3, :3], axis=0)
    if not (np.isfinite(lengths_mm) & (lengths_mm > 0)).all():
        raise GeometryError(f"voxel axes of {lengths_mm} mm", where=where, remedy="convert it again; every axis needs a finite length")
    return affine


def _compact(array: Shaped[Array, "x y z"]) -> Shaped[Array, "x y z"]:
    if array.dtype == np.bool_:
        return array.astype(np.uint8)
    limits = np.iinfo(np.int16)
    if array.size and limits.min <= array.min() and array.max() <= limits.max and np.array_equal(array, np.rint(array)):
        return array.astype(np.int16)
    return array.astype(np.float32)


def _gzipped(data: bytes, level: int) -> bytes:
    buffer = BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", mtime=0, compresslevel=level) as file:
        file.write(data)
    return buffer.getvalue()

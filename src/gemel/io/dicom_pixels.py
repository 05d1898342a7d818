"""Stored pixel values of a data set: length checked before anything is decoded."""

from typing import Any

import numpy as np
from jaxtyping import Shaped
from pydicom.dataset import Dataset

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.dicom_file import FAULTS, guarded, numbers, text, value

LARGEST_BYTES = 1 << 30  # of one object's pixels: a header of some bytes must not make us allocate without bound


def stored_values(dataset: Dataset, where: str) -> Shaped[Array, "frames rows columns"]:
    """Grey values as stored, before any rescale. Raises InputError when pixels are missing, short, in colour, or cannot be decoded."""
    rows, columns, bits = (int(numbers(dataset, keyword, 1, where)[0]) for keyword in ("Rows", "Columns", "BitsAllocated"))
    frames = int(numbers(dataset, "NumberOfFrames", 1, where)[0]) if "NumberOfFrames" in dataset else 1
    grey = text(dataset, "PhotometricInterpretation", where)
    if grey != "MONOCHROME2" or int(numbers(dataset, "SamplesPerPixel", 1, where)[0]) != 1:
        raise InputError(f"pixels of {grey or 'unstated'} interpretation", where=where, remedy="export it as MONOCHROME2")
    expected = rows * columns * frames * bits // 8
    if min(rows, columns, frames, bits) <= 0 or expected > LARGEST_BYTES:
        raise InputError(
            f"{columns} x {rows} x {frames} pixels of {bits} bits", where=where, remedy="export the object again; its size is not plausible"
        )
    pixels: bytes = value(dataset, "PixelData", where)
    compressed = guarded(lambda: dataset.file_meta.TransferSyntaxUID.is_compressed, where)
    if not compressed and len(pixels) not in (expected, expected + expected % 2):
        found = f"{len(pixels)} bytes of pixel data where {expected} are needed: a truncated or damaged file"
        raise InputError(found, where=where, remedy="export or transfer the file again")
    return _decoded(dataset, where).reshape(frames, rows, columns)


def _decoded(dataset: Dataset, where: str) -> Shaped[Array, "..."]:
    syntax = dataset.file_meta.TransferSyntaxUID
    try:
        decoded: Any = dataset.pixel_array
    except (*FAULTS, RuntimeError, ImportError) as error:
        found = f"pixels that cannot be decoded from {syntax.name}"
        raise InputError(found, where=where, remedy="convert it to Explicit VR Little Endian") from error
    return np.asarray(decoded)

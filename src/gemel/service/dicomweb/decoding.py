"""A frame's values: of native pixels as they lie, of compressed ones by a codec in a process of its own."""

import json

import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.dicom_frames import Frames
from gemel.service.dicomweb.decoder import decoder

_PIXEL_REPRESENTATION, _PLANAR, _PHOTOMETRIC, _STORED = 0x00280103, 0x00280006, 0x00280004, 0x00280101
_FLOATS = {32: "f4", 64: "f8"}
_FOREIGN = ("YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422")


def photometric(frames: Frames) -> str:
    """Photometric Interpretation; MONOCHROME2 where floating pixels state none."""
    return frames.first(_PHOTOMETRIC).decode("ascii", "replace").strip(" \0") or "MONOCHROME2"


def number_of(frames: Frames, tag: int, default: int) -> int:
    """A whole number of VR US."""
    value = frames.source.form.number("H", frames.first(tag)[:2])
    return default if value < 0 else value


def values_of(frames: Frames, number: int) -> Shaped[Array, "rows columns *samples"]:
    """The values of frame `number`, from 1 on, colour interleaved. Raises InputError when it cannot be decoded within the limits."""
    if frames.compressed or photometric(frames) in _FOREIGN:
        return _decoded(frames, number)
    shape = frames.shape
    raw = np.frombuffer(frames.stored(number), dtype=np.uint8)
    size = (shape.rows, shape.columns)
    if shape.bits == 1:
        return np.unpackbits(raw, bitorder="little")[: size[0] * size[1]].reshape(size)
    values = raw.view(_type(frames)).astype(_type(frames).newbyteorder("="), copy=False)
    if shape.samples == 1:
        return values.reshape(size)
    if number_of(frames, _PLANAR, 0) == 1:
        return np.ascontiguousarray(values.reshape(int(shape.samples), *size).transpose(1, 2, 0))
    return values.reshape(*size, int(shape.samples))


def _type(frames: Frames) -> np.dtype[np.generic]:
    is_float = any(tag in frames.source.walked.places for tag in (0x7FE00008, 0x7FE00009))
    kind = _FLOATS[frames.shape.bits] if is_float else f"{'iu'[not _signed(frames)]}{frames.shape.bits // 8}"
    return np.dtype(frames.source.form.order + kind)


def _signed(frames: Frames) -> bool:
    return number_of(frames, _PIXEL_REPRESENTATION, 0) == 1


def _decoded(frames: Frames, number: int) -> Shaped[Array, "rows columns *samples"]:
    """The codec sees one frame and eight numbers of ours, never the object."""
    where = frames.source.form.where
    shape, stored = frames.shape, frames.stored(number)
    said = {
        "transfer_syntax": frames.source.transfer_syntax, "rows": shape.rows, "columns": shape.columns,
        "samples_per_pixel": 3 if shape.samples == 2 else shape.samples, "bits_allocated": shape.bits,
        "bits_stored": number_of(frames, _STORED, shape.bits), "photometric_interpretation": photometric(frames),
        "pixel_representation": int(_signed(frames)), "planar_configuration": number_of(frames, _PLANAR, 0),
    }  # fmt: skip
    item = b"\xfe\xff\x00\xe0"
    padded = stored + bytes(len(stored) % 2)
    encoded = item + bytes(4) + item + len(padded).to_bytes(4, "little") + padded if frames.compressed else stored
    head, pixels = decoder().ask(json.dumps(said).encode() + b"\n" + encoded, where)
    found = np.frombuffer(pixels, dtype=np.dtype(head["type"])).reshape([int(n) for n in head["shape"]])
    if found.shape[:2] != (shape.rows, shape.columns):
        words = f"a frame that decodes to {found.shape} where {shape.rows} x {shape.columns} belong"
        raise InputError(words, where=where, remedy="retrieve the object itself")
    return found

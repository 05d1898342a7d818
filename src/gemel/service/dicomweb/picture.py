"""A frame as a picture for the eye: modality and window applied, 8 bits, PNG or JPEG. PS3.3 §C.7.6.3.1, §C.11.1, §C.11.2."""

import math
import struct
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from jaxtyping import Float32, Shaped, UInt8
from PIL import Image as Pillow

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.dicom_frames import Frames
from gemel.service.dicomweb.decoding import number_of, photometric, values_of

_LARGEST = 4096  # pixels along a side; larger frames are thinned out first
_SLOPE, _INTERCEPT, _CENTRE, _WIDTH, _STORED = 0x00281053, 0x00281052, 0x00281050, 0x00281051, 0x00280101
_PALETTES = ((0x00281101, 0x00281201), (0x00281102, 0x00281202), (0x00281103, 0x00281203))


@dataclass(frozen=True)
class View:
    """How it is looked at: window in units of the image (None: the object's own), size it must fit into, quality of a JPEG."""

    window: tuple[float, float] | None = None
    viewport: tuple[int, int] = (_LARGEST, _LARGEST)
    quality: int = 90


def picture(frames: Frames, number: int, view: View, kind: str) -> bytes:
    """Frame `number` as `image/png` or `image/jpeg`. Raises InputError when it cannot be decoded."""
    values = values_of(frames, number)
    step = max(1, math.ceil(max(values.shape[:2]) / _LARGEST))
    with np.errstate(all="ignore"):
        grey_or_colour = _shown(values[::step, ::step], frames, view)
    image = Pillow.fromarray(grey_or_colour)
    image.thumbnail(view.viewport)
    buffer = BytesIO()
    if kind == "image/png":
        image.save(buffer, "PNG", compress_level=1)
    else:
        image.save(buffer, "JPEG", quality=view.quality)
    return buffer.getvalue()


def _shown(values: Shaped[Array, "rows columns *samples"], frames: Frames, view: View) -> UInt8[Array, "rows columns *samples"]:
    if values.ndim == 3:
        bits = number_of(frames, _STORED, 8)
        clipped: UInt8[Array, "rows columns samples"] = np.clip(values[..., :3] >> max(bits - 8, 0), 0, 255).astype(np.uint8)
        return clipped
    kind = photometric(frames)
    if kind == "PALETTE COLOR":
        return _coloured(values, frames)
    shown = windowed(values.astype(np.float32) * _decimal(frames, _SLOPE, 1.0) + _decimal(frames, _INTERCEPT, 0.0), frames, view)
    return 255 - shown if kind == "MONOCHROME1" else shown


def windowed(values: Float32[Array, "rows columns"], frames: Frames, view: View) -> UInt8[Array, "rows columns"]:
    """Linear VOI function: 255·((x - (c - 1/2)) / (w - 1) + 1/2), clipped; PS3.3 §C.11.2.1.2.1. Without a window, the middle 99 %."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    if view.window:
        centre, width = view.window
    elif frames.first(_CENTRE).strip() and frames.first(_WIDTH).strip():
        centre, width = _decimal(frames, _CENTRE, 0.0), _decimal(frames, _WIDTH, 1.0)
    else:
        low, high = np.percentile(values, (0.5, 99.5))
        centre, width = float(low + high) / 2 + 0.5, float(high - low) + 1.0
    share = (values - (centre - 0.5)) / max(width - 1.0, 1e-6) + 0.5
    return (np.clip(np.nan_to_num(share), 0.0, 1.0) * 255 + 0.5).astype(np.uint8)


def _decimal(frames: Frames, tag: int, default: float) -> float:
    """The first value of a decimal string. Raises InputError when it is no finite number."""
    text = frames.first(tag).split(b"\\")[0].decode("ascii", "replace").strip(" \0")
    try:
        value = float(text) if text else default
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        found = f"({tag >> 16:04X},{tag & 0xFFFF:04X}) = {text[:32]!r}"
        raise InputError(found, where=frames.source.form.where, remedy="retrieve the object itself; it says no number here")
    return value


def _coloured(values: Shaped[Array, "rows columns"], frames: Frames) -> UInt8[Array, "rows columns rgb"]:
    """Each value through the three tables; below the first entry the first, above the last the last. PS3.3 §C.7.6.3.1.5."""
    tables = [_table(frames, descriptor, table) for descriptor, table in _PALETTES]
    return np.stack([entries[np.clip(values.astype(np.int64) - first, 0, len(entries) - 1)] for first, entries in tables], axis=-1)


def _table(frames: Frames, descriptor: int, table: int) -> tuple[int, UInt8[Array, "entries"]]:
    places, data, order = frames.source.walked.places, frames.source.data, frames.source.form.order
    if descriptor not in places or table not in places or len(frames.first(descriptor)) != 6:
        raise InputError("PALETTE COLOR without its three tables", where=frames.source.form.where, remedy="retrieve the object itself")
    count, first, bits = struct.unpack(order + "HHH", frames.first(descriptor))
    _, begin, length = places[table]
    raw = bytes(data[begin : begin + length])
    wide = np.frombuffer(raw[: len(raw) // 2 * 2], dtype=order + "u2") if bits == 16 else np.frombuffer(raw, dtype=np.uint8)
    entries = wide[: count or 65536]
    return first, (entries >> 8).astype(np.uint8) if bits == 16 else entries.astype(np.uint8)

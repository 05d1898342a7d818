"""Pixels, tables and overlays are as large as the object says, and can be decoded. DICOM PS3.3 §C.7.6.3, §C.9; PS3.5 §8, annex G."""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.io.prescan_rules import AGAIN, PIXELS, UNDEFINED, Form
from gemel.io.prescan_text import raw_value
from gemel.io.prescan_walk import Bytes, Place, Span, Walked

LARGEST_BYTES = 1 << 30  # of all frames decoded, as `dicom_pixels` has it
LARGEST_FRAME_BYTES = 128 << 20  # one frame decoded: 8192 x 8192 of 16 bits
_RLE = "1.2.840.10008.1.2.5"
_VIDEO = "1.2.840.10008.1.2.4.10"  # and its continuation: MPEG streams hold many frames in one fragment
_RLE_GAIN = 64  # two bytes give 128 at most (PS3.5 §G.3.1)
SHAPE: Mapping[int, tuple[str, bytes]] = {
    0x00280002: ("SamplesPerPixel", b"US"), 0x00280004: ("PhotometricInterpretation", b"CS"), 0x00280008: ("NumberOfFrames", b"IS"),
    0x00280010: ("Rows", b"US"), 0x00280011: ("Columns", b"US"), 0x00280100: ("BitsAllocated", b"US"), 0x00280101: ("BitsStored", b"US"),
    0x00280102: ("HighBit", b"US"),
}  # fmt: skip
_FLOATS = {0x7FE00008: 32, 0x7FE00009: 64}
_PALETTES = {0x00281101: 0x00281201, 0x00281102: 0x00281202, 0x00281103: 0x00281203}
WANTED = frozenset((*SHAPE, *_FLOATS, *_PALETTES, *_PALETTES.values(), PIXELS))
_BITS = (1, 8, 16, 32, 64)


@dataclass(frozen=True)
class Shape:
    """Size of the pixels as the object states it."""

    rows: int
    columns: int
    frames: int
    samples: float
    bits: int

    @property
    def frame_bytes(self) -> int:
        """Bytes of one decoded frame."""
        return int(-(-self.rows * self.columns * self.samples * self.bits // 8))

    @property
    def all_bytes(self) -> int:
        """Bytes of all frames; those of one bit are packed across frames (PS3.5 §8.1.1)."""
        return int(-(-self.rows * self.columns * self.samples * self.bits * self.frames // 8))


def require_sizes(data: Bytes, walked: Walked, form: Form, syntax: str) -> None:
    """Pixels, palettes and overlays hold what they claim. Raises InputError, before anything is decoded or allocated."""
    places = walked.places
    stored = [tag for tag in (PIXELS, *_FLOATS) if tag in places]
    if len(stored) > 1:
        raise InputError("pixels of more than one kind", where=form.where, remedy=AGAIN)
    if stored:
        shape = shape_of(data, places, form)
        _require_pixels(data, walked, shape, form, syntax)
    for found, needed, present in (*_palettes(data, places, form), *_overlays(data, places, form)):
        if present < needed:
            raise InputError(f"{found} of {present} bytes where {needed} are needed", where=form.where, remedy=AGAIN)


def shape_of(data: Bytes, places: Mapping[int, Place], form: Form) -> Shape:
    """Rows, columns, frames, samples and bits, each present, plausible and within the budget of a decoder."""
    found = {name: raw_value(data, places[tag], (name, vr), form) for tag, (name, vr) in SHAPE.items() if tag in places}
    rows, columns, samples, bits, stored, high = (
        form.number("H", found.get(name, b"")) for name in ("Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit")
    )
    frames = _frames(found.get("NumberOfFrames", b"1"), form)
    if min(rows, columns) < 1 or samples not in (1, 3, 4) or bits not in _BITS or stored > bits or high >= bits or (stored == 0):
        found_words = f"{columns} x {rows} pixels of {samples} samples, {stored} of {bits} bits, high bit {high}"
        raise InputError(found_words, where=form.where, remedy="send the object again; its size is missing or not plausible")
    half = found.get("PhotometricInterpretation", b"").strip(b" \0") == b"YBR_FULL_422"
    shape = Shape(rows, columns, frames, 2 if half and not form.encapsulated else samples, bits)
    if shape.all_bytes > LARGEST_BYTES or shape.frame_bytes > LARGEST_FRAME_BYTES:
        size = f"{columns} x {rows} x {frames} pixels of {bits} bits ({shape.all_bytes} bytes)"
        raise InputError(size, where=form.where, remedy=f"send frames of at most {LARGEST_FRAME_BYTES} bytes, {LARGEST_BYTES} in all")
    return shape


def _frames(raw: bytes, form: Form) -> int:
    text = raw.strip(b" \0") or b"1"
    if not text.isdigit() or len(text) > 9 or int(text) < 1:
        raise InputError(f"NumberOfFrames {raw[:32]!r}", where=form.where, remedy=AGAIN)
    return int(text)


def _require_pixels(data: Bytes, walked: Walked, shape: Shape, form: Form, syntax: str) -> None:
    places = walked.places
    for tag, bits in _FLOATS.items():
        if tag in places and bits != shape.bits:
            raise InputError(f"{bits}-bit floating pixels with BitsAllocated {shape.bits}", where=form.where, remedy=AGAIN)
    length = next(places[tag][2] for tag in (PIXELS, *_FLOATS) if tag in places)
    if form.encapsulated and PIXELS in places:
        if length != UNDEFINED:
            raise InputError("compressed pixels that are not encapsulated", where=form.where, remedy=AGAIN)
        _require_fragments(data, walked.fragments, shape, form, syntax)
    elif length == UNDEFINED or length < shape.all_bytes:
        found = f"{length} bytes of pixel data where {shape.all_bytes} are needed: a truncated or damaged file"
        raise InputError(found, where=form.where, remedy=AGAIN)


def _require_fragments(data: Bytes, pieces: tuple[Span, ...], shape: Shape, form: Form, syntax: str) -> None:
    """At least one fragment a frame, an offset table within the fragments, and RLE headers that point into their own."""
    where = form.where
    if not pieces or (len(pieces) - 1 < shape.frames and not syntax.startswith(_VIDEO)):
        raise InputError(f"{len(pieces) - 1} fragments of {shape.frames} frames", where=where, remedy=AGAIN)
    table, total = pieces[0], sum(length + 8 for _, length in pieces[1:])
    offsets = struct.unpack_from(f"<{table[1] // 4}I", data, table[0])
    if table[1] % 4 or (offsets and (len(offsets) != shape.frames or offsets[-1] >= total or list(offsets) != sorted(set(offsets)))):
        raise InputError(f"an offset table of {len(offsets)} entries that point outside the pixels", where=where, remedy=AGAIN)
    if syntax == _RLE:
        for begin, length in pieces[1:]:
            _require_rle(bytes(data[begin : begin + 64]), length, form)
        if shape.all_bytes > _RLE_GAIN * total:
            raise InputError(f"{total} RLE bytes for {shape.all_bytes} bytes of pixels", where=where, remedy=AGAIN)


def _require_rle(header: bytes, length: int, form: Form) -> None:
    """Number of segments 1 to 15, offsets ascending from 64 within the frame, the rest zero (PS3.5 §G.5)."""
    numbers = struct.unpack("<16I", header) if len(header) == 64 else (0,) * 16
    used = numbers[1 : 1 + min(numbers[0], 15)]
    good = 1 <= numbers[0] <= 15 and used[0] == 64 and list(used) == sorted(set(used)) and used[-1] < length
    if not good or any(numbers[1 + len(used) :]):
        raise InputError(f"an RLE header of {numbers[0]} segments, offsets {list(used)[:4]}", where=form.where, remedy=AGAIN)


def _palettes(data: Bytes, places: Mapping[int, Place], form: Form) -> Iterator[tuple[str, int, int]]:
    """Each colour table: entries of its descriptor (0 stands for 65,536), bytes needed and present (PS3.3 §C.7.6.3.1.5)."""
    for descriptor, table in _PALETTES.items():
        if descriptor in places and table in places:
            _, begin, length = places[descriptor]
            raw = bytes(data[begin : begin + min(length, 6)])
            entries, bits = (form.number("H", raw[0:2]) or 65536, form.number("H", raw[4:6]))
            if len(raw) != 6 or bits not in (8, 16):
                raise InputError(f"a palette of {entries} entries of {bits} bits", where=form.where, remedy=AGAIN)
            yield f"a palette of {entries} entries", entries * bits // 8, places[table][2]


def _overlays(data: Bytes, places: Mapping[int, Place], form: Form) -> Iterator[tuple[str, int, int]]:
    """Each overlay plane: bytes needed for its rows, columns and frames, and present (PS3.3 §C.9.2)."""
    for tag in [tag for tag in places if tag >> 24 == 0x60 and tag & 0xFFFF == 0x3000]:
        sizes = [_overlay_number(data, places, (tag & 0xFFFF0000) | element, form) for element in (0x0010, 0x0011)]
        frames = (tag & 0xFFFF0000) | 0x0015
        count = _frames(raw_value(data, places[frames], ("NumberOfFramesInOverlay", b"IS"), form), form) if frames in places else 1
        yield f"an overlay of {sizes[1]} x {sizes[0]} x {count}", -(-sizes[0] * sizes[1] * count // 8), places[tag][2]


def _overlay_number(data: Bytes, places: Mapping[int, Place], tag: int, form: Form) -> int:
    value = form.number("H", raw_value(data, places[tag], ("OverlayRows or OverlayColumns", b"US"), form)) if tag in places else -1
    if value < 1:
        raise InputError(f"an overlay without a size ({tag >> 16:04X},{tag & 0xFFFF:04X})", where=form.where, remedy=AGAIN)
    return value

"""The frames of a file where they lie: spans of its bytes, nothing decoded. DICOM PS3.5 §8.1, §A.4."""

import struct
from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.io.prescan import Listed, listed
from gemel.io.prescan_pixels import Shape, shape_of
from gemel.io.prescan_rules import PIXELS
from gemel.io.prescan_walk import VALUE, Span

SAFE_PIXELS = frozenset({"CT", "MR", "PT", "NM", "RTDOSE", "SEG", "REG"})  # pixels that machines of these kinds do not write upon
_BURNED, _MODALITY = 0x00280301, 0x00080060
_FLOATS = (0x7FE00008, 0x7FE00009)


@dataclass(frozen=True)
class Frames:
    """A file's frames: each the spans that make it up, as they are stored; `compressed` when they must be decoded first."""

    source: Listed
    shape: Shape
    spans: tuple[tuple[Span, ...], ...]
    compressed: bool

    def stored(self, number: int) -> bytes:
        """The bytes of frame `number`, which counts from 1. Raises InputError when there is none."""
        if not 1 <= number <= len(self.spans):
            raise InputError(
                f"no frame {number} of {len(self.spans)}", where=self.source.form.where, remedy=f"ask for 1 to {len(self.spans)}"
            )
        return b"".join(bytes(self.source.data[begin : begin + length]) for begin, length in self.spans[number - 1])

    def first(self, tag: int) -> bytes:
        """The first value of an element at any depth (enhanced objects hold some in functional groups); empty when there is none."""
        found = next(((begin, length) for what, held, _, begin, length in self.source.tokens if what == VALUE and held == tag), (0, 0))
        return bytes(self.source.data[found[0] : found[0] + min(found[1], 1024)])

    @property
    def may_name(self) -> bool:
        """Whether the picture itself may show a name: it says so, or it does not say and is of a kind that people write upon."""
        burned, modality = (self.first(tag).decode("latin-1").strip(" \0") for tag in (_BURNED, _MODALITY))
        return burned == "YES" or (burned != "NO" and modality not in SAFE_PIXELS)


def frames_of(content: bytes | memoryview, where: str) -> Frames:
    """The frames of a file. Raises InputError when it has no pixels, is not sound, or does not say where a frame ends."""
    source = listed(content, where)
    places = source.walked.places
    stored = [tag for tag in (PIXELS, *_FLOATS) if tag in places]
    if not stored:
        raise InputError("an object without pixels", where=where, remedy="ask for its metadata, or retrieve the object")
    shape = shape_of(source.data, places, source.form)
    if source.form.encapsulated and stored[0] == PIXELS:
        return Frames(source, shape, _encapsulated(source, shape), True)
    return Frames(source, shape, _native(places[stored[0]][1], shape, where), False)


def _native(begin: int, shape: Shape, where: str) -> tuple[tuple[Span, ...], ...]:
    bits = shape.rows * shape.columns * shape.samples * shape.bits
    if shape.frames > 1 and bits % 8:
        raise InputError("frames that share a byte", where=where, remedy="retrieve the object itself")
    return tuple(((begin + number * shape.frame_bytes, shape.frame_bytes),) for number in range(shape.frames))


def _encapsulated(source: Listed, shape: Shape) -> tuple[tuple[Span, ...], ...]:
    """One frame: all fragments; as many fragments as frames: one each; else by the offset table (PS3.5 §A.4)."""
    table, *pieces = source.walked.fragments
    if shape.frames == 1:
        return (tuple(pieces),)
    if len(pieces) == shape.frames:
        return tuple((piece,) for piece in pieces)
    starts = [table[0] + table[1] + offset for offset in struct.unpack_from(f"<{table[1] // 4}I", source.data, table[0])]
    if len(starts) != shape.frames:
        found = f"{len(pieces)} fragments of {shape.frames} frames, and no table of where each begins"
        raise InputError(found, where=source.form.where, remedy="retrieve the object itself")
    ends = [*starts[1:], pieces[-1][0] + pieces[-1][1]]
    found_spans, at = [], 0
    for end in ends:
        frame = []
        while at < len(pieces) and pieces[at][0] <= end:
            frame.append(pieces[at])
            at += 1
        found_spans.append(tuple(frame))
    return tuple(found_spans)

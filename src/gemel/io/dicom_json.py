"""A DICOM file as the DICOM JSON Model, written from its bytes in one pass. PS3.18 annex F."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gemel.io.dicom_json_values import inline, is_bulk, vr_of
from gemel.io.prescan import Listed, listed
from gemel.io.prescan_text import CHARACTER_SET, codecs_of
from gemel.io.prescan_walk import IN_ITEM, SEQUENCE, VALUE

_PADDING = 0xFFFCFFFC
_PIXEL_REPRESENTATION = 0x00280103


@dataclass
class _Level:
    """A data set or sequence that is being written: where it lies, its character set, how many things it holds so far."""

    path: str
    codecs: tuple[str, ...]
    is_sequence: bool = False
    count: int = 0


@dataclass
class _Writer:
    source: Listed
    bulk: str
    levels: list[_Level] = field(default_factory=lambda: [_Level("", ("ascii",))])
    signed: bool = False


def dicom_json(content: bytes | memoryview, *, bulk: str, where: str) -> str:
    """The file as one JSON object. Long values are left out and named: `bulk`/TAG, or `bulk`/TAG/item/TAG… within sequences.

    Raises InputError for a file that is not sound.
    """
    source = listed(content, where)
    return "{" + "".join(_pieces(_Writer(source, bulk))) + "}"


def _pieces(writer: _Writer) -> Iterator[str]:
    for what, tag, vr, begin, length in writer.source.tokens:
        if what == VALUE:
            if tag & 0xFFFF and tag != _PADDING:
                yield _separated(writer) + _element(writer, tag, vr, begin, length)
        elif what == SEQUENCE:
            level = writer.levels[-1]
            yield _separated(writer) + f'"{tag:08X}":{{"vr":"SQ"'
            writer.levels.append(_Level(f"{level.path}{tag:08X}", level.codecs, is_sequence=True))
        elif what == IN_ITEM:
            level = writer.levels[-1]
            level.count += 1
            yield ',"Value":[{' if level.count == 1 else ",{"
            writer.levels.append(_Level(f"{level.path}/{level.count}/", level.codecs))
        else:
            level = writer.levels.pop()
            yield "}" if not level.is_sequence or not level.count else "]}"


def _separated(writer: _Writer) -> str:
    level = writer.levels[-1]
    level.count += 1
    return "," if level.count > 1 else ""


def _element(writer: _Writer, tag: int, written: bytes, begin: int, length: int) -> str:
    level, source = writer.levels[-1], writer.source
    vr = vr_of(tag, written.decode(), writer.signed)
    if is_bulk(tag, vr, length):
        return f'"{tag:08X}":{{"vr":"{vr}","BulkDataURI":"{writer.bulk}/{level.path}{tag:08X}"}}'
    raw = bytes(source.data[begin : begin + length])
    if tag == CHARACTER_SET:
        level.codecs = codecs_of(raw)[0]
        raw = b"ISO_IR 192"
    elif tag == _PIXEL_REPRESENTATION:
        writer.signed = raw[:1] == b"\x01"
    return f'"{tag:08X}":{{"vr":"{vr}"{inline(raw, vr, source.form.order, level.codecs)}}}'


def value_at(content: bytes | memoryview, path: tuple[int, ...], where: str) -> bytes | None:
    """The bytes of the value that `dicom_json` left out under a path TAG, item, TAG…; None when there is none.

    Encapsulated pixels are given without item headers, one frame after the other only where the object has one.
    """
    source = listed(content, where)
    found = _find(source, path)
    if found is None:
        return None
    begin, length = found
    if length == 0xFFFFFFFF:
        return b"".join(bytes(source.data[at : at + size]) for at, size in source.walked.fragments[1:])
    return bytes(source.data[begin : begin + length])


def _find(source: Listed, path: tuple[int, ...]) -> tuple[int, int] | None:
    here: list[int] = []
    counts: list[int] = []
    for what, tag, _, begin, length in source.tokens:
        if what == VALUE and tag == path[-1] and (*here, tag) == path:
            return begin, length
        if what == SEQUENCE:
            here.append(tag)
            counts.append(0)
        elif what == IN_ITEM:
            counts[-1] += 1
            here.append(counts[-1])
            counts.append(-1)
        elif what != VALUE:
            here.pop()
            counts.pop()
    return None

"""More classes of hostile objects: geometry, many frames, tables of offsets, codecs, numbers and texts that other parsers stumble over."""

import io
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image

from tests.hostile.build import CT, J2K, JPEG, RLE, element, file, fragments, item, nested, us
from tests.hostile.crafted import KEPT, Crafted, _j2k, _jpeg, _with, fresh

ENHANCED, SEG, DOSE, STRUCTURES, SR = (f"1.2.840.10008.5.1.4.1.1.{tail}" for tail in ("2.1", "66.4", "481.2", "481.3", "88.33"))
ECG, PROGRESSIVE, JPEG_LS, HT = "1.2.840.10008.5.1.4.1.1.9.1.1", *(f"1.2.840.10008.1.2.4.{tail}" for tail in ("51", "80", "201"))
POSITION, ORIENTATION, SPACING, THICKNESS, FRAMES = 0x00200032, 0x00200037, 0x00280030, 0x00180050, 0x00280008


def more() -> Iterator[Crafted]:
    """All of them."""
    yield from (*geometry(), *frames(), *offsets(), *codecs(), *numbers(), *identities(), *trees(), *memory())


def _ds(tag: int, words: str) -> bytes:
    return element(tag, "DS", words)


def geometry() -> Iterator[Crafted]:
    """Places and sizes in space that cannot be: kept as they came, refused when an image is made of them."""
    for name, tag, words in (
        ("a spacing below zero", SPACING, "-1\\-1"),
        ("a spacing of zero", SPACING, "0\\0"),
        ("a spacing of NaN", SPACING, "NaN\\NaN"),
        ("a spacing of 1e308", SPACING, "1e308\\1e308"),
        ("a spacing of 5e-324", SPACING, "5e-324\\5e-324"),
        ("a spacing of one value", SPACING, "1"),
        ("an orientation of NaN", ORIENTATION, "NaN\\0\\0\\0\\NaN\\0"),
        ("an orientation of zeros", ORIENTATION, "0\\0\\0\\0\\0\\0"),
        ("an orientation of one direction twice", ORIENTATION, "1\\0\\0\\1\\0\\0"),
        ("an orientation of 3 values", ORIENTATION, "1\\0\\0"),
        ("a position without end", POSITION, "inf\\-inf\\1e309"),
        ("a position of 5,000 values", POSITION, "0\\" * 4999 + "0"),
        ("a position in words", POSITION, "here\\there\\nowhere"),
        ("a thickness below zero", THICKNESS, "-3"),
    ):
        yield Crafted(name, _with(tag, _ds(tag, words)), KEPT)


def _groups(tag: int, number: int, content: bytes = b"") -> bytes:
    return element(tag, "SQ", item(content) * number)


def _enhanced(count: str, per_frame: bytes, shared: bytes = b"") -> bytes:
    pixels = element(0x7FE00010, "OW", bytes(8 * 8 * 2 * 3))
    replaced = {FRAMES: element(FRAMES, "IS", count), 0x52009229: shared, 0x52009230: per_frame, 0x7FE00010: pixels}
    return file(fresh(), {**{tag: b"" for tag in (POSITION, ORIENTATION, SPACING)}, **replaced}, sop_class=ENHANCED)


def frames() -> Iterator[Crafted]:
    """Many frames, whose functional groups do not fit them (PS3.3 section C.7.6.16)."""
    per, shared = 0x52009230, 0x52009229
    plane = element(0x00209113, "SQ", item(_ds(POSITION, "NaN\\0\\0")))
    measures = element(0x00289110, "SQ", item(_ds(SPACING, "-1\\0") + _ds(THICKNESS, "1e308")))
    yield Crafted("three frames without functional groups", lambda: _enhanced("3", b""), KEPT)
    yield Crafted("three frames with groups for one", lambda: _enhanced("3", _groups(per, 1, plane)), KEPT)
    yield Crafted("three frames with groups for 20,000", lambda: _enhanced("3", _groups(per, 20_000, plane)), KEPT)
    yield Crafted("shared groups of a spacing below zero", lambda: _enhanced("3", _groups(per, 3), _groups(shared, 1, measures)), KEPT)
    yield Crafted("shared groups twice", lambda: _enhanced("3", _groups(per, 3), _groups(shared, 2, measures)), KEPT)
    yield Crafted("more frames than pixels", lambda: _enhanced("4", _groups(per, 4, plane)))
    for words in ("1_0", "+3 ", "\uff13", "3.0", "0x3", " "):
        outcome = KEPT if words == " " else "refused"
        content = words.encode().decode("latin-1")
        yield Crafted(f"{words!r} frames", lambda content=content: _enhanced(content, b""), outcome)  # type: ignore[misc]
    vast = {0x00280010: 65535, 0x00280011: 65535, 0x00280100: 64, 0x00280101: 64, 0x00280102: 63}
    shape = {FRAMES: element(FRAMES, "IS", "2147483647"), **{tag: us(tag, value) for tag, value in vast.items()}}
    yield Crafted("2^31 - 1 frames of 65,535 x 65,535 in 64 bits", lambda: file(fresh(), shape))
    bits = {tag: us(tag, value) for tag, value in ((0x00280100, 1), (0x00280101, 1), (0x00280102, 0), (0x00280103, 0))}
    nobody = _groups(per, 1, element(0x0062000A, "SQ", item(us(0x0062000B, 65535))))
    segments = bits | {per: nobody, 0x7FE00010: element(0x7FE00010, "OB", bytes(8))}
    yield Crafted("a segmentation of 65,535 segments that are not there", lambda: file(fresh(), segments, sop_class=SEG), KEPT)
    planes = {FRAMES: element(FRAMES, "IS", "3"), 0x3004000C: _ds(0x3004000C, "NaN\\" * 13_000 + "0")}
    planes |= {0x7FE00010: element(0x7FE00010, "OW", bytes(384))}
    yield Crafted("a dose of 3 frames at 13,000 offsets", lambda: file(fresh(), planes, sop_class=DOSE), KEPT)


def offsets() -> Iterator[Crafted]:
    """Encapsulated pixels whose tables of offsets are not true (PS3.5 annex A.4)."""
    three = {FRAMES: element(FRAMES, "IS", "3")}
    good = [_jpeg(8)] * 3
    first = len(good[0]) + len(good[0]) % 2 + 8

    def extended(values: tuple[int, ...], lengths: tuple[int, ...]) -> bytes:
        tables = {0x7FE00001: element(0x7FE00001, "OV", struct.pack(f"<{len(values)}Q", *values))}
        tables |= {0x7FE00002: element(0x7FE00002, "OV", struct.pack(f"<{len(lengths)}Q", *lengths))}
        return file(fresh(), {**three, **tables, 0x7FE00010: fragments(*good)}, JPEG)

    yield Crafted("an extended table beyond the pixels", lambda: extended((0, 1 << 62, 1 << 63), (1, 1, 1)), KEPT)
    yield Crafted("an extended table of lengths of 2^64 - 1", lambda: extended((0, first, 2 * first), ((1 << 64) - 1,) * 3), KEPT)
    yield Crafted("an extended table of one entry", lambda: extended((0,), (1,)), KEPT)
    yield Crafted(
        "an offset table that overlaps",
        lambda: file(fresh(), {**three, 0x7FE00010: fragments(*good, table=struct.pack("<3I", 0, 0, 0))}, JPEG),
    )
    yield Crafted(
        "an offset table that goes back",
        lambda: file(fresh(), {**three, 0x7FE00010: fragments(*good, table=struct.pack("<3I", 0, 2 * first, first))}, JPEG),
    )
    yield Crafted(
        "an offset table into a fragment's middle",
        lambda: file(fresh(), {**three, 0x7FE00010: fragments(*good, table=struct.pack("<3I", 0, first + 2, 2 * first))}, JPEG),
        KEPT,
    )
    yield Crafted(
        "a frame in 20,000 fragments",
        lambda: file(fresh(), {0x7FE00010: fragments(*[_jpeg(8)[n : n + 2] for n in range(0, len(_jpeg(8)), 2)], *[b""] * 20_000)}, JPEG),
        KEPT,
    )


def _coded(content: bytes, syntax: str, side: int = 8) -> bytes:
    shape = {0x00280010: us(0x00280010, side), 0x00280011: us(0x00280011, side), 0x00280100: us(0x00280100, 8)}
    shape |= {0x00280101: us(0x00280101, 8), 0x00280102: us(0x00280102, 7), 0x00280103: us(0x00280103, 0)}
    return file(fresh(), {**shape, 0x7FE00010: fragments(content)}, syntax)


def _scans(number: int, side: int) -> bytes:
    """A progressive JPEG whose last scan stands there again and again: each is worked through over the whole picture."""
    held = io.BytesIO()
    Image.fromarray(np.zeros((side, side), np.uint8)).save(held, "JPEG", progressive=True)
    whole = held.getvalue()
    last = whole.rindex(b"\xff\xda")
    return whole[:-2] + whole[last:-2] * number + b"\xff\xd9"


def codecs() -> Iterator[Crafted]:
    """Compressed pixels that take long, or much, or mislead their codec."""
    yield Crafted("a progressive JPEG of 20,000 scans", lambda: _coded(_scans(20_000, 1024), PROGRESSIVE, 1024), KEPT)
    yield Crafted("a JPEG of 255 components", lambda: _coded(_jpeg(8).replace(b"\x01\x01\x11\x00", b"\xff\x01\x11\x00", 1), JPEG), KEPT)
    yield Crafted("a JPEG of 65,500 rows where 8,192 are said", lambda: _coded(_jpeg(65500), JPEG, 8192), KEPT)
    yield Crafted("a JPEG 2000 of one tile of 8,192 x 8,192", lambda: _coded(_j2k(8192), J2K, 8192), KEPT)
    yield Crafted("JPEG 2000 bytes called HTJ2K", lambda: _coded(_j2k(64), HT, 64), KEPT)
    yield Crafted("noise called JPEG-LS", lambda: _coded(b"\xff\xd8\xff\xf7" + bytes(range(256)) * 8, JPEG_LS), KEPT)
    rle = struct.pack("<16I", 1, 64, *[0] * 14) + b"\x81\x00" * 512
    yield Crafted("RLE that gives 128 times its frame", lambda: _coded(rle, RLE), KEPT)


def numbers() -> Iterator[Crafted]:
    """Numbers and texts that a language reads in its own way."""
    slope = 0x00281053
    for words in ("1_000", "0x10", "1e-400", "--1", "1,5", "\xb2", "+-1", "1e", "Infinity"):
        yield Crafted(f"a slope of {words!r}", _with(slope, _ds(slope, words)), KEPT)
    yield Crafted("a slope of 3,000 values", _with(slope, _ds(slope, "1\\" * 2999 + "1")), KEPT)
    yield Crafted("16 overlays of zero bits", _with(0x60000010, b"".join(_overlay(0x6000 + 2 * n) for n in range(16))), KEPT)
    yield Crafted("a tag that names a tag that names it", _with(0x00200052, element(0x00209165, "AT", b"\x20\x00\x65\x91")), KEPT)
    yield Crafted("private blocks without a creator", _with(0x00091010, element(0x00091010, "UN", b"\xfe\xff\x00\xe0" * 4)), KEPT)
    yield Crafted("a private creator 240 times", _with(0x00090010, _creators()), KEPT)


def _overlay(group: int) -> bytes:
    tag = group << 16
    origin = element(tag | 0x50, "SS", struct.pack("<hh", -32768, 32767))
    return (
        us(tag | 0x10, 1) + us(tag | 0x11, 1) + origin + us(tag | 0x100, 0) + us(tag | 0x102, 65535) + element(tag | 0x3000, "OW", bytes(2))
    )


def _creators() -> bytes:
    return b"".join(element(0x00090000 | n, "LO", "SAME") for n in range(0x10, 0x100))


def identities() -> Iterator[Crafted]:
    """Who it is of, written to mislead pages, spreadsheets, logs and headers."""
    for name, words in (
        ("a formula as a PatientID", "=cmd|' /C calc'!A0"),
        ("a header in a PatientID", "X\r\nSet-Cookie: a=b"),
        ("a path as a PatientID", "../../../../etc/passwd"),
        ("percent signs as a PatientID", "%00%2e%2e%n%s%s%s"),
        ("a template as a PatientID", "{{7*7}}${jndi:ldap://127.0.0.1/a}"),
        ("braces and quotes as a PatientID", '{"a":["\'"]}`'),
        ("a PatientID of spaces", "    "),
    ):
        yield Crafted(name, _with(0x00100020, element(0x00100020, "LO", words)), KEPT)
    latin = "\U0001f4a9\u200b\u202e".encode().decode("latin-1")
    utf8 = element(0x00080005, "CS", "ISO_IR 192")
    yield Crafted(
        "marks that are not seen in a PatientID",
        lambda: file(fresh(), {0x00080005: utf8, 0x00100020: element(0x00100020, "LO", latin)}),
        KEPT,
    )
    for name, uid in (
        ("a UID of one dot", "."),
        ("a UID that ends in a dot", "1.2."),
        ("a UID of a first arc of 9", "9.1"),
        ("a UID of two dots", "1..2"),
    ):
        outcome = KEPT if uid == "9.1" else "refused"
        yield Crafted(name, _with(0x0020000D, element(0x0020000D, "UI", uid)), outcome)


def trees() -> Iterator[Crafted]:
    """Reports, structures and waveforms that do not hold together."""
    content = 0x0040A730
    link = item(element(0x0040A010, "CS", "CONTAINS") + element(0x0040DB73, "UL", struct.pack("<3I", 1, 1, 1)))
    yield Crafted("a report nested 60 deep", lambda: file(fresh(), {content: nested(60, tag=content), 0x7FE00010: b""}, sop_class=SR), KEPT)
    yield Crafted("a report nested 70 deep", lambda: file(fresh(), {content: nested(70, tag=content), 0x7FE00010: b""}, sop_class=SR))
    yield Crafted(
        "a report that contains itself", lambda: file(fresh(), {content: element(content, "SQ", link), 0x7FE00010: b""}, sop_class=SR), KEPT
    )
    points = element(0x30060046, "IS", "2147483647") + _ds(0x30060050, "NaN\\inf\\1e999\\" * 2000 + "0")
    contour = element(0x30060039, "SQ", item(element(0x30060040, "SQ", item(points))))
    yield Crafted("a contour of 2^31 - 1 points", lambda: file(fresh(), {0x30060039: contour, 0x7FE00010: b""}, sop_class=STRUCTURES), KEPT)
    wave = us(0x003A0005, 65535) + element(0x003A0010, "UL", b"\xff\xff\xff\xff") + us(0x54001004, 16) + element(0x54001010, "OW", bytes(2))
    yield Crafted(
        "a waveform of 65,535 channels in 2 bytes",
        lambda: file(fresh(), {0x54000100: element(0x54000100, "SQ", item(wave)), 0x7FE00010: b""}, sop_class=ECG),
        KEPT,
    )
    icon = item(us(0x00280010, 65535) + us(0x00280011, 65535) + element(0x7FE00010, "OB", bytes(2)))
    yield Crafted("an icon of 65,535 x 65,535", _with(0x00880200, element(0x00880200, "SQ", icon)), KEPT)
    yield Crafted(
        "an address of another machine", _with(0x00081190, element(0x00081190, "UR", "http://169.254.169.254/latest/meta-data")), KEPT
    )


def memory() -> Iterator[Crafted]:
    """Little that is much once it is decoded: within each limit, and many times over."""
    row = b"\x81\x00" * 128  # 128 bytes of zeros from two
    segment = row * (8192 * 8192 // 128 // 128 + 1)
    rle = struct.pack("<16I", 2, 64, 64 + len(segment), *[0] * 13) + segment * 2

    def dose(count: int) -> bytes:
        shape = {tag: us(tag, 8192) for tag in (0x00280010, 0x00280011)}
        number = {FRAMES: element(FRAMES, "IS", str(count)), 0x00280103: us(0x00280103, 0), 0x00080060: element(0x00080060, "CS", "RTDOSE")}
        return file(fresh(), {**shape, **number, 0x7FE00010: fragments(*[rle] * count)}, RLE, sop_class=DOSE)

    yield Crafted("a dose of 2 MB that decodes to 128 MiB", lambda: dose(1), KEPT)
    yield Crafted("a dose of 17 MB that decodes to 1 GiB", lambda: dose(8), KEPT)
    yield Crafted("a dose of 19 MB that decodes to more than 1 GiB", lambda: dose(9))
    assert CT

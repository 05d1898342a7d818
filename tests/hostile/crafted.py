"""Classes of hostile objects, each made by hand after a known fault of DICOM software (platform facts: CVE numbers, PS3.5, PS3.10)."""

import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count

from tests.hostile.build import (
    CT,
    DEFLATED,
    IMPLICIT,
    J2K,
    JPEG,
    RLE,
    UNDEFINED,
    data_set,
    element,
    file,
    fragments,
    head,
    item,
    nested,
    us,
)

KEPT, REFUSED, QUARANTINED = "kept", "refused", "quarantined"
_numbers = count(1)


@dataclass(frozen=True)
class Crafted:
    """One class: what it is, its bytes (made when needed, some are large), what must become of it."""

    name: str
    make: Callable[[], bytes]
    outcome: str = REFUSED


def fresh() -> str:
    """A UID of its own for each object."""
    return f"2.25.{7 * 10**37 + next(_numbers)}"


def crafted() -> Iterator[Crafted]:
    """All classes."""
    yield from (
        *bombs(),
        *lengths(),
        *depths(),
        *uids(),
        *preambles(),
        *texts(),
        *pixels(),
        *tables(),
        *orders(),
        *heads(),
        *codecs(),
        *odd(),
    )


def _with(tag: int, raw: bytes) -> Callable[[], bytes]:
    """A good slice in which one element is another."""
    return lambda: file(fresh(), {tag: raw})


def _deflated(content: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush()


def _bomb(size: int) -> bytes:
    """Zeros that were packed once, a MiB, and stand there again and again."""
    uid, packer = fresh(), zlib.compressobj(9, zlib.DEFLATED, -15)
    begin = packer.compress(data_set(uid, {0x7FE00010: b""}) + element(0x7FE00010, "OW", b"", size)) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head(uid, DEFLATED) + begin + block * (size >> 20) + packer.flush()


def bombs() -> Iterator[Crafted]:
    """Little that becomes much."""
    yield Crafted("deflate bomb, 510 kB that inflate to 512 MiB", lambda: _bomb(512 << 20))
    yield Crafted("deflated syntax from the network", lambda: head(uid := fresh(), DEFLATED) + _deflated(data_set(uid)))
    yield Crafted("400,000 elements of nothing", lambda: file(fresh(), {0x10011000: _many_elements(400_000)}), KEPT)
    yield Crafted("200,000 items of one element", lambda: file(fresh(), {0x00081140: _items(200_000)}), KEPT)
    yield Crafted("1,200,000 empty items", lambda: file(fresh(), {0x00081140: element(0x00081140, "SQ", item(b"") * 1_200_000)}))
    yield Crafted("900,000 items of one element", lambda: file(fresh(), {0x00081140: _items(900_000)}))
    yield Crafted("60 MB of one private element", _with(0x00091010, element(0x00091010, "OB", bytes(60 << 20))), KEPT)
    yield Crafted("65,535 empty fragments", lambda: file(fresh(), {0x7FE00010: fragments(*[b""] * 65535)}, JPEG), KEPT)


def _many_elements(number: int) -> bytes:
    return b"".join(struct.pack("<HH2sH", 0x1001 + 2 * (n >> 16), n & 0xFFFF, b"LO", 0) for n in range(0x1000, 0x1000 + number))


def _items(number: int) -> bytes:
    return element(0x00081140, "SQ", item(element(0x00081155, "UI", "1.2")) * number)


def lengths() -> Iterator[Crafted]:
    """Lengths that are not true."""
    yield Crafted("16 bytes of pixels that claim 4 GiB", _with(0x7FE00010, element(0x7FE00010, "OW", bytes(16), 0xFFFFFFFE)))
    yield Crafted("a text that claims 4 GiB", _with(0x00084000, element(0x00084000, "UT", b"x ", 0xFFFFFFF0)))
    yield Crafted("an item that claims 4 GiB", _with(0x00081140, element(0x00081140, "SQ", item(b"", 0xFFFFFFFE))))
    yield Crafted("a sequence that claims 2 GiB", _with(0x00081140, element(0x00081140, "SQ", b"", 0x7FFFFFFF)))
    yield Crafted("a short length beyond the end", lambda: file(fresh(), {0x7FE00010: element(0x7FE10010, "LO", b"x ", 0xFFFE)}))
    yield Crafted("an undefined length of a text", _with(0x00084000, element(0x00084000, "UT", b"", UNDEFINED)))
    yield Crafted("an undefined length without an end", _with(0x7FE10010, element(0x7FE10010, "UN", b"", UNDEFINED)))
    yield Crafted("an item longer than its sequence", _with(0x00081140, element(0x00081140, "SQ", item(bytes(64), 64), 32)))
    yield Crafted("an unsigned short of three bytes", _with(0x00280010, b"\x28\0\x10\0US\x03\0\x08\0\0"))
    yield Crafted("a double of six bytes", _with(0x00189087, element(0x00189087, "FD", bytes(6))))
    yield Crafted("a text that is written as a sequence", _with(0x00084000, nested(2, vr="UT", tag=0x00084000)))
    yield Crafted("cut within an element's head", lambda: file(fresh())[:-135])
    yield Crafted("cut within the pixels", lambda: file(fresh())[:-60])
    yield Crafted("nothing at all", lambda: b"")
    yield Crafted("a preamble and nothing", lambda: bytes(128) + b"DICM")
    yield Crafted("bytes behind the end", lambda: file(fresh()) + b"\x00" * 64)


def depths() -> Iterator[Crafted]:
    """Sequences in sequences."""
    yield Crafted("nesting of 60", _with(0x00081140, nested(60)), KEPT)
    yield Crafted("nesting of 65", _with(0x00081140, nested(65)))
    for depth in (200, 5_000, 200_000):
        yield Crafted(f"nesting of {depth:,}", lambda depth=depth: file(fresh(), {0x00081140: nested(depth)}))  # type: ignore[misc]
    yield Crafted("nesting of 2,000, lengths stated", _with(0x00081140, nested(2_000, undefined=False)))
    yield Crafted("nesting of 5,000 in an unknown VR", _with(0x00091010, nested(5_000, vr="UN", tag=0x00091010)))
    yield Crafted("private sequences 40 deep", _with(0x00091010, nested(40, tag=0x00091010)), KEPT)


_BAD_UIDS = {
    "../../ as SOP Instance UID": "../../../../tmp/pwned",
    "an absolute path as UID": "/tmp/pwned",
    "a NUL within a UID": "1.2.3\0.4",
    "a UID of 80 characters": "1." + "2" * 78,
    "letters in a UID": "1.2.x.4",
    "a component with a leading zero": "1.2.03.4",
    "an empty UID": "",
    "a UID with a line break": "1.2\r\n3",
    "a wild card as UID": "1.2.*",
    "two UIDs in one": "1.2.3\\1.2.4",
    "a right-to-left mark in a UID": "1.2.\u202e3".encode().decode("latin-1"),
    "digits of another script": "\uff11.\uff12".encode().decode("latin-1"),
}
_PREAMBLES = {
    "a Windows program": b"MZ\x90\0" + bytes(56) + b"\x80\0\0\0",
    "an ELF program": b"\x7fELF\x02\x01\x01",
    "a page with a script": b"<html><script>alert(1)</script>",
    "a shell script": b"#!/bin/sh\nid\n",
    "an archive": b"PK\x03\x04\x14\0",
    "a PDF": b"%PDF-1.7\n",
    "a script after spaces": b" \t\n<script>x</script>",
    "a Java class": b"\xca\xfe\xba\xbe\0\0",
    "a GIF": b"GIF89a/*",
}


def uids() -> Iterator[Crafted]:
    """UIDs that are none: names of files in other software (CVE-2026-32711, CVE-2026-56445)."""
    for name, uid in _BAD_UIDS.items():
        yield Crafted(name, lambda uid=uid: head(uid) + data_set(fresh(), {0x00080018: element(0x00080018, "UI", uid)}))  # type: ignore[misc]
    for tag, word in ((0x0020000D, "Study"), (0x0020000E, "Series"), (0x00200052, "Frame of Reference")):
        yield Crafted(f"../../ as {word} UID", _with(tag, element(tag, "UI", "../../../../tmp/pwned")))
    yield Crafted("another UID in the file's head", lambda: head(fresh()) + data_set(fresh()))
    yield Crafted("no Study Instance UID", _with(0x0020000D, b""))


def preambles() -> Iterator[Crafted]:
    """Files that are something else as well (CVE-2019-11687)."""
    for name, start in _PREAMBLES.items():
        yield Crafted(f"{name} in the preamble", lambda start=start: file(fresh(), preamble=start))  # type: ignore[misc]
    yield Crafted("a TIFF in the preamble, as slides have", lambda: file(fresh(), preamble=b"II*\0\x10\0\0\0"), KEPT)


def texts() -> Iterator[Crafted]:
    """Character sets and text."""
    name, latin = 0x00100010, lambda text: text.encode().decode("latin-1")
    utf8 = element(0x00080005, "CS", "ISO_IR 192")
    yield Crafted(
        "an unknown character set",
        lambda: file(fresh(), {0x00080005: element(0x00080005, "CS", "KLINGON"), name: _name(b"\xe9\xff")}),
        KEPT,
    )
    yield Crafted("5,000 character sets", _with(0x00080005, element(0x00080005, "CS", "\\".join(["ISO 2022 IR 87"] * 5000)[:65532])))
    yield Crafted(
        "escapes of no set",
        lambda: file(fresh(), {0x00080005: element(0x00080005, "CS", "\\ISO 2022 IR 87"), name: _name(b"\x1b$B\x1b\x1b(Z\xff" * 9)}),
        KEPT,
    )
    yield Crafted("bytes that are no UTF-8", lambda: file(fresh(), {0x00080005: utf8, name: _name(b"\xc0\xaf\xed\xa0\x80\xf8")}), KEPT)
    yield Crafted(
        "a name that runs backwards", lambda: file(fresh(), {0x00080005: utf8, name: element(name, "PN", latin("a\u202egnp.exe"))}), KEPT
    )
    yield Crafted(
        "letters that look like others", lambda: file(fresh(), {0x00080005: utf8, name: element(name, "PN", latin("Аdmіn"))}), KEPT
    )
    yield Crafted("NUL and escapes in a name", _with(name, element(name, "PN", b"a\0b\x1b[2Jc\r\nX: y")), KEPT)
    yield Crafted("a script as a name", _with(name, element(name, "PN", "<script>alert(1)</script>")), KEPT)
    yield Crafted("a statement of SQL as a PatientID", _with(0x00100020, element(0x00100020, "LO", "'; DROP TABLE study; --")), KEPT)
    yield Crafted("a wild card as a PatientID", _with(0x00100020, element(0x00100020, "LO", "*?[a-z]%_")), KEPT)
    yield Crafted("a name of 60 kB", _with(name, element(name, "PN", "A" * 60000)))
    yield Crafted("a date that is none", _with(0x00080020, element(0x00080020, "DA", "99999999")), KEPT)
    yield Crafted(
        "numbers that are none",
        lambda: file(fresh(), {0x00200013: element(0x00200013, "IS", "1e999"), 0x00281053: element(0x00281053, "DS", "NaN")}),
        KEPT,
    )
    yield Crafted("a number of 60,000 digits", _with(0x00281053, element(0x00281053, "DS", "9" * 60000)), KEPT)


def _name(raw: bytes) -> bytes:
    return element(0x00100010, "PN", raw)


def pixels() -> Iterator[Crafted]:
    """Sizes that are not true (CVE-2026-5441 to 5445 and the like)."""
    yield Crafted("zero rows", _with(0x00280010, us(0x00280010, 0)))
    yield Crafted("zero columns", _with(0x00280011, us(0x00280011, 0)))
    yield Crafted("rows of VR UL, 2^32 - 1", _with(0x00280010, element(0x00280010, "UL", b"\xff\xff\xff\xff")))
    yield Crafted("rows of VR SS, -1", _with(0x00280010, element(0x00280010, "SS", b"\xff\xff")))
    yield Crafted("rows as text", _with(0x00280010, element(0x00280010, "LO", "64")))
    yield Crafted("rows of two values", _with(0x00280010, element(0x00280010, "US", b"\x08\0\x08\0")))
    yield Crafted("no rows", _with(0x00280010, b""))
    yield Crafted("more rows than pixels", _with(0x00280010, us(0x00280010, 65535)))
    for words in ("2147483647", "-1", "0", "1e9", "999999999999", "1\\2"):
        yield Crafted(f"NumberOfFrames {words}", _with(0x00280008, element(0x00280008, "IS", words)))
    yield Crafted(
        "a billion frames, compressed",
        lambda: file(fresh(), {0x00280008: element(0x00280008, "IS", "999999999"), 0x7FE00010: fragments(b"\xff\xd8")}, JPEG),
    )
    for bits in (0, 7, 12, 65535):
        yield Crafted(f"BitsAllocated {bits}", _with(0x00280100, us(0x00280100, bits)))
    yield Crafted("more bits stored than allocated", _with(0x00280101, us(0x00280101, 17)))
    yield Crafted("a high bit beyond the word", _with(0x00280102, us(0x00280102, 255)))
    yield Crafted("65,535 samples per pixel", _with(0x00280002, us(0x00280002, 65535)))
    yield Crafted("pixels of no bytes", _with(0x7FE00010, element(0x7FE00010, "OW", b"")))
    wide = {0x00280100: us(0x00280100, 32), 0x00280101: us(0x00280101, 32), 0x00280102: us(0x00280102, 31)}
    both = {0x7FE00008: element(0x7FE00008, "OF", bytes(256)), 0x7FE00010: element(0x7FE00010, "OW", bytes(256))}
    yield Crafted("pixels of two kinds", lambda: file(fresh(), {**wide, **both}))
    vast = {0x00280010: us(0x00280010, 65535), 0x00280011: us(0x00280011, 65535)}
    yield Crafted("compressed pixels of 65,535 x 65,535", lambda: file(fresh(), {**vast, 0x7FE00010: fragments(b"\xff\xd8")}, JPEG))
    three = {0x00280008: element(0x00280008, "IS", "3"), 0x7FE00010: fragments(b"\xff\xd8", b"\xff\xd8")}
    yield Crafted("three frames in two fragments", lambda: file(fresh(), three, JPEG))
    yield Crafted(
        "floating pixels that are not finite",
        lambda: file(
            fresh(),
            {
                0x00280100: us(0x00280100, 32),
                0x00280101: b"",
                0x00280102: b"",
                0x7FE00008: element(0x7FE00008, "OF", struct.pack("<f", float("nan")) * 63 + struct.pack("<f", float("inf"))),
                0x7FE00010: b"",
            },
        ),
        KEPT,
    )
    yield Crafted("a slope without end", _with(0x00281053, element(0x00281053, "DS", "1e308")), KEPT)
    yield Crafted(
        "a window of no width",
        lambda: file(fresh(), {0x00281050: element(0x00281050, "DS", "0"), 0x00281051: element(0x00281051, "DS", "0")}),
        KEPT,
    )


def tables() -> Iterator[Crafted]:
    """Palettes and overlays that are shorter than they say (CVE-2026-5443; CVE-2025-52582)."""
    palette = {0x00280004: element(0x00280004, "CS", "PALETTE COLOR"), 0x00280103: us(0x00280103, 0)}
    three = lambda entries, size: {  # noqa: E731
        **{0x00281101 + n: element(0x00281101 + n, "US", struct.pack("<HHH", entries, 0, 16)) for n in range(3)},
        **{0x00281201 + n: element(0x00281201 + n, "OW", bytes(size)) for n in range(3)},
    }
    yield Crafted("a palette shorter than its entries", lambda: file(fresh(), {**palette, **three(256, 16)}))
    yield Crafted("a palette of 65,536 entries in 8 bytes", lambda: file(fresh(), {**palette, **three(0, 8)}))
    yield Crafted("pixels beyond the palette", lambda: file(fresh(), {**palette, **three(4, 8)}), KEPT)
    yield Crafted("a palette without tables", lambda: file(fresh(), palette), KEPT)
    yield Crafted(
        "an overlay of 65,535 x 65,535 in 2 bytes",
        lambda: file(
            fresh(), {0x60000010: us(0x60000010, 65535), 0x60000011: us(0x60000011, 65535), 0x60003000: element(0x60003000, "OW", bytes(2))}
        ),
    )
    yield Crafted("an overlay without a size", _with(0x60003000, element(0x60003000, "OW", bytes(2))))
    lut = item(element(0x00283002, "US", struct.pack("<HHH", 65535, 0, 16)) + element(0x00283006, "OW", bytes(2)))
    yield Crafted("a look-up table shorter than its entries", _with(0x00283010, element(0x00283010, "SQ", lut)), KEPT)
    yield Crafted(
        "a waveform shorter than its samples",
        _with(0x54000100, element(0x54000100, "SQ", item(element(0x003A0010, "UL", b"\xff\xff\xff\x7f")))),
        KEPT,
    )


def orders() -> Iterator[Crafted]:
    """Elements twice, out of order, out of place."""
    patient = element(0x00100020, "LO", "ONE")
    yield Crafted("PatientID twice", _with(0x00100020, patient + element(0x00100020, "LO", "TWO")))
    yield Crafted("tags that descend", _with(0x00100020, element(0x00100040, "CS", "O") + patient))
    yield Crafted("group 2 in the data set", _with(0x00080005, element(0x00020010, "UI", IMPLICIT)))
    yield Crafted("a command in the data set", _with(0x00080005, element(0x00000100, "US", b"\x01\0")))
    yield Crafted("an item outside a sequence", _with(0x00080021, item(b"")))
    yield Crafted("an item within an item", _with(0x00081140, element(0x00081140, "SQ", item(item(b"")))))
    yield Crafted(
        "an end with a length", _with(0x00081140, element(0x00081140, "SQ", item(b"") + b"\xfe\xff\xdd\xe0\x02\0\0\0", UNDEFINED))
    )
    yield Crafted(
        "an end of another kind", _with(0x00081140, element(0x00081140, "SQ", item(b"") + b"\xfe\xff\x0d\xe0\0\0\0\0", UNDEFINED))
    )
    yield Crafted("an unknown VR", _with(0x00084000, element(0x00084000, "ZZ", "x ")))
    yield Crafted("an unknown VR with a long length", _with(0x00084000, b"\x08\0\0\x40ZZ\0\0\x02\0\0\0x "))
    yield Crafted("a VR of zeros", _with(0x00084000, element(0x00084000, "\0\0", "x ")))
    yield Crafted("a sequence of VR LO", _with(0x00081140, element(0x00081140, "LO", item(b""))), KEPT)
    yield Crafted("a UID of VR LO", lambda: head(uid := fresh()) + data_set(uid, {0x00080018: element(0x00080018, "LO", uid)}))


def heads() -> Iterator[Crafted]:
    """File meta information that lies."""
    yield Crafted("a group length too short", lambda: head(uid := fresh(), length=40) + data_set(uid))
    yield Crafted("a group length too long", lambda: head(uid := fresh(), length=4000) + data_set(uid))
    yield Crafted("a group length of 4 GiB", lambda: head(uid := fresh(), length=0xFFFFFFFF) + data_set(uid))
    yield Crafted("no group length", lambda: bytes(128) + b"DICM" + head(uid := fresh())[144:] + data_set(uid), KEPT)
    yield Crafted("an unknown transfer syntax", lambda: file(fresh(), syntax="1.2.3.4"))
    yield Crafted("an empty transfer syntax", lambda: file(fresh(), syntax=""))
    yield Crafted("explicit elements called implicit", lambda: file(fresh(), syntax=IMPLICIT))
    yield Crafted("little endian called big", lambda: file(fresh(), syntax="1.2.840.10008.1.2.2"))
    yield Crafted("plain pixels called compressed", lambda: file(fresh(), syntax=JPEG))
    yield Crafted("compressed pixels called plain", lambda: file(fresh(), {0x7FE00010: fragments(b"\xff\xd8\xff\xd9")}))
    yield Crafted("a DICOMDIR that points outside", _dicomdir)
    yield Crafted("a private SOP class", lambda: file(fresh(), sop_class="1.2.826.0.1.3680043.9.9"))
    yield Crafted("a SOP class that cannot be stored", lambda: file(fresh(), sop_class="1.2.840.10008.1.1"))


def _dicomdir() -> bytes:
    uid, kind = fresh(), "1.2.840.10008.1.3.10"
    record = element(0x00041430, "CS", "IMAGE") + element(0x00041500, "CS", "..\\..\\..\\ETC\\PASSWD")
    return head(uid, sop_class=kind) + element(0x00041130, "CS", "X") + element(0x00041220, "SQ", item(record))


def codecs() -> Iterator[Crafted]:
    """Compressed frames that lie to their decoder."""
    eight = {0x00280100: us(0x00280100, 8), 0x00280101: us(0x00280101, 8), 0x00280102: us(0x00280102, 7), 0x00280103: us(0x00280103, 0)}
    coded = lambda raw, syntax, **more: file(fresh(), {**eight, **more, 0x7FE00010: raw}, syntax)  # type: ignore[arg-type]  # noqa: E731
    rle = lambda *numbers: struct.pack("<16I", *numbers, *[0] * (16 - len(numbers))) + bytes(64)  # noqa: E731
    yield Crafted("RLE of 4,294,967,295 segments", lambda: coded(fragments(rle(0xFFFFFFFF, 64)), RLE))
    yield Crafted("RLE segments beyond the frame", lambda: coded(fragments(rle(2, 64, 0xFFFFFFF0)), RLE))
    yield Crafted("RLE segments that go back", lambda: coded(fragments(rle(3, 64, 100, 80)), RLE))
    yield Crafted("RLE of 15 segments for one", lambda: coded(fragments(rle(15, *range(64, 94, 2))), RLE), KEPT)
    large = {0x00280010: us(0x00280010, 30000), 0x00280011: us(0x00280011, 30000)}
    yield Crafted(
        "674 bytes of RLE for 30,000 x 30,000",
        lambda: file(fresh(), {**eight, **large, 0x7FE00010: fragments(rle(1, 64) + bytes(546))}, RLE),
    )
    yield Crafted(
        "RLE of too little for its rows",
        lambda: file(
            fresh(), {**eight, 0x00280010: us(0x00280010, 4000), 0x00280011: us(0x00280011, 4000), 0x7FE00010: fragments(rle(1, 64))}, RLE
        ),
    )
    yield Crafted("a JPEG of 65,500 x 65,500 in 8 x 8", lambda: coded(fragments(_jpeg(65500)), JPEG), KEPT)
    yield Crafted("a JPEG cut short", lambda: coded(fragments(_jpeg(8)[:20]), JPEG), KEPT)
    yield Crafted("a JPEG that is a GIF", lambda: coded(fragments(b"GIF89a\xff\xff\xff\xff\0\0\0,"), JPEG), KEPT)
    yield Crafted(
        "a JPEG that is a PostScript program",
        lambda: coded(fragments(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run\n"), JPEG),
        KEPT,
    )
    yield Crafted("a JPEG 2000 of 2^31 x 2^31", lambda: coded(fragments(_j2k(1 << 31)), J2K), KEPT)
    yield Crafted("a JPEG 2000 of 20,000 x 20,000 tiles", lambda: coded(fragments(_j2k(20000)), J2K), KEPT)
    yield Crafted("a fragment beyond the end", lambda: coded(fragments(b"\xff\xd8")[:-10] + b"\xff\xff", JPEG))
    yield Crafted("fragments without an end", lambda: coded(fragments(b"\xff\xd8")[:-8], JPEG))
    yield Crafted(
        "an element among the fragments", lambda: coded(element(0x7FE00010, "OB", b"", UNDEFINED) + element(0x00080005, "CS", "x "), JPEG)
    )
    yield Crafted("an offset table that points outside", lambda: coded(fragments(b"\xff\xd8", table=b"\xff\xff\xff\x7f"), JPEG))
    yield Crafted("an offset table of a million entries", lambda: coded(fragments(b"\xff\xd8", table=bytes(4_000_000)), JPEG))
    yield Crafted("a GIF as a video", lambda: coded(fragments(b"GIF89a"), "1.2.840.10008.1.2.4.100"), KEPT)


def _jpeg(side: int) -> bytes:
    """A baseline head of one component, quantisation left out."""
    frame = b"\xff\xc0\x00\x0b\x08" + struct.pack(">HH", side, side) + b"\x01\x01\x11\x00"
    return (
        b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"
        + frame
        + b"\xff\xda\x00\x08\x01\x01\x00\x00\x3f\x00"
        + bytes(64)
        + b"\xff\xd9"
    )


def _j2k(side: int) -> bytes:
    """A code stream head whose image is one tile of `side`."""
    size = struct.pack(">HHIIIIIIIIHBBB", 41, 0, side, side, 0, 0, side, side, 0, 0, 1, 7, 1, 1)
    cod = b"\xff\x52\x00\x0c\x00\x00\x00\x01\x00\x05\x04\x04\x00\x01"
    return (
        b"\xff\x4f\xff\x51"
        + size
        + cod
        + b"\xff\x5c\x00\x13\x40"
        + bytes(16)
        + b"\xff\x90\x00\x0a\0\0\0\0\0\0\x00\x01\xff\x93"
        + bytes(32)
        + b"\xff\xd9"
    )


def odd() -> Iterator[Crafted]:
    """Whatever else is sent by those who mean no good, or no harm."""
    yield Crafted("not DICOM: a page", lambda: b"<html><body>hello</body></html>" * 9)
    yield Crafted("not DICOM: an archive", lambda: b"PK\x03\x04" + bytes(300) + b"PK\x05\x06" + bytes(18))
    yield Crafted("not DICOM: gzip", lambda: b"\x1f\x8b\x08" + bytes(300))
    yield Crafted(
        "a document with a script inside", _with(0x00420011, element(0x00420011, "OB", b"%PDF-1.7 /OpenAction << /JS (x) >>")), KEPT
    )
    yield Crafted("group lengths, retired", _with(0x00080000, element(0x00080000, "UL", struct.pack("<I", 0xFFFFFFFF))), KEPT)
    yield Crafted("padding behind the data set", _with(0xFFFCFFFC, element(0xFFFCFFFC, "OB", bytes(512))), KEPT)
    yield Crafted("implicit sequences of undefined length", lambda: _implicit(30), KEPT)
    yield Crafted("implicit nesting of 5,000", lambda: _implicit(5_000))


def _implicit(depth: int) -> bytes:
    uid = fresh()
    plain = lambda tag, raw: struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(raw)) + raw  # noqa: E731
    opening = struct.pack("<HHI", 0x0008, 0x1140, UNDEFINED) + item(b"", UNDEFINED)
    deep = opening * depth + b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" * depth
    ids = plain(0x00080016, CT.encode() + b"\0") + plain(0x00080018, uid.encode() + bytes(len(uid) % 2))
    study = f"{uid}.1".encode()
    return head(uid, IMPLICIT) + ids + deep + plain(0x0020000D, study + bytes(len(study) % 2)) + plain(0x0020000E, b"1.2\0")

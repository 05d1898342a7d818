"""DICOM bytes from nothing, so that every rule can be broken on purpose."""

import struct

EXPLICIT, IMPLICIT, BIG, DEFLATED = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.1.99"
RLE, JPEG, J2K = "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.90"
CT = "1.2.840.10008.5.1.4.1.1.2"
UNDEFINED = 0xFFFFFFFF
LONG = ("OB", "OD", "OF", "OL", "OV", "OW", "SQ", "SV", "UC", "UN", "UR", "UT", "UV")


def element(tag: int, vr: str, value: bytes | str, length: int | None = None) -> bytes:
    """One element, explicit little endian; `length` is what it claims."""
    raw = value.encode("latin-1") if isinstance(value, str) else value
    raw += (b"\0" if vr in ("UI", "OB", "UN") else b" ") * (len(raw) % 2)
    claimed = len(raw) if length is None else length
    head = struct.pack("<HH2s", tag >> 16, tag & 0xFFFF, vr.encode("latin-1"))
    return head + (struct.pack("<HI", 0, claimed) if vr in LONG else struct.pack("<H", claimed & 0xFFFF)) + raw


def us(tag: int, value: int) -> bytes:
    """An unsigned short."""
    return element(tag, "US", struct.pack("<H", value))


def item(content: bytes, length: int | None = None) -> bytes:
    """An item of a sequence."""
    return b"\xfe\xff\x00\xe0" + struct.pack("<I", len(content) if length is None else length) + content


def fragments(*pieces: bytes, table: bytes = b"") -> bytes:
    """Encapsulated pixels: offset table, fragments, end."""
    body = item(table) + b"".join(item(piece + bytes(len(piece) % 2)) for piece in pieces)
    return element(0x7FE00010, "OB", b"", UNDEFINED) + body + b"\xfe\xff\xdd\xe0\0\0\0\0"


def nested(depth: int, *, undefined: bool = True, vr: str = "SQ", tag: int = 0x00081140) -> bytes:
    """A sequence within a sequence, `depth` times, made without recursion."""
    content = b""
    if undefined:
        opening = element(tag, vr, b"", UNDEFINED) + item(b"", UNDEFINED)
        within = opening if vr == "SQ" else struct.pack("<HHI", tag >> 16, tag & 0xFFFF, UNDEFINED) + item(b"", UNDEFINED)
        return opening + within * (depth - 1) + b"\xfe\xff\x0d\xe0\0\0\0\0\xfe\xff\xdd\xe0\0\0\0\0" * depth
    for _ in range(depth):
        content = element(tag, vr, item(content))
    return content


def data_set(uid: str, replaced: dict[int, bytes] | None = None, *, sop_class: str = CT, side: int = 8) -> bytes:
    """A CT slice of `side` pixels; `replaced`: by tag, what stands there instead, or nothing, or something more."""
    elements = {
        0x00080016: element(0x00080016, "UI", sop_class),
        0x00080018: element(0x00080018, "UI", uid),
        0x00080020: element(0x00080020, "DA", "20260101"),
        0x00080060: element(0x00080060, "CS", "CT"),
        0x00100010: element(0x00100010, "PN", "Hostile^Corpus"),
        0x00100020: element(0x00100020, "LO", f"H{uid[-24:]}"),
        0x0020000D: element(0x0020000D, "UI", f"{uid}.1"[-60:].lstrip(".0")),
        0x0020000E: element(0x0020000E, "UI", f"{uid}.2"[-60:].lstrip(".0")),
        0x00200013: element(0x00200013, "IS", "1"),
        0x00200032: element(0x00200032, "DS", "0\\0\\0"),
        0x00200037: element(0x00200037, "DS", "1\\0\\0\\0\\1\\0"),
        0x00200052: element(0x00200052, "UI", "1.2.3.4"),
        0x00280002: us(0x00280002, 1),
        0x00280004: element(0x00280004, "CS", "MONOCHROME2"),
        0x00280010: us(0x00280010, side),
        0x00280011: us(0x00280011, side),
        0x00280030: element(0x00280030, "DS", "1\\1"),
        0x00280100: us(0x00280100, 16),
        0x00280101: us(0x00280101, 16),
        0x00280102: us(0x00280102, 15),
        0x00280103: us(0x00280103, 1),
        0x00281052: element(0x00281052, "DS", "0"),
        0x00281053: element(0x00281053, "DS", "1"),
        0x7FE00010: element(0x7FE00010, "OW", bytes(range(side * side * 2 % 256)) + bytes(side * side * 2 - side * side * 2 % 256)),
    }
    elements |= replaced or {}
    return b"".join(elements[tag] for tag in sorted(elements))


def head(uid: str, syntax: str = EXPLICIT, *, sop_class: str = CT, preamble: bytes = b"", length: int | None = None) -> bytes:
    """Preamble and group 2; `length` is what the group claims."""
    meta = element(0x00020002, "UI", sop_class) + element(0x00020003, "UI", uid) + element(0x00020010, "UI", syntax)
    group = element(0x00020000, "UL", struct.pack("<I", len(meta) if length is None else length))
    return preamble[:128].ljust(128, b"\0") + b"DICM" + group + meta


def file(uid: str, replaced: dict[int, bytes] | None = None, syntax: str = EXPLICIT, **how: object) -> bytes:
    """A whole file."""
    return head(uid, syntax, sop_class=str(how.get("sop_class", CT)), preamble=bytes(how.get("preamble", b""))) + data_set(  # type: ignore[call-overload]
        uid,
        replaced,
        sop_class=str(how.get("sop_class", CT)),
        side=int(how.get("side", 8)),  # type: ignore[call-overload]
    )

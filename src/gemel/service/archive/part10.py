"""A DICOM file's head and its data set (PS3.10 section 7.1)."""

from struct import Struct

from gemel.io.dicom_object import IMPLEMENTATION_UID

_LENGTH = Struct("<I")
_GROUP_LENGTH = b"\x02\x00\x00\x00UL\x04\x00"
PREAMBLE_BYTES = 132  # 128 bytes of preamble and "DICM"


def split(content: bytes | memoryview) -> tuple[bytes, memoryview]:
    """The head, its preamble emptied (a program could hide there: PS3.10 section 7.5), and the data set. Scan it first."""
    view = memoryview(content)
    begin = PREAMBLE_BYTES + len(_GROUP_LENGTH)
    if len(view) < begin + 4 or view[PREAMBLE_BYTES:begin] != _GROUP_LENGTH:
        return b"", view
    end = begin + 4 + _LENGTH.unpack_from(view, begin)[0]
    return bytes(128) + bytes(view[128:end]), view[end:]


def head(sop_class: str, sop_instance: str, transfer_syntax: str, source: str) -> bytes:
    """The head of a file for a data set that came without one (group 0002, explicit little endian)."""
    elements = [
        (0x02, b"UI", sop_class),
        (0x03, b"UI", sop_instance),
        (0x10, b"UI", transfer_syntax),
        (0x12, b"UI", IMPLEMENTATION_UID),
        (0x16, b"AE", source),
    ]
    body = b"\x02\x00\x01\x00OB\x00\x00\x02\x00\x00\x00\x00\x01" + b"".join(_element(*element) for element in elements)
    return bytes(128) + b"DICM" + _GROUP_LENGTH + _LENGTH.pack(len(body)) + body


def _element(number: int, vr: bytes, value: str) -> bytes:
    padded = value.encode("ascii") + (b"\0" if vr == b"UI" else b" ") * (len(value) % 2)
    return b"\x02\x00" + number.to_bytes(2, "little") + vr + len(padded).to_bytes(2, "little") + padded

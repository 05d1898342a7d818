"""The head of a DICOM file: preamble and group 2, before anything else of it is believed. DICOM PS3.10 §7.1, §7.5."""

from dataclasses import dataclass

from gemel.core.errors import InputError
from gemel.io.prescan_rules import AGAIN, Form
from gemel.io.prescan_walk import Bytes, Walked, walk
from gemel.io.uids import require_uid

PREAMBLE = 128
MOST_META = 64
"""Elements that group 2 may have: PS3.10 names fewer than thirty."""
_LONG = (b"OB", b"UN")
_CLASS, _INSTANCE, _SYNTAX = 0x00020002, 0x00020003, 0x00020010
_FOREIGN = (
    b"MZ", b"\x7fELF", b"PK", b"\xca\xfe\xba\xbe", b"\xfe\xed\xfa", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe", b"#!", b"%PDF", b"%!PS",
    b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"7z\xbc\xaf", b"Rar!", b"\xd0\xcf\x11\xe0", b"GIF8", b"\x89PNG", b"\xff\xd8\xff", b"\0asm",
    b"SQLite format 3", b"BM", b"RIFF", b"ID3",
)  # fmt: skip
"""How programs, scripts, archives and other documents begin (file(1) magic): a file that is one of these and DICOM too is refused."""


@dataclass(frozen=True)
class Head:
    """What group 2 says, the byte at which the data set starts, and whether the preamble held anything."""

    sop_class_uid: str
    sop_instance_uid: str
    transfer_syntax: str
    start: int
    preamble_is_zero: bool


def head_of(data: Bytes, where: str, *, strict: bool = True) -> Head:
    """Preamble and file meta information; unless `strict`, an old file need not repeat there which object it is.

    Raises InputError when they are not those of one DICOM file and of nothing else.
    """
    if bytes(data[PREAMBLE : PREAMBLE + 4]) != b"DICM":
        raise InputError("not a DICOM file (no DICM prefix)", where=where, remedy="send a DICOM file (PS3.10)")
    preamble = bytes(data[:PREAMBLE])
    _require_no_other_format(preamble, where)
    end = _end_of_group(data, where)
    meta = Form(explicit=True, little=True, encapsulated=False, where=where)
    walked = walk(data, meta, span=(PREAMBLE + 4, end), wanted=frozenset((_CLASS, _INSTANCE, _SYNTAX)), groups=(2, 2))
    needed = (_CLASS, _INSTANCE, _SYNTAX) if strict else (_SYNTAX, *walked.places)
    sop_class, instance, syntax = (_uid(data, walked, tag, where) if tag in needed else "" for tag in (_CLASS, _INSTANCE, _SYNTAX))
    return Head(sop_class, instance, syntax, end, not preamble.strip(b"\0"))


def _require_no_other_format(preamble: bytes, where: str) -> None:
    """PS3.10 §7.5: a preamble can make one file both an image and a program."""
    text = preamble.lstrip(b"\xef\xbb\xbf\t\n\r ").lower()
    if preamble.startswith(_FOREIGN) or text.startswith((b"<", b"javascript:")) or b"<script" in text or b"PK\x03\x04" in preamble:
        remedy = "zero the 128 bytes before DICM and send it again; find out who wrote them (PS3.10 §7.5, CVE-2019-11687)"
        raise InputError(f"a preamble that begins another kind of file ({preamble[:8]!r})", where=where, remedy=remedy)


def _end_of_group(data: Bytes, where: str) -> int:
    """Byte after group 2: by its group length, or by its elements where an old writer left that out (PS3.10 §7.1 puts it first)."""
    first = PREAMBLE + 4
    if bytes(data[first : first + 2]) == b"\2\0" and bytes(data[first + 2 : first + 4]) != b"\0\0":
        return _end_of_elements(data, first, where)
    length = int.from_bytes(data[first + 8 : first + 12], "little")
    end = first + 12 + length
    if bytes(data[first : first + 8]) != b"\x02\0\0\0UL\x04\0" or end > len(data):
        raise InputError("no group length of group 2, or a false one", where=where, remedy=AGAIN)
    if int.from_bytes(data[end : end + 2], "little") == 2:
        raise InputError(f"a group length of {length} that ends within group 2", where=where, remedy=AGAIN)
    return end


def _end_of_elements(data: Bytes, at: int, where: str) -> int:
    """Byte after the last element of group 2 (explicit VR, little endian). Raises InputError when they do not end."""
    for _ in range(MOST_META):
        if bytes(data[at : at + 2]) != b"\2\0":
            return at
        long = bytes(data[at + 4 : at + 6]) in _LONG
        length = int.from_bytes(data[at + 8 : at + 12], "little") if long else int.from_bytes(data[at + 6 : at + 8], "little")
        at += (12 if long else 8) + length
        if at > len(data):
            break
    raise InputError("a group 2 that does not end", where=where, remedy=AGAIN)


def _uid(data: Bytes, walked: Walked, tag: int, where: str) -> str:
    vr, begin, length = walked.places.get(tag, (b"", 0, 0))
    if vr != b"UI":
        raise InputError(f"no UID in element (0002,{tag & 0xFFFF:04X})", where=where, remedy=AGAIN)
    return strict_uid(bytes(data[begin : begin + length]), f"{where}, element (0002,{tag & 0xFFFF:04X})")


def strict_uid(raw: bytes, where: str) -> str:
    """A UID of the form of PS3.5 §9.1, padded to even length by at most one byte. Raises IdentityError."""
    padded = raw[:-1] if raw[-1:] in (b"\0", b" ") else raw
    return require_uid(padded[:80].decode("latin-1"), where)

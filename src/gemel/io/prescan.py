"""Bytes that came from outside → what an index needs of them, or one clear refusal; before any other parser sees them.

Everything that an object claims (lengths, counts, sizes, depth) is compared with the bytes that are there before anything is done about it.
Threats: CVE-2019-11687 (preamble), CVE-2026-32711 (names from the object), CVE-2026-5437 to 5445 (lengths, sizes, tables, bombs of one
archive); rules: DICOM PS3.5 §7, §8, §9.1, annexes A and G; PS3.10 §7.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gemel.core.errors import IdentityError, InputError
from gemel.io.prescan_head import Head, head_of, strict_uid
from gemel.io.prescan_inflate import inflated
from gemel.io.prescan_pixels import WANTED, require_sizes
from gemel.io.prescan_rules import DEFLATED, Form, form_of, storage_classes
from gemel.io.prescan_text import CHARACTER_SET, INDEXED, raw_value, tags_of
from gemel.io.prescan_walk import Bytes, Place, Token, Walked, walk

_UIDS = {"SOPClassUID": 0x00080016, "SOPInstanceUID": 0x00080018, "StudyInstanceUID": 0x0020000D, "SeriesInstanceUID": 0x0020000E}
_FRAME_UID = 0x00200052
_OF_FILES = (4, 0xFFFF)  # media directories are read as files, and never received
_ALL = WANTED | frozenset(INDEXED) | {CHARACTER_SET}


@dataclass(frozen=True)
class Scanned:
    """One object that may be kept: who it is, how it is written, and the indexed elements by keyword (absent or empty ones left out).

    notes: what was accepted but is odd. preamble_is_zero: False for a file whose first 128 bytes should be zeroed before it is passed on.
    """

    sop_class_uid: str
    sop_instance_uid: str
    study_instance_uid: str
    series_instance_uid: str
    transfer_syntax: str
    tags: Mapping[str, str]
    notes: tuple[str, ...] = ()
    preamble_is_zero: bool = True


def scan(content: Bytes, *, transfer_syntax: str = "", deflated: bool = False, where: str = "the object received") -> Scanned:
    """A Part 10 file, or, with a transfer syntax, a bare data set as C-STORE brings it. `deflated`: whether that syntax is let in at all.

    Raises InputError, or IdentityError for UIDs that are malformed, missing, or not the same in both places.
    """
    head = Head("", "", transfer_syntax, 0, True) if transfer_syntax else head_of(content, where)
    data, start, form = _data_set(content, head, deflated, where)
    walked = walk(data, form, span=(start, len(data)), wanted=_ALL)
    uids = {name: _identity(data, walked.places, (name, tag), form) for name, tag in _UIDS.items()}
    _require_same(head, uids, where)
    _require_known(uids["SOPClassUID"], where)
    if _FRAME_UID in walked.places and (raw := raw_value(data, walked.places[_FRAME_UID], ("FrameOfReferenceUID", b"UI"), form)):
        strict_uid(raw, f"FrameOfReferenceUID of {where}")
    require_sizes(data, walked, form, head.transfer_syntax)
    tags, notes = tags_of(data, walked.places, form)
    sop_class, instance, study, series = uids.values()
    return Scanned(sop_class, instance, study, series, head.transfer_syntax, tags, notes, head.preamble_is_zero)


def require_sound(content: Bytes, where: str) -> Walked:
    """A file whose structure may be handed to a parser: lengths, VRs, depth and order; who and how large the object is, is asked later."""
    head = head_of(content, where, strict=False)
    data, start, form = _data_set(content, head, False, where)
    return walk(data, form, span=(start, len(data)), wanted=_ALL, groups=_OF_FILES)


@dataclass(frozen=True)
class Listed:
    """A whole file laid open: its bytes (inflated where they were deflated), how they are written, every element in order."""

    data: Bytes
    form: Form
    transfer_syntax: str
    walked: Walked
    tokens: list[Token]


def listed(content: Bytes, where: str) -> Listed:
    """Every element of a file that is sound in the sense of `require_sound`, nothing decoded."""
    head = head_of(content, where)
    data, start, form = _data_set(content, head, True, where)
    tokens: list[Token] = []
    walked = walk(data, form, span=(start, len(data)), wanted=_ALL, tokens=tokens)
    return Listed(data, form, head.transfer_syntax, walked, tokens)


def with_zero_preamble(content: bytes) -> bytes:
    """The file with 128 zero bytes before DICM, as PS3.10 §7.5 advises whoever passes it on."""
    return bytes(128) + content[128:] if content[:128].strip(b"\0") else content


def _data_set(content: Bytes, head: Head, deflated: bool, where: str) -> tuple[Bytes, int, Form]:
    form = form_of(head.transfer_syntax, where)
    if head.transfer_syntax != DEFLATED:
        return content, head.start, form
    if not deflated:
        raise InputError("a deflated transfer syntax", where=where, remedy="convert it to Explicit VR Little Endian")
    return inflated(content[head.start :], where), 0, form


def _identity(data: Bytes, places: Mapping[int, Place], named: tuple[str, int], form: Form) -> str:
    name, tag = named
    raw = raw_value(data, places[tag], (name, b"UI"), form) if tag in places else b""
    if not raw:
        raise IdentityError(f"no {name}", where=form.where, remedy="send the object again with its UIDs (PS3.3 §C.12.1)")
    return strict_uid(raw, f"{name} of {form.where}")


def _require_same(head: Head, uids: Mapping[str, str], where: str) -> None:
    for name, stated in (("SOPClassUID", head.sop_class_uid), ("SOPInstanceUID", head.sop_instance_uid)):
        if stated not in ("", uids[name]):
            found = f"{name} {uids[name]} in a file that calls itself {stated}"
            raise IdentityError(found, where=where, remedy="write the file again; its header and its data set name one object")


def _require_known(sop_class: str, where: str) -> None:
    if sop_class not in storage_classes():
        remedy = "send objects of a storage SOP class of the standard (PS3.4 annex B); media directories and private classes are not kept"
        raise InputError(f"an unknown or unstorable SOP class {sop_class}", where=where, remedy=remedy)

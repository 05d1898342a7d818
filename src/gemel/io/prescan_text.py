"""The words of an object that an index needs, decoded by its character set. DICOM PS3.5 §6.1, PS3.3 §C.12.1.1.2."""

import re
from collections.abc import Mapping

from gemel.core.errors import InputError
from gemel.io.prescan_rules import AGAIN, Form
from gemel.io.prescan_walk import Bytes, Place

LONGEST = 1024  # bytes of one indexed value; the longest that the standard allows is a name of 3 x 64 characters
CHARACTER_SET = 0x00080005
INDEXED: Mapping[int, tuple[str, bytes]] = {
    0x00080008: ("ImageType", b"CS"), 0x00080016: ("SOPClassUID", b"UI"), 0x00080018: ("SOPInstanceUID", b"UI"),
    0x00080020: ("StudyDate", b"DA"), 0x00080021: ("SeriesDate", b"DA"), 0x00080022: ("AcquisitionDate", b"DA"),
    0x0008002A: ("AcquisitionDateTime", b"DT"), 0x00080030: ("StudyTime", b"TM"), 0x00080031: ("SeriesTime", b"TM"),
    0x00080032: ("AcquisitionTime", b"TM"), 0x00080050: ("AccessionNumber", b"SH"), 0x00080060: ("Modality", b"CS"),
    0x00080070: ("Manufacturer", b"LO"), 0x00080090: ("ReferringPhysicianName", b"PN"), 0x00081010: ("StationName", b"SH"),
    0x00081030: ("StudyDescription", b"LO"), 0x0008103E: ("SeriesDescription", b"LO"), 0x00100010: ("PatientName", b"PN"),
    0x00100020: ("PatientID", b"LO"), 0x00100021: ("IssuerOfPatientID", b"LO"), 0x00100030: ("PatientBirthDate", b"DA"),
    0x00100040: ("PatientSex", b"CS"), 0x00180015: ("BodyPartExamined", b"CS"), 0x0020000D: ("StudyInstanceUID", b"UI"),
    0x0020000E: ("SeriesInstanceUID", b"UI"), 0x00200010: ("StudyID", b"SH"), 0x00200011: ("SeriesNumber", b"IS"),
    0x00200013: ("InstanceNumber", b"IS"), 0x00200052: ("FrameOfReferenceUID", b"UI"), 0x00280008: ("NumberOfFrames", b"IS"),
    0x00280010: ("Rows", b"US"), 0x00280011: ("Columns", b"US"),
}  # fmt: skip
"""Tag → keyword and VR of the dictionary (PS3.6)."""
_SETS: Mapping[str, str] = {
    "": "ascii", "ISO_IR 6": "ascii", "ISO_IR 100": "latin_1", "ISO_IR 101": "iso8859_2", "ISO_IR 109": "iso8859_3",
    "ISO_IR 110": "iso8859_4", "ISO_IR 144": "iso8859_5", "ISO_IR 127": "iso8859_6", "ISO_IR 126": "iso8859_7",
    "ISO_IR 138": "iso8859_8", "ISO_IR 148": "iso8859_9", "ISO_IR 203": "iso8859_15", "ISO_IR 13": "shift_jis",
    "ISO_IR 166": "iso8859_11", "ISO_IR 192": "utf_8", "GB18030": "gb18030", "GBK": "gbk",
    "ISO 2022 IR 13": "shift_jis", "ISO 2022 IR 87": "iso2022_jp", "ISO 2022 IR 159": "iso2022_jp_2",
    "ISO 2022 IR 149": "euc_kr", "ISO 2022 IR 58": "iso2022_jp_2",
}  # fmt: skip
"""Defined terms of PS3.3 tables C.12-2 to C.12-5; ISO 2022 IR n without a row of its own reads as ISO_IR n."""
_DECODED = frozenset((b"SH", b"LO", b"PN"))
_RIGHT_HALF = re.compile(rb"\x1b(?:\$\)[AC]|[-)][A-Z])")  # escapes that name the set of bytes from 0x80 on
_UNSHOWABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")


def tags_of(data: Bytes, places: Mapping[int, Place], form: Form) -> tuple[dict[str, str], tuple[str, ...]]:
    """Keyword → value of the indexed elements that have one, and notes on what had to be replaced.

    Raises InputError for an indexed element of another VR than the dictionary's, or longer than LONGEST.
    """
    codecs, notes = _codecs(data, places, form)
    tags = {}
    for tag, (keyword, vr) in INDEXED.items():
        if tag in places:
            raw = raw_value(data, places[tag], (keyword, vr), form)
            value = str(form.number("H", raw)) if vr == b"US" and raw else _words(raw, codecs if vr in _DECODED else ("ascii",))
            if value:
                tags[keyword] = value
            if "\ufffd" in value:
                notes = (*notes, f"characters of {keyword} that cannot be shown, replaced in the index")
    return tags, notes


def raw_value(data: Bytes, place: Place, named: tuple[str, bytes], form: Form) -> bytes:
    """The bytes of one element, of the VR that the dictionary gives it and of a length that it can have."""
    written, begin, length = place
    keyword, vr = named
    if written and written not in (vr, b"UN"):
        raise InputError(f"{keyword} of VR {written.decode()} where {vr.decode()} belongs", where=form.where, remedy=AGAIN)
    if length > LONGEST:
        raise InputError(f"{keyword} of {length} bytes", where=form.where, remedy=f"shorten it to at most {LONGEST}")
    return bytes(data[begin : begin + length])


def _codecs(data: Bytes, places: Mapping[int, Place], form: Form) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Codecs of the object's character sets, and a note when one is unknown: its text is then read as ASCII, the rest replaced."""
    raw = raw_value(data, places[CHARACTER_SET], ("SpecificCharacterSet", b"CS"), form) if CHARACTER_SET in places else b""
    codecs, unknown = codecs_of(raw)
    return codecs, (f"an unknown character set {unknown!r}; its text is replaced in the index",) if unknown else ()


def codecs_of(raw: bytes) -> tuple[tuple[str, ...], str]:
    """The codecs of a Specific Character Set, ASCII for what is unknown, and the first term that is."""
    terms = [term.strip(" \0") for term in raw[:LONGEST].decode("ascii", "replace").split("\\")][:16]
    found = [_SETS.get(term) or _SETS.get(term.replace("ISO 2022 IR", "ISO_IR")) for term in terms]
    unknown = [term[:32] for term, codec in zip(terms, found, strict=True) if codec is None]
    return tuple(codec or "ascii" for codec in found), unknown[0] if unknown else ""


def text_of(raw: bytes, codecs: tuple[str, ...]) -> str:
    """Text without padding, by the first of the codecs that can read it; what none can read becomes U+FFFD."""
    if raw.isascii() and b"\x1b" not in raw:
        text = raw.decode("ascii")
    else:
        text = next(filter(None, (_decoded(raw, codec) for codec in codecs)), "") or raw.decode(codecs[0], "replace")
    return text.rstrip("\0 ").lstrip(" ")


def _words(raw: bytes, codecs: tuple[str, ...]) -> str:
    """Text whose characters that steer a display have become U+FFFD too."""
    return _UNSHOWABLE.sub("\ufffd", text_of(raw, codecs))


def _decoded(raw: bytes, codec: str) -> str:
    """The text, or nothing when these bytes are none of that set. Only the Japanese codecs want their escapes (PS3.5 §6.1.2.5.3)."""
    try:
        text = (raw if codec.startswith("iso2022") else _RIGHT_HALF.sub(b"", raw)).decode(codec)
    except UnicodeDecodeError:
        return ""
    return "" if "\x1b" in text else text

"""Values of one element as DICOM JSON: by its VR, from its bytes. PS3.18 §F.2."""

import base64
import json
import math
import re
import struct
from collections.abc import Mapping
from functools import lru_cache

from pydicom.datadict import dictionary_VR

from gemel.io.prescan_text import text_of

_LONGEST_BINARY, _LONGEST_TEXT = 1024, 65536  # bytes; what is longer is left out and named
_PIXELS = (0x7FE00008, 0x7FE00009, 0x7FE00010)
_BINARY = frozenset(("OB", "OD", "OF", "OL", "OV", "OW", "UN"))
_WHOLE = frozenset(("LT", "ST", "UT", "UR"))
_DECODED = frozenset(("LO", "LT", "PN", "SH", "ST", "UC", "UT"))
_NUMBERS: Mapping[str, str] = {"FD": "d", "FL": "f", "SL": "i", "SS": "h", "SV": "q", "UL": "I", "US": "H", "UV": "Q"}
_NUMERAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_GROUPS = ("Alphabetic", "Ideographic", "Phonetic")
_AMBIGUOUS: Mapping[str, str] = {"OB or OW": "OW", "US or OW": "OW", "US or SS or OW": "OW"}


def vr_of(tag: int, written: str, signed: bool) -> str:
    """The VR: as written, else, and for UN, the dictionary's (PS3.5 §6.2.2, §A.1); of private elements only their creators' is known."""
    if written not in ("", "UN"):
        return written
    if tag >> 16 & 1:
        return "LO" if 0x10 <= tag & 0xFFFF <= 0xFF else "UN"
    known = _known(tag).replace("SQ", "UN")
    return ("SS" if signed else "US") if known == "US or SS" else _AMBIGUOUS.get(known, known)


@lru_cache(maxsize=4096)
def _known(tag: int) -> str:
    try:
        return dictionary_VR(tag)
    except KeyError:
        return "UN"


def is_bulk(tag: int, vr: str, length: int) -> bool:
    """Whether a value is left out of the JSON and fetched by its address."""
    return tag in _PIXELS or length > (_LONGEST_BINARY if vr in _BINARY else _LONGEST_TEXT)


def inline(raw: bytes, vr: str, order: str, codecs: tuple[str, ...]) -> str:
    """`,"Value":[…]` or `,"InlineBinary":"…"`; nothing for an empty value. Numerals that are none stay text; not finite becomes null."""
    if vr in _BINARY:
        return f',"InlineBinary":"{base64.b64encode(raw).decode()}"' if raw else ""
    values = _numbers(raw, vr, order) if vr in _NUMBERS or vr == "AT" else _texts(raw, vr, codecs)
    return f',"Value":{json.dumps(values)}' if values else ""


def _numbers(raw: bytes, vr: str, order: str) -> list[object]:
    if vr == "AT":
        pairs = struct.iter_unpack(order + "HH", raw[: len(raw) // 4 * 4])
        return [f"{group:04X}{element:04X}" for group, element in pairs]
    code = _NUMBERS[vr]
    size = struct.calcsize(code)
    found = (value for (value,) in struct.iter_unpack(order + code, raw[: len(raw) // size * size]))
    return [value if math.isfinite(value) else None for value in found]


def _texts(raw: bytes, vr: str, codecs: tuple[str, ...]) -> list[object]:
    text = text_of(raw, codecs if vr in _DECODED else ("ascii",))
    if not text:
        return []
    parts = [text] if vr in _WHOLE else [part.strip(" \0") for part in text.split("\\")]
    return [_one(part, vr) for part in parts]


def _one(part: str, vr: str) -> object:
    if not part:
        return None
    if vr == "PN":
        return {name: group for name, group in zip(_GROUPS, part.split("="), strict=False) if group} or None
    if vr in ("DS", "IS") and len(part) <= 32 and _NUMERAL.fullmatch(part) and math.isfinite(float(part)):
        return int(part) if part.lstrip("+-").isdigit() else float(part)
    return part

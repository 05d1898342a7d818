"""What a data set may be made of: value representations, groups, limits. DICOM PS3.5 §6.2, §7.1, §7.5 and annex A."""

import struct
from dataclasses import dataclass, field
from functools import cache

from pydicom._dicom_dict import DicomDictionary
from pydicom._uid_dict import UID_dictionary
from pydicom.uid import (
    UID,
    AllTransferSyntaxes,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    MediaStorageDirectoryStorage,
)

from gemel.core.errors import InputError

DEPTH = 64  # sequences within sequences; what clinical objects need is below 10
ELEMENTS = 500_000  # elements, items and fragments of one object
UNDEFINED = 0xFFFFFFFF
PIXELS = 0x7FE00010
AGAIN = "export or transfer the object again"
DEFLATED = str(DeflatedExplicitVRLittleEndian)

SHORT = {
    b"AE": 1, b"AS": 1, b"AT": 4, b"CS": 1, b"DA": 1, b"DS": 1, b"DT": 1, b"FD": 8, b"FL": 4, b"IS": 1, b"LO": 1, b"LT": 1, b"PN": 1,
    b"SH": 1, b"SL": 4, b"SS": 2, b"ST": 1, b"TM": 1, b"UI": 1, b"UL": 4, b"US": 2,
}  # fmt: skip
"""VRs with a 16-bit length, and the bytes of one value (PS3.5 table 7.1-2)."""
LONG = frozenset({b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"})
"""VRs with a 32-bit length (PS3.5 table 7.1-1)."""


@dataclass(frozen=True)
class Form:
    """How the elements of a data set are written down, and the name by which its faults are told."""

    explicit: bool
    little: bool
    encapsulated: bool
    where: str
    order: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "order", "<" if self.little else ">")

    def number(self, code: str, raw: bytes) -> int:
        """One whole number of a binary VR; -1 when the bytes are not exactly one."""
        return int(struct.unpack(self.order + code, raw)[0]) if struct.calcsize(code) == len(raw) else -1


def form_of(syntax: str, where: str) -> Form:
    """How a transfer syntax writes elements (PS3.5 annex A). Raises InputError for one that the standard does not name."""
    if syntax not in _syntaxes():
        remedy = "send it in a transfer syntax of the standard, such as Explicit VR Little Endian (1.2.840.10008.1.2.1)"
        raise InputError(f"an unknown transfer syntax {syntax[:64]!r}", where=where, remedy=remedy)
    uid = UID(syntax)
    return Form(
        explicit=uid != ImplicitVRLittleEndian,
        little=uid != ExplicitVRBigEndian,
        encapsulated=uid.is_encapsulated,
        where=where,
    )


@cache
def _syntaxes() -> frozenset[str]:
    return frozenset(str(uid) for uid in AllTransferSyntaxes)


@cache
def storage_classes() -> frozenset[str]:
    """Every storage SOP class of the standard, retired ones too; the DICOMDIR of media is none (PS3.4 annex B, PS3.10 §8.6)."""
    named = (uid for uid, (name, kind, *_) in UID_dictionary.items() if kind == "SOP Class" and "Storage" in name)
    return frozenset(named) - {str(MediaStorageDirectoryStorage), "1.2.840.10008.1.20.1", "1.2.840.10008.1.20.2"}


@cache
def sequences() -> frozenset[int]:
    """Tags that the standard gives the VR SQ, needed where a syntax does not write VRs down."""
    return frozenset(tag for tag, entry in DicomDictionary.items() if entry[0] == "SQ")


def fault(found: str, tag: int, position: int, where: str) -> InputError:
    """The error of one element, told by its tag and place."""
    return InputError(found, where=f"{where}, element ({tag >> 16:04X},{tag & 0xFFFF:04X}) at byte {position}", remedy=AGAIN)

"""Protocol data units of the upper layer: their types, their limits, and the few that an acceptor sends (DICOM PS3.8 section 9.3)."""

from collections.abc import Iterator
from enum import IntEnum
from struct import Struct

HEADER = Struct(">BxI")  # type, a reserved byte, length of what follows
VALUE = Struct(">IBB")  # of a presentation data value: length of what follows, context, control
ASSOCIATE_BYTES = 1 << 20  # the longest request for an association that is read
COMMAND, LAST = 1, 2  # bits of a value's control (PS3.8 annex E.2)


class Type(IntEnum):
    """What a unit is."""

    ASSOCIATE_RQ = 1
    ASSOCIATE_AC = 2
    ASSOCIATE_RJ = 3
    DATA = 4
    RELEASE_RQ = 5
    RELEASE_RP = 6
    ABORT = 7


class Reason(IntEnum):
    """Why we, the provider, abort (PS3.8 table 9-26)."""

    NOT_SPECIFIED = 0
    UNRECOGNISED_PDU = 1
    UNEXPECTED_PDU = 2
    UNEXPECTED_PARAMETER = 5
    INVALID_VALUE = 6


class Refusal(IntEnum):
    """Why an association is refused: result, source and reason in one number (PS3.8 table 9-21)."""

    APPLICATION_CONTEXT = 0x010102
    CALLING_TITLE = 0x010103
    CALLED_TITLE = 0x010107
    PROTOCOL_VERSION = 0x010202
    CONGESTION = 0x020301
    LOCAL_LIMIT = 0x020302


RELEASED = HEADER.pack(Type.RELEASE_RP, 4) + bytes(4)


def aborted(reason: Reason) -> bytes:
    """A-ABORT by the service provider."""
    return HEADER.pack(Type.ABORT, 4) + bytes((0, 0, 2, reason))


def refused(refusal: Refusal) -> bytes:
    """A-ASSOCIATE-RJ."""
    return HEADER.pack(Type.ASSOCIATE_RJ, 4) + refusal.to_bytes(4, "big")


def data(context: int, message: bytes, *, command: bool, longest: int) -> bytes:
    """P-DATA-TF of a whole message, in as many units as the peer's limit asks for (0: it has none); to be written at once."""
    room = (longest or (1 << 17)) - VALUE.size
    return b"".join(_units(context, message, int(command), max(room, 1)))


def _units(context: int, message: bytes, control: int, room: int) -> Iterator[bytes]:
    for begin in range(0, len(message) or 1, room):
        piece = message[begin : begin + room]
        ended = LAST if begin + room >= len(message) else 0
        yield HEADER.pack(Type.DATA, len(piece) + VALUE.size) + VALUE.pack(len(piece) + 2, context, control | ended) + piece

"""The command set of a DIMSE message: group 0000, implicit little endian (DICOM PS3.7 sections 6.3 and 9.3, annex E)."""

from collections.abc import Mapping
from dataclasses import dataclass
from struct import Struct

from gemel.core.errors import InputError

COMMAND_BYTES = 65536  # the longest command that is read
_ELEMENT = Struct("<HHI")
_NO_DATA = 0x0101
AFFECTED_CLASS, REQUESTED_CLASS, FIELD, MESSAGE, ANSWERED, DATA_TYPE, STATUS = 0x0002, 0x0003, 0x0100, 0x0110, 0x0120, 0x0800, 0x0900
COMMENT, AFFECTED_INSTANCE, REQUESTED_INSTANCE, EVENT_TYPE, ACTION_TYPE = 0x0902, 0x1000, 0x1001, 0x1002, 0x1008
_NUMBERS = frozenset({FIELD, MESSAGE, ANSWERED, 0x0700, DATA_TYPE, STATUS, EVENT_TYPE, ACTION_TYPE})
_UIDS = frozenset({AFFECTED_CLASS, REQUESTED_CLASS, AFFECTED_INSTANCE, REQUESTED_INSTANCE})


@dataclass(frozen=True)
class Command:
    """A request: what it asks, of which class and instance, under which number, and whether a data set follows."""

    field: int
    message: int
    sop_class: str
    sop_instance: str
    has_data: bool
    numbers: Mapping[int, int]


def parse(content: bytes | bytearray) -> Command:
    """Reads a whole command set. Raises InputError for what is not one."""
    elements = _elements(bytes(content))
    missing = [f"(0000,{tag:04X})" for tag in (FIELD, MESSAGE, DATA_TYPE) if tag not in elements]
    numbers = {tag: int.from_bytes(value, "little") for tag, value in elements.items() if tag in _NUMBERS and len(value) == 2}
    if missing or len(numbers) < len(elements.keys() & _NUMBERS):
        raise _broken(f"it lacks {', '.join(missing) or 'the length of a number'}")
    uids = {tag: _uid(value) for tag, value in elements.items() if tag in _UIDS}
    sop_class = uids.get(AFFECTED_CLASS) or uids.get(REQUESTED_CLASS, "")
    instance = uids.get(AFFECTED_INSTANCE) or uids.get(REQUESTED_INSTANCE, "")
    return Command(numbers[FIELD], numbers[MESSAGE], sop_class, instance, numbers[DATA_TYPE] != _NO_DATA, numbers)


def answer(asked: Command, status: int, *, comment: str = "", has_data: bool = False) -> bytes:
    """The command set of the response; `comment` tells a person why (64 characters)."""
    extra = {tag: _short(asked.numbers[tag]) for tag in (EVENT_TYPE, ACTION_TYPE) if tag in asked.numbers}
    named = {AFFECTED_CLASS: _padded(asked.sop_class), AFFECTED_INSTANCE: _padded(asked.sop_instance), COMMENT: _padded(comment[:64], b" ")}
    elements = {tag: value for tag, value in named.items() if value} | extra | {
        FIELD: _short(asked.field | 0x8000),
        ANSWERED: _short(asked.message),
        DATA_TYPE: _short(1 if has_data else _NO_DATA),
        STATUS: _short(status),
    }  # fmt: skip
    body = b"".join(_ELEMENT.pack(0, tag, len(elements[tag])) + elements[tag] for tag in sorted(elements))
    return _ELEMENT.pack(0, 0, 4) + len(body).to_bytes(4, "little") + body


def _elements(content: bytes) -> dict[int, bytes]:
    found, at = dict[int, bytes](), 0
    while at < len(content):
        if len(content) - at < _ELEMENT.size:
            raise _broken("an element is cut short")
        group, tag, length = _ELEMENT.unpack_from(content, at)
        at += _ELEMENT.size
        if group or tag in found or length > len(content) - at:
            raise _broken("an element of another group, given twice, or longer than the command")
        found[tag] = content[at : at + length]
        at += length
    return found


def _uid(value: bytes) -> str:
    text = value.rstrip(b"\0 ")
    if len(text) > 64 or text.strip(b"0123456789."):
        raise _broken("a UID of other characters or too long")
    return text.decode("ascii")


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")


def _padded(text: str, pad: bytes = b"\0") -> bytes:
    content = text.encode("ascii", "replace")
    return content + pad * (len(content) % 2)


def _broken(why: str) -> InputError:
    return InputError(f"a broken command: {why}", where="the association", remedy="speak DICOM PS3.7")

"""Units out of a stream of bytes, cut anywhere: type and length are judged before a byte of the body is kept."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gemel.core.errors import InputError
from gemel.service.node.pdu import ASSOCIATE_BYTES, HEADER, VALUE, Reason, Type

ROW, LEAST_VALUE_BYTES = 1024, 16
_TYPES = frozenset(map(int, Type))


class Fault(InputError):
    """The stream cannot be read on; the reason goes into the A-ABORT."""

    def __init__(self, reason: Reason, words: str) -> None:
        self.reason, self.words = reason, words
        super().__init__(words, where="the connection", remedy="speak DICOM PS3.8")


@dataclass
class Stream:
    """Where in a unit the stream stands. Short things are gathered in `partial`; data go to `fragment` as they come, never gathered here.

    unit: called with type and body of every unit but P-DATA; fragment: with context, control, piece, and whether the value ends with it.
    """

    unit: Callable[[int, memoryview], None]
    fragment: Callable[[int, int, memoryview, bool], None]
    longest: int
    kind: int = 0
    left: int = 0  # bytes of this unit that are to come
    value: tuple[int, int, int] | None = None  # bytes of this value that are to come, context, control
    partial: bytearray = field(default_factory=bytearray)
    values: int = 0  # of the present row of ROW values, and the bytes that they carried
    carried: int = 0

    @property
    def within(self) -> bool:
        """True in the middle of a unit."""
        return bool(self.left or self.partial)


def feed(stream: Stream, content: memoryview) -> None:
    """Reads what has come. Raises Fault."""
    while len(content):
        if not stream.left:
            content = _header(stream, content)
        elif stream.kind != Type.DATA:
            content = _body(stream, content)
        elif stream.value is None:
            content = _value(stream, content)
        else:
            content = _piece(stream, content)


def _gather(stream: Stream, content: memoryview, size: int) -> tuple[memoryview | None, memoryview]:
    """`size` bytes when they are there, and what is behind them."""
    if not stream.partial and len(content) >= size:
        return content[:size], content[size:]
    wanted = size - len(stream.partial)
    stream.partial += content[:wanted]
    if len(stream.partial) < size:
        return None, content[wanted:]
    whole = memoryview(bytes(stream.partial))
    stream.partial.clear()
    return whole, content[wanted:]


def _header(stream: Stream, content: memoryview) -> memoryview:
    whole, rest = _gather(stream, content, HEADER.size)
    if whole is None:
        return rest
    stream.kind, stream.left = HEADER.unpack(whole)
    _require_length(stream)
    return rest


def _require_length(stream: Stream) -> None:
    if stream.kind not in _TYPES:
        raise Fault(Reason.UNRECOGNISED_PDU, f"a unit of unknown type {stream.kind}")
    limit = {Type.DATA: stream.longest, Type.ASSOCIATE_RQ: ASSOCIATE_BYTES}.get(Type(stream.kind), 4)
    least = VALUE.size if stream.kind == Type.DATA else 4
    if not least <= stream.left <= limit:
        raise Fault(Reason.INVALID_VALUE, f"a unit of type {stream.kind} that claims {stream.left} bytes")


def _body(stream: Stream, content: memoryview) -> memoryview:
    whole, rest = _gather(stream, content, stream.left)
    if whole is not None:
        stream.left = 0
        stream.unit(stream.kind, whole)
    return rest


def _value(stream: Stream, content: memoryview) -> memoryview:
    if stream.left < VALUE.size:
        raise Fault(Reason.INVALID_VALUE, "a unit whose values do not fill it")
    whole, rest = _gather(stream, content, VALUE.size)
    if whole is None:
        return rest
    length, context, control = VALUE.unpack(whole)
    stream.left -= VALUE.size
    _require_content(stream, length)
    if not 2 <= length <= stream.left + 2:
        raise Fault(Reason.INVALID_VALUE, f"a value that claims {length} bytes of {stream.left + 2}")
    stream.value = length - 2, context, control
    if length == 2:
        _end(stream, content[:0])
    return rest


def _require_content(stream: Stream, length: int) -> None:
    """Values of next to nothing cost us more than their sender."""
    stream.values, stream.carried = stream.values + 1, stream.carried + length
    if stream.values == ROW:
        if stream.carried < ROW * LEAST_VALUE_BYTES:
            raise Fault(Reason.INVALID_VALUE, f"{ROW} values of less than {LEAST_VALUE_BYTES} bytes each")
        stream.values = stream.carried = 0


def _piece(stream: Stream, content: memoryview) -> memoryview:
    assert stream.value is not None
    length, context, control = stream.value
    piece = content[:length]
    stream.left -= len(piece)
    stream.value = length - len(piece), context, control
    if len(piece) == length:
        _end(stream, piece)
    else:
        stream.fragment(context, control, piece, False)
    return content[len(piece) :]


def _end(stream: Stream, piece: memoryview) -> None:
    assert stream.value is not None
    _, context, control = stream.value
    stream.value = None
    stream.fragment(context, control, piece, True)

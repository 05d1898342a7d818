"""Requests for an association and the answer to them (DICOM PS3.8 sections 9.3.2 and 9.3.3, annex D; PS3.7 annex D.3.3)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from struct import Struct

from gemel.core.errors import InputError
from gemel.service.node.pdu import HEADER, Type

APPLICATION_CONTEXT = "1.2.840.10008.3.1.1.1"
_FIXED = Struct(">H2x16s16s32x")
_ITEM = Struct(">BxH")
_VERSION_NAME = b"GEMEL"


@dataclass(frozen=True)
class Proposed:
    """One presentation context that is asked for."""

    number: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """A request: who calls whom, for what. longest: the greatest unit that the caller receives, 0 for any; roles: (SCU, SCP) by class."""

    version: int
    called: str
    calling: str
    application: str
    contexts: tuple[Proposed, ...]
    longest: int = 0
    roles: Mapping[str, tuple[int, int]] | None = None


@dataclass(frozen=True)
class Agreed:
    """The answer to one context: the transfer syntax, or, when `result` is not 0, why it is not taken (PS3.8 table 9-18)."""

    number: int
    abstract_syntax: str
    transfer_syntax: str
    result: int


def proposal(body: memoryview) -> Proposal:
    """Reads a request of a length that was limited before. Raises InputError for what is not one."""
    if len(body) < _FIXED.size:
        raise _broken("it is too short")
    version, called, calling = _FIXED.unpack_from(body)
    items = list(_items(body[_FIXED.size :]))
    user = _user([part for kind, part in items if kind == 0x50])
    contexts = tuple(_context(part) for kind, part in items if kind == 0x20)
    if len({context.number for context in contexts}) < len(contexts) or not all(context.number % 2 for context in contexts):
        raise _broken("numbers of contexts are even or given twice")
    application = next((_uid(part) for kind, part in items if kind == 0x10), "")
    return Proposal(version, _title(called), _title(calling), application, contexts, *user)


def agree(asked: Proposal, supported: Callable[[str], bool], syntaxes: frozenset[str]) -> list[Agreed]:
    """Takes each context of a supported class with the first of its transfer syntaxes that we read."""
    return [_agree(context, supported, syntaxes) for context in asked.contexts]


def accepted(asked: Proposal, agreed: Sequence[Agreed], ours: tuple[int, str], roles: Mapping[str, tuple[int, int]]) -> bytes:
    """A-ASSOCIATE-AC. `ours`: the greatest unit that we receive, and the UID of our implementation."""
    longest, implementation = ours
    user = _item(0x51, longest.to_bytes(4, "big")) + _item(0x52, implementation.encode()) + b"".join(_role(*role) for role in roles.items())
    user += _item(0x55, _VERSION_NAME)
    contexts = b"".join(_item(0x21, bytes((one.number, 0, one.result, 0)) + _item(0x40, one.transfer_syntax.encode())) for one in agreed)
    body = _FIXED.pack(1, asked.called.encode().ljust(16), asked.calling.encode().ljust(16))
    body += _item(0x10, APPLICATION_CONTEXT.encode()) + contexts + _item(0x50, user)
    return HEADER.pack(Type.ASSOCIATE_AC, len(body)) + body


def _agree(context: Proposed, supported: Callable[[str], bool], syntaxes: frozenset[str]) -> Agreed:
    if not supported(context.abstract_syntax):
        return Agreed(context.number, context.abstract_syntax, context.transfer_syntaxes[0], 3)
    chosen = next((syntax for syntax in context.transfer_syntaxes if syntax in syntaxes), None)
    return Agreed(context.number, context.abstract_syntax, chosen or context.transfer_syntaxes[0], 0 if chosen else 4)


def _context(part: memoryview) -> Proposed:
    if len(part) < 4:
        raise _broken("a context is too short")
    inner = list(_items(part[4:]))
    abstract = [_uid(value) for kind, value in inner if kind == 0x30]
    syntaxes = tuple(_uid(value) for kind, value in inner if kind == 0x40)
    if len(abstract) != 1 or not syntaxes:
        raise _broken("a context without one abstract and a transfer syntax")
    return Proposed(part[0], abstract[0], syntaxes)


def _user(parts: Sequence[memoryview]) -> tuple[int, Mapping[str, tuple[int, int]]]:
    """The caller's longest unit and the roles it asks for; other negotiation is left unanswered, which the standard lets us do."""
    longest, roles = 0, dict[str, tuple[int, int]]()
    for kind, value in (item for part in parts for item in _items(part)):
        if kind == 0x51 and len(value) == 4:
            longest = int.from_bytes(value, "big")
        elif kind == 0x54 and len(value) >= 4:
            length = int.from_bytes(value[:2], "big")
            if len(value) != length + 4:
                raise _broken("a role of a false length")
            roles[_uid(value[2 : 2 + length])] = value[2 + length], value[3 + length]
    return longest, roles


def _items(content: memoryview) -> Iterator[tuple[int, memoryview]]:
    at = 0
    while at < len(content):
        if len(content) - at < _ITEM.size:
            raise _broken("an item is cut short")
        kind, length = _ITEM.unpack_from(content, at)
        at += _ITEM.size
        if length > len(content) - at:
            raise _broken("an item is longer than what holds it")
        yield kind, content[at : at + length]
        at += length


def _uid(part: memoryview) -> str:
    text = bytes(part[:65]).rstrip(b"\0 ")
    if len(text) > 64 or text.strip(b"0123456789."):
        raise _broken("a UID of other characters or too long")
    return text.decode("ascii")


def _title(padded: bytes) -> str:
    """An AE title. Raises InputError when it holds what a title cannot (PS3.5 table 6.2-1)."""
    text = padded.strip(b" \0")
    if not text or any(byte < 0x20 or byte > 0x7E or byte == 0x5C for byte in text):
        raise _broken("an AE title that is empty or holds control characters")
    return text.decode("ascii")


def _item(kind: int, value: bytes) -> bytes:
    return _ITEM.pack(kind, len(value)) + value


def _role(uid: str, role: tuple[int, int]) -> bytes:
    return _item(0x54, len(uid).to_bytes(2, "big") + uid.encode() + bytes(role))


def _broken(why: str) -> InputError:
    return InputError(f"a broken request for an association: {why}", where="the connection", remedy="speak DICOM PS3.8")

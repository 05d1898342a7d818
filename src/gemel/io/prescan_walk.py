"""One pass over the elements of a data set: lengths, nesting, order checked; nothing is allocated by what a length claims, no recursion."""

from collections import deque
from collections.abc import Set
from dataclasses import dataclass
from struct import Struct

from gemel.core.errors import InputError
from gemel.io.prescan_rules import AGAIN, DEPTH, ELEMENTS, LONG, PIXELS, SHORT, UNDEFINED, Form, fault, sequences

ITEM, ITEM_END, SEQUENCE_END = 0xFFFEE000, 0xFFFEE00D, 0xFFFEE0DD
Span = tuple[int, int]
"""First byte and number of bytes."""
Place = tuple[bytes, int, int]
"""VR as written (empty when the syntax writes none), first byte, number of bytes."""


Token = tuple[int, int, bytes, int, int]
"""One thing met: what (VALUE, SEQUENCE, ITEM, END of either), tag, VR, first byte, number of bytes."""
Bytes = bytes | memoryview
VALUE, SEQUENCE, IN_ITEM, END = range(4)


@dataclass(frozen=True)
class Walked:
    """Where the wanted elements of the top level lie, and the fragments of encapsulated pixels, their offset table first."""

    places: dict[int, Place]
    fragments: tuple[Span, ...]


def walk(
    data: Bytes, form: Form, *, span: Span, wanted: Set[int] = frozenset(), groups: Span = (8, 0xFFFF), tokens: list[Token] | None = None
) -> Walked:
    """All elements from byte `span[0]` to `span[1]`, in the way PS3.5 §7 writes them; with `tokens`, all of them are also listed there.

    Each length lies within what holds it; every VR is known and its length a whole number of values; sequences nest at most DEPTH deep and
    end where they say; tags of the top level ascend, none twice, within `groups`. Raises InputError with the element and its place.
    """
    start, limit = span
    nested, note = sequences(), (deque(maxlen=0) if tokens is None else tokens).append
    places: dict[int, Place] = {}
    fragments: tuple[Span, ...] = ()
    explicit_header, plain_header = Struct(form.order + "HH2sH").unpack_from, Struct(form.order + "HHI").unpack_from
    long_length = Struct(form.order + "I").unpack_from
    stack: list[tuple[int, bool, bool, bool]] = []
    position, open_ended, among_items, explicit, previous, count = start, False, False, form.explicit, (groups[0] << 16) - 1, 0
    while True:
        if position >= limit:
            if open_ended:
                raise fault("a sequence or item without its end", 0, position, form.where)
            if not stack:
                return Walked(places, fragments)
            limit, open_ended, among_items, explicit = stack.pop()
            note((END, 0, b"", position, 0))
            continue
        count += 1
        if limit - position < 8 or count > ELEMENTS:
            raise _ended(position, limit, count, form)
        vr = b""
        if among_items or not explicit:
            group, element, length = plain_header(data, position)
        else:
            group, element, vr, length = explicit_header(data, position)
        tag, begin = group << 16 | element, position + 8
        if among_items or group == 0xFFFE:
            (length,) = long_length(data, position + 4)
            if tag == ITEM and among_items:
                stack.append((limit, open_ended, True, explicit))
                among_items, open_ended = False, length == UNDEFINED
                limit = limit if open_ended else _within(tag, position, begin, length, limit, form)
            elif length == 0 and open_ended and tag == (SEQUENCE_END if among_items else ITEM_END):
                limit, open_ended, among_items, explicit = stack.pop()
            else:
                raise fault("a delimiter or element out of place in a sequence", tag, position, form.where)
            note((IN_ITEM if tag == ITEM else END, tag, b"", begin, 0))
            position = begin
            continue
        if vr:
            unit = SHORT.get(vr)
            if unit is None:
                if vr not in LONG or limit - position < 12:
                    raise fault(f"an unknown VR {vr!r}", tag, position, form.where)
                (length,), begin = long_length(data, position + 8), position + 12
            elif length % unit:
                raise fault(f"{length} bytes of a VR {vr.decode()} of {unit} each", tag, position, form.where)
        if not stack:
            if tag <= previous or group > groups[1]:
                raise fault("a tag out of order, twice, or of a group that does not belong here", tag, position, form.where)
            previous = tag
            if tag in wanted or group >> 8 == 0x60:
                places[tag] = (vr, begin, length)
        if length == UNDEFINED and tag == PIXELS and vr in (b"OB", b"OW", b"") and form.encapsulated:
            note((VALUE, tag, vr, begin, length))
            pieces, position = _fragments(data, begin, limit, form)
            count += len(pieces)
            fragments = fragments if stack else pieces
        elif length == UNDEFINED or vr == b"SQ" or (vr in (b"", b"UN") and tag in nested):
            _require_nestable(vr, len(stack), tag, position, form)
            stack.append((limit, open_ended, False, explicit))
            among_items, open_ended, explicit = True, length == UNDEFINED, explicit and vr == b"SQ"
            limit, position = limit if open_ended else _within(tag, position, begin, length, limit, form), begin
            note((SEQUENCE, tag, vr, begin, length))
        else:
            position = _within(tag, position, begin, length, limit, form)
            note((VALUE, tag, vr, begin, length))


def _require_nestable(vr: bytes, depth: int, tag: int, position: int, form: Form) -> None:
    """A sequence, or an unknown VR of undefined length, which is one written implicitly (PS3.5 §6.2.2); not deeper than DEPTH."""
    if depth >= 2 * DEPTH:
        raise fault(f"sequences nested deeper than {DEPTH}", tag, position, form.where)
    if vr not in (b"", b"SQ", b"UN") or (vr == b"UN" and not form.little):
        raise fault(f"an undefined length of VR {vr.decode()}", tag, position, form.where)


def _within(tag: int, position: int, begin: int, length: int, limit: int, form: Form) -> int:
    """Where a value of that length ends."""
    if length > limit - begin:
        raise fault(
            f"an element that claims {length} bytes and has {limit - begin}: truncated, or a false length", tag, position, form.where
        )
    return begin + length


def _ended(position: int, limit: int, count: int, form: Form) -> InputError:
    found = f"more than {ELEMENTS} elements" if count > ELEMENTS else f"{limit - position} bytes left over after an element"
    return InputError(found, where=f"{form.where}, byte {position}", remedy=AGAIN)


def _fragments(data: Bytes, begin: int, limit: int, form: Form) -> tuple[tuple[Span, ...], int]:
    """The fragments of encapsulated pixels, each within the bytes that remain, and where they end (PS3.5 §A.4)."""
    header, position = Struct(form.order + "HHI").unpack_from, begin
    pieces: list[Span] = []
    while limit - position >= 8 and len(pieces) <= ELEMENTS:
        group, element, length = header(data, position)
        tag = group << 16 | element
        position += 8
        if tag == SEQUENCE_END and length == 0:
            return tuple(pieces), position
        if tag != ITEM or length > limit - position:
            raise fault(f"a fragment of {length} bytes where {limit - position} remain", tag, position - 8, form.where)
        pieces.append((position, length))
        position += length
    raise fault("encapsulated pixels without their end", PIXELS, begin, form.where)

"""A peer of the node that says exactly what it is told to, right or wrong, over a socket."""

import socket
import ssl
import struct
from dataclasses import dataclass

CT, VERIFICATION = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.1"
EXPLICIT, IMPLICIT = "1.2.840.10008.1.2.1", "1.2.840.10008.1.2"
CONTEXTS = ((1, VERIFICATION, (IMPLICIT,)), (3, CT, (EXPLICIT,)))
APPLICATION = "1.2.840.10008.3.1.1.1"
ABORT, ACCEPTED, REJECTED, RELEASED = 7, 2, 3, 6
Contexts = tuple[tuple[int, str, tuple[str, ...]], ...]


def item(kind: int, value: bytes) -> bytes:
    """An item or sub-item of a request for an association."""
    return struct.pack(">BxH", kind, len(value)) + value


def unit(kind: int, body: bytes, claimed: int | None = None) -> bytes:
    """A unit; `claimed` lies about its length."""
    return struct.pack(">BxI", kind, len(body) if claimed is None else claimed) + body


def request(
    contexts: Contexts = CONTEXTS,
    *,
    calling: str = "TESTER",
    called: str = "GEMEL",
    longest: int = 16384,
    user: bytes = b"",
    extra: bytes = b"",
) -> bytes:
    """A-ASSOCIATE-RQ."""
    body = struct.pack(">H2x16s16s32x", 1, called.encode().ljust(16), calling.encode().ljust(16)) + item(0x10, APPLICATION.encode())
    for number, abstract, syntaxes in contexts:
        inner = item(0x30, abstract.encode()) + b"".join(item(0x40, syntax.encode()) for syntax in syntaxes)
        body += item(0x20, bytes((number, 0, 0, 0)) + inner)
    return unit(1, body + extra + item(0x50, item(0x51, longest.to_bytes(4, "big")) + item(0x52, b"1.2.3") + user))


def command(field: int, *, sop_class: str = VERIFICATION, instance: str = "", data: bool = False, message: int = 1) -> bytes:
    """A command set."""
    elements = {
        0x0002: _uid(sop_class),
        0x0100: _short(field),
        0x0110: _short(message),
        0x0700: _short(0),
        0x0800: _short(1 if data else 0x0101),
    }
    if instance:
        elements[0x1000] = _uid(instance)
    body = b"".join(struct.pack("<HHI", 0, tag, len(value)) + value for tag, value in sorted(elements.items()))
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def fragment(context: int, control: int, content: bytes) -> bytes:
    """One presentation data value; control bits: 1 command, 2 last."""
    return struct.pack(">IBB", len(content) + 2, context, control) + content


def data(context: int, control: int, content: bytes) -> bytes:
    """P-DATA-TF of one value."""
    return unit(4, fragment(context, control, content))


def echo() -> bytes:
    """A whole C-ECHO request."""
    return data(1, 3, command(0x0030))


def store(content: bytes, instance: str, *, sop_class: str = CT, context: int = 3, size: int = 65536) -> bytes:
    """A whole C-STORE request."""
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    ends = [0] * (len(pieces) - 1) + [2]
    return data(context, 3, command(0x0001, sop_class=sop_class, instance=instance, data=True)) + b"".join(
        data(context, end, piece) for piece, end in zip(pieces, ends, strict=True)
    )


@dataclass
class Wire:
    """A connection to the node."""

    socket: socket.socket

    def send(self, content: bytes) -> None:
        """Sends; a node that has closed already is no error here."""
        try:
            self.socket.sendall(content)
        except OSError:
            return

    def unit(self) -> tuple[int, bytes]:
        """The next unit, or (0, b"") when the node has closed."""
        head = self._read(6)
        if len(head) < 6:
            return 0, b""
        kind, length = struct.unpack(">BxI", head)
        return kind, self._read(length)

    def status(self) -> int:
        """The status of the response that comes next; -1 for another unit or none."""
        kind, body = self.unit()
        return _status(body[6:]) if kind == 4 else -1

    def _read(self, size: int) -> bytes:
        content = b""
        while len(content) < size:
            try:
                piece = self.socket.recv(size - len(content))
            except (ConnectionError, ssl.SSLError):
                return content
            if not piece:
                return content
            content += piece
        return content


def connect(port: int, timeout_s: float = 5.0) -> Wire:
    """A connection without an association."""
    connected = socket.create_connection(("127.0.0.1", port), timeout_s)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Wire(connected)


def associated(port: int, contexts: Contexts = CONTEXTS, **asked: object) -> Wire:
    """A connection with an association."""
    wire = connect(port)
    wire.send(request(contexts, **asked))  # type: ignore[arg-type]
    kind, _ = wire.unit()
    if kind != ACCEPTED:
        wire.socket.close()
    assert kind == ACCEPTED, kind
    return wire


def echoed(port: int) -> bool:
    """True when a whole association with one C-ECHO succeeds."""
    wire = associated(port)
    with wire.socket:
        wire.send(echo())
        answered = wire.status() == 0
        wire.send(unit(5, bytes(4)))
        return answered and wire.unit()[0] == RELEASED


def _status(content: bytes) -> int:
    at = 0
    while at < len(content):
        _, tag, length = struct.unpack_from("<HHI", content, at)
        if tag == 0x0900:
            return int.from_bytes(content[at + 8 : at + 8 + length], "little")
        at += 8 + length
    return -1


def _uid(text: str) -> bytes:
    return text.encode() + b"\0" * (len(text) % 2)


def _short(number: int) -> bytes:
    return number.to_bytes(2, "little")

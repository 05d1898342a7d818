"""What a peer without manners does to a DICOM port. Each attack takes the port and a size, and returns what came of it."""

import random
import socket
import struct
import time
from collections.abc import Callable, Iterable

from tests.unit.service import node_wire as wire
from tests.unit.service.slices import bare, ct_slice

Attack = Callable[[int, int], str]
ENDS = {
    0: "closed",
    wire.ABORT: "A-ABORT",
    wire.REJECTED: "A-ASSOCIATE-RJ",
    wire.ACCEPTED: "accepted",
    wire.RELEASED: "A-RELEASE-RP",
    4: "answered",
}
SLICE = bare(ct_slice(1, Rows=64, Columns=64))


def _end(line: wire.Wire, *contents: bytes) -> str:
    """Sends, and says how the node ended it."""
    with line.socket:
        for content in contents:
            line.send(content)
        return ENDS[line.unit()[0]]


def _all(ends: Iterable[str]) -> str:
    return ", ".join(sorted(set(ends)))


def request_of_4_gib(port: int, size: int) -> str:
    """A-ASSOCIATE-RQ that claims 4 GiB, and as much as the node takes."""
    line = wire.connect(port)
    with line.socket:
        line.send(wire.unit(1, b"", claimed=0xFFFFFFFF))
        try:
            for _ in range(64):
                line.socket.sendall(bytes(1 << 20))
        except OSError:
            return "closed before 64 MiB"
    return "took 64 MiB"


def data_of_4_gib(port: int, size: int) -> str:
    """P-DATA-TF that claims 4 GiB."""
    return _end(wire.associated(port), wire.unit(4, b"", claimed=0xFFFFFFFF))


def value_of_4_gib(port: int, size: int) -> str:
    """A value that claims 4 GiB within a unit of 12 bytes."""
    return _end(wire.associated(port), wire.unit(4, struct.pack(">IBB", 0xFFFFFFFF, 3, 0) + bytes(6)))


def values_that_lie(port: int, size: int) -> str:
    """Values of length 0 and 1, longer than their unit, and units that values do not fill."""
    lies = [struct.pack(">IBB", length, 1, 3) for length in (0, 1, 7)] + [wire.fragment(1, 1, b"") + b"\0\0\0", b"\0"]
    return _all(_end(wire.associated(port), wire.unit(4, lie)) for lie in lies)


def data_first(port: int, size: int) -> str:
    """P-DATA-TF, A-RELEASE-RQ, A-RELEASE-RP, A-ASSOCIATE-AC and -RJ before any association."""
    return _all(_end(wire.connect(port), unit) for unit in (wire.echo(), *(wire.unit(kind, bytes(4)) for kind in (2, 3, 5, 6))))


def unknown_units(port: int, size: int) -> str:
    """Units of types that do not exist."""
    return _all(_end(make(port), wire.unit(kind, bytes(4))) for kind in (0, 8, 0x16, 0xFF) for make in (wire.connect, wire.associated))


def unexpected_units(port: int, size: int) -> str:
    """A second request, and answers that nobody asked for, within an association."""
    units = [wire.request(), *(wire.unit(kind, bytes(4)) for kind in (2, 3, 6))]
    return _all(_end(wire.associated(port), unit) for unit in units)


def release_collisions(port: int, size: int) -> str:
    """Two A-RELEASE-RQ at once, one in the middle of a message, one with an A-RELEASE-RP behind it."""
    half = wire.store(SLICE, "1.2.826.0.1.1.1.1")[:-100]
    release = wire.unit(5, bytes(4))
    return _all(
        _end(wire.associated(port), content) for content in (release * 2, half[: 6 + 200] + release, release + wire.unit(6, bytes(4)))
    )


def idle_connections(port: int, size: int) -> str:
    """Many connections that say nothing."""
    lines = [wire.connect(port) for _ in range(10 * size)]
    answered = wire.echoed(port)
    time.sleep(1.2)
    for line in lines:
        line.socket.close()
    return f"{len(lines)} held, C-ECHO {'answered' if answered else 'lost'}"


def idle_associations(port: int, size: int) -> str:
    """Many associations that say nothing."""
    lines = [wire.associated(port) for _ in range(4 * size)]
    answered = wire.echoed(port)
    gone = 0
    while gone < len(lines) and _ended(lines[gone]):
        gone += 1
    for line in lines:
        line.socket.close()
    return f"the first {gone} of {len(lines)} ended to make room, C-ECHO {'answered' if answered else 'lost'}"


def _ended(line: wire.Wire) -> bool:
    line.socket.settimeout(0.2)
    try:
        return line.unit()[0] == wire.ABORT
    except TimeoutError:
        return False


def slow_requests(port: int, size: int) -> str:
    """Requests for associations, a byte at a time."""
    return _drip([wire.connect(port) for _ in range(size)], wire.request())


def slow_objects(port: int, size: int) -> str:
    """Objects, a byte at a time."""
    return _drip([wire.associated(port) for _ in range(min(size, 50))], wire.store(SLICE, "1.2.826.0.1.1.1.1"))


def _drip(lines: list[wire.Wire], content: bytes) -> str:
    start_s = time.monotonic()
    for byte in content[:40]:
        for line in lines:
            line.send(bytes((byte,)))
        time.sleep(0.05)
    ends = [ENDS[line.unit()[0]] for line in lines]
    for line in lines:
        line.socket.close()
    return f"{_all(ends)} within {'5' if time.monotonic() - start_s < 5.5 else 'more than 5'} s"


def half_open(port: int, size: int) -> str:
    """The sending half closed: after connecting, after the request, in the middle of an object."""
    ends = []
    for content in (b"", wire.request(), wire.request() + wire.store(SLICE, "1.2.826.0.1.1.1.1")[:5000]):
        line = wire.connect(port)
        line.send(content)
        line.socket.shutdown(socket.SHUT_WR)
        ends.append(_drained(line))
    return _all(ends)


def _drained(line: wire.Wire) -> str:
    with line.socket:
        while line.unit()[0]:
            pass
    return "closed"


def resets(port: int, size: int) -> str:
    """Connections reset in the middle of an object."""
    for _ in range(size):
        line = wire.associated(port)
        line.send(wire.store(SLICE, "1.2.826.0.1.1.1.1")[:6000])
        line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        line.socket.close()
    return "nothing kept"


def abort_storm(port: int, size: int) -> str:
    """Associations that are aborted as soon as they are there."""
    for _ in range(3 * size):
        line = wire.associated(port)
        line.send(wire.unit(wire.ABORT, bytes(4)))
        line.socket.close()
    return "closed"


def connection_storm(port: int, size: int) -> str:
    """Connections that are closed at once."""
    for _ in range(10 * size):
        wire.connect(port).socket.close()
    return "closed"


def single_bytes(port: int, size: int) -> str:
    """An object in values of one byte, each in a unit of its own."""
    return _end(wire.associated(port), wire.store(SLICE, "1.2.826.0.1.1.1.1", size=1))


def empty_values(port: int, size: int) -> str:
    """Values without content, without end."""
    flood = wire.data(1, 1, b"") * 1000
    line = wire.associated(port)
    return _end(line, *([flood] * (2 * size)), wire.data(1, 3, wire.command(0x0030)))


def long_requests(port: int, size: int) -> str:
    """Requests of 128 contexts of 60 transfer syntaxes, of 200 contexts, of 1 MiB and of more."""
    many = tuple((number % 256 | 1, wire.CT, (wire.EXPLICIT,) * 60) for number in range(1, 257, 2))
    double = (*many, (1, wire.CT, (wire.EXPLICIT,)))
    padding = wire.item(0x77, bytes(65000)) * 17
    return _all(
        _end(wire.connect(port), content)
        for content in (wire.request(many), wire.request(double), wire.request(extra=padding), wire.unit(1, bytes((1 << 20) + 1)))
    )


def longest_units_of_nothing(port: int, size: int) -> str:
    """Peers that receive units of at most 0 (any), 1, 6, 7 and 4294967295 bytes."""
    ends = []
    for longest in (0, 1, 6, 7, 0xFFFFFFFF):
        line = wire.connect(port)
        ends.append(f"{longest}: {_end(line, wire.request(longest=longest))}")
    return ", ".join(ends)


def broken_requests(port: int, size: int) -> str:
    """Requests with bytes changed, cut and doubled at random."""
    draw, ends = random.Random(1), []
    for _ in range(3 * size):
        body = bytearray(wire.request()[6:])
        for _ in range(draw.randint(1, 8)):
            body[draw.randrange(len(body))] = draw.randrange(256)
        body = body[: draw.randint(1, len(body))] if draw.random() < 0.3 else body
        ends.append(_end(wire.connect(port), wire.unit(1, bytes(body))))
    return _all(ends)


def broken_commands(port: int, size: int) -> str:
    """Commands with bytes changed at random, and one without end."""
    draw, ends = random.Random(2), []
    for _ in range(size):
        content = bytearray(wire.command(0x0001, sop_class=wire.CT, instance="1.2.3", data=True))
        for _ in range(draw.randint(1, 6)):
            content[draw.randrange(len(content))] = draw.randrange(256)
        ends.append(_end(wire.associated(port), wire.data(3, 3, bytes(content)), wire.data(3, 2, b"xx")))
    ends.append(_end(wire.associated(port), *([wire.data(1, 1, bytes(16000))] * 6)))
    return _all(ends)


def mixed_messages(port: int, size: int) -> str:
    """Data without a command, a command within data, a message in two contexts, a context that was not accepted."""
    asked = wire.data(3, 1, wire.command(0x0001, sop_class=wire.CT, instance="1.2.3", data=True)[:20])
    whole = wire.data(3, 3, wire.command(0x0001, sop_class=wire.CT, instance="1.2.3", data=True))
    contents = (wire.data(3, 2, b"xx"), whole + wire.data(3, 0, b"xx") + whole, asked + wire.data(1, 0, b"xx"), wire.data(99, 3, b"xx"))
    return _all(_end(wire.associated(port), content) for content in contents)


def never_reads(port: int, size: int) -> str:
    """A peer that asks for echoes and never reads an answer."""
    line = wire.associated(port)
    line.socket.settimeout(5)
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    with line.socket:
        try:
            for _ in range(500 * size):
                line.socket.sendall(wire.echo() * 50)
        except OSError:
            return "closed"
    return "read on"


def endless_object(port: int, size: int) -> str:
    """An object that never ends."""
    line = wire.associated(port)
    line.send(wire.data(3, 3, wire.command(0x0001, sop_class=wire.CT, instance="1.2.3", data=True)))
    piece = wire.data(3, 0, bytes(100_000))
    with line.socket:
        try:
            for _ in range(3000):
                line.socket.sendall(piece)
        except OSError:
            return "closed before 300 MB"
    return "took 300 MB"


def words_after_the_last(port: int, size: int) -> str:
    """Bytes without end behind a release."""
    line = wire.associated(port)
    with line.socket:
        line.send(wire.unit(5, bytes(4)))
        try:
            for _ in range(100):
                line.socket.sendall(bytes(1 << 20))
        except OSError:
            return "closed before 100 MiB"
    return "took 100 MiB"


def strange_titles(port: int, size: int) -> str:
    """AE titles of control characters, paths, markup, nothing."""
    return ", ".join(_end(wire.connect(port), wire.request(calling=title)) for title in ("\x1b[2J", "", "../../etc", "<script>", "a\\b"))


def other_protocols(port: int, size: int) -> str:
    """HTTP and TLS at a DICOM port."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200)
    return _all(_end(wire.connect(port), content) for content in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", hello))


def sent_ahead(port: int, size: int) -> str:
    """Objects sent ahead without waiting for answers."""
    line = wire.associated(port)
    with line.socket:
        line.socket.settimeout(10)
        for number in range(1, 31):
            line.send(wire.store(bare(ct_slice(number, series=9)), f"1.2.826.0.1.1.9.{number}"))
        return f"{sum(line.status() == 0 for _ in range(30))} of 30 kept"


ATTACKS: tuple[Attack, ...] = (
    request_of_4_gib,
    data_of_4_gib,
    value_of_4_gib,
    values_that_lie,
    data_first,
    unknown_units,
    unexpected_units,
    release_collisions,
    idle_connections,
    idle_associations,
    slow_requests,
    slow_objects,
    half_open,
    resets,
    abort_storm,
    connection_storm,
    single_bytes,
    empty_values,
    long_requests,
    longest_units_of_nothing,
    broken_requests,
    broken_commands,
    mixed_messages,
    never_reads,
    endless_object,
    words_after_the_last,
    strange_titles,
    other_protocols,
    sent_ahead,
)

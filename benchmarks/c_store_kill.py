"""Kills the DICOM node with SIGKILL at random moments while four associations send; is anything acknowledged lost, anything torn?

Claim: 0 acknowledged objects lost, 0 torn in 200 kills. The node has two receiving processes; in every other run one of them alone is
killed first, while the senders go on and connect again, then the service. Each run continues in the folder that the kill before left.
Every run's acknowledged objects are read back byte for byte after the next start, all that is found is whole, and at the end the index
is made again from the segments alone and finds the same.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gemel.service.archive import Archive, open_archive
from gemel.service.node import pdu
from gemel.service.node.scp_command import AFFECTED_CLASS, AFFECTED_INSTANCE, DATA_TYPE, FIELD, MESSAGE, STATUS

CT, EXPLICIT = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.1.2.1"
LONG = 131072
SERVE = """
import sys, pathlib
from gemel.service.archive import open_archive
from gemel.service.node import start
from gemel.service.node.front_limits import Limits
from gemel.service.settings import Settings
folder = pathlib.Path(sys.argv[1])
archive = open_archive(folder / "archive", segment_bytes=int(sys.argv[2]))
node = start(Settings(store="unused", folder=folder, dicom_port=0), archive, limits=Limits(receivers=int(sys.argv[3])))
sys.stdout.write(f"{node.port}\\n")
sys.stdout.flush()
sys.stdin.read()
"""


@dataclass
class Told:
    """SHA-256 of the data sets that were acknowledged, by SOP Instance UID; how many were sent; whether the service is there."""

    hashes: dict[str, str] = field(default_factory=dict)
    sent: int = 0
    there: bool = True


def element(group: int, number: int, vr: bytes, value: bytes) -> bytes:
    """An explicit little endian element."""
    padded = value + (b"\0" if vr in (b"UI", b"OW") else b" ") * (len(value) % 2)
    length = struct.pack("<HI", 0, len(padded)) if vr == b"OW" else struct.pack("<H", len(padded))
    return struct.pack("<HH", group, number) + vr + length + padded


def made(uid: str, series: int, pixels: bytes) -> bytes:
    """A data set of a made-up slice."""
    short = struct.Struct("<H").pack
    return b"".join(
        (
            element(8, 0x16, b"UI", CT.encode()),
            element(8, 0x18, b"UI", uid.encode()),
            element(8, 0x60, b"CS", b"CT"),
            element(0x10, 0x10, b"PN", b"Killed^Often"),
            element(0x10, 0x20, b"LO", b"KILL"),
            element(0x20, 0x0D, b"UI", b"1.2.826.0.9.1"),
            element(0x20, 0x0E, b"UI", f"1.2.826.0.9.1.{series}".encode()),
            element(0x28, 2, b"US", short(1)),
            element(0x28, 4, b"CS", b"MONOCHROME2"),
            element(0x28, 0x10, b"US", short(len(pixels) // 512)),
            element(0x28, 0x11, b"US", short(256)),
            element(0x28, 0x100, b"US", short(16)),
            element(0x28, 0x101, b"US", short(16)),
            element(0x28, 0x102, b"US", short(15)),
            element(0x28, 0x103, b"US", short(1)),
            element(0x7FE0, 0x10, b"OW", pixels),
        )
    )


def asked(number: int, uid: str) -> bytes:
    """The command of a C-STORE."""
    padded = {AFFECTED_CLASS: CT.encode() + b"\0", AFFECTED_INSTANCE: uid.encode() + b"\0" * (len(uid) % 2)}
    shorts = {FIELD: 1, MESSAGE: number % 65536, 0x0700: 0, DATA_TYPE: 1}
    elements = padded | {tag: struct.pack("<H", value) for tag, value in shorts.items()}
    body = b"".join(struct.pack("<HHI", 0, tag, len(value)) + value for tag, value in sorted(elements.items()))
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def request() -> bytes:
    """A request for an association of one context."""

    def item(kind: int, value: bytes) -> bytes:
        return struct.pack(">BxH", kind, len(value)) + value

    context = item(0x20, bytes((1, 0, 0, 0)) + item(0x30, CT.encode()) + item(0x40, EXPLICIT.encode()))
    body = struct.pack(">H2x16s16s32x", 1, b"GEMEL".ljust(16), b"KILLER".ljust(16)) + item(0x10, b"1.2.840.10008.3.1.1.1")
    body += context + item(0x50, item(0x51, LONG.to_bytes(4, "big")) + item(0x52, b"1.2.3"))
    return pdu.HEADER.pack(1, len(body)) + body


def unit(line: socket.socket) -> bytes:
    """The body of the next unit. Raises ConnectionError when there is none."""
    return exactly(line, pdu.HEADER.unpack(exactly(line, 6))[1])


def exactly(line: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        piece = line.recv(size - len(content))
        if not piece:
            raise ConnectionError("closed")
        content += piece
    return content


def status(body: bytes) -> int:
    """The status of a response."""
    at = 6
    while at < len(body):
        _, tag, length = struct.unpack_from("<HHI", body, at)
        if tag == STATUS:
            return int.from_bytes(body[at + 8 : at + 8 + length], "little")
        at += 8 + length
    return -1


def send_until_killed(port: int, series: int, seed: int, told: Told) -> None:
    """One association after the other, as long as the service is there."""
    draw = random.Random(seed)
    while told.there:
        send(port, series, draw, told)
        time.sleep(0.01)


def send(port: int, series: int, draw: random.Random, told: Told) -> None:
    """One association; a hash is noted only after the response has come."""
    seed = draw.getrandbits(40)
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 10) as line:
        line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line.sendall(request())
        unit(line)
        for number in range(1 << 30):
            uid = f"1.2.826.0.9.1.{series}.{seed}.{number}"
            content = made(uid, series, draw.randbytes(512 * draw.randint(8, 1000)))
            line.sendall(pdu.data(1, asked(number, uid), command=True, longest=LONG) + pdu.data(1, content, command=False, longest=LONG))
            told.sent += 1
            if status(unit(line)) == 0:
                told.hashes[uid] = hashlib.sha256(content).hexdigest()


def killed_run(folder: Path, draw: random.Random, settings: tuple[int, int], *, part: bool) -> Told:
    """One start, four senders, one kill at a random moment after the first acknowledgement; at times in the very start.

    settings: bytes of a segment, receiving processes; part: one of these is killed first.
    """
    command = [sys.executable, "-c", SERVE, folder, *map(str, settings)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    told = Told()
    assert process.stdout is not None
    port = int(process.stdout.readline())
    senders = [threading.Thread(target=send_until_killed, args=(port, series, draw.getrandbits(40), told)) for series in range(1, 5)]
    for sender in senders:
        sender.start()
    while not told.hashes:
        time.sleep(0.001)
    if part:
        time.sleep(draw.random() * 0.3)
        os.kill(draw.choice(children(process.pid)), signal.SIGKILL)
    time.sleep(draw.random() * 0.5)
    told.there = False
    process.send_signal(signal.SIGKILL)
    process.communicate()
    for sender in senders:
        sender.join()
    if process.returncode != -signal.SIGKILL:
        raise SystemExit(f"the node ended with {process.returncode} before it was killed")
    return told


def children(pid: int) -> list[int]:
    """The receiving processes of a service."""
    return [int(child) for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def found(archive: Archive, since: int) -> Iterator[tuple[str, str]]:
    """UID and hash of the data set of what is found; reading verifies each."""
    offset = since
    while rows := archive.find("instance", {}, limit=1000, offset=offset):
        for row in rows:
            content = archive.read(row["SOPInstanceUID"])
            yield row["SOPInstanceUID"], hashlib.sha256(content[content.index(b"\x08\0\x16\0UI") :]).hexdigest()
        offset += len(rows)


def without_index(archive: Path) -> set[str]:
    """What is found when the index is made again from the segments alone."""
    for file in archive.glob("index.db*"):
        file.unlink()
    again = open_archive(archive)
    uids = {uid for uid, _ in found(again, 0)}
    again.close()
    return uids


@dataclass
class Tally:
    """What all runs told and what was found of it."""

    kills: int = 0
    parts: int = 0
    sent: int = 0
    found: int = 0
    lost: int = 0
    torn: int = 0
    told: set[str] = field(default_factory=set)


def checked_run(folder: Path, draw: random.Random, settings: tuple[int, int], tally: Tally) -> None:
    """One kill, and what is there after it."""
    part = settings[1] > 1 and tally.kills % 2 == 1
    run = killed_run(folder, draw, settings, part=part)
    tally.parts += part
    archive = open_archive(folder / "archive", segment_bytes=settings[0])
    there = dict(found(archive, tally.found))
    archive.close()
    tally.lost += sum(uid not in there for uid in run.hashes)
    tally.torn += sum(there[uid] != hashed for uid, hashed in run.hashes.items() if uid in there)
    tally.kills, tally.sent, tally.found = tally.kills + 1, tally.sent + run.sent, tally.found + len(there)
    tally.told |= run.hashes.keys()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--minutes", type=float, default=60.0, help="no new kill after so long")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--segment-mb", type=int, default=64)
    parser.add_argument("--receivers", type=int, default=2)
    asked_for = parser.parse_args()
    draw, tally, start_s = random.Random(asked_for.seed), Tally(), time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        while tally.kills < asked_for.kills and time.monotonic() - start_s < 60 * asked_for.minutes:
            checked_run(Path(name), draw, (asked_for.segment_mb << 20, asked_for.receivers), tally)
        again = without_index(Path(name) / "archive")
    result = {
        "kills": tally.kills,
        "of_a_receiver": tally.parts,
        "sent": tally.sent,
        "acknowledged": len(tally.told),
        "found": tally.found,
        "lost": tally.lost + len(tally.told - again),
        "torn": tally.torn,
        "found_without_index": len(again),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

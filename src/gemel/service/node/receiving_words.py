"""What the service and its receiving processes say to one another: packets of JSON over a socket pair, some with a file along."""

import json
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from struct import Struct
from typing import Any

from gemel.service.node.front_body import Room
from gemel.service.node.front_limits import Limits
from gemel.service.node.front_negotiation import Negotiator
from gemel.service.node.front_peers import Allowed
from gemel.service.node.receiving_memory import slots_of
from gemel.service.node.scp_command import Command
from gemel.service.node.scp_request import Answer, Request
from gemel.service.settings import Tls

PACKET_BYTES = 128 * 1024
QUEUE_BYTES = 1 << 20  # asked of the system for what is under way
_TEXT = json.JSONEncoder(separators=(",", ":"))
_FILE = Struct("i")  # a file's number in SCM_RIGHTS (unix(7))
Words = Mapping[str, Any]


def pair() -> tuple[socket.socket, socket.socket]:
    """Two ends, each packet whole and in order (SOCK_SEQPACKET, unix(7))."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for end in ends:
        end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, QUEUE_BYTES)
    return ends


def say(end: socket.socket, words: Words, file: int = -1, *, flags: int = 0) -> None:
    """Sends a packet, and a file with it. Raises OSError when the other end is gone, or has no room and `flags` do not wait."""
    content = _TEXT.encode(words).encode()
    along = [] if file < 0 else [(socket.SOL_SOCKET, socket.SCM_RIGHTS, _FILE.pack(file))]
    end.sendmsg([content], along, flags)


def hear(end: socket.socket, *, flags: int = 0) -> tuple[dict[str, Any], int]:
    """The next packet and the file that came with it, or -1. Raises EOFError when the other end is gone."""
    try:
        content, along, _, _ = end.recvmsg(PACKET_BYTES, socket.CMSG_SPACE(_FILE.size), flags | socket.MSG_CMSG_CLOEXEC)
    except ConnectionError as error:
        raise EOFError from error
    if not content:
        raise EOFError
    told: dict[str, Any] = json.loads(content)
    return told, next((int(_FILE.unpack(held)[0]) for *_, held in along), -1)


def of_negotiator(negotiator: Negotiator) -> Words:
    """Who is let in, and for what."""
    named = {name: sorted(getattr(negotiator, name)) for name in ("supported", "syntaxes", "turned")}
    plain = {name: getattr(negotiator, name) for name in ("aet", "unit_bytes", "implementation", "called_must_match")}
    return {**plain, **named, "allowed": [asdict(one) for one in negotiator.allowed]}


def negotiator_of(words: Words) -> Negotiator:
    """The same, read back."""
    allowed = tuple(Allowed(one["aet"], tuple(one["networks"]), one["certificate"]) for one in words["allowed"])
    named = {name: frozenset(words[name]) for name in ("supported", "syntaxes", "turned")}
    return Negotiator(**{**words, **named, "allowed": allowed})


def of_room(room: Room) -> Words:
    """Where great objects wait, and the limits."""
    return {"folder": str(room.folder), "limits": asdict(room.limits)}


def room_of(words: Words) -> Room:
    """The same, with memory that the service can read."""
    limits = Limits(**words["limits"])
    return Room(Path(words["folder"]), limits, slots=slots_of(limits.spooled_bytes))


def of_tls(tls: Tls | None) -> Words | None:
    """The files of a certificate."""
    return {name: None if path is None else str(path) for name, path in asdict(tls).items()} if tls else None


def tls_of(words: Words | None) -> Tls | None:
    """The same, read back."""
    if words is None:
        return None
    return Tls(Path(words["certificate"]), Path(words["key"]), Path(words["authorities"]) if words["authorities"] else None)


def of_request(request: Request) -> list[Any]:
    """A message without its data set, as a row: of each object there is one."""
    command = request.command
    asked = [command.field, command.message, command.sop_class, command.sop_instance, command.has_data, list(command.numbers.items())]
    caller = [request.calling, request.called, request.host]
    return [asked, request.abstract_syntax, request.transfer_syntax, *caller, request.failed, request.sha256.hex(), request.line]


def request_of(row: Sequence[Any], data: memoryview) -> Request:
    """The same, read back, with its data set."""
    asked, abstract, transfer, calling, called, host, failed, hashed, line = row
    command = Command(asked[0], asked[1], asked[2], asked[3], asked[4], dict(asked[5]))
    return Request(command, data, abstract, transfer, calling, called, host, failed, bytes.fromhex(hashed), line)


def of_answer(answer: Answer) -> Words:
    """An answer."""
    return {"status": answer.status, "data": answer.data.hex(), "comment": answer.comment}


def answer_of(words: Words) -> Answer:
    """The same, read back."""
    return Answer(words["status"], bytes.fromhex(words["data"]), words["comment"])

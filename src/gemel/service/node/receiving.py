"""Receiving processes, seen from the service: it accepts, hands each connection to one of them, and answers what they ask.

The service alone judges and writes, so that all that holds of one process holds of several: one order of objects, one flush for all that
wait, one index. What is done beside the disk, speaking with peers, gathering and hashing, is done on all cores. A process that dies takes
its connections with it and is replaced; what it had not been told of was never acknowledged.
"""

import asyncio
import itertools
import logging
import mmap
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from gemel.service.node import receiving_words
from gemel.service.node.front_connection import Shared
from gemel.service.node.front_limits import share
from gemel.service.node.front_offload import Offload
from gemel.service.node.receiving_memory import mapped
from gemel.service.node.receiving_words import hear, say
from gemel.service.node.scp_request import Answer
from gemel.service.settings import Settings

LOG = logging.getLogger("gemel.node")
ACCEPTED = 64  # connections in one turn of the loop
AGAIN_S = 0.05  # until it is looked again whether there is somebody to receive
SHORT_LIFE_S = 2.0  # who dies sooner is not replaced at once
ANSWER_S = 1.0  # for the counts
END_S = 3.0
FIRST_S = 15.0  # all are waited for at the start


@dataclass(eq=False)
class Receiver:
    """One process. lines: who is connected to it, by the connection's number; slots: memory that it gathers objects in; counted: who
    waits for its counts, by the question's number."""

    process: "subprocess.Popen[bytes]"
    end: socket.socket
    since_s: float
    ready: bool = False
    lines: dict[int, str] = field(default_factory=dict)
    slots: dict[int, mmap.mmap] = field(default_factory=dict)
    counted: "dict[int, Future[dict[str, Any]]]" = field(default_factory=dict)


@dataclass
class Staff:
    """All receiving processes of a node; `hearing` are the threads that attend to them."""

    wanted: int
    first_words: receiving_words.Words
    offload: Offload
    since_s: float = field(default_factory=time.monotonic)
    receivers: list[Receiver] = field(default_factory=list)
    hearing: set[threading.Thread] = field(default_factory=set)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    turn: threading.Lock = field(default_factory=threading.Lock)
    ending: threading.Event = field(default_factory=threading.Event)


def begin(settings: Settings, shared: Shared, offload: Offload, *, wanted: int) -> Staff:
    """Starts the processes; they are ready a moment later."""
    room = replace(shared.room, limits=share(shared.room.limits, wanted))
    told = {"negotiator": receiving_words.of_negotiator(shared.negotiator), "room": receiving_words.of_room(room)}
    staff = Staff(wanted, {**told, "tls": receiving_words.of_tls(settings.tls)}, offload)
    for _ in range(wanted):
        _hire(staff)
    return staff


def _hire(staff: Staff) -> None:
    """Another process. Raises OSError where the system gives none."""
    ours, theirs = receiving_words.pair()
    with theirs:
        command = [sys.executable, "-m", "gemel.service.node.receiving_child", str(theirs.fileno())]
        try:
            process = subprocess.Popen(command, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL)
        except OSError:
            ours.close()
            raise
    receiver = Receiver(process, ours, time.monotonic())
    thread = threading.Thread(target=_attend, args=(staff, receiver), name="dicom receiver", daemon=True)
    with staff.turn:
        staff.receivers.append(receiver)
        staff.hearing.add(thread)
        if staff.ending.is_set():  # `close` may have looked already
            process.kill()
    with suppress(OSError):  # it may be gone, as who hears it finds
        say(ours, staff.first_words)
    thread.start()


def _attend(staff: Staff, receiver: Receiver) -> None:
    """Hears one process until it is gone, then puts another in its place. One that is not understood is ended: its peers would wait on."""
    try:
        with suppress(EOFError):
            while True:
                _heard(staff, receiver, *hear(receiver.end))
    except Exception:
        LOG.exception("what a receiving process said")
        receiver.process.kill()
    _part(staff, receiver)
    _replace(staff, SHORT_LIFE_S if time.monotonic() - receiver.since_s < SHORT_LIFE_S else 0)
    staff.hearing.discard(threading.current_thread())


def _part(staff: Staff, receiver: Receiver) -> None:
    """Its connections have ended with it."""
    with staff.turn:
        staff.receivers.remove(receiver)
    receiver.end.close()
    for line in list(receiver.lines):  # the loop's thread may be about to hand it another
        staff.offload.left(line)
    status = receiver.process.wait()
    if not staff.ending.is_set():
        LOG.error("a receiving process ended with %d; another takes its place", status)


def _replace(staff: Staff, wait_s: float) -> None:
    """Another process, as soon as the system gives one."""
    while not staff.ending.wait(wait_s):
        try:
            _hire(staff)
            return
        except OSError as error:
            LOG.error("no receiving process can be started: %s", error.strerror)
            wait_s = SHORT_LIFE_S


def _heard(staff: Staff, receiver: Receiver, told: dict[str, Any], file: int) -> None:
    if "ask" in told:
        _asked(staff, receiver, told, file)
    elif "left" in told:
        receiver.lines.pop(told["left"], None)
        staff.offload.left(told["left"])
    elif "counted" in told:
        if (asked := receiver.counted.pop(told["of"], None)) is not None:  # else it came too late
            asked.set_result(told["counted"])
    elif "refused" in told:
        staff.offload.refused(*told["refused"])
    elif "ready" in told:
        receiver.ready = True


def _asked(staff: Staff, receiver: Receiver, told: dict[str, Any], file: int) -> None:
    """A message: done beside the network, as if it had come to this process."""
    for number in told.get("gone", ()):
        receiver.slots.pop(number, None)
    answer = partial(_answer, receiver, told["ask"])
    request = receiving_words.request_of(told["request"], _data(receiver, told, file))
    staff.offload.run_now(request, answer)


def _data(receiver: Receiver, told: dict[str, Any], file: int) -> memoryview:
    length, slot = told["bytes"], told["slot"]
    if slot and file >= 0:
        receiver.slots[slot] = mapped(file)
    elif file >= 0:
        try:
            return memoryview(mmap.mmap(file, length, access=mmap.ACCESS_READ))
        finally:
            os.close(file)
    return memoryview(receiver.slots[slot])[:length] if slot else memoryview(b"")


def _answer(receiver: Receiver, asked: int, answer: Answer) -> None:
    with suppress(OSError):  # it may be gone, and its peer with it
        say(receiver.end, {"told": asked, "answer": receiving_words.of_answer(answer)})


def accept(staff: Staff, listening: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    """Takes connections that wait and hands each to the process that has the fewest of its peer, then of all."""
    for _ in range(ACCEPTED):
        if not _attended(staff):
            _pause(staff, listening, loop)
            return
        try:
            line, address = listening.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        except OSError as error:  # such as too many open files: those who wait are taken later
            LOG.error("no connection can be taken: %s", error.strerror)
            _pause(staff, listening, loop)
            return
        with line:
            _hand(staff, line, str(address[0]))


def _attended(staff: Staff) -> bool:
    """All are there, or some when it is late: the first connections are to be spread too."""
    ready = sum(receiver.ready for receiver in staff.receivers)
    return ready >= staff.wanted or (ready > 0 and time.monotonic() - staff.since_s > FIRST_S)


def _pause(staff: Staff, listening: socket.socket, loop: asyncio.AbstractEventLoop) -> None:
    loop.remove_reader(listening)
    loop.call_later(AGAIN_S, loop.add_reader, listening, accept, staff, listening, loop)


def _hand(staff: Staff, line: socket.socket, host: str) -> None:
    """A process that has no room for another word has no time either; where none has, the connection is closed."""
    with staff.turn:
        ready = [receiver for receiver in staff.receivers if receiver.ready]
    number = next(staff.numbers)
    for receiver in sorted(ready, key=lambda one: (Counter(list(one.lines.values()))[host], len(one.lines))):
        receiver.lines[number] = host
        try:
            say(receiver.end, {"take": number}, line.fileno(), flags=socket.MSG_DONTWAIT)
            return
        except OSError:
            receiver.lines.pop(number, None)


def counts(staff: Staff) -> list[dict[str, Any]]:
    """What each process has counted; one that does not answer is left out."""
    with staff.turn:
        asked = {next(staff.numbers): receiver for receiver in staff.receivers if receiver.ready}
    futures = {number: _count(receiver, number) for number, receiver in asked.items()}
    end_s = time.monotonic() + ANSWER_S
    found = []
    for number, future in futures.items():
        with suppress(OSError, TimeoutError):
            found.append(future.result(max(end_s - time.monotonic(), 0.0)))
        asked[number].counted.pop(number, None)
    return found


def _count(receiver: Receiver, number: int) -> "Future[dict[str, Any]]":
    """Asks one process; several may ask at once."""
    receiver.counted[number] = future = Future[dict[str, Any]]()
    try:
        say(receiver.end, {"count": number}, flags=socket.MSG_DONTWAIT)
    except OSError as error:
        future.set_exception(error)
    return future


def close(staff: Staff) -> None:
    """Ends all of them; peers are told, and what was handed over is kept."""
    staff.ending.set()
    with staff.turn:
        receivers = list(staff.receivers)
    for receiver in receivers:
        with suppress(OSError):
            say(receiver.end, {"end": True}, flags=socket.MSG_DONTWAIT)
    for receiver in receivers:
        try:
            receiver.process.wait(END_S)
        except subprocess.TimeoutExpired:
            receiver.process.kill()
            receiver.process.wait()
    for thread in [one for one in list(staff.hearing) if one.is_alive()]:
        thread.join(END_S)

"""The process that decodes compressed frames, as the service sees it: asked one question at a time, replaced when it does not answer."""

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from threading import BoundedSemaphore, Lock
from typing import Any

from gemel.core.errors import InputError
from gemel.service.dicomweb.line import standing_in

_CHILD = resources.files("gemel.service.dicomweb").joinpath("decode_child.py")
_LONGEST_S = 10.0  # of one answer: the child stops itself after five
_REMEDY = "retrieve the object itself, or send it in Explicit VR Little Endian"
_CHUNK = 1 << 20


@dataclass
class Decoder:
    """One waiting process, begun at the first question; it ends by itself when nobody asks, and with the service."""

    turn: Lock = field(default_factory=Lock)
    line: BoundedSemaphore = field(default_factory=lambda: BoundedSemaphore(20))
    process: subprocess.Popen[bytes] | None = None

    def ask(self, question: bytes, where: str) -> tuple[dict[str, Any], bytes]:
        """Shape and type, and pixels. Raises InputError when the frame cannot be decoded within its limits, HTTPException 429 when too
        many ask."""
        with standing_in(self.line), self.turn:
            try:
                content = _answer(self._running(), question)
            except (OSError, EOFError) as error:
                self._stop()
                raise InputError(f"pixels that could not be decoded ({error})", where=where, remedy=_REMEDY) from error
        head, _, pixels = content.partition(b"\n")
        said = json.loads(head)
        if "error" in said:
            raise InputError(f"pixels that cannot be decoded ({said['error']})", where=where, remedy=_REMEDY)
        return said, pixels

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None or _has_words(self.process):
            self._stop()
            command, few = [sys.executable, "-I", "-W", "ignore", str(_CHILD)], {"OPENBLAS_NUM_THREADS": "1"}
            self.process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, env=few, start_new_session=True
            )
        return self.process

    def _stop(self) -> None:
        if self.process is not None and self.process.stdin and self.process.stdout:
            self.process.kill()
            self.process.wait()
            self.process.stdin.close()
            self.process.stdout.close()
        self.process = None


@cache
def decoder() -> Decoder:
    """The one of this process."""
    return Decoder()


def _has_words(process: subprocess.Popen[bytes]) -> bool:
    """Whether it says something that nobody asked for, or has closed its end."""
    return process.stdout is None or bool(select.select([process.stdout.fileno()], [], [], 0)[0])


def _answer(process: subprocess.Popen[bytes], question: bytes) -> bytes:
    assert process.stdin
    assert process.stdout
    message = memoryview(len(question).to_bytes(8, "little") + question)
    while message:
        message = message[os.write(process.stdin.fileno(), message[:_CHUNK]) :]
    until = time.monotonic() + _LONGEST_S
    size = int.from_bytes(_exactly(process.stdout.fileno(), 8, until), "little")
    return _exactly(process.stdout.fileno(), size, until)


def _exactly(descriptor: int, size: int, until: float) -> bytes:
    """Raises EOFError when the other end is gone or too slow."""
    parts, left = [], size
    while left:
        if not select.select([descriptor], [], [], max(until - time.monotonic(), 0))[0]:
            raise EOFError("it took too long")
        part = os.read(descriptor, min(left, _CHUNK))
        if not part:
            raise EOFError("the decoder ended")
        parts.append(part)
        left -= len(part)
    return b"".join(parts)

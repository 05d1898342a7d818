"""Compressed frames decoded apart from the service, each in a process with little memory and time: codecs read a stranger's bytes.

Run as a script, apart from the package. It waits with all loaded and forks for each question: a codec that is stopped, or goes wrong, takes
nothing with it. On the pipes: 8 bytes of length, then a line of JSON and the encapsulated frame in; the same with pixels out.
"""

import json
import os
import resource
import select
import signal
import sys
from typing import Any, BinaryIO

MEMORY_BYTES = 448 << 20  # private memory of one decoder
LONGEST_S, CPU_S = 5, 4
IDLE_S = 60.0


def confine() -> None:
    """Limits on memory, time and files, which cannot be raised again. POSIX setrlimit, alarm."""
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_S, CPU_S))
    for none in (resource.RLIMIT_FSIZE, resource.RLIMIT_CORE):
        resource.setrlimit(none, (0, 0))
    signal.alarm(LONGEST_S)


def decode(said: dict[str, Any], encoded: bytes) -> tuple[dict[str, Any], bytes]:
    """The frame as RGB or as grey values, little endian, and its shape and type."""
    import numpy as np
    from pydicom.pixels.decoders.base import get_decoder

    options: Any = {"pixel_keyword": "PixelData", "number_of_frames": 1, **said}
    found, _ = get_decoder(options.pop("transfer_syntax")).as_array(encoded, index=0, **options)
    little = np.ascontiguousarray(found.astype(found.dtype.newbyteorder("<"), copy=False))
    return {"shape": little.shape, "type": little.dtype.str}, little.tobytes()


def answer(question: bytes) -> bytes:
    """The pixels, or words about why there are none."""
    line, _, encoded = question.partition(b"\n")
    try:
        head, pixels = decode(json.loads(line), encoded)
    except Exception as error:  # noqa: BLE001  whatever a codec raises is told to the parent, which goes on
        head, pixels = {"error": f"{type(error).__name__}: {str(error)[:300]}"}, b""
    return json.dumps(head).encode() + b"\n" + pixels


def tell(pipe: BinaryIO, content: bytes) -> None:
    """One message."""
    pipe.write(len(content).to_bytes(8, "little"))
    pipe.write(content)
    pipe.flush()


def serve(questions: BinaryIO, answers: BinaryIO) -> None:
    """One fork a question, until nobody asks any more."""
    while select.select([questions], [], [], IDLE_S)[0]:
        size = questions.read(8)
        if len(size) < 8:
            return
        question = questions.read(int.from_bytes(size, "little"))
        child = os.fork()
        if child == 0:
            confine()
            content = answer(question)
            signal.alarm(0)
            tell(answers, content)
            os._exit(0)
        del question
        _, status = os.waitpid(child, 0)
        if status:
            tell(answers, json.dumps({"error": f"the decoder was stopped by its limits (status {status})"}).encode() + b"\n")


def main() -> int:
    """Loads what decoding needs, once."""
    import numpy  # noqa: F401
    import pydicom.pixels.decoders.pillow
    import pydicom.pixels.decoders.pyjpegls
    import pydicom.pixels.decoders.rle  # noqa: F401

    serve(sys.stdin.buffer, sys.stdout.buffer)
    return 0


if __name__ == "__main__":
    sys.exit(main())

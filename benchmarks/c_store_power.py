"""Cuts the power at random moments while the archive of received objects is written: is anything acknowledged lost, anything torn?

Claim: 0 acknowledged objects lost, 0 torn. The method, and the shim that logs every write and flush, are those of `store_power.py`: what no
flush covers is absent, there, or there in some of its 512-byte sectors. Needs a C compiler and Linux.
"""

import hashlib
import os
import random
from pathlib import Path

from c_store_kill import EXPLICIT, found, made
from store_power import cut

from gemel.core.errors import GemelError
from gemel.io.prescan import scan
from gemel.service.archive import open_archive
from gemel.service.archive.part10 import head

SEGMENT_BYTES = 300_000


def work(folder: Path, rounds: int, seed: int) -> None:
    """The run that is logged: objects alone and in groups, queries, three starts; a line in `told` after each acknowledgement."""
    draw = random.Random(seed)
    told = os.open(folder / "told", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for part in range(3):
        archive = open_archive(folder / "archive", segment_bytes=SEGMENT_BYTES)
        for number in range(rounds):
            group = {f"1.2.826.0.9.1.{part}.{number}.{i}": draw.randbytes(512 * draw.randint(1, 60)) for i in range(draw.randint(1, 4))}
            contents = {uid: made(uid, 1 + part, pixels) for uid, pixels in group.items()}
            waiting = []
            for uid, content in contents.items():
                prefix = head("1.2.840.10008.5.1.4.1.1.2", uid, EXPLICIT, "POWER")
                scanned = scan(content, transfer_syntax=EXPLICIT)
                waiting.append(archive.submit(prefix, memoryview(content), scanned, source="power", here=number % 2 == 0))
            for future in waiting:
                future.result()
            lines = [f"{uid} {hashlib.sha256(content).hexdigest()}\n" for uid, content in contents.items()]
            os.write(told, "".join(lines).encode())
            if draw.random() < 0.2:
                archive.find("study", {})
        archive.close()


def judge(folder: Path, told: list[list[str]]) -> dict[str, int]:
    """What is missing, torn or doubled on a disk after the power came back."""
    try:
        archive = open_archive(folder / "archive", segment_bytes=SEGMENT_BYTES)
        there = dict(found(archive, 0))
        apart = len(archive.quarantined())
        archive.close()
    except GemelError:
        return {"lost": len(told), "torn": 1, "quarantined": 0, "found": 0}
    lost, torn = sum(uid not in there for uid, _ in told), sum(there.get(uid, hashed) != hashed for uid, hashed in told)
    return {"lost": lost, "torn": torn, "quarantined": apart, "found": len(there)}


if __name__ == "__main__":
    cut(__file__, __doc__, work, judge, rounds=25)

"""Cuts the power at random moments while the archive of received objects is written: is anything acknowledged lost, anything torn?

Claim: 0 acknowledged objects lost, 0 torn. The method, and the shim that logs every write and flush, are those of `store_power.py`: what no
flush covers is absent, there, or there in some of its 512-byte sectors. Needs a C compiler and Linux.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from c_store_kill import EXPLICIT, found, made
from store_power import STYLES, acknowledged, cut_power, play, read_log, written

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


def logged(folder: Path, rounds: int, seed: int) -> tuple[list[tuple[str, int, int, bytes]], str]:
    """The log of one run under the shim, and its folder."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None or not sys.platform.startswith("linux"):
        raise SystemExit("no C compiler, or not Linux: the shim cannot be built")
    shim, log, root = folder / "shim.so", folder / "log", folder / "disk"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", shim, Path(__file__).with_name("store_power_shim.c")], check=True)
    root.mkdir()
    environment = os.environ | {"LD_PRELOAD": str(shim), "POWER_ROOT": str(root), "POWER_LOG": str(log)}
    run = [sys.executable, __file__, "--work", str(root), "--rounds", str(rounds), "--seed", str(seed)]
    subprocess.run(run, env=environment, check=True)
    return read_log(log), str(root)


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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cuts", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without-flushes", action="store_true", help="a disk that ignores fsync: the loss must be seen")
    parser.add_argument("--work", default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.work:
        work(Path(asked.work), asked.rounds, asked.seed)
        return
    draw, total = random.Random(asked.seed), defaultdict[str, int](int)
    with tempfile.TemporaryDirectory() as name:
        log, root = logged(Path(name), asked.rounds, asked.seed)
        for cut in range(asked.cuts):
            end, image = draw.randint(1, len(log)), Path(name) / "image"
            disk = play(log[:end], root, flushes=not asked.without_flushes)
            cut_power(disk, STYLES[cut % len(STYLES)], draw)
            image.mkdir()
            written(disk, root, image)
            told = acknowledged(log[:end], root)
            for what, count in (judge(image, told) | {"acknowledged": len(told)}).items():
                total[what] += count
            shutil.rmtree(image)
    flushes = sum(kind == "s" for kind, *_ in log)
    print(json.dumps({"cuts": asked.cuts, "operations": len(log), "flushes": flushes, **total}))


if __name__ == "__main__":
    main()

"""Stops a database server at once, in the middle of commits, again and again, and looks for anything acknowledged that was lost.

Claim: 0 acknowledged events or artefacts lost when the server dies; the writer is told by a StoreError, and goes on after a restart.
`--stop` is a command that ends the server without a last checkpoint (pg_ctl stop -m immediate: PostgreSQL 15 documentation, pg_ctl),
`--start` one that returns once it takes connections again (pg_ctl start -w).
"""

import argparse
import json
import os
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from store_kill import looked_at, write_until_killed

from gemel.core.errors import StoreError

CUT_OFF = 3  # exit code of a writer that was told


def stopped_run(url: str, folder: Path, stop: Callable[[], object], delay_s: float, seed: int) -> list[list[str]]:
    """What a writer acknowledged before the server was stopped, `delay_s` after its first acknowledgement."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            write_until_killed(url, folder, writer, seed)
        except StoreError:
            os._exit(CUT_OFF)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as stream:
        lines = [stream.readline()]
        time.sleep(delay_s)
        stop()
        lines += stream.readlines()
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != CUT_OFF:
        raise SystemExit("the writer was not told that the server had gone")
    return [line.split() for line in lines if line.endswith("\n")]


def measure(url: str, times: int, stop: Callable[[], object], start: Callable[[], object], seed: int = 1) -> dict[str, int]:
    """So many stops and starts, and what is there in the end."""
    draw, told = random.Random(seed), list[list[str]]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "artefacts"
        for i in range(times):
            told += stopped_run(url, folder, stop, draw.uniform(0.0, 0.3), i)
            start()
        return {"stops": times, "acknowledged": len(told)} | looked_at(url, folder, told)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", required=True, help="an empty database")
    parser.add_argument("--stop", required=True)
    parser.add_argument("--start", required=True)
    parser.add_argument("--times", type=int, default=10)
    asked = parser.parse_args()

    def done(command: str) -> Callable[[], object]:
        return lambda: subprocess.run(command, shell=True, check=True)

    print(json.dumps(measure(asked.url, asked.times, done(asked.stop), done(asked.start))))


if __name__ == "__main__":
    main()

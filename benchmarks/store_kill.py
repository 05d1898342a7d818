"""Kills a writer with SIGKILL at random moments and looks for anything acknowledged that was lost, or torn.

Claim: 0 acknowledged events or artefacts lost and 0 torn files under a final name, whenever the process dies, in a file as on a server.
"""

import argparse
import json
import os
import random
import signal
import sqlite3
import tempfile
import time
from pathlib import Path

import gemel.store
from gemel.store import artefacts as kept


def write_until_killed(url: str, folder: Path, acknowledge: int, seed: int) -> None:
    """Puts an artefact and its event, again and again; each hash is written to the pipe only after `append` has returned."""
    draw = random.Random(seed)
    with gemel.store.open(url, artefacts=folder) as store:
        while True:
            name = store.artefacts.put(draw.randbytes(draw.randint(1, 200_000)))
            event = store.append(f"twin {draw.randint(1, 3)}", "Ingested", {"n": draw.random()}, actor="writer", outputs=[name])
            os.write(acknowledge, f"{event.hash} {name}\n".encode())


def killed_run(url: str, folder: Path, patience: int, delay_s: float, seed: int) -> list[list[str]]:
    """What a writer acknowledged before it was killed, `delay_s` after its acknowledgement number `patience`."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            write_until_killed(url, folder, writer, seed)
        finally:
            os._exit(1)
    os.close(writer)
    with os.fdopen(reader) as stream:
        lines = [stream.readline() for _ in range(patience)]
        time.sleep(delay_s)
        os.kill(child, signal.SIGKILL)
        if os.waitpid(child, 0)[1] != signal.SIGKILL:
            raise SystemExit("the writer ended before it was killed")
        lines += stream.readlines()
    return [line.split() for line in lines if line.endswith("\n")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", default=None)
    parser.add_argument("--url", default=None, help="an empty database of a server, to use instead of a new file")
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    told: list[list[str]] = []
    seen: set[Path] = set()
    torn = 0
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        path, place = Path(folder) / "twins.db", Path(folder) / "artefacts"
        url = asked.url or f"sqlite:///{path}"
        for kill in range(asked.kills):
            told += killed_run(url, place, draw.randint(0, 12), draw.expovariate(100.0), kill)
            new = set(kept.stored(kept.Artefacts(place))) - seen  # looked at before the next start sweeps
            torn += sum(not kept.is_whole(file) for file in new)
            seen |= new
        result = {"kills": asked.kills, "acknowledged": len(told), "torn": torn} | looked_at(url, place, told)
        if not asked.url:
            result["integrity"] = sqlite3.connect(path).execute("PRAGMA integrity_check").fetchone()[0]
    print(json.dumps(result))


def looked_at(url: str, folder: Path, told: list[list[str]]) -> dict[str, int]:
    """What is there of what was acknowledged."""
    with gemel.store.open(url, artefacts=folder) as store:
        events = {event.hash: event for twin in store.twins() for event in store.events(twin)}
        lost = sum(hash not in events or kept.find(store.artefacts, name) is None for hash, name in told)
        findings = store.check(artefacts=True)
        return {"events": len(events), "lost": lost, "quarantined": len(store.swept.quarantined), "findings": len(findings)}


if __name__ == "__main__":
    main()

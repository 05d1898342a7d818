"""Durable appends a second (write-ahead log, every commit flushed before it is acknowledged), and the time to verify what was written.

Peer: the same bytes inserted into a bare SQLite table with the same settings, which is the most that this disk and library allow.
"""

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gemel.store

PAYLOAD = {"kind": "bladder_volume_mL", "value": [182.5], "sd": [9.0], "source": "1.2.826.0.1.3680043.8.498.1"}
GROUP = 20


def per_second(count: int, act: Callable[[int], object]) -> float:
    start_s = time.perf_counter()
    for i in range(count):
        act(i)
    return count / (time.perf_counter() - start_s)


def bare(path: Path, count: int, body: str) -> float:
    """Inserts a second into a table without chain, checks or triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (sequence INTEGER PRIMARY KEY, body TEXT)")
    rate = per_second(count, lambda i: connection.execute("INSERT INTO event (body) VALUES (?)", (body,)))
    connection.close()
    return rate


def group(store: gemel.store.Store) -> None:
    """Events committed together: one flush for all."""
    with store.together():
        for i in range(GROUP):
            store.append(f"patient {i}", "Observed", PAYLOAD, actor="benchmark", seed=i)


def measure(folder: Path, count: int) -> dict[str, float]:
    with gemel.store.open(folder / "twins.db") as store:
        store.append("patient", "Observed", PAYLOAD, actor="benchmark")  # creates the environment's artefact
        gemel_1_s = per_second(count, lambda i: store.append(f"patient {i % 50}", "Observed", PAYLOAD, actor="benchmark", seed=i))
        grouped_1_s = GROUP * per_second(count // GROUP, lambda i: group(store))
        start_s = time.perf_counter()
        whole = store.verify()
        verify_s = time.perf_counter() - start_s
    body = json.dumps(PAYLOAD) + "x" * 600
    return {
        "gemel_1_s": gemel_1_s,
        "grouped_1_s": grouped_1_s,
        "bare_1_s": bare(folder / "bare.db", count, body),
        "verify_1_s": (1 + count + count // GROUP * GROUP) / verify_s,
        "whole": whole,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--folder", default=None, help="on the disk to measure; default: the system's temporary folder")
    asked = parser.parse_args()
    runs = []
    for _ in range(asked.repeats):
        with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
            runs.append(measure(Path(folder), asked.events))
    median = {name: statistics.median(run[name] for run in runs) for name in runs[0]}
    spread = f"{min(run['gemel_1_s'] for run in runs):.0f} to {max(run['gemel_1_s'] for run in runs):.0f}"
    print(f"durable appends: {median['gemel_1_s']:.0f} events/s (median of {asked.repeats}, {spread}; target 800)")
    print(f"{GROUP} together:     {median['grouped_1_s']:.0f} events/s")
    print(f"bare SQLite:     {median['bare_1_s']:.0f} rows/s, ratio {median['gemel_1_s'] / median['bare_1_s']:.2f}")
    print(f"verify:          {median['verify_1_s']:.0f} events/s, whole: {all(run['whole'] for run in runs)}")


if __name__ == "__main__":
    main()

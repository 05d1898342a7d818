"""Durable appends a second (write-ahead log, every commit flushed before it is acknowledged), alone and in groups, and what they cost.

Peer: the same bytes inserted into a bare SQLite table with the same settings, one row a commit, which is the most that this disk and
library allow. The two take turns within each round, so that both meet the same disk in the same moments. In memory (/dev/shm) nothing
waits for a disk: that shows the processor's part.
"""

import argparse
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import gemel.store

PAYLOAD = {"kind": "bladder_volume_mL", "value": [182.5], "sd": [9.0], "source": "1.2.826.0.1.3680043.8.498.1"}
GROUPS = (1, 10, 100)
MEMORY = Path("/dev/shm")


def bare(path: Path) -> sqlite3.Connection:
    """A table without chain, checks or triggers."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE event (sequence INTEGER PRIMARY KEY, body TEXT)")
    return connection


def insert(connection: sqlite3.Connection, body: str, count: int) -> None:
    for _ in range(count):
        connection.execute("INSERT INTO event (body) VALUES (?)", (body,))


def append(store: gemel.store.Store, count: int, group: int) -> None:
    """Events of fifty twins; those of a group are committed together, by one flush."""
    for start in range(0, count, group):
        with store.together():
            for i in range(start, start + group):
                store.append(f"patient {i % 50}", "Observed", PAYLOAD, actor="benchmark", seed=i)


def timed(act: Callable[[], object], count: int) -> tuple[float, float]:
    """Seconds of clock and of processor an event."""
    wall_s, cpu_s = time.perf_counter(), time.process_time()
    act()
    return (time.perf_counter() - wall_s) / count, (time.process_time() - cpu_s) / count


def measure(folder: Path, count: int) -> dict[str, tuple[float, float]]:
    """One round: bare rows, then events alone and in groups."""
    found = {}
    with gemel.store.open(folder / "twins.db") as store:
        store.append("patient", "Observed", PAYLOAD, actor="benchmark")  # creates the environment's artefact
        body = str(store.rows.select("SELECT body FROM event")[0][0])
        connection = bare(folder / "bare.db")
        found["bare SQLite"] = timed(lambda: insert(connection, body, count), count)
        for group in GROUPS:
            found[f"gemel, {group} a commit"] = timed(lambda group=group: append(store, count, group), count)
        found["bare SQLite again"] = timed(lambda: insert(connection, body, count), count)
        connection.close()
        events = 1 + len(GROUPS) * count
        found["verify"] = timed(lambda: require_whole(store), events)
    return found


def require_whole(store: gemel.store.Store) -> None:
    if not store.verify():
        raise SystemExit("the record is not whole")


def table(place: str, rounds: list[dict[str, tuple[float, float]]]) -> None:
    """Medians over the rounds; the ratio is taken within each round, to the mean of its two bare runs."""
    print(f"{place}, median of {len(rounds)} rounds (least to most)")
    for name in rounds[0]:
        rates = [1 / found[name][0] for found in rounds]
        peers = [2 / (found["bare SQLite"][0] + found["bare SQLite again"][0]) for found in rounds]
        ratio = statistics.median(rate / peer for rate, peer in zip(rates, peers, strict=True))
        cpu_us = 1e6 * statistics.median(found[name][1] for found in rounds)
        spread = f"({min(rates):.0f} to {max(rates):.0f})"
        print(f"  {name:22s} {statistics.median(rates):8.0f}/s {spread:20s} {cpu_us:6.0f} us CPU   {ratio:6.2f} of bare")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=500, help="a round, a multiple of 100")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--folder", default=None, help="on the disk to measure; default: the system's temporary folder")
    asked = parser.parse_args()
    for place in (asked.folder or tempfile.gettempdir(), *([str(MEMORY)] if MEMORY.is_dir() else [])):
        rounds = []
        for _ in range(asked.repeats):
            with tempfile.TemporaryDirectory(dir=place) as folder:
                rounds.append(measure(Path(folder), asked.events))
        table(place, rounds)


if __name__ == "__main__":
    main()

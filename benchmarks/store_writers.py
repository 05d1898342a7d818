"""Many processes commit to one twin at once, each only on the version it has seen.

Claim: versions are contiguous, 0 updates lost, and the chain is whole, in a file as on a server.
"""

import argparse
import json
import multiprocessing
import tempfile
import time

import gemel.store
from gemel.core.errors import ConflictError

TWIN = "shared"


def write(url: str, who: int, commits: int) -> int:
    """Commits until `commits` were accepted; returns how often another was faster."""
    conflicts = done = 0
    with gemel.store.open(url, busy_s=600) as store:
        while done < commits:
            seen = store.version(TWIN)
            try:
                store.append(TWIN, "Observed", {"who": who, "n": done, "seen": seen}, expected_version=seen)
                done += 1
            except ConflictError:
                conflicts += 1
    return conflicts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--writers", type=int, default=16)
    parser.add_argument("--commits", type=int, default=1000)
    parser.add_argument("--url", default=None, help="a record to use instead of a new file")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = asked.url or f"sqlite:///{folder}/twins.db"
        gemel.store.open(url).close()
        start_s = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(asked.writers) as pool:
            conflicts = sum(pool.starmap(write, [(url, who, asked.commits) for who in range(asked.writers)]))
        wall_s = time.perf_counter() - start_s
        with gemel.store.open(url) as store:
            events = store.events(TWIN)
            everything = {(who, n) for who in range(asked.writers) for n in range(asked.commits)}
            result = {
                "commits": asked.writers * asked.commits,
                "contiguous": [event.version for event in events] == list(range(1, len(everything) + 1)),
                "lost": len(everything - {(event.payload["who"], event.payload["n"]) for event in events}),
                "stale": sum(event.payload["seen"] != event.version - 1 for event in events),
                "conflicts_retried": conflicts,
                "whole": store.verify(),
                "commits_1_s": round(len(events) / wall_s),
            }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""Objects sent three times, shuffled, by several processes at once; some UIDs come with two contents.

Claim: the state is the one that a single sender leaves, to the bit; each object is kept once; UIDs with two contents are quarantined,
both contents kept; nothing acknowledged is lost.
"""

import argparse
import hashlib
import json
import multiprocessing
import random
import tempfile
import time

import gemel.store
from gemel.store import artefacts as kept
from gemel.store import held, receive, state_hash


def content(n: int, other: int) -> bytes:
    """Bytes of object n; `other` is 1 for the second content of its UID."""
    return random.Random(2 * n + other).randbytes(400)


def sent(objects: int, conflicts: int) -> list[tuple[int, int]]:
    """Objects by number and content: all, and the second contents of the first few."""
    return [(n, 0) for n in range(objects)] + [(n, 1) for n in range(conflicts)]


def send(url: str, share: list[tuple[int, int]]) -> int:
    """One sender: how many quarantined answers it saw."""
    with gemel.store.open(url, busy_s=600) as store:
        return sum(receive(store, f"1.2.826.{n}", content(n, other)).quarantined for n, other in share)


def expected(objects: int, conflicts: int) -> str:
    """State hash that one sender leaves, computed from the definition: hashes by UID, sorted, as canonical JSON."""
    state: dict[str, list[str]] = {}
    for n, other in sent(objects, conflicts):
        state.setdefault(f"1.2.826.{n}", []).append(hashlib.sha256(content(n, other)).hexdigest())
    text = json.dumps({uid: sorted(names) for uid, names in state.items()}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--objects", type=int, default=10_000)
    parser.add_argument("--conflicts", type=int, default=100)
    parser.add_argument("--senders", type=int, default=8)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--url", default=None, help="a record to use instead of a new file")
    asked = parser.parse_args()
    everything = sent(asked.objects, asked.conflicts) * asked.times
    random.Random(1).shuffle(everything)
    with tempfile.TemporaryDirectory() as name:
        url = asked.url or f"sqlite:///{name}/twins.db"
        gemel.store.open(url).close()
        start_s = time.perf_counter()
        with multiprocessing.get_context("spawn").Pool(asked.senders) as pool:
            pool.starmap(send, [(url, everything[i :: asked.senders]) for i in range(asked.senders)])
        wall_s = time.perf_counter() - start_s
        with gemel.store.open(url) as store:
            both = sum(len(held(store, f"1.2.826.{n}")) == 2 for n in range(asked.conflicts))
            result = {
                "sent": len(everything),
                "events": store.version("inbox"),
                "same_state": state_hash(store) == expected(asked.objects, asked.conflicts),
                "quarantined_both_kept": both,
                "artefacts": sum(1 for _ in kept.stored(store.artefacts)) - 1,  # one lists the environment
                "findings": len(store.check(artefacts=True)),
                "objects_1_s": round(len(everything) / wall_s),
            }
    print(json.dumps(result))


if __name__ == "__main__":
    main()

"""What the node has seen since it started, for its status page."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field

PEERS = 1000  # that are remembered
WINDOW_S = 10


@dataclass
class Counts:
    """Events by name; objects of the last seconds; when each peer was last heard."""

    events: Counter[str] = field(default_factory=Counter)
    latest: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=WINDOW_S + 1))
    peers: dict[str, tuple[float, int]] = field(default_factory=dict)


def object_came(counts: Counts, peer: str, kind: str) -> None:
    """An object was kept (`stored`, `held`, `quarantined`) or not (`refused`)."""
    counts.events[kind] += 1
    second = int(time.monotonic())
    if counts.latest and counts.latest[-1][0] == second:
        counts.latest[-1] = second, counts.latest[-1][1] + 1
    else:
        counts.latest.append((second, 1))
    hear(counts, peer, 1)


def hear(counts: Counts, peer: str, objects: int = 0) -> None:
    """A sign of life of a peer; the one silent longest is forgotten when there are too many."""
    _, known = counts.peers.pop(peer, (0.0, 0))
    counts.peers[peer] = time.time(), known + objects
    if len(counts.peers) > PEERS:
        del counts.peers[next(iter(counts.peers))]


def rate_per_s(counts: Counts) -> float:
    """Objects a second over the last ten."""
    now = int(time.monotonic())
    return sum(number for second, number in list(counts.latest) if now - second <= WINDOW_S) / WINDOW_S

"""What the node has seen since it started, for its status page."""

import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gemel.service.node.associations import Register

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


def snapshot(counts: Counts, register: Register) -> dict[str, Any]:
    """All of it in plain words."""
    peers = [{"peer": peer, "last_s": at_s, "objects": number} for peer, (at_s, number) in list(counts.peers.items())]
    return {
        "associations": len(register.associated),
        "waiting": len(register.waiting),
        "rate_per_s": rate_per_s(counts),
        "events": dict(counts.events),
        "peers": peers,
    }


def joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Snapshots of several processes as one; a peer that spoke to several is one peer."""
    events, peers = Counter[str](), dict[str, dict[str, Any]]()
    for part in parts:
        events.update(part["events"])
        for row in part["peers"]:
            known = peers.setdefault(row["peer"], {"peer": row["peer"], "last_s": 0.0, "objects": 0})
            known |= {"last_s": max(known["last_s"], row["last_s"]), "objects": known["objects"] + row["objects"]}
    sums = {name: sum(part[name] for part in parts) for name in ("associations", "waiting", "rate_per_s")}
    return sums | {"events": dict(events), "peers": sorted(peers.values(), key=lambda row: float(row["last_s"]))}

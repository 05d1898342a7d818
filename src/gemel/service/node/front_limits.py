"""How much a peer may ask of the node before it is cut off, and by how many processes it is heard."""

import os
import sys
from dataclasses import dataclass, replace

MIB = 1 << 20
MOST_RECEIVERS = 4  # unless more are asked for: the disk is the limit then


@dataclass(frozen=True)
class Limits:
    """Limits of the DICOM front, in bytes, seconds and connections. Whoever reaches the port can reach them, so every one is finite.

    artim_s: for the request of an association, and for closing after the last word (ARTIM of PS3.8 9.1.5). rate_window_s: over which
    `least_bytes_s` is asked of who is in the middle of a message. waiting: connections that have asked for no association yet.
    memory_bytes: of objects on their way in memory; what is more waits in files. free_bytes: what must stay free on the disk.
    receivers: processes that speak with peers; 1: the service itself does; 0: one a core, four at most, the service itself on one core.
    """

    unit_bytes: int = 128 * 1024
    object_bytes: int = 2048 * MIB
    message_bytes: int = 16 * MIB
    memory_bytes: int = 96 * MIB
    spooled_bytes: int = 16 * MIB
    free_bytes: int = 256 * MIB
    artim_s: float = 5.0
    idle_s: float = 120.0
    rate_window_s: float = 10.0
    least_bytes_s: float = 4096.0
    waiting: int = 1024
    waiting_per_peer: int = 512
    associations: int = 256
    associations_per_peer: int = 64
    called_must_match: bool = False
    receivers: int = 0


def receivers_of(limits: Limits) -> int:
    """How many processes are to receive; 1 where memory cannot be shared by file (memfd_create(2) is Linux')."""
    if not sys.platform.startswith("linux") or not hasattr(os, "memfd_create"):
        return 1
    return limits.receivers or min(MOST_RECEIVERS, len(os.sched_getaffinity(0)))


def share(limits: Limits, receivers: int) -> Limits:
    """The part of one of several among whom each peer's connections are spread evenly."""
    names = ("waiting", "waiting_per_peer", "associations", "associations_per_peer", "memory_bytes")
    return replace(limits, **{name: -(-getattr(limits, name) // receivers) for name in names})

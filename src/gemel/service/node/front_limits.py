"""How much a peer may ask of the node before it is cut off."""

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """Limits of the DICOM front, in bytes, seconds and connections. Whoever reaches the port can reach them, so every one is finite.

    artim_s: for the request of an association, and for closing after the last word (ARTIM of PS3.8 9.1.5). rate_window_s: over which
    `least_bytes_s` is asked of who is in the middle of a message. waiting: connections that have asked for no association yet.
    memory_bytes: of objects on their way in memory; what is more waits in files. free_bytes: what must stay free on the disk.
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

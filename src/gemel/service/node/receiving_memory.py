"""Memory that a receiving process shares with the service: data sets are gathered where the service writes them to the disk from.

Files of memory alone (memfd_create(2), Linux), used again and again, so that no page is made or emptied for each object. They cannot be
made shorter once they are there, so that who reads one never meets its end.
"""

import fcntl
import mmap
import os
from dataclasses import dataclass, field

KEPT = 16  # slots that wait for the next object
KEPT_BYTES = 1 << 20  # of each of them; the rest goes back to the system
LARGEST_BYTES = 64 << 20  # of one
PIECE_BYTES = 1 << 20  # more than is read at once


@dataclass(eq=False)
class Slot:
    """Room for one data set. told: the service has been given the file."""

    number: int
    file: int
    memory: mmap.mmap
    view: memoryview
    used: int = 0
    told: bool = False


@dataclass
class Slots:
    """All that a process has. size: of each, in bytes; gone: numbers that will not be used again, which the service is to be told."""

    size: int
    free: list[Slot] = field(default_factory=list)
    made: int = 0
    gone: list[int] = field(default_factory=list)


def slots_of(spooled_bytes: int) -> Slots:
    """Slots for data sets of so many bytes; greater ones wait in files."""
    return Slots(min(spooled_bytes, LARGEST_BYTES) + PIECE_BYTES)


def take(slots: Slots) -> Slot:
    """A free slot, or a new one."""
    if slots.free:
        return slots.free.pop()
    slots.made += 1
    file = os.memfd_create("gemel object", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.ftruncate(file, slots.size)
    fcntl.fcntl(file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL)
    memory = mmap.mmap(file, slots.size)
    return Slot(slots.made, file, memory, memoryview(memory))


def give(slots: Slots, slot: Slot) -> None:
    """A slot that nobody reads any more."""
    if slot.used > KEPT_BYTES:
        slot.memory.madvise(mmap.MADV_REMOVE, KEPT_BYTES, slots.size - KEPT_BYTES)
    slot.used = 0
    if len(slots.free) < KEPT:
        slots.free.append(slot)
        return
    os.close(slot.file)
    slots.gone.append(slot.number)


def told_of_gone(slots: Slots | None) -> list[int]:
    """Numbers that will not be used again, once."""
    if slots is None:
        return []
    gone, slots.gone = slots.gone, []
    return gone


def mapped(file: int) -> mmap.mmap:
    """The service's view of a file that it was given, which it closes. Raises OSError for one that can still be made shorter."""
    try:
        if not fcntl.fcntl(file, fcntl.F_GET_SEALS) & fcntl.F_SEAL_SHRINK:
            raise OSError("memory that can be made shorter")
        return mmap.mmap(file, 0, access=mmap.ACCESS_READ)
    finally:
        os.close(file)

"""Which process is which: host, start of the machine, process id, start of the process."""

import os
import platform
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Process:
    """A process, told apart from a later one with the same id; `boot` and `started` are empty where the system does not tell them."""

    host: str
    boot: str
    pid: int
    started: str


def this_process() -> Process:
    """The process that asks."""
    pid = os.getpid()
    return Process(platform.node(), _boot(), pid, _started(pid))


def is_dead(process: Process) -> bool:
    """True only when the process is known to be gone: same host, and another boot, no such id, or an id that was given again."""
    if process.host != platform.node() or os.name != "posix":
        return False
    if process.boot != _boot():
        return True
    try:
        os.kill(process.pid, 0)  # signal 0 asks, it does not disturb (POSIX kill)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return process.started != _started(process.pid)


@lru_cache(maxsize=1)
def _boot() -> str:
    path = Path("/proc/sys/kernel/random/boot_id")
    return path.read_text().strip() if path.is_file() else ""


def _started(pid: int) -> str:
    """Field 22 of /proc/pid/stat (proc(5)): start in clock ticks after boot; a finished child not yet waited for counts as gone."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if after_name[0] in "ZX" else after_name[19]

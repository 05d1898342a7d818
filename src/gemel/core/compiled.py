"""Whether kernels that were compiled once can be kept for the next time."""

import os
from collections.abc import Mapping
from pathlib import Path

PLACE = "NUMBA_CACHE_DIR"
PACKAGE = Path(__file__).resolve().parents[1]


def kept(told: Mapping[str, str] = os.environ, package: Path = PACKAGE) -> bool:
    """Whether numba finds a folder that it may write to: the one told, the package's own, or the user's cache.

    Where there is none (installed by another user, no home) it refuses to load what is to be kept (numba docs, NUMBA_CACHE_DIR).
    """
    home = told.get("XDG_CACHE_HOME") or os.path.join(told.get("HOME", "/nonexistent"), ".cache")
    return bool(told.get(PLACE)) or writable(package) or writable(Path(home))


def writable(folder: Path) -> bool:
    """Whether this user may write to a folder, or make it; not below one that this user may not look into."""
    there = next(place for place in (folder, *folder.parents) if os.path.exists(place))
    return there.is_dir() and os.access(there, os.W_OK | os.X_OK)

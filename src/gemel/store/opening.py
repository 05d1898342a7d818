"""From an address to an open record."""

import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from gemel.core.errors import InputError
from gemel.store import queries, sqlite
from gemel.store.artefacts import Artefacts
from gemel.store.record import Store
from gemel.store.sweep import attend, sweep

PREFIX = "sqlite:///"


def open(url: str | Path, *, create: bool = True, busy_s: float | int = 10.0, clock: Callable[[], float] = time.time) -> Store:
    """Opens a record, creating it unless told not to, and sweeps what a crash left behind (see `Store.swept`).

    `sqlite:///twins.db` is relative, `sqlite:////data/twins.db` absolute; a plain path is accepted too. A writer waits `busy_s` for
    another; `clock` gives the time at which events become known. Raises StoreError or InputError.
    """
    path = _path(str(url))
    rows = sqlite.connect(path, float(busy_s), create)
    artefacts = Artefacts(path.with_name(f"{path.name}.artefacts"))
    try:
        users = attend(artefacts)
    except BaseException:
        rows.connection.close()
        raise
    leave = weakref.finalize(rows, _leave, rows.connection.close, users)
    try:
        swept = sweep(artefacts, users, lambda: queries.bodies(rows))
    except BaseException:
        leave()
        raise
    return Store(rows, artefacts, clock, users, leave, swept)


def _leave(close: Callable[[], None], users: int) -> None:
    close()
    os.close(users)


def _path(url: str) -> Path:
    if url.startswith(PREFIX) and url != PREFIX and ":memory:" not in url:
        return Path(url.removeprefix(PREFIX))
    if "://" in url or not url or ":memory:" in url:
        raise InputError(f"a record at {url!r}", where="open", remedy="name it as sqlite:///path/twins.db or by its path")
    return Path(url)

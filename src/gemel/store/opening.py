"""From an address to an open record."""

import os
import time
import weakref
from collections.abc import Callable
from pathlib import Path

from gemel.core.errors import InputError
from gemel.store import queries, sqlite, standing
from gemel.store.artefacts import Artefacts
from gemel.store.record import Store
from gemel.store.rows import Rows
from gemel.store.stated import require_text
from gemel.store.sweep import attend, sweep

PREFIX = "sqlite:///"
SERVER = ("postgresql://", "postgresql+")
ADDRESSES = "name it as sqlite:///path/twins.db, by its path, or as postgresql://user@host/database"


def open(
    url: str | Path,
    *,
    create: bool = True,
    busy_s: float | int = 10.0,
    clock: Callable[[], float] = time.time,
    artefacts: Path | None = None,
) -> Store:
    """Opens a record, creating it unless told not to, and sweeps what a crash left behind (see `Store.swept`).

    `sqlite:///twins.db` is relative, `sqlite:////data/twins.db` absolute; a plain path is accepted too. `postgresql://user@host/twins`
    names a server's database. A writer waits `busy_s` for another; `clock` gives the time at which events become known.
    Artefacts lie in the folder `artefacts`: beside the file unless stated; for a server the folder is settled when the record is made,
    in the working folder unless stated, and remembered in the database. Raises StoreError or InputError.
    """
    rows, folder = _connect(_text(url), float(busy_s), create, artefacts)
    held = Artefacts(folder)
    try:
        users = attend(held)
    except BaseException:
        rows.close()
        raise
    leave = weakref.finalize(rows, _leave, rows.closer(), users)
    try:
        swept = sweep(held, users, lambda: [*queries.bodies(rows), *standing.spoken(rows)])
    except BaseException:
        leave()
        raise
    return Store(rows, held, clock, users, leave, swept)


def _text(url: str | Path) -> str:
    """The address as text. Raises InputError for what is neither text nor a path."""
    if not isinstance(url, str | Path):
        raise InputError(f"a record at {url!r}", where="open", remedy=ADDRESSES)
    return require_text("the address", str(url))


def _connect(url: str, busy_s: float, create: bool, artefacts: Path | None) -> tuple[Rows, Path]:
    if url.startswith(SERVER):
        try:
            import gemel.store.postgresql as postgresql
        except ImportError as error:
            raise InputError(f"no driver for PostgreSQL ({error.name})", where="open", remedy="pip install 'gemel[postgres]'") from error
        server = postgresql.connect(url, busy_s, create)
        return server, postgresql.artefacts_folder(server, artefacts)
    path = _path(url)
    return sqlite.connect(path, busy_s, create), artefacts or path.with_name(f"{path.name}.artefacts")


def _leave(close: Callable[[], None], users: int) -> None:
    close()
    os.close(users)


def _path(url: str) -> Path:
    if url.startswith(PREFIX) and url != PREFIX and ":memory:" not in url:
        return Path(url.removeprefix(PREFIX))
    if "://" in url or not url or ":memory:" in url:
        raise InputError(f"a record at {url!r}", where="open", remedy=ADDRESSES)
    return Path(url)

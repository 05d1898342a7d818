"""`gemel twin load`: a twin from a file, verified byte by byte before anything of it is used."""

from dataclasses import dataclass
from pathlib import Path

from gemel import store as stores
from gemel.core.errors import InputError, StoreError
from gemel.flow.session import belief_digest, open_session
from gemel.store import Event, Store


@dataclass(frozen=True)
class Loaded:
    """The twin's name, its last version here, whether its sender's seal was compared, and its belief; empty for one that cannot open."""

    twin: str
    version: int
    compared: bool
    belief: str


def load(store: Store, path: Path, *, seal: str = "", actor: str = "") -> Loaded:
    """Takes the twin of a file into the record; all of it or nothing.

    `seal` is what the sender told by another way: without it a file that was forged as a whole cannot be told from a true one.
    Raises InputError for no file, StoreError for one that is damaged, forged or cut off, ConflictError when the twin is here already.
    """
    if not path.is_file():
        raise InputError("no file", where=str(path), remedy="name the file that `gemel twin export` wrote")
    events = stores.load(store, path, seal=seal.strip().lower(), actor=actor)
    return Loaded(events[0].twin, events[-1].version, bool(seal.strip()), _belief(store, events))


def _belief(store: Store, events: list[Event]) -> str:
    """What the twin believes; empty when it was withdrawn or erased before it was sent."""
    try:
        return belief_digest(open_session(store, events[0].twin).twin.belief)
    except StoreError:
        return ""

"""Answers on the disk, beside the volumes of their twin: a service that begins again has them.

Each is named by all that it follows from: the function and what it was asked, the twin's stamp (`newest.stamp`), and the code of gemel
and of every package that adds a system. It is sealed by its hash, so that one that was torn or altered is not there.
"""

import hashlib
import os
from contextlib import suppress
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from uuid import uuid4

from gemel.flow.registry import GROUP
from gemel.service.api.cached import folder_of
from gemel.service.api.newest import Key
from gemel.store.environment import code_digest, environment

SUFFIX = ".json"
SEAL = hashlib.sha256().digest_size
MOST = 100
"""Answers that are kept of a twin: those of now are a dozen, the rest are of times and events that somebody asked for."""


@cache
def code() -> str:
    """Digest of the code that computes answers."""
    state = hashlib.sha256(environment())
    for package in sorted({point.module.partition(".")[0] for point in entry_points(group=GROUP)} - {"gemel"}):
        found = find_spec(package)
        for place in (found.submodule_search_locations or ()) if found else ():
            state.update(code_digest(Path(place)).encode())
        if found and found.origin:
            state.update(Path(found.origin).read_bytes())
    return state.hexdigest()


def find(folder: Path, stamp: Key, name: Key) -> bytes | None:
    """The answer of that name; None when there is none."""
    try:
        held = _place(folder, stamp, name).read_bytes()
    except OSError:
        return None
    return held[SEAL:] if hashlib.sha256(held[SEAL:]).digest() == held[:SEAL] else None


def keep(folder: Path, stamp: Key, name: Key, content: bytes) -> None:
    """Keeps an answer; of the others the newest of the same stamp stay. A disk that refuses is no error: it can be computed again."""
    place = _place(folder, stamp, name)
    temporary = place.with_name(f".{uuid4().hex}")
    with suppress(OSError):
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            temporary.write_bytes(hashlib.sha256(content).digest() + content)
            os.replace(temporary, place)
        finally:
            temporary.unlink(missing_ok=True)
        held = sorted(place.parent.glob(f"*{SUFFIX}"), key=lambda path: path.stat().st_mtime_ns)
        same = [path for path in held if path.name.startswith(place.name.partition("-")[0])]
        for old in {*held} - {*same[-MOST:]}:
            old.unlink(missing_ok=True)


def _place(folder: Path, stamp: Key, name: Key) -> Path:
    of, named = (hashlib.sha256("\x1f".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:24] for parts in ((code(), *stamp), name))
    return folder_of(folder, stamp[0]) / f"{of}-{named}{SUFFIX}"

"""What computed an event: code, libraries, interpreter and machine, as one JSON text."""

import hashlib
import json
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from gemel.store.event import canonical


@lru_cache(maxsize=1)
def environment() -> bytes:
    """Canonical JSON of the versions that a result depends on, and the SHA-256 of the package's own files; computed once a process."""
    described = {
        "gemel": version_of("gemel"),
        "code": code_digest(Path(__file__).parents[1]),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}",
        "libraries": {name: version_of(name) for name in _requirements()},
    }
    return canonical(described, "environment").encode()


def differences(then: bytes, now: bytes) -> tuple[str, ...]:
    """What differs between two environments, one line each: `numpy 2.4.5, now 2.4.6`; nothing when they are the same."""
    a, b = (_flat(json.loads(text)) for text in (then, now))
    return tuple(f"{name} {a.get(name)}, now {b.get(name)}" for name in sorted(a.keys() | b.keys()) if a.get(name) != b.get(name))


def _flat(described: Mapping[str, Any]) -> dict[str, Any]:
    return {**{name: value for name, value in described.items() if name != "libraries"}, **described.get("libraries", {})}


def _requirements() -> list[str]:
    """Names of the package's requirements that are not extras."""
    try:
        lines = metadata.requires("gemel") or []
    except metadata.PackageNotFoundError:
        lines = ["numpy"]
    plain = [line.split(";")[0] for line in lines if "extra ==" not in line]
    return sorted({_name(line) for line in plain})


def _name(requirement: str) -> str:
    """`numpy>=2.0` → `numpy`."""
    return "".join(c if c.isalnum() or c in "-_." else " " for c in requirement).split()[0]


def version_of(name: str) -> str | None:
    """Version of an installed package."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def code_digest(package: Path) -> str:
    """SHA-256 over the names and bytes of the package's source and data files."""
    state = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in {".py", ".json", ".csv", ".npz"} and path.is_file():
            content = path.read_bytes()
            state.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode() + content)
    return state.hexdigest()

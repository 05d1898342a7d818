"""The files that a system is made of, its own package's: what a result is of, and no other."""

import hashlib
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path

from gemel.core.system import System

SHIPPED = "conformance.json"
FILES = (".py", ".json", ".md", ".toml", ".csv", ".npz")


def home(system: System) -> Path:
    """The package of the system's template, or its file when it is a module alone."""
    module = import_module(system.template.__module__)
    place = Path(str(module.__file__))
    return place.parent if (place.parent / "__init__.py").exists() else place


def files(place: Path) -> list[Path]:
    """The file, or every file of a folder on which a result hangs, in order."""
    if place.is_file():
        return [place]
    return sorted(p for p in place.rglob("*") if p.suffix in FILES and p.name != SHIPPED and "__pycache__" not in p.parts)


def digest_of(name: str, places: Iterable[Path]) -> str:
    """SHA-256 of a name and of the files in those places."""
    state = hashlib.sha256(name.encode())
    for place in places:
        for path in files(place):
            state.update(hashlib.sha256(path.read_bytes()).digest())
    return state.hexdigest()

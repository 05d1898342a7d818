"""Digital patients made by gemel that live through the whole loop, by the same verbs a hospital would use; one file a system.

A demo is `demo(folder, *, made_s, progress, ...)`, its further keywords whole numbers; it is loaded when asked for: it brings its system.
"""

from collections.abc import Mapping
from importlib import import_module
from inspect import signature
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

from gemel.core.errors import InputError
from gemel.core.system import Progress, silent

OTHERS = ("folder",)  # modules here that are not a demo
MOST = 16


def demos() -> tuple[str, ...]:
    """Names of the systems that have a demo."""
    return tuple(sorted(found.name for found in iter_modules(__path__) if found.name not in OTHERS))


def demo(system: str, folder: Path, *, made_s: float, options: Mapping[str, Any] | None = None, progress: Progress = silent) -> Path:
    """Path of the report of a system's demo. InputError: a system without one, an option it lacks, a folder with other things."""
    if system not in demos():
        raise InputError(f"no demo of {system!r}", where="demo", remedy=f"choose from {', '.join(demos())}")
    run = import_module(f"{__name__}.{system}").demo
    known = [name for name, kind in signature(run).parameters.items() if kind.annotation is int]
    _require_known(options or {}, known, f"demo of {system}")
    path: Path = run(folder, made_s=made_s, progress=progress, **(options or {}))
    return path


def _require_known(options: Mapping[str, Any], known: list[str], where: str) -> None:
    if unknown := sorted(set(options) - set(known)):
        raise InputError(f"no option {unknown[0]!r}", where=where, remedy=f"it has {', '.join(known)}")
    for name, value in options.items():
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
            raise InputError(f"{name} = {value!r}", where=where, remedy=f"give a whole number from 1 to {MOST}")

"""Lines of the list, remembered over a restart: a service that has just begun shows them before the libraries are loaded."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gemel.core.errors import GemelError
from gemel.io.files import write_atomic
from gemel.service.api.kept import code

Row = tuple[tuple[int, ...], dict[str, Any]]
"""Version and withdrawal that a line is of, and the line."""


def remembered(folder: Path) -> dict[str, Row]:
    """The lines that this very code wrote before; none when there are none, or they cannot be read."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        held = json.loads(_place(folder).read_text(encoding="utf-8"))
        if held["code"] == code():
            return {twin: (tuple(of), row) for twin, (of, row) in held["rows"].items()}
    return {}


def remember(folder: Path, rows: Mapping[str, Row]) -> None:
    """Writes the lines. A disk that refuses is no error: they can be computed again."""
    with suppress(GemelError):
        write_atomic(_place(folder), json.dumps({"code": code(), "rows": dict(rows)}).encode())


def _place(folder: Path) -> Path:
    return folder / "cache" / "rows.json"

"""Where gemel keeps what is the user's own and of no record."""

import os
from pathlib import Path


def data_folder() -> Path:
    """$GEMEL_DATA, else $XDG_DATA_HOME/gemel, else ~/.local/share/gemel (XDG Base Directory Specification 0.8)."""
    stated = os.environ.get("GEMEL_DATA")
    home = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(stated) if stated else Path(home) / "gemel"


def examinations(folder: Path | None = None) -> Path:
    """Where examinations of models lie, in the user's data folder unless another is stated."""
    return (folder or data_folder()) / "conformance"

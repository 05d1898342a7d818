"""The folder that a demo writes to, and nothing else."""

import shutil
from pathlib import Path

from gemel.core.errors import InputError

MARK = ".gemel-demo"


def prepared(folder: Path) -> None:
    """An empty folder that says that a demo made it. Raises InputError for one that holds other things."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise InputError("a folder that holds other things", where=str(folder), remedy="choose an empty one with --out")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()

"""Files changed in place, to make bad input of good."""

from collections.abc import Callable
from pathlib import Path

import pydicom
from pydicom.dataset import Dataset

from gemel.io import content_uid

Edit = Callable[[Dataset], object]
FRAME = content_uid("test", "frame")


def edit(path: Path, change: Edit) -> None:
    """Change one file in place, whatever the standard says."""
    with pydicom.config.disable_value_validation():
        dataset = pydicom.dcmread(path)
        change(dataset)
        dataset.save_as(path)


def edit_all(folder: Path, change: Edit) -> None:
    """Change every file of a folder."""
    for path in sorted(folder.glob("*.dcm")):
        edit(path, change)

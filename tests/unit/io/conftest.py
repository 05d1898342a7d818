"""A small CT series on disk, made by gemel itself, and one structure with a hole, two islands and a pixel of its own."""

from pathlib import Path

import numpy as np
import pytest

from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.io import Identity, Series, write_image
from tests.unit.io.dicom_edit import FRAME


@pytest.fixture
def phantom() -> Image:
    """20 x 16 x 8 voxels of 2 x 1.5 x 3 mm, each with a value of its own."""
    affine_mm = np.diag([2.0, 1.5, 3.0, 1.0])
    affine_mm[:3, 3] = (-31.25, 17.5, -120.125)
    values = np.arange(20 * 16 * 8, dtype=np.float32).reshape(20, 16, 8) - 1024
    return Image(values, affine_mm, FRAME)


@pytest.fixture
def identity() -> Identity:
    """An invented patient."""
    return Identity("P-001", issuer="HOSPITAL", patient_name="TEST^IO")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the series lies."""
    return tmp_path / "ct"


@pytest.fixture
def series(folder: Path, phantom: Image, identity: Identity) -> Series:
    """The phantom written as a CT series to `folder`."""
    return write_image(folder, phantom, identity, acquired="2026-03-01T10:20:30")


@pytest.fixture
def structures(series: Series) -> Structures:
    """SHELL: a block with a hole in it, an island in the hole, two islands that touch at a corner, one pixel. CORE: overlaps it."""
    shell = np.zeros(series.image.shape, dtype=bool)
    shell[3:14, 2:13, 1:7] = True
    shell[5:11, 4:10, 2:6] = False
    shell[7:9, 6:8, 2:6] = True
    shell[15:17, 13:15, 3] = True
    shell[17:19, 11:13, 3] = True
    shell[0, 0, 4] = True
    core = np.zeros(series.image.shape, dtype=bool)
    core[6:12, 5:11, 2:5] = True
    return Structures(series.image, {"SHELL": shell, "CORE": core})

"""A block of water and a spot that are quick to simulate."""

import numpy as np
import pytest

from gemel.core.image import Image


@pytest.fixture
def water() -> Image:
    """60 x 120 x 60 mm of water in voxels of 3 mm."""
    return Image(np.ones((20, 40, 20), dtype=np.float32), np.diag([3.0, 3.0, 3.0, 1.0]))

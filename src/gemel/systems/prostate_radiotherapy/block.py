"""The block of voxels around what is judged, so that draws of the day cost little."""

from collections.abc import Mapping

import numpy as np
from scipy.ndimage import binary_dilation

from gemel.core.image import Array, Image, with_array
from gemel.core.structures import Structures
from gemel.engines.registration.compare import Box, box, crop
from gemel.systems.prostate_radiotherapy.dosimetry import CURVES

ROOM_voxels = 2


def block_of(structures: Structures) -> Box:
    """The smallest block that holds the judged structures, with room for what the day leaves open."""
    held = [structures.masks[name] for name in CURVES if name in structures.masks]
    return box(binary_dilation(np.any(held, axis=0), iterations=ROOM_voxels))


def cropped(structures: Structures, block: Box) -> Structures:
    """The judged structures on the block."""
    masks = {name: structures.masks[name][block] for name in CURVES if name in structures.masks}
    return Structures(crop(structures.grid, block), masks)


def around(structures: Structures, doses: Mapping[str, Array]) -> tuple[Structures, dict[str, Image]]:
    """Structures and doses cut down to the block."""
    block = block_of(structures)
    return cropped(structures, block), {name: crop(with_array(structures.grid, dose), block) for name, dose in doses.items()}

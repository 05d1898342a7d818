"""Ways in which cells may move, as rival members of the field: what is not known is averaged over by how well each foretold the scans.

`contrast`: five times as easily in white as in grey matter (Swanson et al. 2000, Cell Prolif 33:317); `uniform`: alike in both (Burgess et
al. 1997, J Neuropathol Exp Neurol 56:704); `tensor`: along fibres as water does, DTI's tensor over its mean in place of one (Jbabdi et al.
2005, Magn Reson Med 54:616), with the contrast in its size.
"""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.systems.glioma.field import Invasion, diffusivity_mm2_d
from gemel.systems.glioma.ground import Ground

CONTRAST, UNIFORM, TENSOR = "contrast", "uniform", "tensor"
WAYS = (CONTRAST, UNIFORM, TENSOR)
WAY = "way_1"
"""Name of the number of a draw's way among its parameters; it is no parameter with a prior of its own: all ways are alike before a scan."""
RATIO_1 = 5.0
"""Of diffusivity in white to that in grey matter. Swanson et al. 2000."""


def ways(on: Ground) -> tuple[int, ...]:
    """Numbers of those that the patient's images allow."""
    return tuple(range(len(WAYS) if on.tensor.size else len(WAYS) - 1))


def unit_diffusivity(on: Ground, way: int) -> Float[Array, "..."]:
    """D of one in white matter: a map, or six components xx, xy, xz, yy, yz, zz along LPS a voxel."""
    size = diffusivity_mm2_d(on.tissue, Invasion(1.0, 1.0 if WAYS[way] == UNIFORM else RATIO_1, 1e-3))
    return np.asarray(size[..., None] * on.tensor if WAYS[way] == TENSOR else size)

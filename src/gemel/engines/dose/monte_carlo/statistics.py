"""From batches that are alike to a mean and its standard error."""

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.image import Array

BATCHES = 32  # their spread gives the standard error to 1/√62 = 13 % in a single voxel
TOGETHER_BYTES = 2**30  # grids of batches that are held at a time


def together(voxels: int) -> int:
    """How many batches are run at a time, by memory alone, so that no answer depends on the machine."""
    return int(min(BATCHES, max(2, TOGETHER_BYTES // (4 * voxels))))


def add(sums: tuple[Array, Array], batches: Float32[Array, "b v"]) -> None:
    """Adds each batch and its square in float64, in order; `sums` are changed."""
    for batch in batches:
        sums[0].__iadd__(batch)
        sums[1].__iadd__(np.square(batch, dtype=np.float64))


def relative_standard_error(total: Float[Array, "v"], squares: Float[Array, "v"], batches: int) -> Float32[Array, "v"]:
    """√(Σ(x − x̄)²/(B (B−1)))/x̄ over B batches; 1 where nothing was scored, as where one history scored."""
    spread = np.maximum(squares - total * total / batches, 0.0) * batches / (batches - 1)
    scored = total > 0
    return np.where(scored, np.sqrt(spread) / np.where(scored, total, 1.0), 1.0).astype(np.float32)

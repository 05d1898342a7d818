"""Where a volume reaches, in twelve directions: what overlap is made of, in numbers that have an error.

Around the middle of the first visit's T2/FLAIR space is cut into twelve equal parts about the corners of an icosahedron. The radius of
a part is that of the ball which would hold as much there as the volume does: r = (3V/Ω)^⅓, Ω = 4π/12. Told are radii less their mean,
which the volumes already say.
"""

import numpy as np
from jaxtyping import Float, Int

from gemel.core.image import Array
from gemel.systems.glioma.field import FLAIR
from gemel.systems.glioma.ground import Ground

PARTS = 12
SD_mm = 2.0
"""Of each radius: outlines of two visits (1 mm each, along an edge), registration (1 mm) and the model (1 mm). Assumed."""
LITTLE_mm3 = 50.0
"""Added to each part: a volume may vanish."""
KINDS = {"enhancing": "enhancing_shape_mm", "flair": "flair_shape_mm"}


def parts(on: Ground) -> Int[Array, "x y z"]:
    """Which part each voxel lies in."""
    at = np.indices(on.grid.shape).astype(np.float32)
    middle = [float(at_one[on.start > FLAIR].mean()) for at_one in at]
    away_mm = np.tensordot(on.grid.affine_mm[:3, :3], np.stack([a - m for a, m in zip(at, middle)]), axes=1)
    return np.asarray(np.argmax(np.tensordot(_corners(), away_mm, axes=1), axis=0), dtype=np.int64)


def radii_mm(on: Ground, of: Int[Array, "x y z"], share: Float[Array, "x y z"]) -> Float[Array, "12"]:
    """Of the voxels' shares that belong to a volume, less their mean."""
    held = np.flatnonzero(share)
    mm3 = 1000.0 * on.grid.voxel_mL * np.bincount(of.ravel()[held], share.ravel()[held], PARTS) + LITTLE_mm3
    found = np.cbrt(3.0 * mm3 / (4.0 * np.pi / PARTS))
    return np.asarray(found - found.mean())


def _corners() -> Float[Array, "12 3"]:
    """(0, ±1, ±φ) and turned about, as unit vectors."""
    golden = (1 + np.sqrt(5.0)) / 2
    found = [np.roll((0.0, a, b * golden), turn) for turn in range(3) for a in (-1.0, 1.0) for b in (-1.0, 1.0)]
    return np.array(found) / np.hypot(1.0, golden)

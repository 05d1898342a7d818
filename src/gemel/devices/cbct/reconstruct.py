"""The image of a turn in HU, on any grid along x, y, z."""

import numpy as np
from jaxtyping import Float32

from gemel.core.errors import IdentityError, RangeError
from gemel.core.image import Array, Image
from gemel.devices.cbct.acquire import Scan, water_of
from gemel.devices.cbct.machine import cone_of, field_radius_mm, seen
from gemel.engines.project import Ramp, fdk, grid_of

OUTSIDE_HU = -1024.0
HU_LIMITS = (-1024.0, 3071.0)
EDGE_SIGNAL = 0.7
"""I/I₀ behind 2 cm of tissue."""
MOST_TRUNCATED = 0.95
KERNEL = Ramp("hann", 1.0)


def reconstruct(scan: Scan, onto: Image, *, ramp: Ramp = KERNEL) -> Image:
    """HU = 1000 (f − 1), f the FDK image of millimetres of water; OUTSIDE_HU where not every view sees the voxel.

    Raises IdentityError for a grid of another frame of reference, RangeError when the body is cut off in every view.
    """
    if scan.frame and onto.frame and scan.frame != onto.frame:
        raise IdentityError("a grid of another frame of reference", where="cbct.reconstruct", remedy="pass a grid in the scan's frame")
    cut = truncated_share(scan)
    if cut > MOST_TRUNCATED:
        found = f"a body that reaches beyond the field of {2 * field_radius_mm(scan.machine):.0f} mm in {100 * cut:.0f} % of views"
        raise RangeError(
            found, where="cbct.reconstruct", remedy="displace the panel further, or centre the body: there would be no true HU"
        )
    return from_water(water_of(scan.signal, scan.machine), scan, onto, ramp)


def truncated_share(scan: Scan) -> float:
    """Share of the views in which the outermost column of the panel's long side (or either, if it is centred) looks through the body."""
    middle = scan.signal.shape[1] // 2
    ends = {1: (-1,), -1: (0,), 0: (0, -1)}[int(np.sign(scan.machine.offset_mm))]
    return float(np.mean((scan.signal[:, middle, ends] < EDGE_SIGNAL).any(axis=1)))


def from_water(water_cm: Float32[Array, "views v u"], scan: Scan, onto: Image, ramp: Ramp = KERNEL) -> Image:
    """The image of line integrals that are already centimetres of water."""
    grid = grid_of(onto, scan.isocentre_mm)
    values = fdk(np.float32(10) * water_cm, cone_of(scan.machine), grid=grid, ramp=ramp)
    hu = np.where(seen(grid, scan.machine), np.clip(1000 * (values - 1), *HU_LIMITS), OUTSIDE_HU)
    return Image(hu.astype(np.float32), onto.affine_mm, onto.frame)

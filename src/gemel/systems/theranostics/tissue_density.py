"""Density of the patient on the grid of a scan, from the CT."""

import numpy as np
from jaxtyping import Float32

from gemel.core.image import Array, Image, with_array
from gemel.engines.registration.compare import onto_grid

HU = (-1000.0, -98.0, 14.0, 23.0, 100.0, 3000.0)
G_CM3 = (0.00121, 0.930, 1.030, 1.030, 1.076, 2.793)
"""Schneider, Bortfeld & Schlegel 2000, Phys Med Biol 45:459, eqs 17 to 21, without the step of connective tissue at 100 HU."""
SOFT_g_cm3 = 1.03
LEAST_g_cm3, MOST_g_cm3 = 0.2, 3.5
"""Inflated lung and enamel: air gets the dose that soft tissue would get there, and metal is held at the upper bound."""


def density_of(ct: Image, grid: Image) -> Image:
    """Density (g/cm³) by voxel of the scan: mean over what a voxel covers of the CT; soft tissue beyond the CT, and in air."""
    own = with_array(ct, np.interp(np.asarray(ct.array, np.float32), HU, G_CM3).astype(np.float32))
    mean: Float32[Array, "x y z"] = onto_grid(own, grid, outside=SOFT_g_cm3).array
    return with_array(grid, np.where(mean < LEAST_g_cm3, np.float32(SOFT_g_cm3), np.minimum(mean, np.float32(MOST_g_cm3))))

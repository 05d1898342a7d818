"""Oxygen at rest between vessels: D ∇²P = M₀ P/(P + P₀), vessels held at their pressure."""

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import StructureError
from gemel.core.image import Array
from gemel.engines.pde import at_rest, michaelis_menten
from gemel.systems.theranostics.quantities import over_zero

D_O2_MM2_S = 2.0e-3
"""Diffusivity of oxygen in tissue, 2000 µm²/s, and the consumption below: Tannock 1972, Br J Radiol 45:515; Dasu et al. 2003."""
M0_MMHG_S = 15.0
P0_MMHG = 2.5
VESSEL_MMHG = 40.0
NUSSELT_1 = 2.5
"""Oxygen through the blood of a capillary, over D times its gradient. Hellums et al. 1996, Ann Biomed Eng 24:1 (not read again)."""


def oxygen_mmHg(
    vessels: Shaped[Array, "x y z"],
    spacing_mm: float | tuple[float, float, float],
    *,
    consumption_mmHg_s: float | Float[Array, "x y z"] = M0_MMHG_S,
    vessel_mmHg: float = VESSEL_MMHG,
    exchange_1_s: float = 0.0,
    tissue: Shaped[Array, "x y z"] | None = None,
) -> Float[Array, "x y z"]:
    """Oxygen pressure in a section or block. Vessels (true pixels) are held at `vessel_mmHg`.

    With `exchange_1_s`, `vessels` is the fraction of each voxel that is vessel and exchanges at that rate times the fraction instead.
    `tissue` masks what is computed (default all); no flux through its border. Dasu, Toma-Dasu & Karlsson 2003, Phys Med Biol 48:2829.
    Raises StructureError without a vessel, and as `at_rest`.
    """
    map_ = np.asarray(vessels, dtype=np.float64)
    mask = np.ones(map_.shape, dtype=bool) if tissue is None else np.asarray(tissue, dtype=bool)
    if not (map_[mask] > 0).any():
        raise StructureError("no vessel in the tissue", where="oxygen_mmHg", remedy="lower the stain's threshold, or check the mask")
    sink = michaelis_menten(consumption_mmHg_s, P0_MMHG)
    if exchange_1_s > 0:
        return at_rest(mask, spacing_mm, D_O2_MM2_S, sink, exchange=exchange_1_s * map_, supply=vessel_mmHg)
    return at_rest(mask, spacing_mm, D_O2_MM2_S, sink, held=map_ > 0, supply=vessel_mmHg)


def blood_exchange_1_s(pixel_mm: float) -> float:
    """π D Nu/h²: `exchange_1_s` of square pixels each crossed by one capillary, of which blood and wall hold oxygen back.

    The pixel's own pressure is that at 0.2 h from the capillary's middle (Peaceman 1978, SPE J 18:183): of 25 µm, at its wall, 5 µm.
    Raises RangeError for a pixel not over zero.
    """
    return float(np.pi * D_O2_MM2_S * NUSSELT_1 / over_zero(pixel_mm, "pixel_mm") ** 2)


def planar_reach_mm(surface_mmHg: float = VESSEL_MMHG) -> float:
    """√(2 D P/M): how far oxygen gets from a flat supply when use does not depend on it; 103 µm. Warburg 1923, Biochem Z 142:317."""
    return float(np.sqrt(2.0 * D_O2_MM2_S * surface_mmHg / M0_MMHG_S))

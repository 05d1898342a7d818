"""FMISO: kept where there is little oxygen, and cells still alive to keep it."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.systems.theranostics.micro.tracer import Tracer
from gemel.systems.theranostics.quantities import at_least_zero

D_MM2_S = 5.5e-5  # Kelly & Brady 2006, Phys Med Biol 51:5859
MOST_1_S = 1.7e-4
"""Binding without oxygen; of the order fitted by Mönnich et al. 2011, Phys Med Biol 56:2045 (not read again)."""
BINDING_MMHG, NECROSIS_MMHG = 1.4, 1.2
"""Half-maximal binding (95 % interval 0.3 to 2.6) and necrosis (0.1 to 4.9). Warren & Partridge 2016, Phys Med Biol 61:8596."""
EXCHANGE_1_S = 0.5  # of a voxel full of vessel: small, fat-soluble, hardly held back by the wall (assumption)


def fmiso(p_mmHg: Float[Array, "x y z"], *, most_1_s: float = MOST_1_S, exchange_1_s: float = EXCHANGE_1_S) -> Tracer:
    """Binding k = k_max K/(K + P) · P/(P + P_n): less with oxygen, none where cells are dead. Raises RangeError for P under zero.

    Kelly & Brady 2006 for the form, Warren & Partridge 2016 for K = 1.4 and P_n = 1.2 mmHg, their necrosis taken here as a hyperbola.
    """
    p = at_least_zero(np.maximum(p_mmHg, 0.0), "p_mmHg")
    bound = BINDING_MMHG / (BINDING_MMHG + p) * p / (p + NECROSIS_MMHG)
    return Tracer(D_MM2_S, exchange_1_s, most_1_s * bound)


def flow_limited(exchange_1_s: float, flow_1_s: float) -> float:
    """F (1 − e^{−PS/F}): what the wall lets through when blood brings little. Renkin 1959, Am J Physiol 197:1205; Crone 1963."""
    exchange, flow = float(at_least_zero(exchange_1_s, "exchange_1_s")), float(at_least_zero(flow_1_s, "flow_1_s"))
    return 0.0 if flow == 0 else float(-flow * np.expm1(-exchange / flow))

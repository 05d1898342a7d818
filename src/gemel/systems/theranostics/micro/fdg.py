"""FDG and lactate: more glucose is taken up where oxygen is short, and becomes lactate."""

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.image import Array
from gemel.engines.pde import at_rest
from gemel.engines.pde.sink import linear
from gemel.systems.theranostics.micro.tracer import Tracer
from gemel.systems.theranostics.quantities import at_least_zero

D_MM2_S = 2.5e-4
"""Glucose in tumours, 2 to 5 · 10⁻⁶ cm²/s: Casciari, Sotirchos & Sutherland 1988, Cancer Res 48:3905 (spheroids; taken for FDG)."""
TRAP_1_S, RELEASE_1_S = 0.062 / 60, 0.0068 / 60  # k₃, k₄ of Reivich et al. 1985, J Cereb Blood Flow Metab 5:179, grey matter
HYPOXIC_FOLD, HALF_MMHG = 2.0, 3.0
"""Glucose is used twice as fast without oxygen (Pasteur), half of that at 3 mmHg: Casciari et al. 1992, J Cell Physiol 151:386; order."""
EXCHANGE_1_S = 0.1
D_LACTATE_MM2_S = 7.0e-4  # of the order of lactate in water at 37 °C, 1.1 · 10⁻³, Ribeiro et al. 2005, J Mol Liq 122:130, less tortuosity
LACTATE_MM_S, LACTATE_PLASMA_MM = 3.0e-3, 1.0
"""Production without oxygen (mmol/L/s; assumption) and lactate of plasma."""


def fdg(p_mmHg: Float[Array, "x y z"]) -> Tracer:
    """Trapping k₃ (1 + (n − 1) K/(K + P)), n = 2. Raises RangeError for P under zero."""
    return Tracer(D_MM2_S, EXCHANGE_1_S, TRAP_1_S * glycolysis_1(p_mmHg), RELEASE_1_S)


def glycolysis_1(p_mmHg: Float[Array, "x y z"]) -> Float[Array, "x y z"]:
    """Glucose use relative to that with plenty of oxygen."""
    p = at_least_zero(np.maximum(p_mmHg, 0.0), "p_mmHg")
    return np.asarray(1.0 + (HYPOXIC_FOLD - 1.0) * HALF_MMHG / (HALF_MMHG + p))


def lactate(
    p_mmHg: Float[Array, "x y z"], vessels: Shaped[Array, "x y z"], spacing_mm: float | tuple[float, float, float]
) -> Float[Array, "x y z"]:
    """Lactate at rest (mmol/L): made in proportion to K/(K + P), taken away by vessels: D ∇²L + κ v (L_p − L) + m = 0.

    Raises as `at_rest`.
    """
    p = at_least_zero(np.maximum(p_mmHg, 0.0), "p_mmHg")
    made = LACTATE_MM_S * HALF_MMHG / (HALF_MMHG + p)
    exchange = EXCHANGE_1_S * np.asarray(vessels, dtype=np.float64)
    tiny = 1e-9  # a source is an exchange, very slow, with a very high supply
    supply = (exchange * LACTATE_PLASMA_MM + made) / (exchange + tiny)
    mask = np.ones(p.shape, dtype=bool)
    return at_rest(mask, spacing_mm, D_LACTATE_MM2_S, linear(0.0), exchange=exchange + tiny, supply=supply, tolerance=1e-13)

"""Cells without oxygen die less easily: the oxygen modification factor."""

import numpy as np

from gemel.core.errors import RangeError
from gemel.core.number import number
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, one_over_zero, plain


def oxygen_modification_1(p_mmHg: Numbers, *, m_1: float | int = 3.0, K_mmHg: float | int = 3.0) -> Result:
    """OMF = (m p + K)/(m (p + K)): 1/m without oxygen, 1 with plenty. Wouters & Brown 1997, Radiat Res 147:541: m = 3, K = 3 mmHg.

    For alpha particles m is 1.0 to 1.3. Raises RangeError for a negative pressure or m under 1.
    """
    p, K = at_least_zero(p_mmHg, "p_mmHg"), one_over_zero(K_mmHg, "K_mmHg")
    m = number(m_1, "m_1")
    if not (m >= 1 and np.isfinite(m)):
        raise RangeError(f"an enhancement of {m}", where="m_1", remedy="give the ratio of doses without and with oxygen, 1 or more")
    return plain(np.asarray((m * p + K) / (m * (p + K))))


def hypoxic_survival(dose_Gy: Numbers, omf_1: Numbers, *, alpha_1_Gy: Numbers, beta_1_Gy2: Numbers, G_1: Numbers = 1.0) -> Result:
    """SF = exp(−α OMF D − G β OMF² D²). Wouters & Brown 1997; G as for any protracted dose."""
    dose = at_least_zero(dose_Gy, "dose_Gy") * at_least_zero(omf_1, "omf_1")
    alpha, beta, G = at_least_zero(alpha_1_Gy, "alpha_1_Gy"), at_least_zero(beta_1_Gy2, "beta_1_Gy2"), at_least_zero(G_1, "G_1")
    return plain(np.asarray(np.exp(-alpha * dose - G * beta * dose**2)))

"""Chance that an organ is harmed: the Lyman–Kutcher–Burman model."""

import numpy as np
from scipy.special import ndtr

from gemel.core.errors import RangeError
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, one_over_zero, over_zero, plain


def equivalent_uniform_dose_Gy(dose_Gy: Numbers, n_1: float | int, *, volumes: Numbers | None = None) -> float:
    """gEUD = (Σ v_i D_i^{1/n})^n; n = 1 is the mean. Niemierko 1997, Med Phys 24:103; Kutcher & Burman 1989, IJROBP 16:1623."""
    dose, n = at_least_zero(dose_Gy, "dose_Gy").ravel(), one_over_zero(n_1, "n_1")
    weights = np.ones(dose.shape) if volumes is None else at_least_zero(volumes, "volumes").ravel()
    if weights.shape != dose.shape or not weights.sum() > 0:
        raise RangeError("volumes that do not fit the doses", where="volumes", remedy="give one volume a voxel, not all zero")
    largest = float(dose.max())
    if largest == 0.0:
        return 0.0
    return largest * float(weights @ (dose / largest) ** (1.0 / n) / weights.sum()) ** n


def ntcp(dose_Gy: Numbers, TD50_Gy: Numbers, *, m_1: Numbers) -> Result:
    """NTCP = Φ((D − TD50)/(m TD50)), D and TD50 in the same kind of dose (EQD2, say). Lyman 1985, Radiat Res 104:S13."""
    TD50 = over_zero(TD50_Gy, "TD50_Gy")
    return plain(np.asarray(ndtr((at_least_zero(dose_Gy, "dose_Gy") - TD50) / (over_zero(m_1, "m_1") * TD50))))

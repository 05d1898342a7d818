"""From a dose map to the chance that no clonogenic cell is left."""

import numpy as np

from gemel.core.errors import RangeError
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, one_over_zero, over_zero, plain


def survival(dose_Gy: Numbers, alpha_1_Gy: Numbers, *, beta_1_Gy2: Numbers, G_1: Numbers = 1.0) -> Result:
    """Linear-quadratic survival e^{−αD − GβD²}. Lea & Catcheside 1942, J Genet 44:216."""
    dose, G = at_least_zero(dose_Gy, "dose_Gy"), at_least_zero(G_1, "G_1")
    log_kill = at_least_zero(alpha_1_Gy, "alpha_1_Gy") * dose + G * at_least_zero(beta_1_Gy2, "beta_1_Gy2") * dose**2
    return plain(np.asarray(np.exp(-log_kill)))


def equivalent_uniform_bed_Gy(bed_Gy: Numbers, alpha_1_Gy: float | int, *, volumes: Numbers | None = None) -> float:
    """EUBED = −(1/α) ln Σ v_i e^{−α BED_i}, the uniform BED that leaves as many cells. O'Donoghue 1999, J Nucl Med 40:1337.

    `volumes` (any unit, one a voxel) default to equal. Raises RangeError when they do not fit or are all zero.
    """
    bed, alpha = at_least_zero(bed_Gy, "bed_Gy").ravel(), one_over_zero(alpha_1_Gy, "alpha_1_Gy")
    weights = np.ones(bed.shape) if volumes is None else at_least_zero(volumes, "volumes").ravel()
    if weights.shape != bed.shape or not weights.sum() > 0:
        raise RangeError("volumes that do not fit the doses", where="volumes", remedy="give one volume a voxel, not all zero")
    least = float(bed[weights > 0].min())
    return least - float(np.log(weights @ np.exp(-alpha * (bed - least)) / weights.sum())) / alpha


def tumour_control(
    eubed_Gy: Numbers, clonogens: Numbers, *, alpha_1_Gy: Numbers, regrowth_1_d: Numbers = 0.0, duration_d: Numbers = 0.0
) -> Result:
    """TCP = exp(−N e^{−α EUBED + γT}), the Poisson chance of no survivor after regrowth. Munro & Gilbert 1961, Br J Radiol 34:246."""
    killed = over_zero(alpha_1_Gy, "alpha_1_Gy") * at_least_zero(eubed_Gy, "eubed_Gy")
    regrown = at_least_zero(regrowth_1_d, "regrowth_1_d") * at_least_zero(duration_d, "duration_d")
    return plain(np.asarray(np.exp(-at_least_zero(clonogens, "clonogens") * np.exp(regrown - killed))))

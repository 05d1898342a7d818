"""Time-integrated activity from one measurement, without knowing the half-life."""

import numpy as np

from gemel.systems.theranostics.protraction import LN2
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, over_zero, plain


def hanscheid_tia(activity: Numbers, t_h: Numbers) -> Result:
    """TIA ≈ A(t) 2t/ln 2, in the activity's unit times hours. Hänscheid et al. 2018, J Nucl Med 59:75.

    Its ratio to the truth is (2t/T) 2^{−t/T}: within 12 % for t between 0.75 and 2.5 effective half-lives T. Raises RangeError for a
    negative activity or a time not over zero.
    """
    return plain(np.asarray(at_least_zero(activity, "activity") * 2.0 * over_zero(t_h, "t_h") / LN2))

"""What physics forbids: activity that does not fall at least as fast as the nuclide decays."""

import math

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.kinetics.scans import Scans, require_times

LIMIT_SD = 3.0
"""Standard errors by which the data must contradict physical decay before they are refused: 1 in 740 by chance."""
REASON = "effective half-life longer than physical"


def require_physical(scans: Scans, physical_s: float) -> None:
    """Raises RangeError for a region whose decay-corrected activity A·exp(λ_p t) still rises at the end of its scans.

    The step between the last two scans is held against LIMIT_SD standard errors; uptake between earlier scans is no reason to refuse.
    """
    if not math.isfinite(physical_s) or physical_s <= 0:
        raise RangeError(f"a physical half-life of {physical_s} s", where="time–activity data", remedy="name a nuclide that is known")
    for i, name in enumerate(scans.names):
        seen = scans.seen[i] & (scans.activity_Bq[i] > 0)
        t_s, activity, sd = scans.t_s[seen], scans.activity_Bq[i][seen], scans.sd_Bq[i][seen]
        if len(t_s) >= 2 and (_last_step(t_s, activity, sd, physical_s) > LIMIT_SD):
            remedy = "check calibration, rescale and times of the scans; or add a later scan if uptake was still going on"
            raise RangeError(_found(t_s[-2:], activity[-2:], physical_s), where=name, remedy=remedy)


def require_no_gain(t_s: Float[Array, "scans"], total_Bq: Float[Array, "scans"], *, relative_sd: float, physical_s: float) -> None:
    """Raises RangeError when the decay-corrected activity of the whole field of view rises between any two scans.

    Nothing is injected between the scans, so that the body can only lose activity; `relative_sd` is that of one scan's total (calibration,
    field of view). Counts of different scale in each scan are found this way.
    """
    require_times(t_s)
    corrected = np.log(np.maximum(total_Bq, 1e-300)) + np.asarray(t_s) * math.log(2) / physical_s
    gain = corrected[None, :] - corrected[:, None]
    first, last = np.unravel_index(int(np.argmax(np.triu(gain))), gain.shape)
    if gain[first, last] > LIMIT_SD * math.sqrt(2) * relative_sd:
        pair = [int(first), int(last)]
        remedy = "the scans have no common calibration: export them again with their rescale, or give each its calibration factor"
        raise RangeError(_found(np.asarray(t_s)[pair], np.asarray(total_Bq)[pair], physical_s), where="whole field of view", remedy=remedy)


def _last_step(t_s: Array, activity: Array, sd: Array, physical_s: float) -> float:
    """Rise of ln(A·exp(λ_p t)) between the last two scans in its standard errors."""
    rise = math.log(activity[-1] / activity[-2]) + (t_s[-1] - t_s[-2]) * math.log(2) / physical_s
    return float(rise / math.hypot(sd[-1] / activity[-1], sd[-2] / activity[-2]))


def _found(t_s: Array, activity: Array, physical_s: float) -> str:
    rate = math.log(activity[0] / activity[1]) / float(t_s[1] - t_s[0])
    level = "rises" if rate < 0 else "does not fall"
    half_life = f"{math.log(2) / rate / 3600:.3g} h" if rate > 0 else f"none, the activity {level}"
    span = f"{activity[0]:.3g} at {t_s[0] / 3600:.3g} h, {activity[1]:.3g} at {t_s[1] / 3600:.3g} h"
    return f"{REASON} ({half_life}, against {physical_s / 3600:.4g} h; {span})"

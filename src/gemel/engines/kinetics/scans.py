"""What was measured: activities of some regions at some times after the injection, with their independent errors."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Scans:
    """Activity of each region at each time since the injection, not corrected for decay, and the standard deviation of each.

    An infinite `sd_Bq` says that the region was not seen in that scan. Errors that all scans share (calibration factor, recovery) do not
    belong here: see `factors`. `sd_known` False: the sd are right but for one unknown factor a region.
    Raises InputError for values that are not finite or negative, RangeError for times that do not increase from above zero.
    """

    t_s: Float[Array, "scans"]
    activity_Bq: Float[Array, "regions scans"]
    sd_Bq: Float[Array, "regions scans"]
    names: tuple[str, ...]
    sd_known: bool = True

    def __post_init__(self) -> None:
        shape = (len(self.names), len(self.t_s))
        if self.activity_Bq.shape != shape or self.sd_Bq.shape != shape:
            found = f"activities {self.activity_Bq.shape} and sd {self.sd_Bq.shape} for {shape[0]} regions and {shape[1]} times"
            raise InputError(found, where="Scans", remedy="pass one row a region and one column a scan")
        require_times(self.t_s)
        seen = np.isfinite(self.sd_Bq)
        for i, name in enumerate(self.names):
            _require_measured(self.activity_Bq[i][seen[i]], self.sd_Bq[i], name)

    @property
    def seen(self) -> Bool[Array, "regions scans"]:
        """Which region was seen in which scan."""
        return np.isfinite(self.sd_Bq)


def require_times(t_s: Float[Array, "scans"]) -> None:
    """Raises RangeError unless times are finite, after the injection and increasing."""
    if len(t_s) == 0 or not np.isfinite(t_s).all():
        raise RangeError(f"times {np.asarray(t_s).tolist()}", where="time–activity data", remedy="give the time of every scan")
    if t_s[0] <= 0:
        found = f"a scan {-float(t_s[0]) / 3600:.3g} h before the injection" if t_s[0] < 0 else "a scan at the time of the injection"
        raise RangeError(found, where="time–activity data", remedy="check the dates of injection and scan")
    if (np.diff(t_s) <= 0).any():
        raise RangeError("scan times that do not increase", where="time–activity data", remedy="sort the scans, and give each its own time")


def _require_measured(activity_Bq: Float[Array, "seen"], sd_Bq: Float[Array, "scans"], name: str) -> None:
    if not np.isfinite(activity_Bq).all() or np.isnan(sd_Bq).any():
        raise InputError("an activity or sd that is not a number", where=name, remedy="an unseen scan has an infinite sd")
    if (sd_Bq <= 0).any():
        raise InputError("a standard deviation that is not positive", where=name, remedy="state the uncertainty of every activity")
    if (activity_Bq < 0).any():
        found = f"a negative activity ({float(activity_Bq.min()):.4g} Bq)"
        raise InputError(found, where=name, remedy="check the background that was subtracted and the mask")
    if activity_Bq.size == 0 or not (activity_Bq > 0).any():
        raise InputError("no activity in any scan", where=name, remedy="leave the region out, or check its mask")

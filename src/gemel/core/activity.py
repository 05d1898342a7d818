"""An image of radioactivity: voxel values with their unit, the nuclide, and the clock of injection, scan and decay correction."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Literal

import numpy as np

from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.image import Image
from gemel.core.time import iso

Unit = Literal["Bq/mL", "counts"]
Correction = Literal["none", "start", "injection"]
MOST_MBq = 1e5  # 100 GBq: more was never given to a person; a larger number is in Bq


@dataclass(frozen=True)
class ActivityImage:
    """One time point. Times are seconds since the epoch (`core.time`), all on one clock.

    decay_corrected_to: `none`, values are means over the scan; `start`, corrected to the start of the scan; `injection`, to the injection.
    unit: `Bq/mL`, or `counts` summed over duration_s. Raises InputError for values that are not finite, negative concentrations and a
    duration that is not positive; RangeError for a scan before the injection, or an injection above MOST_MBq.
    """

    image: Image
    unit: Unit
    nuclide: str
    acquired_s: float
    duration_s: float
    injected_s: float
    injected_MBq: float
    decay_corrected_to: Correction
    source: str = ""  # SOP Instance UIDs or content hash

    def __post_init__(self) -> None:
        where = f"activity image {self.source[:64]}".rstrip()
        if self.unit not in ("Bq/mL", "counts"):
            raise UnitError(
                f"voxel values in {self.unit!r}", where=where, remedy="convert them to Bq/mL, or state counts and a calibration"
            )
        _require_values(self.image, where)
        if not (math.isfinite(self.duration_s) and self.duration_s > 0):
            raise InputError(f"a scan of {self.duration_s} s", where=where, remedy="state the duration of the scan: --duration-s")
        if not (math.isfinite(self.injected_MBq) and self.injected_MBq > 0):
            raise InputError(f"an injected activity of {self.injected_MBq} MBq", where=where, remedy="state it: --injected-MBq")
        if self.injected_MBq > MOST_MBq:
            found = f"an injected activity of {self.injected_MBq:g} MBq, more than is ever given"
            raise RangeError(found, where=where, remedy="it is in Bq or kBq: state it in MBq, --injected-MBq 7400")
        if not (math.isfinite(self.injected_s) and math.isfinite(self.acquired_s)):
            raise InputError(
                "a time of injection or scan that is not known",
                where=where,
                remedy="state the injection: --injected; write the time of the scan into its header or sidecar",
            )
        if self.acquired_s < self.injected_s:
            found = f"a scan {(self.injected_s - self.acquired_s) / 3600:.3g} h before the injection"
            raise RangeError(found, where=where, remedy="check the dates of both, or state the injection: --injected")

    @property
    def since_injection_s(self) -> float:
        """Start of the scan after the injection."""
        return self.acquired_s - self.injected_s


def uncorrected(scan: ActivityImage, half_life_s: float) -> ActivityImage:
    """Values as the activity truly was at the start of the scan: decay correction to the injection undone, and that within the scan made.

    A mean over the scan of duration τ becomes the start value by λτ/(1 - exp(-λτ)); a value corrected to the injection by exp(-λt).
    Loevinger, Budinger & Watson 1988, MIRD Primer, app. A. Counts of a scan are scaled in the same way.
    """
    decay_1_s = math.log(2) / half_life_s
    x = decay_1_s * scan.duration_s
    factor = {"none": x / -math.expm1(-x), "start": 1.0, "injection": math.exp(-decay_1_s * scan.since_injection_s)}
    values = (scan.image.array * factor[scan.decay_corrected_to]).astype(np.float32)
    return replace(scan, image=replace(scan.image, array=values), decay_corrected_to="start")


def require_series(scans: tuple[ActivityImage, ...]) -> None:
    """Raises InputError unless the scans share nuclide and injection and follow each other in time."""
    first = scans[0] if scans else None
    if first is None:
        raise InputError("no scan", where="series", remedy="give one scan at least")
    for before, after in pairwise(scans):
        if after.acquired_s <= before.acquired_s:
            found = "scans whose times do not increase"
            raise InputError(found, where=after.source or "series", remedy="sort the scans by time; the same scan twice is refused")
    for scan in scans[1:]:
        if (scan.nuclide, scan.injected_s, scan.injected_MBq) != (first.nuclide, first.injected_s, first.injected_MBq):
            found = f"another nuclide or injection ({_injection(scan)}) than {_injection(first)}"
            raise InputError(found, where=scan.source or "series", remedy="one series follows one injection; split it by cycle")


def _injection(scan: ActivityImage) -> str:
    return f"{scan.nuclide}, {scan.injected_MBq:g} MBq, {iso(scan.injected_s)}"


def _require_values(image: Image, where: str) -> None:
    if not np.isfinite(image.array).all():
        count = int(np.count_nonzero(~np.isfinite(image.array)))
        raise InputError(f"{count} voxels that are not finite", where=where, remedy="repair or export the image again")
    least = float(image.array.min(initial=0.0))
    if least < 0:
        remedy = "check rescale slope and intercept; set reconstruction overshoots to zero knowingly before"
        raise InputError(f"negative activity ({least:.4g})", where=where, remedy=remedy)

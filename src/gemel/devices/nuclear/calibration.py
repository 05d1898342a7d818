"""The camera's calibration factor: count rate a unit of activity, with its uncertainty."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Calibration:
    """Q in counts a second and MBq, at the start of a scan, and its standard deviation. Gear 2018, Eur J Nucl Med Mol Imaging 45:2456."""

    Q_1_MBq_s: float
    sd_1_MBq_s: float
    nuclide: str

    def __post_init__(self) -> None:
        if not (np.isfinite([self.Q_1_MBq_s, self.sd_1_MBq_s]).all() and self.Q_1_MBq_s > 0 and self.sd_1_MBq_s >= 0):
            found = f"a calibration factor of {self.Q_1_MBq_s} ± {self.sd_1_MBq_s} cps/MBq"
            raise RangeError(found, where="Calibration", remedy="measure it with a known activity and state its uncertainty")

    @property
    def relative_sd(self) -> float:
        """u(Q)/Q, shared by all regions and scans of the camera."""
        return self.sd_1_MBq_s / self.Q_1_MBq_s


def from_phantom(rate_1_s: Float[Array, "n"], activity_MBq: Float[Array, "n"], nuclide: str, *, activity_relative_sd: float) -> Calibration:
    """Mean of rate/activity over repeated scans; u² = scatter²/n + (u(A)/A)²·Q², the activity meter's error being common to all."""
    if len(rate_1_s) < 2 or not (activity_MBq > 0).all():
        raise InputError(f"{len(rate_1_s)} phantom scan(s)", where="from_phantom", remedy="scan the phantom twice at least, activity known")
    factors = rate_1_s / activity_MBq
    mean = float(factors.mean())
    return Calibration(mean, float(np.hypot(factors.std(ddof=1) / np.sqrt(len(factors)), activity_relative_sd * mean)), nuclide)


def calibrated(scan: ActivityImage, calibration: Calibration) -> ActivityImage:
    """Counts of a scan → Bq/mL: C/(Q·duration·voxel volume). Raises InputError for another nuclide and for images that are no counts."""
    if scan.unit != "counts":
        raise InputError(
            f"an image in {scan.unit}", where=scan.source or "calibrated", remedy="it is calibrated already; leave out the factor"
        )
    if scan.nuclide != calibration.nuclide:
        found = f"a factor for {calibration.nuclide} and an image of {scan.nuclide}"
        raise InputError(found, where=scan.source or "calibrated", remedy="use the factor of this nuclide, window and collimator")
    per_count = 1e6 / (calibration.Q_1_MBq_s * scan.duration_s * scan.image.voxel_mL)
    return replace(scan, unit="Bq/mL", image=replace(scan.image, array=(scan.image.array * per_count).astype(np.float32)))

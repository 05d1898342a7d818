"""From calibrated scans of one series to activities over time with their shared and own errors, and to time-integrated activities."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.activity import ActivityImage, require_series, uncorrected
from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.structures import Structures
from gemel.devices.nuclear.outlines import onto_image
from gemel.devices.nuclear.regions import Blur, Region, measure
from gemel.engines.kinetics import Posterior, Scans, posterior, require_no_gain, shared_covariance, with_factors

FIELD_RELATIVE_SD = 0.1
"""Of the total of one scan's field: calibration drift, and what lies beyond the edge. StarGuide phantom: 3 % of scatter."""
COMMON, EQUAL = 1e-3, 1e-6
"""Relative spread of all scans' largest values or sums, and difference of any two, that chance does not make."""


@dataclass(frozen=True)
class Series:
    """Activities of regions at the scans' times, and the relative covariance that all scans share (calibration, recovery, volume)."""

    scans: Scans
    regions: tuple[tuple[Region, ...], ...]  # per scan
    relative_covariance: Float[Array, "regions regions"]


def quantify(scans: Sequence[ActivityImage], structures: Structures, blur: Blur, *, half_life_s: float, calibration_rel: float) -> Series:
    """Decay correction undone, the field's total checked against physics, regions measured in every scan.

    Raises RangeError for a series whose total gains activity (no common calibration) or whose images were scaled each by its own,
    StructureError for a VOI outside a field of view.
    """
    require_series(tuple(scans))
    require_common_scale(scans)
    true = [uncorrected(scan, half_life_s) for scan in scans]
    t_s = np.array([scan.since_injection_s for scan in true])
    total = np.array([float(scan.image.array.sum(dtype=np.float64)) * scan.image.voxel_mL for scan in true])
    require_no_gain(t_s, total, relative_sd=FIELD_RELATIVE_SD, physical_s=half_life_s)
    measured = tuple(measure(scan, onto_image(structures, scan.image), blur) for scan in true)
    activity = np.array([[region.activity_Bq for region in one] for one in measured]).T
    noise = np.array([[region.noise_rel for region in one] for one in measured]).T
    own = np.array([region.own_rel for region in measured[0]])
    table = Scans(t_s, activity, np.maximum(noise * activity, 1e-9), tuple(structures.masks))
    return Series(table, measured, shared_covariance(calibration_rel, own))


def require_common_scale(scans: Sequence[ActivityImage]) -> None:
    """Raises RangeError when the images share their largest value, or their sum: each was scaled by its own, and activity is lost.

    Of what decays and moves neither stays the same: over the hours between scans of Lu-177 they change by several per cent. Equal to
    COMMON in all scans, or to rounding in any two. Images at 65535 in one voxel each (full range of 16 bits) are found so too.
    """
    require_unlike([scale_of(scan) for scan in scans])


def scale_of(scan: ActivityImage) -> dict[str, float]:
    """The largest value of an image as it came, and the sum of all."""
    held = scan.image.array.astype(np.float64)
    return {"largest": float(held.max()), "sum": float(held.sum())}


def require_unlike(scales: Sequence[Mapping[str, float]], *, alike: int = 2, coarse: float = 0.0) -> None:
    """Raises RangeError for scales (`scale_of`) that images share: all of `alike` or more to COMMON, any two to EQUAL.

    Scans of several injections may well be alike to COMMON, two of them one time in a hundred: ask for `alike` 3 of those, and leave
    whole numbers below `coarse` that two images of whole numbers share to chance.
    """
    for what, said in (("largest", "largest value"), ("sum", "sum")):
        held = sorted((scale[what], float(scale["sum"]).is_integer()) for scale in scales if scale[what] > 0)
        seen, whole = np.array([value for value, _ in held]), np.array([is_whole for _, is_whole in held])
        apart = np.diff(np.log(seen))
        chance = (seen[1:] < coarse) & whole[1:] & whole[:-1]
        if (len(seen) >= alike and apart.sum() < COMMON) or (apart[~chance] < EQUAL).any():
            remedy = "export the scans again with their rescale, or give each its calibration factor; their activities cannot be compared"
            raise RangeError(f"images that share their {said} ({seen[0]:.6g}): each scaled by its own", where="series", remedy=remedy)


def time_integrated(series: Series, *, half_life_s: float, draws: int, rng: np.random.Generator) -> Posterior:
    """Draws of every region's curve with all errors: noise in the fit, calibration, recovery and volume as factors of whole curves."""
    return with_factors(posterior(series.scans, half_life_s, draws=draws, rng=rng), series.relative_covariance, rng)

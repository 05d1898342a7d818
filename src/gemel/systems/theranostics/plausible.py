"""What no patient and no camera has: refused before a twin learns from it."""

import math
from collections.abc import Mapping

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, RangeError
from gemel.core.number import number
from gemel.devices.nuclear.regions import Region
from gemel.engines.decay import nuclide
from gemel.systems.theranostics.names import organ_of

LABS: Mapping[str, tuple[float, float, str]] = {
    "platelets": (1.0, 5000.0, "1e9/L"),
    "psa": (1e-3, 1e5, "ng/mL"),
    "blood_MBq_L": (1e-6, 1e4, "MBq/L"),
}
"""Least and most that is taken for a value in that unit; wider than any patient's."""
MOST_FWHM_mm, MOST_SD_pct = 60.0, 50.0


def fractions_of(scan: ActivityImage, regions: tuple[Region, ...]) -> dict[str, float]:
    """Of the injected activity in each organ, decay apart.

    Raises InputError for a region without activity, RangeError for more in all of them than was injected.
    """
    half_life_s = nuclide(scan.nuclide).half_life_s
    left_MBq = scan.injected_MBq * 2 ** (-scan.since_injection_s / half_life_s)
    found: dict[str, float] = {}
    for region in regions:
        if region.activity_Bq <= 0:
            raise InputError("no activity", where=region.name, remedy="contour it on the image, or leave it out: --map NAME=")
        organ = organ_of(region.name)
        found[organ] = found.get(organ, 0.0) + region.activity_Bq * 1e-6 / left_MBq
    if sum(found.values()) > 1:
        said = f"{sum(found.values()):.3g} of the injected activity in the regions"
        raise RangeError(said, where=scan.source[:64], remedy="uptake is at most 1: check units, calibration and injected activity")
    return found


def require_labs(values: Mapping[str, float]) -> None:
    """Raises RangeError for a laboratory value that is another unit's, or an error."""
    for name, value in values.items():
        least, most, unit = LABS.get(name, (-math.inf, math.inf, ""))
        if not least <= value <= most:
            raise RangeError(f"{name} of {value:g}", where="laboratory values", remedy=f"give it in {unit}: from {least:g} to {most:g}")


def require_camera(calibration_cps_MBq: float, calibration_sd_pct: float, fwhm_mm: float, recover: bool) -> None:
    """Raises RangeError for a camera that cannot be, InputError for what is no number; no calibration (NaN) is one of images in Bq/mL."""
    calibration_cps_MBq, fwhm_mm = number(calibration_cps_MBq, "calibration_cps_MBq"), number(fwhm_mm, "fwhm_mm")
    calibration_sd_pct = number(calibration_sd_pct, "calibration_sd_pct")
    if calibration_cps_MBq <= 0 or math.isinf(calibration_cps_MBq):
        raise RangeError(f"{calibration_cps_MBq} cps/MBq", where="calibration_cps_MBq", remedy="give the camera's factor, above 0, or none")
    if not 0 < calibration_sd_pct <= MOST_SD_pct:
        raise RangeError(f"{calibration_sd_pct} %", where="calibration_sd_pct", remedy=f"give it above 0, to {MOST_SD_pct:g}")
    if not 0 < fwhm_mm <= MOST_FWHM_mm:
        raise RangeError(
            f"a resolution of {fwhm_mm} mm", where="fwhm_mm", remedy=f"give the FWHM of the image, above 0, to {MOST_FWHM_mm:g}"
        )
    if not isinstance(recover, bool):
        raise InputError(f"{recover!r}", where="recover", remedy="say true or false")

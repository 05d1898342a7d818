"""Doses of a whole scan; NaN where its length, or the region, is not known."""

from gemel.devices.ct.choice import Judged
from gemel.devices.ct.dose import dose_length_product_mGy_cm, effective_dose_mSv
from gemel.flow.protocols.recommend import Recommended


def dlp_mGy_cm(found: Recommended, one: Judged) -> float:
    """CTDIvol × length; what helical scans add at both ends is left out."""
    return dose_length_product_mGy_cm(one.forecast.ctdivol_mGy, found.length_mm) if found.length_mm else float("nan")


def effective_mSv(found: Recommended, one: Judged) -> float:
    """k · DLP of the region that was asked for."""
    return effective_dose_mSv(dlp_mGy_cm(found, one), found.asked.region) if found.asked.region else float("nan")

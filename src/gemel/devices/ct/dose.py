"""Dose of a scan: CTDIvol by technique, size-specific dose, water-equivalent diameter, dose–length product and effective dose."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.image import Array

FITS = {32: (3.704369, 0.03671937), 16: (1.874799, 0.03871313)}
"""a, b (1/cm) of f = a exp(−b D) by diameter (cm) of the CTDI phantom: AAPM Report 204 (2011), appendix A."""
SMALLEST_CM, LARGEST_CM = 8.0, 45.0  # span of the data behind both fits: AAPM Report 204 (2011), tables 1D and 2D
AIR_HU, HIGHEST_HU = -1100.0, 32767.0
EFFECTIVE_MSV_MGY_CM = {"head": 0.0021, "neck": 0.0059, "chest": 0.014, "abdomen": 0.015, "pelvis": 0.015, "abdomen-pelvis": 0.015}
"""Adults: AAPM Report 96 (2008), table 3, tissue weights of ICRP 60. A population's number, not a patient's."""


@dataclass(frozen=True)
class Output:
    """How much a scanner gives: CTDIvol (mGy) for 100 mAs at pitch 1 and 120 kVp in its phantom, and the exponent of the tube voltage.

    8.83 mGy is a 320-row scanner's body value; in-phantom exponents lie between 2.3 and 2.8 (Nagel 2000, Radiation Exposure in CT, COCIR).
    """

    ctdivol_mGy_100mAs: float = 8.83
    exponent: float = 2.5
    phantom_cm: int = 32


def ssde(ctdivol_mGy: float, diameter_cm: float, phantom_cm: int = 32) -> float:
    """Size-specific dose estimate CTDIvol · a exp(−b D) in mGy; D effective or water-equivalent. AAPM Reports 204 (2011), 220 (2014).

    Raises RangeError outside 8 to 45 cm (the data behind the fit), for a negative CTDIvol and for phantoms other than 16 and 32 cm.
    """
    if not (np.isfinite(ctdivol_mGy) and ctdivol_mGy >= 0):
        raise RangeError(f"a CTDIvol of {ctdivol_mGy:g} mGy", where="ssde", remedy="read CTDIvol (0018,9345) in mGy")
    return ctdivol_mGy * size_factor(diameter_cm, phantom_cm)


def size_factor(diameter_cm: float, phantom_cm: int = 32) -> float:
    """f = a exp(−b D); raises as `ssde`."""
    if phantom_cm not in FITS:
        raise RangeError(
            f"a CTDI phantom of {phantom_cm} cm", where="ssde", remedy="use 32 (body) or 16 (head): CTDIPhantomTypeCodeSequence"
        )
    if not SMALLEST_CM <= diameter_cm <= LARGEST_CM:
        raise RangeError(
            f"a diameter of {diameter_cm:g} cm",
            where="ssde",
            remedy=f"the fit holds from {SMALLEST_CM:g} to {LARGEST_CM:g} cm; check that the diameter is in cm, not mm",
        )
    a, b = FITS[phantom_cm]
    return float(a * np.exp(-b * diameter_cm))


def water_equivalent_diameter_cm(
    hu: Float[Array, "x y"], spacing_mm: tuple[float, float], *, inside: Bool[Array, "x y"] | None = None
) -> float:
    """D_w = 2 √[(mean HU/1000 + 1) A/π] over the pixels of the patient (all without a mask: air adds nothing). AAPM Report 220 (2014).

    Raises UnitError for numbers that are no HU (below −1100 once air is −1000), InputError for an empty or airy region.
    """
    region = hu if inside is None else hu[inside]
    if region.size == 0 or not np.isfinite(region).all():
        raise InputError(
            "a region without pixels, or pixels that are not finite", where="water-equivalent diameter", remedy="outline the body again"
        )
    if region.min() < AIR_HU or region.max() > HIGHEST_HU:
        raise UnitError(
            f"values from {region.min():g} to {region.max():g}",
            where="water-equivalent diameter",
            remedy="rescale to HU first (RescaleSlope, RescaleIntercept) and set padding to -1000",
        )
    area_cm2 = float(np.sum(region / 1000.0 + 1.0)) * spacing_mm[0] * spacing_mm[1] / 100
    if area_cm2 <= 0:
        raise InputError("no water-equivalent area", where="water-equivalent diameter", remedy="is there a patient in this slice?")
    return float(2 * np.sqrt(area_cm2 / np.pi))


def ctdivol_mGy(output: Output, *, kVp: float, mAs: float, pitch: float) -> float:
    """CTDIvol = c mAs/pitch (kVp/120)^n; mAs is tube current × rotation time. IEC 60601-2-44.

    Raises RangeError for values that are not positive, and for mAs beyond 3,000 (often a current in mA taken for mAs).
    """
    if not (kVp > 0 and 0 < mAs <= 3000 and pitch > 0):
        raise RangeError(
            f"{kVp:g} kVp, {mAs:g} mAs, pitch {pitch:g}",
            where="ctdivol_mGy",
            remedy="mAs is mA times seconds a rotation; pitch is table feed per width",
        )
    return output.ctdivol_mGy_100mAs * mAs / 100 / pitch * (kVp / 120.0) ** output.exponent


def dose_length_product_mGy_cm(ctdivol: float, length_mm: float) -> float:
    """DLP = CTDIvol × scanned length."""
    if not (ctdivol >= 0 and length_mm > 0):
        raise RangeError(
            f"{ctdivol:g} mGy over {length_mm:g} mm", where="dose_length_product_mGy_cm", remedy="give mGy and a positive length in mm"
        )
    return ctdivol * length_mm / 10


def effective_dose_mSv(dlp_mGy_cm: float, region: str) -> float:
    """E = k · DLP, adults. AAPM Report 96 (2008), table 3; k differs by a third between phantoms. Raises RangeError for other regions."""
    if region not in EFFECTIVE_MSV_MGY_CM:
        raise RangeError(f"a region named {region!r}", where="effective_dose_mSv", remedy=f"use one of {', '.join(EFFECTIVE_MSV_MGY_CM)}")
    return dlp_mGy_cm * EFFECTIVE_MSV_MGY_CM[region]

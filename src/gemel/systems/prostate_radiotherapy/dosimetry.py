"""Dose–volume readouts of one anatomy: what the plan of the day is judged on."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import distance_transform_edt

from gemel.core.image import Array
from gemel.core.structures import Structures
from gemel.engines import dvh

PRESCRIBED_CTV_Gy = 26.0
PRESCRIBED_DIL_Gy = 32.0
FRACTIONS = 2
CURVES = ("CTV", "DIL", "BLADDER", "BLADDER_NECK", "RECTUM", "URETHRA")
CURVE_LEVELS_Gy = np.arange(0.0, 41.0)
LEVELS_Gy = {"BLADDER": (14.6, 20.8), "RECTUM": (13.0, 17.6, 23.0)}

UNITS = {
    "CTV_D98_Gy": "Gy", "CTV_V100_pct": "%", "DIL_V100_pct": "%", "BLADDER_V14.6_cc": "cm3", "BLADDER_V20.8_cc": "cm3",
    "BLADDER_NECK_mean_Gy": "Gy", "RECTUM_V13_cc": "cm3", "RECTUM_V17.6_cc": "cm3", "RECTUM_V23_cc": "cm3",
    "URETHRA_D10_pct": "%", "URETHRA_D0.03cc_pct": "%",
}  # fmt: skip
"""Readouts by name; urethra percentages are of the boost prescription, every dose is of the whole course of two fractions."""


def readouts(dose_Gy: Float[Array, "x y z"], structures: Structures) -> Mapping[str, float]:
    """Every readout whose structure is contoured and not empty on this anatomy."""
    return {
        name: value
        for structure in CURVES
        if structure in structures.masks and structures.masks[structure].any()
        for name, value in _of(structure, dose_Gy, structures).items()
    }


def curves(dose_Gy: Float[Array, "x y z"], structures: Structures) -> dict[str, Float[Array, "levels"]]:
    """Cumulative histograms `DVH_<structure>` at CURVE_LEVELS_Gy, as fractions of the volume."""
    present = [name for name in CURVES if name in structures.masks and structures.masks[name].any()]
    return {f"DVH_{name}": dvh.cumulative(dose_Gy, structures.masks[name], CURVE_LEVELS_Gy) for name in present}


def _of(structure: str, dose_Gy: Array, structures: Structures) -> dict[str, float]:
    mask, voxel_mL = structures.masks[structure], structures.grid.voxel_mL
    if structure == "CTV":
        cover_pct = 100 * dvh.volume_at_dose(dose_Gy, mask, PRESCRIBED_CTV_Gy)
        return {"CTV_D98_Gy": dvh.dose_at_fraction_Gy(dose_Gy, mask, 0.98), "CTV_V100_pct": cover_pct}
    if structure == "DIL":
        return {"DIL_V100_pct": 100 * dvh.volume_at_dose(dose_Gy, mask, PRESCRIBED_DIL_Gy)}
    if structure == "URETHRA":
        hot = {"D10": dvh.dose_at_fraction_Gy(dose_Gy, mask, 0.1), "D0.03cc": dvh.dose_at_volume_Gy(dose_Gy, mask, 0.03, voxel_mL)}
        return {f"URETHRA_{name}_pct": 100 * dose / PRESCRIBED_DIL_Gy for name, dose in hot.items()}
    if structure == "BLADDER_NECK":
        return {"BLADDER_NECK_mean_Gy": dvh.mean_dose_Gy(dose_Gy, mask)}
    levels_Gy = np.array(LEVELS_Gy[structure])
    volumes_cc = dvh.cumulative(dose_Gy, mask, levels_Gy) * np.count_nonzero(mask) * voxel_mL
    return {f"{structure}_V{level:g}_cc": float(volume) for level, volume in zip(levels_Gy, volumes_cc)}


def near(mask: Bool[Array, "x y z"], spacing_mm: Float[Array, "3"], distance_mm: float) -> Bool[Array, "x y z"]:
    """Voxels whose centre lies within a distance of the mask's voxels."""
    return np.asarray(distance_transform_edt(~mask, sampling=spacing_mm) <= distance_mm)

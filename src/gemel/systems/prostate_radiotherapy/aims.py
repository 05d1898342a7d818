"""What a plan aims at: the regions that are judged and the objectives on their doses."""

import numpy as np
from jaxtyping import Bool

from gemel.core.image import Array
from gemel.core.structures import Structures
from gemel.engines import optimise
from gemel.systems.prostate_radiotherapy.dosimetry import PRESCRIBED_CTV_Gy, PRESCRIBED_DIL_Gy, near

OVERSHOOT_Gy = 1.0
"""Aimed above the prescription, so that an anatomy a little off still has it."""


def regions_of(structures: Structures) -> dict[str, Bool[Array, "x y z"]]:
    """What is judged: targets, the organs near them, a ring for the fall-off, and the rest of the body on the way."""
    spacing_mm = structures.grid.spacing_mm
    target = structures["CTV"]
    around = near(target, spacing_mm, 30.0)
    ring = near(target, spacing_mm, 15.0) & ~near(target, spacing_mm, 3.0) & structures["BODY"]
    regions = {"CTV": target, "RING": ring}
    regions |= {name: structures.masks[name] for name in ("DIL", "URETHRA") if name in structures.masks}
    regions |= {name: structures.masks[name] & around & ~target for name in ("BLADDER", "RECTUM")}
    return {name: mask for name, mask in regions.items() if mask.any()}


def objectives_of(regions: dict[str, Bool[Array, "x y z"]], sampled: Bool[Array, "x y z"], voxel_mL: float) -> list[optimise.Objective]:
    judged = {"CTV", "DIL", "URETHRA"}
    rows = {name: np.flatnonzero(mask & sampled if name in judged else mask) for name, mask in regions.items()}
    boost = regions.get("DIL", np.zeros_like(regions["CTV"]))
    flat = (
        np.flatnonzero(regions["CTV"] & sampled & ~near(boost, np.full(3, voxel_mL ** (1 / 3) * 10), 6.0)) if boost.any() else rows["CTV"]
    )
    goals: list[optimise.Objective] = [
        optimise.SquaredUnderdose(rows["CTV"], PRESCRIBED_CTV_Gy + OVERSHOOT_Gy, 2000.0),
        optimise.SquaredOverdose(flat, 1.07 * PRESCRIBED_CTV_Gy, 40.0),
        optimise.SquaredOverdose(rows["RING"], 20.0, 4.0, robust=False),
    ]
    if "DIL" in rows:
        goals += [
            optimise.SquaredUnderdose(rows["DIL"], PRESCRIBED_DIL_Gy + OVERSHOOT_Gy, 1000.0),
            optimise.SquaredOverdose(rows["DIL"], 1.07 * PRESCRIBED_DIL_Gy, 40.0),
        ]
    if "URETHRA" in rows:
        goals.append(optimise.SquaredOverdose(rows["URETHRA"], 0.9 * PRESCRIBED_DIL_Gy, 60.0))
    for organ, limits in {"BLADDER": ((14.6, 15.0), (20.8, 6.0)), "RECTUM": ((13.0, 4.0), (17.6, 2.0), (23.0, 0.3))}.items():
        if organ in rows:
            share = [(dose, min(1.0, cc / (len(rows[organ]) * voxel_mL))) for dose, cc in limits]
            goals += [optimise.MaxDVH(rows[organ], dose, part, 20.0, robust=False) for dose, part in share]
            goals.append(optimise.MeanDose(rows[organ], 1.0, robust=False))
    return goals

"""Which beam directions the anatomy allows: none through metal, and room below the target for margins."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32
from scipy import ndimage

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, require_same_grid, with_array, world_mm
from gemel.core.structures import Structures
from gemel.engines.dose.path import fraction_through

PUBLISHED_deg = (90.0, 270.0, 50.0, 310.0)
"""Two lateral and two anterior oblique directions. Chang 2026, PMLR 315:1193."""
METAL_HU = 2000.0
"""Dense cortical bone of 1.92 g/cm³ reads about 1600 HU at 120 kV (Schneider 1996, Phys Med Biol 41:111); implants read above 3000."""
STREAK_HU = -200.0
"""Fat reads about -100 HU: darker tissue beside metal, outside the bowel, is a streak."""
STREAK_REACH_mm = 100.0


@dataclass(frozen=True)
class BeamCheck:
    """One direction: share (0..1) of the target's rays through metal and through dark streaks on their way in."""

    gantry_deg: float
    through_metal: float
    through_streaks: float

    @property
    def reason(self) -> str:
        """Why the direction is refused or doubtful, in words; empty when it is clear."""
        rays = "of the target's rays cross"
        if self.through_metal > 0:
            return f"gantry {self.gantry_deg:g}°: {100 * self.through_metal:.0f} % {rays} metal (> {METAL_HU:g} HU)"
        if self.through_streaks > 0:
            return f"gantry {self.gantry_deg:g}°: {100 * self.through_streaks:.0f} % {rays} streaks beside metal (< {STREAK_HU:g} HU)"
        return ""


@dataclass(frozen=True)
class BeamChoice:
    """Directions kept, refused (through metal), all directions that meet neither metal nor streaks, and notes in words for a report."""

    kept: tuple[BeamCheck, ...]
    refused: tuple[BeamCheck, ...]
    proposed_deg: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def kept_deg(self) -> tuple[float, ...]:
        """Gantry angles of the directions kept."""
        return tuple(check.gantry_deg for check in self.kept)


def metal_mask(ct: Image, *, threshold_HU: float = METAL_HU) -> Bool[Array, "x y z"]:
    """Voxels brighter than any bone."""
    return np.asarray(ct.array > threshold_HU)


def streak_mask(ct: Image, structures: Structures) -> Bool[Array, "x y z"]:
    """Dark voxels in the body, in slices with metal and within STREAK_REACH_mm of it; not near the skin, nor in rectum and bladder."""
    metal = metal_mask(ct)
    if not metal.any():
        return metal
    deep = ndimage.distance_transform_edt(structures["BODY"], sampling=ct.spacing_mm) > 10.0
    near = ndimage.distance_transform_edt(~metal, sampling=ct.spacing_mm) < STREAK_REACH_mm
    organs = structures["RECTUM"] | structures["BLADDER"] | structures["CTV"]
    return np.asarray((ct.array < STREAK_HU) & deep & near & metal.any(axis=(0, 1)) & ~ndimage.binary_dilation(organs))


def choose_beams(
    ct: Image, structures: Structures, wanted_deg: Sequence[float] = PUBLISHED_deg, *, margin_mm: float = 8.0, step_deg: float = 10.0
) -> BeamChoice:
    """Wanted directions with no ray of the target, widened by the margin, through metal upstream; the rest refused with the reason.

    Direction g runs along (−sin g, cos g, 0). Directions every step_deg that meet neither metal nor streaks are proposed.
    """
    require_same_grid(ct, structures.grid, "choose_beams")
    metal, streaks = metal_mask(ct), streak_mask(ct, structures)
    wide = ndimage.distance_transform_edt(~structures["CTV"], sampling=ct.spacing_mm) <= margin_mm
    target = wide & ~metal & ~streaks

    def check(gantry_deg: float) -> BeamCheck:
        shares = (_share(ct, obstacle, target, gantry_deg) for obstacle in (metal, streaks))
        return BeamCheck(float(gantry_deg), *shares)

    checks = [check(g) for g in wanted_deg]
    scan = [check(g) for g in np.arange(0.0, 360.0, step_deg)] if metal.any() else []
    return BeamChoice(
        kept=tuple(c for c in checks if c.through_metal == 0),
        refused=tuple(c for c in checks if c.through_metal > 0),
        proposed_deg=tuple(c.gantry_deg for c in scan if not c.reason),
        notes=_notes(ct, structures, metal, checks),
    )


def extend_scan(ct: Image, structures: Structures, margin_mm: float) -> tuple[Image, Structures, str]:
    """The scan with its first and last slice repeated until the CTV is margin_mm from both ends, and a note on what was invented.

    Only HU and BODY are continued; no volume is added to an organ. The note is empty when nothing was needed.
    """
    if not margin_mm >= 0:
        raise RangeError(f"a margin of {margin_mm} mm", where="extend_scan", remedy="pass a distance of 0 mm or more")
    slices = np.flatnonzero(structures["CTV"].any(axis=(0, 1)))
    dz_mm = float(ct.spacing_mm[2])
    room_mm = (slices[0] * dz_mm, (ct.shape[2] - 1 - slices[-1]) * dz_mm)
    below, above = (max(0, int(np.ceil((margin_mm - room) / dz_mm - 1e-6))) for room in room_mm)
    if below == above == 0:
        return ct, structures, ""
    ends = ((0, 0), (0, 0), (below, above))
    affine_mm = ct.affine_mm.copy()
    affine_mm[:3, 3] = world_mm(ct, np.array([[0.0, 0.0, -float(below)]]))[0]
    longer = replace(ct, array=np.pad(ct.array, ends, mode="edge"), affine_mm=affine_mm)
    masks = {n: np.pad(m, ends, mode="edge") if n == "BODY" else np.pad(m, ends) for n, m in structures.masks.items()}
    parts = [
        f"the scan ends {room:.0f} mm {side} the target: the last slice was repeated to invent {count * dz_mm:.0f} mm of tissue"
        for side, room, count in zip(("below", "above"), room_mm, (below, above))
        if count
    ]
    return longer, Structures(longer, masks), "; ".join(parts)


def _share(ct: Image, obstacle: Bool[Array, "x y z"], target: Bool[Array, "x y z"], gantry_deg: float) -> float:
    if not obstacle.any():
        return 0.0
    flags: Float32[Array, "x y z"] = obstacle.astype(np.float32)
    return fraction_through(with_array(ct, flags), 0.5, target, gantry_deg)


def _notes(ct: Image, structures: Structures, metal: Bool[Array, "x y z"], checks: Sequence[BeamCheck]) -> tuple[str, ...]:
    """Where the metal is, how much of the target shares its slices, and what is wrong with each wanted direction."""
    if not metal.any():
        return ()
    levels = metal.any(axis=(0, 1))
    ends = np.flatnonzero(levels)
    z_mm = world_mm(ct, np.array([[0.0, 0.0, ends[0]], [0.0, 0.0, ends[-1]]], dtype=np.float64))[:, 2]
    target = structures["CTV"]
    shared = float(np.count_nonzero(target & levels)) / float(np.count_nonzero(target))
    volume_mL = np.count_nonzero(metal) * ct.voxel_mL
    place = f"{volume_mL:.1f} mL of metal from z = {z_mm[0]:.0f} to {z_mm[1]:.0f} mm"
    streaks = f"{100 * shared:.0f} % of the target lies in these slices, where streaks make HU unreliable"
    return (f"{place}; {streaks}", *(check.reason for check in checks if check.reason))

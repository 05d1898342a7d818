"""A patient at planning: the CT and contours on the dose grid, how this pelvis can move, which beams are free, what was assumed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array, Image, is_axis_aligned
from gemel.core.structures import Structures, centroid_mm
from gemel.devices.ct import default_hu_rsp_table
from gemel.engines.dose import hu_to_rsp
from gemel.engines.registration.warp import resample
from gemel.systems.prostate_radiotherapy.beams import BeamChoice, PUBLISHED_deg, choose_beams, extend_scan
from gemel.systems.prostate_radiotherapy.dosimetry import near
from gemel.systems.prostate_radiotherapy.modes import Modes, bone_mask, motion_modes
from gemel.systems.prostate_radiotherapy.names import required

GRID_mm = 3.0
NECK_mm = 10.0
END_mm = 21.0
"""Scan that dose and margins need beyond the target along z: 5 mm of margin, three sigmas of a spot."""


@dataclass(frozen=True)
class Case:
    """Planning CT (HU) and structures on one axis-aligned grid, motion modes, isocentre (LPS mm), gantry angles, notes for the report."""

    ct: Image
    structures: Structures
    modes: Modes
    isocentre_mm: Float[Array, "3"]
    gantry_deg: tuple[float, ...]
    notes: tuple[str, ...]


def begin(ct: Image, structures: Structures, *, beams_deg: Sequence[float] = ()) -> Case:
    """A case from a planning CT and its contours.

    Adds the bladder neck (bladder within 10 mm of the CTV) when it is not contoured, extends a scan that ends too close to the
    target, leaves out beams through metal, unless the user asks for them: `beams_deg` are then used as they are, and flagged.
    Raises StructureError when a required structure is missing or empty.
    """
    for name in required():
        if name not in structures.masks or not structures[name].any():
            there = ", ".join(sorted(structures.masks)) or "none"
            remedy = f"contour it, or name it with --map OWN={name}"
            raise StructureError(f"no contoured {name}; there are {there}", where="structures", remedy=remedy)
    ct, structures, grid_note = _on_grid(ct, structures)
    ct, structures, end_note = extend_scan(ct, structures, END_mm)
    masks = dict(structures.masks)
    if "BLADDER_NECK" not in masks:
        masks["BLADDER_NECK"] = masks["BLADDER"] & near(masks["CTV"], ct.spacing_mm, NECK_mm)
    structures = Structures(ct, masks)
    beams = choose_beams(ct, structures, beams_deg or PUBLISHED_deg)
    used = tuple(float(g) for g in beams_deg) or _usable(beams)
    modes = motion_modes(structures, bone_mask(ct, structures))
    notes = tuple(note for note in (grid_note, end_note, *beams.notes) if note)
    return Case(ct, structures, modes, centroid_mm(structures, "CTV"), used, (*notes, _used(used)))


def _used(gantry_deg: tuple[float, ...]) -> str:
    return "beams used: " + ", ".join(f"{angle:g}°" for angle in gantry_deg)


def _usable(beams: BeamChoice) -> tuple[float, ...]:
    """The wanted beams that are free, or else the two proposed ones that differ most."""
    if beams.kept:
        return beams.kept_deg
    if not beams.proposed_deg:
        raise RangeError("no direction that is free of metal", where="choose_beams", remedy="ask for the angles you accept with --beam")
    return tuple(dict.fromkeys((beams.proposed_deg[0], beams.proposed_deg[len(beams.proposed_deg) // 2])))


def rsp_of(ct: Image, structures: Structures) -> Image:
    """Stopping power relative to water; air outside the body, so that couch and mask are not in the beam."""
    hu = np.clip(ct.array, -1024.0, 3071.0)
    rsp = np.where(structures["BODY"], hu_to_rsp(hu, default_hu_rsp_table()), np.float32(0.0))
    return Image(rsp.astype(np.float32), ct.affine_mm, ct.frame)


def _on_grid(ct: Image, structures: Structures) -> tuple[Image, Structures, str]:
    """The case on a 3 mm grid, unless it is on one already or on a coarser one."""
    if is_axis_aligned(ct) and (ct.spacing_mm >= GRID_mm - 0.01).all():
        return ct, structures, ""
    low, high = _extent_mm(ct)
    shape = np.floor((high - low) / GRID_mm).astype(int) + 1
    affine = np.diag([GRID_mm, GRID_mm, GRID_mm, 1.0])
    affine[:3, 3] = low
    grid = Image(np.zeros(tuple(shape), np.float32), affine, ct.frame)
    masks = {name: _occupied(mask, ct, grid) for name, mask in structures.masks.items()}
    sizes = " x ".join(f"{s:.2f}" for s in ct.spacing_mm)
    return resample(ct, grid, outside=-1024.0), Structures(grid, masks), f"CT of {sizes} mm resampled to {GRID_mm:g} mm for dose"


def _occupied(mask: Array, ct: Image, grid: Image) -> Array:
    occupancy = Image(mask.astype(np.float32), ct.affine_mm, ct.frame)
    return np.asarray(resample(occupancy, grid, outside=0.0).array > 0.5)


def _extent_mm(image: Image) -> tuple[Array, Array]:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in image.shape], indexing="ij")).reshape(3, -1).T
    places = corners @ image.affine_mm[:3, :3].T + image.affine_mm[:3, 3]
    return places.min(axis=0), places.max(axis=0)

"""One plan: spots for an anatomy, weights that hold under set-up and range errors."""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_erosion
from scipy.sparse import csc_matrix

from gemel.core.image import Array, Image
from gemel.core.structures import Structures, centroid_mm
from gemel.devices.proton import Machine
from gemel.engines import optimise
from gemel.engines.dose.beam_data import thinned
from gemel.engines.dose.pencil_beam import influence
from gemel.engines.dose.spots import place_spots
from gemel.systems.prostate_radiotherapy.dosimetry import PRESCRIBED_CTV_Gy, PRESCRIBED_DIL_Gy, near

ITERATIONS = 200
SPACING_mm = 5.0
LAYER_mm = 5.0
"""Spots about one sigma apart across the beam, layers two straggling sigmas apart in depth."""
LATERAL_mm = 5.0
KEPT = 0.98
"""Share of a pencil's dose within the lateral cut-off while optimising; the final dose keeps the engine's 99.5 %."""
OVERSHOOT_Gy = 1.0
"""Aimed above the prescription, so that an anatomy a little off still has it."""
LEAST = 1e-3
"""Spots below this share of the largest weight are dropped."""
ROBUST: Final = "worst_case"


@dataclass(frozen=True)
class Margins:
    """Set-up errors to be survived along −x, +x, −y, +y, −z, +z (of the patient, LPS mm), and the relative range error."""

    setup_mm: tuple[float, float, float, float, float, float]
    range_fraction: float


CLINICAL = Margins((5.0, 5.0, 5.0, 3.0, 5.0, 5.0), 0.035)
"""5 mm, 3 mm to the back, 3.5 %: the clinical plan of Chang et al. 2026, PMLR 315:1193."""
TWIN = Margins((1.5, 1.5, 1.5, 1.5, 1.5, 1.5), 0.035)
"""1.5 mm, 3.5 %: the plans of the day, ibid."""


@dataclass(frozen=True)
class PlanOfLibrary:
    """Spots (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV) and their weights in 1e6 protons over the course.

    `anatomy` (COORDINATES) is the one it was made for, `target_mm` the centroid of the CTV there.
    """

    name: str
    spots: Float[Array, "n 4"]
    weights: Float[Array, "n"]
    anatomy: Float[Array, "6"]
    target_mm: Float[Array, "3"]
    margins: Margins
    status: str


@dataclass(frozen=True)
class Beamline:
    """What the plans of one patient share."""

    machine: Machine
    isocentre_mm: Float[Array, "3"]
    gantry_deg: tuple[float, ...]


def matched(plan: PlanOfLibrary, structures: Structures, beamline: Beamline) -> Beamline:
    """The beamline as the patient meets it when the couch brings today's CTV to where the plan has it."""
    return replace(beamline, isocentre_mm=beamline.isocentre_mm + centroid_mm(structures, "CTV") - plan.target_mm)


def dose_Gy(plan: PlanOfLibrary, rsp: Image, beamline: Beamline, *, voxels: Bool[Array, "x y z"] | None = None) -> Float[Array, "x y z"]:
    """Dose of the course on an anatomy in the frame of its bones; zero outside `voxels` when they are given."""
    matrix = influence(rsp, plan.spots, beamline.machine, beamline.isocentre_mm, voxels=voxels)
    return np.asarray(matrix @ plan.weights.astype(np.float32)).reshape(rsp.shape)


def scenarios(margins: Margins) -> list[tuple[Float[Array, "3"], float]]:
    """21 errors (shift of the patient, range factor): no shift and six shifts, each with the range as it is, longer and shorter."""
    shifts = [np.zeros(3)]
    for axis in range(3):
        for side, sign in ((0, -1.0), (1, 1.0)):
            shift = np.zeros(3)
            shift[axis] = sign * margins.setup_mm[2 * axis + side]
            shifts.append(shift)
    return [(shift, 1.0 + error) for error in (0.0, margins.range_fraction, -margins.range_fraction) for shift in shifts]


def make_plan(
    name: str, rsp: Image, structures: Structures, beamline: Beamline, *, margins: Margins, anatomy: Float[Array, "6"]
) -> PlanOfLibrary:
    """Robust plan for one anatomy: penalty over the 21 scenarios for the target, the nominal one for the organs."""
    target = structures["CTV"] | structures.masks.get("DIL", np.zeros_like(structures["CTV"]))
    spots = _spots(rsp, target, beamline, max(margins.setup_mm) + LATERAL_mm)
    regions = _regions(structures)
    nominal = _matrix(rsp, spots, beamline, np.zeros(3), np.any(list(regions.values()), axis=0))
    sampled = target & (_checkerboard(target.shape) | ~binary_erosion(target))
    errors = (
        _matrix(Image(rsp.array * np.float32(factor), rsp.affine_mm), spots, beamline, shift, sampled)
        for shift, factor in scenarios(margins)
    )
    search = optimise.Search(max_iterations=ITERATIONS)
    goals = _objectives(regions, sampled, structures.grid.voxel_mL)
    result = optimise.plan(nominal, goals, scenarios=errors, robust=ROBUST, search=search)
    used = result.weights > LEAST * result.weights.max()
    return PlanOfLibrary(
        name, spots[used], np.asarray(result.weights[used]), anatomy, centroid_mm(structures, "CTV"), margins, result.status
    )


def _spots(rsp: Image, target: Bool[Array, "x y z"], beamline: Beamline, margin_mm: float) -> Float[Array, "n 4"]:
    sparse = thinned(beamline.machine, LAYER_mm)
    placed = [
        place_spots(rsp, target, gantry, sparse, beamline.isocentre_mm, spacing_mm=SPACING_mm, margin_mm=margin_mm)
        for gantry in beamline.gantry_deg
    ]
    return np.concatenate(placed)


def _checkerboard(shape: tuple[int, ...]) -> Bool[Array, "x y z"]:
    """Every other voxel: robust penalties are means over voxels, which half of them give as well."""
    return np.asarray(np.indices(shape).sum(axis=0) % 2 == 0)


def _matrix(rsp: Image, spots: Array, beamline: Beamline, shift_mm: Array, voxels: Bool[Array, "x y z"]) -> csc_matrix:
    """A patient shifted by s meets beams aimed at isocentre − s in the patient's frame."""
    return influence(rsp, spots, beamline.machine, beamline.isocentre_mm - shift_mm, voxels=voxels, kept=KEPT)


def _regions(structures: Structures) -> dict[str, Bool[Array, "x y z"]]:
    """What is judged: targets, the organs near them, a ring for the fall-off, and the rest of the body on the way."""
    spacing_mm = structures.grid.spacing_mm
    target = structures["CTV"]
    around = near(target, spacing_mm, 30.0)
    ring = near(target, spacing_mm, 15.0) & ~near(target, spacing_mm, 3.0) & structures["BODY"]
    regions = {"CTV": target, "RING": ring}
    regions |= {name: structures.masks[name] for name in ("DIL", "URETHRA") if name in structures.masks}
    regions |= {name: structures.masks[name] & around & ~target for name in ("BLADDER", "RECTUM")}
    return {name: mask for name, mask in regions.items() if mask.any()}


def _objectives(regions: dict[str, Bool[Array, "x y z"]], sampled: Bool[Array, "x y z"], voxel_mL: float) -> list[optimise.Objective]:
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

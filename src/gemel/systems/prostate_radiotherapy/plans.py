"""One plan: spots for an anatomy, weights that hold under set-up and range errors."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import binary_erosion
from scipy.sparse import csc_matrix

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image
from gemel.core.structures import Structures, centroid_mm
from gemel.devices.proton import Machine
from gemel.engines import optimise
from gemel.engines.dose.forward import dose
from gemel.engines.dose.pencil_beam import matrix
from gemel.engines.dose.scenarios import Error, influence_scenarios
from gemel.engines.dose.spots import SpotGrid, place_spots
from gemel.engines.dose.traced import trace
from gemel.systems.prostate_radiotherapy.aims import objectives_of, regions_of

ITERATIONS = 200
SPACING_mm = 5.0
LAYER_mm = 5.0
"""Spots about one sigma apart across the beam, layers two straggling sigmas apart in depth."""
LATERAL_mm = 5.0
KEPT = 0.98
"""Share of a pencil's dose within the lateral cut-off while optimising; the final dose keeps the engine's 99.5 %."""
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
    if not plan.weights.sum() > 0:
        raise RangeError(f"plan {plan.name}, whose weights are all zero", where="dose_Gy", remedy="make the plan again")
    return dose(rsp, plan.spots, plan.weights, beamline.machine, beamline.isocentre_mm, voxels=voxels)


def scenarios(margins: Margins) -> list[tuple[Float[Array, "3"], float]]:
    """21 errors (shift of the patient, range factor): no shift and six shifts, each with the range as it is, longer and shorter."""
    shifts = [np.zeros(3)]
    for axis in range(3):
        for side, sign in ((0, -1.0), (1, 1.0)):
            shift = np.zeros(3)
            shift[axis] = sign * margins.setup_mm[2 * axis + side]
            shifts.append(shift)
    return [(shift, 1.0 + error) for error in (0.0, margins.range_fraction, -margins.range_fraction) for shift in shifts]


@dataclass(frozen=True)
class Posed:
    """An optimisation ready to run: spots, the nominal matrix and one a scenario (made one at a time), objectives."""

    spots: Float[Array, "n 4"]
    nominal: csc_matrix
    errors: Iterable[csc_matrix]
    goals: Sequence[optimise.Objective]


def make_plan(
    name: str, rsp: Image, structures: Structures, beamline: Beamline, *, margins: Margins, anatomy: Float[Array, "6"]
) -> PlanOfLibrary:
    """Robust plan for one anatomy: penalty over the 21 scenarios for the target, the nominal one for the organs."""
    posed = pose(rsp, structures, beamline, margins=margins)
    result = solve(posed, optimise.Search(max_iterations=ITERATIONS))
    used = needed(result.weights)
    target_mm = centroid_mm(structures, "CTV")
    return PlanOfLibrary(name, posed.spots[used], np.asarray(result.weights[used]), anatomy, target_mm, margins, result.status)


def pose(rsp: Image, structures: Structures, beamline: Beamline, *, margins: Margins, also: Float[Array, "k 4"] | None = None) -> Posed:
    """The robust problem of one anatomy on the spots placed for it, and on those of `also`."""
    target = structures["CTV"] | structures.masks.get("DIL", np.zeros_like(structures["CTV"]))
    placed = _spots(rsp, target, beamline, max(margins.setup_mm) + LATERAL_mm)
    spots = placed if also is None else np.unique(np.concatenate([placed, also]), axis=0)
    regions = regions_of(structures)
    traced = trace(rsp, spots, beamline.machine, beamline.isocentre_mm, kept=KEPT)
    nominal = matrix(traced, np.any(list(regions.values()), axis=0))
    sampled = target & (_checkerboard(target.shape) | ~binary_erosion(target))
    errors = influence_scenarios(traced, [Error(*error) for error in scenarios(margins)], voxels=sampled)
    return Posed(spots, nominal, errors, objectives_of(regions, sampled, structures.grid.voxel_mL))


def solve(posed: Posed, search: optimise.Search, start: Float[Array, "n"] | None = None) -> optimise.PlanResult:
    """The worst case over the scenarios made small, from equal weights or from `start`."""
    return optimise.plan(posed.nominal, posed.goals, scenarios=posed.errors, robust=ROBUST, search=search, start=start)


def needed(weights: Float[Array, "n"]) -> Bool[Array, "n"]:
    """Spots that give more than LEAST of the largest weight."""
    return np.asarray(weights > LEAST * weights.max())


def _spots(rsp: Image, target: Bool[Array, "x y z"], beamline: Beamline, margin_mm: float) -> Float[Array, "n 4"]:
    grid = SpotGrid(spacing_mm=SPACING_mm, layer_mm=LAYER_mm, margin_mm=margin_mm)
    placed = [place_spots(rsp, target, gantry, beamline.machine, beamline.isocentre_mm, grid=grid) for gantry in beamline.gantry_deg]
    return np.concatenate(placed)


def _checkerboard(shape: tuple[int, ...]) -> Bool[Array, "x y z"]:
    """Every other voxel: robust penalties are means over voxels, which half of them give as well."""
    return np.asarray(np.indices(shape).sum(axis=0) % 2 == 0)

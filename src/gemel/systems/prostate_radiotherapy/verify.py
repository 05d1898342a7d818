"""A plan calculated a second time by Monte Carlo, on planning and on the day: gamma overall, by structure, and where it is worse."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
from jaxtyping import Bool, Float, Float32
from scipy.ndimage import distance_transform_edt

from gemel.core.errors import RangeError
from gemel.core.image import Array, Image
from gemel.core.structures import Structures
from gemel.core.system import Progress, Verification
from gemel.devices.ct import default_hu_rsp_table
from gemel.engines.dose.monte_carlo import simulate
from gemel.engines.gamma import gamma_map
from gemel.systems.prostate_radiotherapy.beams import METAL_HU
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.library import beamline
from gemel.systems.prostate_radiotherapy.modes import bone_mask
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.plans import PlanOfLibrary, dose_Gy, matched

PILOT = 100_000
MOST = 20_000_000
DOSE_pct, DISTANCE_mm, CUTOFF_pct = 2.0, 2.0, 10.0
NEAR_mm = 6.0
GAS_HU = -300.0
WORSE_points = 2.0
Simulate = Callable[..., tuple[Float32[Array, "x y z"], Float32[Array, "x y z"]]]


@dataclass(frozen=True)
class Aim:
    """How well Monte Carlo must know the target's dose (mean relative standard error of its voxels), from which seed."""

    uncertainty: float
    seed: int


def check(
    case: Case, day: Day | None, plan: PlanOfLibrary, *, seed: int, uncertainty: float, progress: Progress
) -> tuple[Verification, ...]:
    """Pencil beam against Monte Carlo on the planning CT, and on the day's when there is one, the couch matched on both.

    Raises RangeError for an uncertainty outside 0.1 to 10 %.
    """
    if not 0.001 <= uncertainty <= 0.1:
        raise RangeError(f"an uncertainty of {100 * uncertainty:g} %", where="check", remedy="ask for 0.1 to 10 %")
    places = [("planning", case.ct, case.structures)] + ([("day", day.ct, day.structures)] if day else [])
    found = []
    for i, (where, ct, structures) in enumerate(places):
        progress("Monte Carlo", i, len(places))
        found.append(_verified(where, (ct, structures), plan, case, Aim(uncertainty, seed)))
    progress("Monte Carlo", len(places), len(places))
    return tuple(found)


def _verified(where: str, anatomy: tuple[Image, Structures], plan: PlanOfLibrary, case: Case, aim: Aim) -> Verification:
    ct, structures = anatomy
    line = matched(plan, structures, beamline(case))
    pencil_Gy = dose_Gy(plan, rsp_of(ct, structures), line)
    hu = Image(np.where(structures["BODY"], np.clip(ct.array, -1024.0, 3071.0), np.float32(-1024.0)).astype(np.float32), ct.affine_mm)
    run = partial(simulate, hu, plan.spots, plan.weights, line.machine, line.isocentre_mm, values="hu", table=default_hu_rsp_table())
    sampled_Gy, error, histories = converged(run, structures["CTV"], aim)
    figures = {"histories": float(histories), "uncertainty_CTV_pct": 100 * error}
    figures |= agreement(pencil_Gy, sampled_Gy, structures, zones(ct, structures))
    return Verification(where, figures, notes_of(figures))


def converged(run: Simulate, target: Bool[Array, "x y z"], aim: Aim) -> tuple[Float32[Array, "x y z"], float, int]:
    """Dose, its mean relative standard error in the target, and the histories it took: a pilot says how many are needed (error ∝ 1/√n)."""
    _, pilot = run(histories=PILOT, seed=aim.seed)
    needed = PILOT * (float(pilot[target].mean()) / aim.uncertainty) ** 2
    histories = int(min(MOST, max(PILOT, np.ceil(1.1 * needed))))
    dose, error = run(histories=histories, seed=aim.seed + 1)
    return dose, float(error[target].mean()), histories


def zones(ct: Image, structures: Structures) -> dict[str, Bool[Array, "x y z"]]:
    """Where a pencil beam is known to be worse: within NEAR_mm of a bone's surface, of gas, of metal; and the rest of the body."""
    body, spacing_mm = structures["BODY"], ct.spacing_mm
    bone, gas, metal = bone_mask(ct, structures), (ct.array < GAS_HU) & body, (ct.array > METAL_HU) & body
    edge = _near(bone, spacing_mm) & _near(~bone, spacing_mm)
    skin = _near(~body, spacing_mm)
    found = {"bone edge": edge, "gas": _near(gas & ~skin, spacing_mm), "metal": _near(metal, spacing_mm), "skin": skin}
    found = {name: mask & body for name, mask in found.items()}
    return {**found, "elsewhere": body & ~np.any(list(found.values()), axis=0)}


def agreement(
    pencil_Gy: Float[Array, "x y z"], sampled_Gy: Float[Array, "x y z"], structures: Structures, where: Mapping[str, Array]
) -> dict[str, float]:
    """Gamma pass rates (per cent of voxels above the cut-off) over all, by structure and by zone, and differences of mean dose.

    The pencil beam is the reference: it has no noise. Noise in the evaluated dose makes gamma smaller (Low & Dempsey 2003, Med Phys
    30:2455), so mean doses, in which it averages out, stand beside it: Monte Carlo over pencil beam, per cent of the reference mean.
    """
    gamma = gamma_map(pencil_Gy, sampled_Gy, structures.grid.spacing_mm, DOSE_pct, DISTANCE_mm, CUTOFF_pct)
    judged, passed = np.isfinite(gamma), gamma <= 1
    regions = {"all": structures["BODY"], **{n: m for n, m in structures.masks.items() if n != "BODY"}}
    regions |= {f"zone {name}": mask for name, mask in where.items()}
    rates = {f"gamma {n}": 100.0 * float(passed[m & judged].mean()) for n, m in regions.items() if (m & judged).any()}
    means = {
        n: (float(pencil_Gy[m].mean(dtype=float)), float(sampled_Gy[m].mean(dtype=float))) for n, m in structures.masks.items() if m.any()
    }
    return rates | {f"mean {n} pct": 100 * (b / a - 1) for n, (a, b) in means.items() if a > 0.01 * float(pencil_Gy.max())}


def notes_of(figures: Mapping[str, float]) -> tuple[str, ...]:
    """Where the two differ more than overall, worst first."""
    overall = figures["gamma all"]
    rates = {name.removeprefix("gamma "): rate for name, rate in figures.items() if name.startswith("gamma ")}
    worse = sorted((rate, name) for name, rate in rates.items() if rate < overall - WORSE_points)
    return tuple(f"{name}: {rate:.1f} % pass where {overall:.1f} % do overall" for rate, name in worse)


def _near(mask: Bool[Array, "x y z"], spacing_mm: Float[Array, "3"]) -> Bool[Array, "x y z"]:
    return np.asarray(distance_transform_edt(~mask, sampling=spacing_mm) <= NEAR_mm) if mask.any() else mask

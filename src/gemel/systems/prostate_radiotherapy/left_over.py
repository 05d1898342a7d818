"""What was not as it should be when a plan was given (couch, stopping powers), and what each does to the dose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array, Image
from gemel.engines.registration.warp import pull
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.dosimetry import curves
from gemel.systems.prostate_radiotherapy.library import beamline, judged_voxels
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.plans import Beamline, PlanOfLibrary, dose_Gy, matched

KNOWN = ("couch_mm", "range_fraction")
CHANGED_HU = 5.0
Curves = dict[str, Float[Array, "levels"]]


@dataclass(frozen=True)
class LeftOver:
    """Error of the couch (the patient lies by this beside where he should, LPS mm) and of the range (stopping powers are 1 + f times)."""

    couch_mm: Float[Array, "3"]
    range_fraction: float


def left_over(known: Mapping[str, Float[Array, "..."]]) -> LeftOver:
    """From numbers by name; what is not named is zero. Raises InputError for a name that this system does not know."""
    unknown = sorted(set(known) - set(KNOWN))
    if unknown:
        raise InputError(f"{', '.join(unknown)} of how the plan was given", where="deviations", remedy=f"name {' or '.join(KNOWN)}")
    return LeftOver(np.asarray(known.get("couch_mm", np.zeros(3)), dtype=np.float64), float(known.get("range_fraction", np.zeros(()))))


def changes(case: Case, day: Day, plan: PlanOfLibrary, error: LeftOver) -> tuple[dict[str, Curves], Curves]:
    """Effects "set-up" and "range" on every histogram, and what to add to those of the day as computed without the errors.

    A day's CT that differs from planning's, deformed, holds the range's effect already: that part is found, and nothing is added for it.
    """
    couch, ranged = bool(error.couch_mm.any()), error.range_fraction != 0
    seen, believed = rsp_of(day.ct, day.structures), _believed(case, day)
    if not (couch or ranged or believed):
        return {}, {}
    line = matched(plan, day.structures, beamline(case))
    off = replace(line, isocentre_mm=line.isocentre_mm - error.couch_mm)
    other = Image(seen.array * np.float32(1 + error.range_fraction), seen.affine_mm)
    voxels = judged_voxels(day.structures)

    def of(rsp: Image, at: Beamline) -> Curves:
        return curves(dose_Gy(plan, rsp, at, voxels=voxels), day.structures)

    here = of(seen, line)
    moved = of(seen, off) if couch else here
    longer = of(other, line) if ranged else here
    both = of(other, off) if couch and ranged else (moved if couch else longer)
    effects = {
        "set-up": {n: 0.5 * (moved[n] - here[n] + both[n] - longer[n]) for n in here},
        "range": {n: 0.5 * (longer[n] - here[n] + both[n] - moved[n]) for n in here},
    }
    if believed:
        before = of(rsp_of(believed, day.structures), line)
        effects["range"] = {n: effects["range"][n] + here[n] - before[n] for n in here}
    return effects, {n: both[n] - here[n] for n in here}


def _believed(case: Case, day: Day) -> Image | None:
    """Planning's CT as deformed to the day, when the day's own HU are others."""
    deformed = pull(case.ct, day.field)
    body = day.structures["BODY"]
    return deformed if float(np.abs(deformed.array - day.ct.array)[body].max()) > CHANGED_HU else None

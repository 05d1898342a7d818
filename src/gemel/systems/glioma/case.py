"""A patient as the fast member sees one: the first segmentation, what was given and is planned, and what was assumed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Image, voxel_index, world_mm
from gemel.core.number import numbers
from gemel.core.structures import Structures
from gemel.core.switch import switch
from gemel.core.time import DAY_S, iso, seconds
from gemel.core.visit import Segmented
from gemel.systems.glioma.events import FRACTIONS, WEEK, MOST_FRACTION_Gy, Setting
from gemel.systems.glioma.ground import Ground, ground
from gemel.systems.glioma.names import require_enhancing, volumes
from gemel.systems.glioma.schedules import WEEK_S, WEEKS

AVERAGED, FIELD = "averaged", "field"
LEAST_APART_s = DAY_S / 2
MOST_Gy = WEEKS * FRACTIONS * MOST_FRACTION_Gy
COVERED = 0.95
"""Of the prescription: the least dose in the enhancing tumour, of the mean there, without a warning."""


@dataclass(frozen=True)
class Case:
    """Outlines of the first visit, the twin's start (a day before it), what was given before, and the first fraction to come."""

    structures: Structures
    frame: str
    start_s: float
    setting: Setting
    first_s: float
    notes: tuple[str, ...]
    ground: tuple[Ground, ...] = ()

    @property
    def field(self) -> Ground | None:
        """Where the field member lives; None for the averaged member."""
        return self.ground[0] if self.ground else None


def begin(
    mri: Segmented | Sequence[Segmented],
    dose: Image | None = None,
    white: Image | None = None,
    grey: Image | None = None,
    dti: Mapping[str, Image] | None = None,
    *,
    member: str = AVERAGED,
    radiotherapy: object = "",
    given_Gy: object = (),
    concurrent: object = False,
) -> Case:
    """A case from segmentations of one or more visits, in order, the plan's dose, maps of tissue (shares) and DTI.

    `member`: averaged (a volume) or field (cells on the first visit's grid, which needs tissue); `radiotherapy`: time of the first
    fraction (ISO 8601), by default two weeks after the last visit; `given_Gy`: dose of each week that was given since then;
    `concurrent`: temozolomide every day of radiotherapy. Raises InputError for visits out of order or on one day, StructureError for
    outlines that are empty or cut off, GeometryError for a dose of another frame or that does not cover the tumour.
    """
    if member not in (AVERAGED, FIELD):
        raise InputError(f"a member {member!r}", where="glioma", remedy=f"choose {AVERAGED} or {FIELD}")
    if member == AVERAGED and (white or grey or dti):
        raise InputError("tissue or DTI for the averaged member", where="glioma", remedy="it has no place: add --set member=field")
    visits = (mri,) if isinstance(mri, Segmented) else tuple(mri)
    require_order([visit.acquired_s for visit in visits])
    for visit in visits:
        volumes(visit.structures)
    require_enhancing(visits[0].structures)
    first, start_s = visits[0], visits[0].acquired_s - DAY_S
    rt_s = seconds(str(radiotherapy)) if radiotherapy else visits[-1].acquired_s + 2 * WEEK_S
    weeks = _weeks(given_Gy, bool(radiotherapy))
    _require_begun(rt_s, start_s)
    notes = (
        _planned(bool(radiotherapy), rt_s, weeks),
        *(_covered(first, dose) if dose is not None else ("no dose: it is taken as uniform",)),
    )
    given = tuple((WEEK, rt_s - start_s + n * WEEK_S, Gy) for n, Gy in enumerate(weeks))
    on = (ground(first, dose, white, grey, dti),) if member == FIELD else ()
    return Case(
        first.structures,
        first.structures.grid.frame,
        start_s,
        Setting(given, switch(concurrent, "concurrent")),
        rt_s,
        notes + _fields(on),
        on,
    )


def _fields(on: tuple[Ground, ...]) -> tuple[str, ...]:
    """What was assumed of the field."""
    return tuple(
        f"field member on {' x '.join(map(str, one.grid.shape))} voxels of {' x '.join(f'{h:g}' for h in one.grid.spacing_mm)} mm"
        + ("; DTI lets cells move along fibres" if one.tensor.size else "")
        + f"; cells stay on it, so no volume exceeds {np.count_nonzero(one.tissue.mask) * one.grid.voxel_mL:.0f} mL"
        for one in on
    )


def require_order(times_s: Sequence[float]) -> None:
    """Raises InputError unless times ascend and lie on different days."""
    for a, b in pairwise(times_s):
        if b < a:
            raise InputError(f"visits out of order: {iso(b)} after {iso(a)}", where="mri", remedy="give them in the order of their dates")
        if b - a < LEAST_APART_s:
            raise InputError(f"two visits on one day, {iso(a)} and {iso(b)}", where="mri", remedy="give one segmentation a visit")


def _weeks(given_Gy: object, dated: bool) -> tuple[float, ...]:
    found = np.atleast_1d(numbers(given_Gy, "given_Gy"))
    weeks = tuple(found.ravel().tolist())
    if found.ndim > 1 or len(weeks) > WEEKS or any(not 0 <= Gy <= FRACTIONS * MOST_FRACTION_Gy for Gy in weeks):
        raise RangeError(f"weeks of {weeks} Gy", where="given_Gy", remedy=f"give up to {WEEKS} weekly doses from 0 Gy: given_Gy=[10,10]")
    if weeks and not dated:
        raise InputError("weeks given from no stated day on", where="given_Gy", remedy="state the first fraction: radiotherapy=2026-03-23")
    return weeks


def _require_begun(rt_s: float, start_s: float) -> None:
    """Raises InputError for a first fraction before the first visit."""
    if rt_s < start_s:
        remedy = "begin with a visit before the first fraction: without it the radiosensitivity cannot be learned"
        raise InputError(f"radiotherapy from {iso(rt_s)} before the first visit", where="radiotherapy", remedy=remedy)


def _planned(stated: bool, rt_s: float, weeks: tuple[float, ...]) -> str:
    said = "as stated" if stated else "assumed, two weeks after the last visit"
    return f"first fraction {iso(rt_s)} ({said}), {len(weeks)} weeks given"


def _covered(visit: Segmented, dose: Image) -> tuple[str, ...]:
    """What the dose does to the enhancing tumour. Raises GeometryError for another frame, StructureError for one that lies outside it."""
    Gy = dose_in(visit, dose)
    least = float(Gy.min() / Gy.mean())
    return (f"plan's dose in the enhancing tumour {Gy.mean():.1f} Gy, least {100 * least:.0f} % of it",) + (
        ("the plan's dose does not cover the enhancing tumour; the model takes the mean",) if least < COVERED else ()
    )


def dose_in(visit: Segmented, dose: Image) -> np.ndarray:
    """Dose at every voxel of the enhancing volume, of the nearest dose voxel."""
    grid = visit.structures.grid
    if dose.frame != grid.frame and dose.frame and grid.frame:
        raise GeometryError(f"a dose of frame {dose.frame}", where=grid.frame, remedy="register the MRI to the planning CT first")
    if not np.isfinite(dose.array).all() or (dose.array < 0).any():
        raise RangeError("a dose that is negative or not finite", where="dose", remedy="export the dose again")
    inside = np.argwhere(volumes(visit.structures)["enhancing"]).astype(np.float64)
    at = np.rint(voxel_index(dose, world_mm(grid, inside))).astype(int)
    if (at < 0).any() or (at >= dose.array.shape).any():
        raise StructureError("a dose grid that does not cover the tumour", where="dose", remedy="export the dose on a larger grid")
    found = dose.array[tuple(at.T)]
    if not found.min() > 0:
        share = float(np.mean(found == 0))
        remedy = "give the plan that covers it; check that plan and images are of one patient and frame"
        raise RangeError(f"a dose of zero in {share:.0%} of the tumour", where="dose", remedy=remedy)
    if found.mean() > MOST_Gy:
        raise RangeError(f"a dose of {found.mean():.0f} Gy in the tumour", where="dose", remedy="give it in Gy, not in cGy or per cent")
    return np.asarray(found, dtype=np.float64)

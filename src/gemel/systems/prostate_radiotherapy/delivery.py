"""What each fraction gave, carried to the planning anatomy, and the sum of it, with what the registration leaves open."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce

import numpy as np
from jaxtyping import Float, Float32

from gemel.core.errors import InputError
from gemel.core.image import Array, Image, with_array
from gemel.core.structures import Structures
from gemel.core.system import Delivered
from gemel.engines.registration.accumulate import Motion, carry_Gy
from gemel.engines.registration.compare import Box, crop
from gemel.engines.registration.draws import motions
from gemel.engines.registration.warp import invert
from gemel.systems.prostate_radiotherapy.block import block_of, cropped
from gemel.systems.prostate_radiotherapy.case import Case, rsp_of
from gemel.systems.prostate_radiotherapy.dosimetry import FRACTIONS, curves, readouts
from gemel.systems.prostate_radiotherapy.library import beamline
from gemel.systems.prostate_radiotherapy.observe import Day
from gemel.systems.prostate_radiotherapy.plans import PlanOfLibrary, dose_Gy, matched

ROOM_mm = 10.0
"""Draws move tissue by a few millimetres; beyond this the dose within the block would lack what comes from outside."""


@dataclass(frozen=True)
class Part:
    """One fraction on the planning anatomy: its dose as registered, and draws of it on the block around the judged structures."""

    dose_Gy: Float32[Array, "x y z"]
    draws_Gy: Float32[Array, "draws i j k"]


def deliver(case: Case, day: Day, plan: PlanOfLibrary, *, draws: int, rng: np.random.Generator) -> Part:
    """One of FRACTIONS equal fractions of a plan on the day's anatomy, the couch matched, carried to planning by energy and mass.

    Draws of where tissue really was are those of the registration's posterior. Stopping power stands in for density.
    """
    rsp = rsp_of(day.ct, day.structures)
    course_Gy = dose_Gy(plan, rsp, matched(plan, day.structures, beamline(case)))
    dose = with_array(rsp, course_Gy / np.float32(FRACTIONS))
    return carried(case, day, dose, rsp, motions(day.field, day.doubts_mm, draws, rng))


def carried(case: Case, day: Day, dose: Image, density: Image, drawn: Iterable[Motion]) -> Part:
    """The day's dose on the planning anatomy: as registered, and for each drawn displacement."""
    whole = carry_Gy(dose, density.array, Motion(day.field, invert(day.field)), case.ct)
    block = block_of(case.structures)
    onto, near = crop(case.ct, block), _reached(case.ct, day, block)
    local, mass = crop(dose, near), density.array[near]
    return Part(whole, np.stack([carry_Gy(local, mass, motion, onto) for motion in drawn]))


def delivered(case: Case, parts: Sequence[Part]) -> Delivered:
    """The sum of the fractions, and draws of every readout and histogram of it. Raises InputError when nothing was given."""
    if not parts:
        raise InputError("no fraction given yet", where="delivered", remedy="record one with gemel twin act")
    draws = min(len(part.draws_Gy) for part in parts)
    total = reduce(np.add, (part.draws_Gy[:draws] for part in parts))
    block = block_of(case.structures)
    near, dose_Gy = cropped(case.structures, block), reduce(np.add, (part.dose_Gy for part in parts))
    rows = [_judged(dose, near) for dose in total]
    registered = _judged(dose_Gy[block], near)
    whole = _judged(dose_Gy[block] * np.float32(max(1.0, FRACTIONS / len(parts))), near)
    notes = (f"{len(parts)} fractions given where {FRACTIONS} are prescribed",) if len(parts) > FRACTIONS else ()
    values = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    return Delivered(values, registered, whole, dose_Gy, len(parts), FRACTIONS, notes)


def _judged(dose_Gy: Float32[Array, "i j k"], near: Structures) -> dict[str, Float[Array, "..."]]:
    return {**{name: np.asarray(value) for name, value in readouts(dose_Gy, near).items()}, **curves(dose_Gy, near)}


def _reached(planning: Image, day: Day, block: Box) -> Box:
    """The block grown by the longest vector of the day and a margin for the draws: voxels whose dose may land in it."""
    largest_mm = float(np.abs(day.field.vectors_mm).max()) + ROOM_mm
    room = np.ceil(largest_mm / planning.spacing_mm).astype(int)
    x, y, z = (slice(max(0, s.start - r), min(n, s.stop + r)) for s, r, n in zip(block, room, planning.shape))
    return x, y, z

"""A small tumour of known rates, and its visits as files."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np

from gemel import io
from gemel.core.diffusion import DiffusionVisit
from gemel.core.image import Image
from gemel.core.time import DAY_S, seconds
from gemel.systems.breast.case import Case, begin
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.phantom import phantom
from gemel.systems.breast.virtual import VirtualPatient, virtual_patient, visit_of

START_s = seconds("2026-03-02T09:00:00")
DOSE_s = START_s + DAY_S
DOSES = ("AC@2026-03-03T09:00",)


@cache
def patient() -> VirtualPatient:
    rng = np.random.default_rng(41)
    made = phantom(rng, shape=(18, 18, 14), spacing_mm=3.0, radius_mm=10.0)
    return virtual_patient(made, rng, start_s=START_s, given=(Dose("AC", DOSE_s, 1.0),), mechanics=False)


@cache
def visit(day: float) -> DiffusionVisit:
    return visit_of(patient(), (), START_s + day * DAY_S, np.random.default_rng([42, int(10 * day)]))


@cache
def case() -> Case:
    return begin(visit(0.0), doses=DOSES, mechanics=False)


def written(folder: Path, day: float) -> Path:
    """The visit of a day as a folder of files."""
    path = folder / f"day_{day:g}"
    io.write_diffusion_visit(path, replace(visit(day), source=path.name), patient_id="B-1")
    return path


def with_map(image: Image, value: float, at: tuple[int, int, int]) -> Image:
    array = image.array.copy()
    array[at] = value
    return replace(image, array=array)

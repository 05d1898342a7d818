"""One life of a digital patient in the loop: coarse voxels, one plan of few iterations, two days."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemel import flow, io, store
from gemel.core.digest import digest
from gemel.core.image import Image
from gemel.core.time import DAY_S, iso, seconds
from gemel.engines import optimise
from gemel.store import Store
from gemel.systems.prostate_radiotherapy import adapt as adapting
from gemel.systems.prostate_radiotherapy import day as days
from gemel.systems.prostate_radiotherapy import library, plans
from gemel.systems.prostate_radiotherapy import observe as seeing

START = "2026-03-02T09:00:00"
START_s = seconds(START)
IDENTITY = io.Identity("P-001", issuer="HOSPITAL", patient_name="TEST^FLOW")
DRAWS = 4


class Remembered:
    """Registrations by the image registered: the same answer for the same scan."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.register: Callable[..., Any] = seeing.register
        self.answers: dict[str, Any] = {}
        self.install(patch)

    def install(self, patch: pytest.MonkeyPatch) -> None:
        patch.setattr(seeing, "register", self)
        patch.setattr(seeing, "DOUBTS", 2)

    def __call__(self, fixed: Image, moving: Image, **options: Any) -> Any:
        key = digest({"fixed": fixed.array, "place": fixed.affine_mm, "moving": moving.array})
        if key not in self.answers:
            self.answers[key] = self.register(fixed, moving, **options)
        return self.answers[key]


@dataclass(frozen=True)
class Life:
    """Files and records of the patient, and what was seen on the way: step → (badge, digest of the belief)."""

    folder: Path
    id: str
    remembered: Remembered
    seen: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def ct(self) -> Path:
        return self.folder / "ct"

    @property
    def structures(self) -> Path:
        return self.folder / "RTSTRUCT.dcm"

    def cbct(self, day: int) -> Path:
        return self.folder / f"cbct_{day}"


def day_s(day: float) -> float:
    """Time of a treatment day, counted from 1."""
    return START_s + day * DAY_S


def make_quick(patch: pytest.MonkeyPatch) -> None:
    """Coarse voxels, few spots, one scenario, few iterations, few anatomies."""
    everything = plans.scenarios
    patch.setattr(days, "digital_pelvis", partial(days.digital_pelvis, spacing_mm=4.0))
    patch.setattr(plans, "ITERATIONS", 10)
    patch.setattr(adapting, "CLOSE", optimise.Search(max_iterations=60))
    patch.setattr(plans, "SPACING_mm", 9.0)
    patch.setattr(plans, "LAYER_mm", 12.0)
    patch.setattr(plans, "scenarios", lambda margins: everything(margins)[:1])
    patch.setattr(library, "DESIGN", 4)
    patch.setattr(library, "mapped", lambda work, tasks, report: [work(task) for task in tasks])  # workers would not see these patches


def live(folder: Path, remembered: Remembered) -> Life:
    """new, prepare, and two days of observe, decide and act; the record is set aside after each stage."""
    patient = days.virtual_patient(2, np.random.default_rng(20261))
    series = io.write_image(folder / "ct", patient.ct, IDENTITY, acquired=START)
    io.write_structures(folder / "RTSTRUCT.dcm", patient.structures, series)
    for day in (1, 2):
        image = days.cbct_of(patient, day - 1, np.random.default_rng([1, day]))
        io.write_image(folder / f"cbct_{day}", image, IDENTITY, acquired=iso(day_s(day)).removesuffix("Z"))
    now = folder / "now"
    now.mkdir()
    with store.open(now / "twins.db") as record:
        life = Life(folder, flow.new(record, "prostate", folder / "ct", folder / "RTSTRUCT.dcm", actor="test"), remembered)
    _set_aside(now, folder / "begun")
    with store.open(now / "twins.db") as record:
        flow.prepare(record, life.id, k=1, actor="test")
        _note(life, record, "prepare")
    _set_aside(now, folder / "prepared")
    with store.open(now / "twins.db") as record:
        for day in (1, 2):
            flow.observe(record, life.id, life.cbct(day), actor="test")
            _note(life, record, f"observe {day}")
            recommended = flow.decide(record, life.id, draws=DRAWS, actor="test").decision.recommended
            flow.act(record, life.id, recommended, actor="test")
            _note(life, record, f"act {day}")
    _set_aside(now, folder / "lived")
    return life


def _note(life: Life, record: Store, step: str) -> None:
    overview = flow.show(record, life.id)
    life.seen[step] = (overview.badge, overview.belief)


def _set_aside(now: Path, then: Path) -> None:
    """The record as it is; artefacts never change, so a link to each will do."""
    shutil.copytree(now / "twins.db.artefacts", then / "twins.db.artefacts", copy_function=os.link)
    shutil.copy(now / "twins.db", then / "twins.db")


def copied(life: Life, stage: str, folder: Path) -> Store:
    """An open copy of the record at a stage."""
    _set_aside(life.folder / stage, folder / stage)
    return store.open(folder / stage / "twins.db")

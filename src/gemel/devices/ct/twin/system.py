"""The scanner's part of the loop, as the verbs call it."""

from collections.abc import Sequence

import numpy as np

from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.quality import QualityDay
from gemel.core.record import Action
from gemel.core.system import Exam, System
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.devices.ct.twin import template
from gemel.devices.ct.twin.case import Case, begin, require_alike
from gemel.devices.ct.twin.judge import PLANS, goal, judge, plan_of
from gemel.devices.ct.twin.observe import Day, observations, observe
from gemel.devices.ct.twin.report import pages
from gemel.devices.ct.twin.table import response

EXAM_d = (1.0, 15.0, 30.0, 60.0, 90.0, 120.0, 150.0, 164.0)
ERRORS = {
    "water_HU": 0.3, "light_HU": 0.5, "dense_HU": 1.2, "ln_noise_centre_1": 0.015, "ln_noise_edge_1": 0.012, "uniformity_HU": 0.4,
    "ring_HU": 0.3, "ln_mtf50_1": 0.01, "scale_pct": 0.05, "tube_kV_pct": 0.2, "tube_mAs_pct": 0.3,
}  # fmt: skip
"""Errors of a daily check of about 300 mAs in the exam. Assumed."""


def canonical(name: str) -> str:
    """A phantom has no structures. Raises InputError."""
    raise InputError(f"a structure {name!r}", where="ct_scanner", remedy="a scanner's twin takes phantom images alone")


def model(case: Case, library: None) -> Model:
    """The model of this scanner; nothing is made ahead."""
    return template.model_of(response(case.light, case.dense, case.exposure.kVp))


def plans(library: None) -> Sequence[str]:
    """What can be done; waiting last."""
    return PLANS


def treat(plan: str, library: None, t_s: float, source: str) -> Action:
    """What was done at `t_s`."""
    return plan_of(plan, t_s, source)[0]


def notes(case: Case) -> Sequence[str]:
    """What was assumed."""
    return case.notes


def starts(case: Case) -> float:
    """At the last baseline day."""
    return case.start_s


def due(twin: Twin, case: Case, plan: str) -> float:
    """An hour after the last check."""
    return max(twin.t_s, case.start_s) + 3600.0


def fits(twin: Twin, case: Case, scan: QualityDay) -> None:
    """Raises IdentityError for another scanner, InputError for another protocol."""
    require_alike(case.scanner, case.exposure, scan)


EXAM = Exam(
    sd={name: np.full(1, sd) for name, sd in ERRORS.items()},
    times_s=tuple(d * DAY_S for d in EXAM_d),
    plans=tuple(plan_of(name, EXAM_d[-2] * DAY_S + 3600.0) for name in PLANS),
    loss="loss_1",
)

SYSTEM = System(
    name="ct_scanner",
    canonical=canonical,
    interval_s=DAY_S,
    begin=begin,
    model=model,
    prepare=None,
    observe=observe,
    observations=observations,
    judge=judge,
    treat=treat,
    plans=plans,
    notes=notes,
    goal=goal,
    template=template.model,
    exam=EXAM,
    case=Case,
    library=None,
    day=Day,
    planning=("baseline_qc",),
    scans=("qc",),
    starts=starts,
    due=due,
    fits=fits,
    draws=400,
    pages=pages,
)

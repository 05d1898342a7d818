"""What a system hands to the loop: the functions that turn a patient's images into a case, a library of plans, a day and its forecasts.

The verbs in `flow` know only this; a new organ system fills it in and is found by its entry point `gemel.systems`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gemel.core.decision import Goal
from gemel.core.forecast import Forecast
from gemel.core.image import Array, Image
from gemel.core.model import Model
from gemel.core.record import Action, Observation, Plan

Progress = Callable[[str, int, int], None]  # (what, done, total)


def silent(what: str, done: int, total: int) -> None:
    """A progress report that goes nowhere."""


@dataclass(frozen=True)
class Judgement:
    """Today's options by name: a forecast of every readout, the dose on today's anatomy (x, y, z), Gy, and the couch's move (LPS mm)."""

    forecasts: Mapping[str, Forecast]
    doses_Gy: Mapping[str, Array]
    couch_mm: Mapping[str, Array]


@dataclass(frozen=True)
class Exam:
    """What a conformance test must know of a model: when its patients are seen and how well, and between which plans it chooses.

    `sd`: error of each observation kind; `times_s`: the scans; `plans`: the choices, the naive one last; `loss`: the readout to be small.
    """

    sd: Mapping[str, Array]
    times_s: tuple[float, ...]
    plans: tuple[Plan, ...]
    loss: str


@dataclass(frozen=True)
class System:
    """One organ system or disease. `canonical(name)` is the system's name of a structure, or an error.

    `Case` is the patient at planning, `Library` the plans made ahead, `Day` what one scan showed.

    begin(ct, structures, **options) -> Case; model(case, library or None) -> Model; prepare(twin, case, k, t_s, progress) -> Library;
    observe(case, image, progress) -> Day; observations(day, t_s, source); judge(twin, case, library, day, draws, rng, progress);
    treat(plan name, library, t_s, source) -> Action; plans(library) -> names, the baseline last; template() -> the model without a patient.
    Case, Library and Day are frozen dataclasses that `core.packing` can take apart; a Day has `quality` (numbers) and `notes`.
    """

    name: str
    canonical: Callable[[str], str]
    interval_s: float
    begin: Callable[..., Any]
    model: Callable[[Any, Any], Model]
    prepare: Callable[..., Any]
    observe: Callable[[Any, Image, Progress], Any]
    observations: Callable[[Any, float, str], tuple[Observation, ...]]
    judge: Callable[..., Judgement]
    treat: Callable[[str, Any, float, str], Action]
    plans: Callable[[Any], Sequence[str]]
    notes: Callable[[Any], Sequence[str]]
    goal: Callable[[], Goal]
    template: Callable[[], Model]
    exam: Exam
    case: type
    library: type
    day: type


def common_draws(seed: int, *stream: int) -> np.random.Generator:
    """A generator named by numbers, so that plans which are compared meet the same draws."""
    return np.random.default_rng([seed, *stream])

"""What a system hands to the loop: the functions that turn a patient's images into a case, a library of plans, a day and its forecasts.

The verbs in `flow` know only this; a new organ system fills it in and is found by its entry point `gemel.systems`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from gemel.core.decision import Goal
from gemel.core.forecast import Forecast
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.page import Page, Told
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
class Effort:
    """What an adaptation may cost, and the name of what it makes: seconds of `clock`, draws to judge it on."""

    name: str
    seconds: float
    clock: Callable[[], float]
    draws: int
    rng: np.random.Generator


@dataclass(frozen=True)
class Adaptation:
    """A plan made today from another one: the plan (of the system's type `plan`), and the judgement of it alone.

    `curve`: seconds since the search began and the objective's value then; `status` says why the search ended.
    """

    plan: Any
    judgement: Judgement
    curve: Float[Array, "n 2"]
    iterations: int
    status: str


@dataclass(frozen=True)
class Delivered:
    """What was given so far, in the planning frame: draws of every readout and curve, and the dose (x, y, z), Gy.

    `registered`: the same at the most probable displacement; draws widen and, where a limit is one-sided, shift it. `course`: that
    when the parts that remain are like the mean of those given. `given` of `planned` parts (fractions, cycles).
    """

    values: Mapping[str, Float[Array, "draws ..."]]
    registered: Mapping[str, Float[Array, "..."]]
    course: Mapping[str, Float[Array, "..."]]
    dose_Gy: Float[Array, "x y z"]
    given: int
    planned: int
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Treated:
    """What is held against the forecast: a plan by name, its readouts and curves today (draws), and what is known of how it was given.

    `known`: numbers by names that the system understands, such as a set-up error that was left in.
    """

    plan: str
    t_s: float
    values: Mapping[str, Float[Array, "draws ..."]]
    known: Mapping[str, Array]


@dataclass(frozen=True)
class Deviation:
    """A readout or curve of today outside its forecast: its probability there, the likeliest cause, and each cause's share of it."""

    readout: str
    probability: float
    cause: str
    shares: Mapping[str, float]


@dataclass(frozen=True)
class Verification:
    """A plan calculated a second time by another method: where (name), what was found (numbers by name), and notes in words."""

    where: str
    figures: Mapping[str, float]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Beams:
    """A plan of scanned beams: spots (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV) and weights in 1e6 protons over all fractions.

    `isocentre_mm` (LPS) is the day's, `source_mm` the distance of the source, infinite for parallel beams, `machine` its name.
    """

    spots: Float[Array, "n 4"]
    weights: Float[Array, "n"]
    isocentre_mm: Float[Array, "3"]
    fractions: int
    source_mm: float
    machine: str


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

    `planning` and `scans` name the kinds of input (`flow.sources`) that a twin begins with and that `observe` takes: with ("ct",
    "structures"), begin(ct, structures, **options) -> Case, where an input that may be missing is None or, given several times, a tuple.
    `first`: those of `planning` that are scans which the twin has yet to observe (none named: the first kind, where it is one).
    model(case, library or None) -> Model; prepare(twin, case, k, t_s, progress) -> Library, None where nothing is made ahead;
    observe(case, scan, progress) -> Day; observations(day, t_s, source); judge(twin, case, library, day, draws, rng, progress);
    treat(plan name, library, t_s, source) -> Action; plans(library) -> names, the baseline last; template() -> the model without a patient.
    Case, Library and Day are frozen dataclasses that `core.packing` can take apart; a Day has `quality` (numbers) and `notes`.

    `draws`: how many a decision is taken on, unless the user says otherwise.

    What a system may lack (None): starts(case) -> the second at which the twin begins, where that is not the planning scan's;
    due(twin, case, plan name) -> the second at which the plan's next part is due, where that is not the scan's;
    follow(twin, case, plan name, action of the first part, n) -> the action of part n (from 0) on one decision, where parts differ;
    fits(twin, case, scan): raises InputError for a scan that does not go with what was given;
    given(case, actions) -> everything that was given part by part: what the case tells of, and the actions (the fractions of a week);
    receive(case, action) -> the action as this case names it, of one that others recorded;
    beside(day, qualities): raises RangeError for a day that cannot be held beside the earlier ones (the `quality` of each).
    And each for the plan of the day; `plan` and `part` are types that `core.packing` can take apart:
    take(library, name) -> plan; adapt(twin, case, day, plan, effort, progress) -> Adaptation;
    deliver(case, day, plan, draws, rng) -> part, what one fraction or cycle gave; delivered(case, parts) -> Delivered;
    deviations(twin before the scan, case, library, day, treated, rng) -> Deviations of today from the forecast;
    check(case, day, plan, seed, uncertainty, progress) -> Verifications; beams(case, day, plan) -> Beams.
    legible(case, draws by kind) -> draws by name with unit: what the next scan should show, as people read it;
    pages(told, rng) -> Page: what its report shows, also before a decision; without it the report is that of a dose on a CT of the day.
    """

    name: str
    canonical: Callable[[str], str]
    interval_s: float
    begin: Callable[..., Any]
    model: Callable[[Any, Any], Model]
    prepare: Callable[..., Any] | None
    observe: Callable[[Any, Any, Progress], Any]
    observations: Callable[[Any, float, str], tuple[Observation, ...]]
    judge: Callable[..., Judgement]
    treat: Callable[[str, Any, float, str], Action]
    plans: Callable[[Any], Sequence[str]]
    notes: Callable[[Any], Sequence[str]]
    goal: Callable[[], Goal]
    template: Callable[[], Model]
    exam: Exam
    case: type
    library: type | None
    day: type
    planning: tuple[str, ...] = ("ct", "structures")
    scans: tuple[str, ...] = ("cbct",)
    first: tuple[str, ...] = ()
    starts: Callable[[Any], float] | None = None
    due: Callable[[Any, Any, str], float] | None = None
    follow: Callable[..., Action] | None = None
    fits: Callable[[Any, Any, Any], None] | None = None
    given: Callable[[Any, Sequence[Action]], Sequence[Action]] | None = None
    receive: Callable[[Any, Action], Action] | None = None
    beside: Callable[[Any, Sequence[Mapping[str, float]]], None] | None = None
    draws: int = 24
    plan: type | None = None
    part: type | None = None
    take: Callable[[Any, str], Any] | None = None
    adapt: Callable[..., Adaptation] | None = None
    deliver: Callable[..., Any] | None = None
    delivered: Callable[..., Delivered] | None = None
    deviations: Callable[..., tuple[Deviation, ...]] | None = None
    check: Callable[..., tuple[Verification, ...]] | None = None
    beams: Callable[[Any, Any, Any], Beams] | None = None
    legible: Callable[[Any, Mapping[str, Array]], Mapping[str, Array]] | None = None
    pages: Callable[[Told, np.random.Generator], Page] | None = None


def common_draws(seed: int, *stream: int) -> np.random.Generator:
    """A generator named by numbers, so that plans which are compared meet the same draws."""
    return np.random.default_rng([seed, *stream])

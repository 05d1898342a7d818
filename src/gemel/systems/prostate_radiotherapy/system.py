"""This system's part of the loop, as the verbs call it."""

from collections.abc import Sequence

import numpy as np

from gemel.core.errors import InputError
from gemel.core.model import Model
from gemel.core.record import Action
from gemel.core.system import Beams, Exam, System, common_draws
from gemel.core.time import DAY_S
from gemel.engines.medoids import k_medoids
from gemel.systems.prostate_radiotherapy import score
from gemel.systems.prostate_radiotherapy.adapt import adapt
from gemel.systems.prostate_radiotherapy.case import Case, begin
from gemel.systems.prostate_radiotherapy.delivery import Part, deliver, delivered
from gemel.systems.prostate_radiotherapy.deviation import deviations
from gemel.systems.prostate_radiotherapy.dosimetry import FRACTIONS
from gemel.systems.prostate_radiotherapy.judge import judge
from gemel.systems.prostate_radiotherapy.library import DRAWS, SCALE, Library, anatomies, beamline, emulated, prepare
from gemel.systems.prostate_radiotherapy.model import coordinates, model, treat
from gemel.systems.prostate_radiotherapy.names import canonical
from gemel.systems.prostate_radiotherapy.observe import Day, observations, observe
from gemel.systems.prostate_radiotherapy.plans import PlanOfLibrary, matched
from gemel.systems.prostate_radiotherapy.verify import check

TEMPLATE_PLANS = 8


def model_of(case: Case, library: Library | None) -> Model:
    """The model of one patient: with the library's emulated readouts once it is there."""
    if library is None:
        return model(np.zeros((1, 6)))
    bare = model(anatomies(library))
    return model(anatomies(library), emulated(library, bare.observe))


def template() -> Model:
    """The model without a patient: a library of the anatomies that stand for the population, and the planning anatomy last."""
    bare, rng = model(np.zeros((1, 6))), common_draws(0, 1)
    state, params = bare.prior.draw(DRAWS, rng)
    population = coordinates(bare.observe, state, params)
    chosen = k_medoids(population / SCALE, TEMPLATE_PLANS, rng)
    return model(np.concatenate([population[chosen.indices], np.zeros((1, 6))]))


def treat_with(plan: str, library: Library, t_s: float, source: str) -> Action:
    """The action of giving one fraction with a plan by name; one made on the day counts as the one after the library's last."""
    return treat([*library.names, plan].index(plan), t_s, source)


def plans(library: Library) -> Sequence[str]:
    """Names of the plans, the clinical one last."""
    return library.names


def take(library: Library, name: str) -> PlanOfLibrary:
    """The plan of that name. Raises InputError, which lists the names, when the library has none."""
    if name not in library.names:
        raise InputError(f"no plan {name!r}", where="library", remedy=f"choose from {', '.join(library.names)}")
    return library.plans[library.names.index(name)]


def beams(case: Case, day: Day, plan: PlanOfLibrary) -> Beams:
    """The plan's spots with the isocentre where the couch brings the day's target to the plan's."""
    line = matched(plan, day.structures, beamline(case))
    return Beams(plan.spots, plan.weights, line.isocentre_mm, FRACTIONS, line.machine.sad_mm, "GEMEL GENERIC")


def notes(case: Case) -> Sequence[str]:
    """What was assumed or refused at planning."""
    return case.notes


EXAM = Exam(
    sd={
        "setup_mm": np.full(3, 0.5),
        "ln_bladder_ratio": np.full(1, 0.05),
        "ln_rectum_ratio": np.full(1, 0.08),
        "prostate_mm": np.full(3, 0.7),
        "rotation_deg": np.full(1, 1.0),
    },
    times_s=tuple(DAY_S * day for day in range(1, 7)),
    plans=tuple((treat(i, 6 * DAY_S),) for i in range(TEMPLATE_PLANS + 1)),
    loss="prostate_residual_mm",
)

SYSTEM = System(
    name="prostate_radiotherapy",
    canonical=canonical,
    interval_s=DAY_S,
    begin=begin,
    model=model_of,
    prepare=prepare,
    observe=observe,
    observations=observations,
    judge=judge,
    treat=treat_with,
    plans=plans,
    notes=notes,
    goal=lambda: score.goal(score.score_table()),
    template=template,
    exam=EXAM,
    case=Case,
    library=Library,
    day=Day,
    plan=PlanOfLibrary,
    part=Part,
    take=take,
    adapt=adapt,
    deliver=deliver,
    delivered=delivered,
    deviations=deviations,
    check=check,
    beams=beams,
)

"""One synthetic patient followed scan by scan, and what the twin said before each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Float

from gemel.core import twin as twins
from gemel.core.forecast import Forecast, forecast, interval
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.record import Observation
from gemel.core.surprise import is_alarm, surprise
from gemel.core.system import Exam, common_draws
from gemel.flow.choice import losses, true_losses
from gemel.flow.conformance.budget import DRAWS, GROSS
from gemel.flow.conformance.wrong import WRONG, right
from gemel.flow.session import belief_digest
from gemel.flow.synthetic import SyntheticPatient

SEED = 2026


@dataclass(frozen=True)
class Ahead:
    """One kind of observation forecast one scan ahead: every scan after the first, in order.

    held: truth within the central 90 % and 99.8 %; ranks: of the scan in its forecast; alarms: raised by the scan, and by the same scan
    with a gross error; squared: errors of the twin, of the mean of the scans so far, and of "as planned" (zero); sd: of the last forecast.
    """

    held: Bool[Array, "scans components"]
    surely: Bool[Array, "scans components"]
    ranks: Float[Array, "scans components"]
    alarms: Bool[Array, "scans"]
    gross: Bool[Array, "scans"]
    squared: Float[Array, "scans 3"]
    sd: Float[Array, "components"]


@dataclass(frozen=True)
class Course:
    """What was learned and said of a patient up to the last scan but one.

    ranks: of each true parameter among the posterior draws, and sd: the posterior's standard deviation of it;
    losses: what each plan of the exam was expected to lose at the last scan; true_losses: what it did lose.
    """

    ranks: Mapping[str, float]
    sd: Mapping[str, float]
    ahead: Mapping[str, Ahead]
    losses: Float[Array, "plans"]
    true_losses: Float[Array, "plans"]
    belief: str


def follow(task: tuple[Callable[[], Model], Exam, int, str]) -> Course:
    """The course of patient `i` of the model that a function makes, with the kind of model error of that name, or none."""
    template, exam, i, error = task
    model = _made(template)
    rng = common_draws(SEED, ["", *WRONG].index(error), i)
    truth, patient = (WRONG[error].live if error else right)(model, exam, i, rng)
    twin, said = twins.new(model, 0.0, i), []
    for scan, after in zip(patient.observations, exam.times_s[1:]):
        twin = twins.assimilate(twin, scan)
        said.append(forecast(twin, (), list(model.observe), after, DRAWS, rng))
    ahead = {kind: _ahead(truth, patient, kind, said) for kind in model.observe}
    _, params = twin.belief.draw(DRAWS, rng)
    ranks = {name: float(((values < patient.params[name]).sum() + 0.5) / (DRAWS + 1)) for name, values in params.items()}
    sd = {name: float(np.std(values)) for name, values in free(model, params).items()}
    expected = losses(twin, exam, (SEED, 7, i), DRAWS)
    return Course(ranks, sd, ahead, expected, true_losses(truth, exam, patient, stream=(SEED, 9, i)), belief_digest(twin.belief))


@lru_cache(maxsize=4)
def _made(template: Callable[[], Model]) -> Model:
    """The model, made once in each process: models hold closures, which do not travel; the functions that make them do."""
    return template()


def free(model: Model, params: Mapping[str, Array]) -> dict[str, Array]:
    """Parameters on the scale where their prior is normal."""
    return {p.name: np.log(params[p.name]) if p.family == "lognormal" else params[p.name] for p in model.parameters}


def _ahead(truth: Model, patient: SyntheticPatient, kind: str, said: Sequence[Forecast]) -> Ahead:
    """How the forecasts of one kind, of the second to the last scan, stood up."""
    scans = [next(o for o in scan if o.kind == kind) for scan in patient.observations]
    true = [truth.observe[kind](state, patient.params)[0] for state in patient.states[1:]]
    draws = [f.values[kind] for f in said]
    checks = [surprise(f, o) for f, o in zip(said, scans[1:])]
    wrong = [surprise(f, _gross(o, f.values[kind])) for f, o in zip(said, scans[1:])]
    past = [np.mean([o.value for o in scans[: k + 1]], axis=0) for k in range(len(draws))]
    guesses = [(d.mean(axis=0), mean, np.zeros_like(mean)) for d, mean in zip(draws, past)]
    return Ahead(
        np.array([_within(d, y, 0.9) for d, y in zip(draws, true)]),
        np.array([_within(d, y, 0.998) for d, y in zip(draws, true)]),
        np.array([check.rank.ravel() for check in checks]),
        np.array([is_alarm(check) for check in checks]),
        np.array([is_alarm(check) for check in wrong]),
        np.array([[np.square(guess - y).sum() for guess in three] for three, y in zip(guesses, true)]),
        draws[-1].std(axis=0).ravel(),
    )


def _gross(observation: Observation, draws: Float[Array, "draws ..."]) -> Observation:
    """The observation with GROSS predictive standard deviations added to each component."""
    return replace(observation, value=observation.value + GROSS * np.sqrt(draws.var(axis=0) + observation.sd**2))


def _within(draws: Float[Array, "draws ..."], truth: Float[Array, "..."], level: float) -> Bool[Array, "components"]:
    low, high = interval(draws, level)
    return np.asarray((truth >= low) & (truth <= high)).ravel()

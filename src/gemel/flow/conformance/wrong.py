"""Patients and scanners that are not as the model says: by what a model is then to be judged is reported, for each kind of error."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.belief import Belief, Params, State
from gemel.core.image import Array
from gemel.core.model import Model, Observe
from gemel.core.parameter import free_centre
from gemel.core.record import Observation
from gemel.core.system import Exam
from gemel.flow.conformance.budget import ERROR, OUTSIDE
from gemel.flow.synthetic import SyntheticPatient, synthetic_patient

CANDIDATES = 4000
"""Draws of the prior among which one is looked for that lies OUTSIDE: of a normal prior 25 of them lie farther out."""


@dataclass(frozen=True)
class Wrong:
    """A kind of model error in words; `live(model, exam, i, rng)` gives the model that is true and its patient `i`, observed with it."""

    what: str
    live: Callable[[Model, Exam, int, np.random.Generator], tuple[Model, SyntheticPatient]]


def right(model: Model, exam: Exam, i: int, rng: np.random.Generator) -> tuple[Model, SyntheticPatient]:
    """A patient as the model says."""
    return model, synthetic_patient(model, exam.times_s, exam.sd, rng)


def inflated(model: Model) -> Model:
    """The same model, observed with values larger by ERROR: what a scale that is off by as much, or a wider population, looks like."""

    def larger(observe: Observe) -> Observe:
        return lambda state, params: (1 + ERROR) * observe(state, params)

    return replace(model, observe={kind: larger(observe) for kind, observe in model.observe.items()})


def gain(model: Model, exam: Exam, i: int, rng: np.random.Generator) -> tuple[Model, SyntheticPatient]:
    """All that is observed is larger by ERROR, the truth included."""
    return right(inflated(model), exam, i, rng)


def drift(model: Model, exam: Exam, i: int, rng: np.random.Generator) -> tuple[Model, SyntheticPatient]:
    """The scanner drifts: each scan shows ERROR prior standard deviations more than the one before; the patient does not."""
    sd = prior_sd(model, exam)
    return model, _seen(right(model, exam, i, rng)[1], lambda k, o: o.value + ERROR * k * sd[o.kind])


def noise(model: Model, exam: Exam, i: int, rng: np.random.Generator) -> tuple[Model, SyntheticPatient]:
    """The scanner wears out: its error is larger by ERROR at each scan, and the stated one is not."""
    patient = right(model, exam, i, rng)[1]
    true = [{kind: see(state, patient.params)[0] for kind, see in model.observe.items()} for state in patient.states]
    return model, _seen(patient, lambda k, o: true[k][o.kind] + (1 + ERROR) ** k * (o.value - true[k][o.kind]))


def outsider(model: Model, exam: Exam, i: int, rng: np.random.Generator) -> tuple[Model, SyntheticPatient]:
    """One parameter, another for each patient, lies OUTSIDE prior standard deviations above its centre (or at its bound)."""
    named = model.parameters[i % len(model.parameters)]
    centre, spread = free_centre(named), named.spread

    def far(params: Params) -> Float[Array, "n"]:
        free = np.log(params[named.name]) if named.family == "lognormal" else params[named.name]
        return np.asarray(np.abs((free - centre) / spread - OUTSIDE))

    return model, right(replace(model, prior=Nearest(model.prior, far)), exam, i, rng)[1]


WRONG: Mapping[str, Wrong] = {
    "gain": Wrong(f"{ERROR:.0%} model error", gain),
    "drift": Wrong(f"a drift of {ERROR:g} prior sd a scan", drift),
    "noise": Wrong(f"noise that grows by {ERROR:.0%} a scan", noise),
    "outsider": Wrong(f"a parameter {OUTSIDE:g} sd outside", outsider),
}


@dataclass(frozen=True)
class Nearest:
    """Of CANDIDATES joint draws of a belief those for which a distance is smallest: state and parameters still belong together."""

    belief: Belief
    distance: Callable[[Params], Float[Array, "n"]]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[State, Params]:
        """The n nearest draws."""
        state, params = self.belief.draw(max(n, CANDIDATES), rng)
        pick = np.argsort(self.distance(params), kind="stable")[:n]
        return {k: v[pick] for k, v in state.items()}, {k: v[pick] for k, v in params.items()}


def prior_sd(model: Model, exam: Exam) -> dict[str, Float[Array, "..."]]:
    """What the prior alone expects of each kind of observation at the exam's last scan: its standard deviation."""
    rng = np.random.default_rng(2)
    state, params = model.prior.draw(CANDIDATES, rng)
    state = model.dynamics(state, params, (), 0.0, exam.times_s[-1], rng)
    return {kind: np.asarray(see(state, params).std(axis=0)) for kind, see in model.observe.items()}


def _seen(patient: SyntheticPatient, value: Callable[[int, Observation], Array]) -> SyntheticPatient:
    """The patient with other values observed; `value` is told the scan's number, from 0, and the observation."""
    scans: Sequence[Sequence[Observation]] = patient.observations
    return replace(patient, observations=tuple(tuple(replace(o, value=value(k, o)) for o in scan) for k, scan in enumerate(scans)))

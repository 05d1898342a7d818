"""The choice between plans: what each is expected to lose under a belief, and what it then does to the patient. Written once.

An examination (`conformance`) and a trial (`cohort`) both live patients up to the last scan but one, choose there, and see what came of it.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.record import Plan
from gemel.core.system import Exam, common_draws
from gemel.core.twin import Twin
from gemel.flow.synthetic import SyntheticPatient

Stream = tuple[int, ...]
"""Numbers that name a generator (`core.system.common_draws`): whatever is compared with each other is given the same."""

PRIOR_DRAWS = 4000


def losses(twin: Twin, exam: Exam, stream: Stream, draws: int) -> Float[Array, "plans"]:
    """Expected loss of every plan of the exam at its last scan; all plans meet the same draws."""
    return expected(twin, exam, exam.plans, stream=stream, draws=draws)


def expected(twin: Twin, exam: Exam, plans: Sequence[Plan], *, stream: Stream, draws: int) -> Float[Array, "plans"]:
    """Mean over draws of the belief of the exam's loss at its last scan, under each of some plans."""
    state, params = twin.belief.draw(draws, common_draws(*stream))
    found = []
    for plan in plans:
        rng = common_draws(*stream, 1)
        then = twin.model.dynamics(state, params, (*twins.given(twin), *plan), twin.t_s, exam.times_s[-1], rng)
        found.append(float(np.mean(twin.model.readouts[exam.loss].compute(then, params, plan, rng))))
    return np.array(found)


def prior_losses(model: Model, exam: Exam, stream: Stream) -> Float[Array, "plans"]:
    """Expected loss of every plan before any scan."""
    return losses(twins.new(model, 0.0, 0), exam, stream, PRIOR_DRAWS)


def outcome(
    model: Model, exam: Exam, patient: SyntheticPatient, plan: Plan, *, stream: Stream, readouts: Sequence[str]
) -> Mapping[str, float]:
    """True values at the last scan of a patient given the plan after the last but one; readouts that are not one number are left out.

    Plans that are given the same stream meet the same chance, in what happens to the patient and in the readouts' own error.
    """
    *_, t0_s, t1_s = exam.times_s
    then = model.dynamics(patient.states[-2], patient.params, plan, t0_s, t1_s, common_draws(*stream))
    computed = ((name, model.readouts[name].compute(then, patient.params, plan, common_draws(*stream, 1))) for name in readouts)
    return {name: float(value[0]) for name, value in computed if np.shape(value) == (1,)}


def true_losses(model: Model, exam: Exam, patient: SyntheticPatient, *, stream: Stream) -> Float[Array, "plans"]:
    """True loss of every plan of the exam; all plans meet the same chance."""
    return np.array([outcome(model, exam, patient, p, stream=stream, readouts=(exam.loss,))[exam.loss] for p in exam.plans])

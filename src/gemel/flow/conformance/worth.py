"""Does the twin learn, what does it learn nothing about, and are decisions better for it?"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.card import Evidence
from gemel.core.image import Array
from gemel.engines.inference.calibration import mean_interval, paired_difference, share_interval
from gemel.flow.conformance.course import free, losses
from gemel.flow.conformance.subject import Subject, judged, reported

PRIOR_DRAWS = 4000
NARROWER = 0.97
INFORMED = 0.95
KEPT = 0.98


def learning(subject: Subject) -> Sequence[Evidence]:
    """The forecast is narrower than the prior's, keeps the truth, and errs less than "as planned" and than the running mean.

    Squared errors are in units of the prior's variance. A model need not beat the running mean in every kind (it cannot where a mean is
    all there is to learn), but in none it may be worse, and over all kinds it must be better.
    """
    gains, lines = [], []
    for kind, prior_sd in _prior_sd(subject).items():
        of = [c.ahead[kind] for c in subject.courses]
        ratio = mean_interval(np.array([(a.sd / prior_sd).max() for a in of]))
        lines.append(judged(f"{kind}: narrows", f"sd of the forecast < {NARROWER} of the prior's", ratio, ratio[0] < NARROWER))
        kept = share_interval(np.array([a.surely.mean() for a in of]))
        lines.append(judged(f"{kind}: keeps the truth", f"> {KEPT:.0%} in 99.8 % intervals", kept, kept[0] > KEPT))
        twin, running, planned = np.array([a.squared.mean(axis=0) for a in of]).T / np.square(prior_sd).sum()
        gain = paired_difference(planned, twin)
        lines.append(judged(f"{kind}: against as planned", "gain in squared error, interval above 0", gain, gain[1] > 0))
        gain = paired_difference(running, twin)
        lines.append(judged(f"{kind}: against the running mean", "gain, interval not below 0", gain, gain[2] > 0))
        gains.append(running - twin)
    gain = mean_interval(np.mean(gains, axis=0))
    return (*lines, judged("all kinds: against the running mean", "mean gain, interval above 0", gain, gain[1] > 0))


def _prior_sd(subject: Subject) -> dict[str, Float[Array, "components"]]:
    """What the prior alone expects of each kind of observation."""
    state, params = subject.model.prior.draw(PRIOR_DRAWS, np.random.default_rng(2))
    return {kind: observe(state, params).std(axis=0).ravel() for kind, observe in subject.model.observe.items()}


def identifiability(subject: Subject) -> Sequence[Evidence]:
    """Mean ratio of posterior to prior sd of each parameter, on the scale of its prior. Not informed: the interval reaches INFORMED."""
    _, params = subject.model.prior.draw(PRIOR_DRAWS, np.random.default_rng(4))
    prior_sd = {name: float(values.std()) for name, values in free(subject.model, params).items()}
    lines, unknown = [], []
    for name in prior_sd:
        ratio = mean_interval(np.array([c.sd[name] / prior_sd[name] for c in subject.courses]))
        informed = ratio[2] < INFORMED
        unknown += [] if informed else [name]
        lines.append(reported(name, "posterior sd / prior sd", ratio, "" if informed else "not informed"))
    count, what = float(len(unknown)), f"parameters whose interval reaches {INFORMED}, by name"
    return (*lines, reported("not informed", what, (count, count, count), ", ".join(unknown) or "none"))


def value(subject: Subject) -> Sequence[Evidence]:
    """True loss avoided by the plan that the twin chose, against the best plan under the prior and against the fixed one, by patient."""
    exam, courses = subject.system.exam, subject.courses
    before = losses(twins.new(subject.model, 0.0, 0), exam, (8,), PRIOR_DRAWS)
    true = np.array([c.true_losses for c in courses])
    chosen = true[np.arange(len(courses)), [int(np.argmin(c.losses)) for c in courses]]
    what = f"gain in {exam.loss} ({subject.model.readouts[exam.loss].unit})"
    lines = []
    for who, loss in (("the best plan under the prior", true[:, int(np.argmin(before))]), ("the fixed plan", true[:, -1])):
        gain = paired_difference(loss, chosen)
        lines.append(judged(f"against {who}", f"{what}, interval above 0", gain, gain[1] > 0))
    return (*lines, reported("against hindsight", what, paired_difference(true.min(axis=1), chosen)))

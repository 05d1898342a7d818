"""Does the twin learn, what does it learn nothing about, and are decisions better for it?"""

from collections.abc import Sequence

import numpy as np

from gemel.core.card import Evidence
from gemel.engines.inference.calibration import mean_interval, paired_difference, share_interval
from gemel.flow.choice import PRIOR_DRAWS, prior_losses
from gemel.flow.conformance.course import SEED, free
from gemel.flow.conformance.subject import Subject, judged, reported
from gemel.flow.conformance.wrong import prior_sd

NARROWER = 0.97
INFORMED = 0.95
KEPT = 0.98


def learning(subject: Subject) -> Sequence[Evidence]:
    """The forecast is narrower than the prior's, keeps the truth, and errs less than "as planned" and than the running mean.

    Squared errors are in units of the prior's variance. A model need not beat the running mean in every kind (it cannot where a mean is
    all there is to learn), but in none it may be worse, and over all kinds it must be better.
    """
    gains, lines = [], []
    for kind, spread in prior_sd(subject.model, subject.system.exam).items():
        of = [c.ahead[kind] for c in subject.courses]
        ratio = mean_interval(np.array([(a.sd / spread.ravel()).max() for a in of]))
        lines.append(judged(f"{kind}: narrows", f"sd of the forecast < {NARROWER} of the prior's", ratio, ratio[0] < NARROWER))
        kept = share_interval(np.array([a.surely.mean() for a in of]))
        lines.append(judged(f"{kind}: keeps the truth", f"> {KEPT:.0%} in 99.8 % intervals", kept, kept[0] > KEPT))
        twin, running, planned = np.array([a.squared.mean(axis=0) for a in of]).T / np.square(spread).sum()
        gain = paired_difference(planned, twin)
        lines.append(judged(f"{kind}: against as planned", "gain in squared error, interval above 0", gain, gain[1] > 0))
        gain = paired_difference(running, twin)
        lines.append(judged(f"{kind}: against the running mean", "gain, interval not below 0", gain, gain[2] > 0))
        gains.append(running - twin)
    gain = mean_interval(np.mean(gains, axis=0))
    return (*lines, judged("all kinds: against the running mean", "mean gain, interval above 0", gain, gain[1] > 0))


def identifiability(subject: Subject) -> Sequence[Evidence]:
    """Mean ratio of posterior to prior sd of each parameter, on the scale of its prior. Not informed: the interval reaches INFORMED."""
    _, params = subject.model.prior.draw(PRIOR_DRAWS, np.random.default_rng(4))
    before = {name: float(values.std()) for name, values in free(subject.model, params).items()}
    lines, unknown = [], []
    for name in before:
        ratio = mean_interval(np.array([c.sd[name] / before[name] for c in subject.courses]))
        informed = ratio[2] < INFORMED
        unknown += [] if informed else [name]
        lines.append(reported(name, "posterior sd / prior sd", ratio, "" if informed else "not informed"))
    count, what = float(len(unknown)), f"parameters whose interval reaches {INFORMED}, by name"
    return (*lines, reported("not informed", what, (count, count, count), ", ".join(unknown) or "none"))


def value(subject: Subject) -> Sequence[Evidence]:
    """True loss avoided by the plan that the twin chose, against the best plan under the prior and against the fixed one, by patient."""
    exam, courses = subject.system.exam, subject.courses
    before = prior_losses(subject.model, exam, (SEED, 8))
    true = np.array([c.true_losses for c in courses])
    chosen = true[np.arange(len(courses)), [int(np.argmin(c.losses)) for c in courses]]
    what = f"gain in {exam.loss} ({subject.model.readouts[exam.loss].unit})"
    lines = []
    for who, loss in (("the best plan under the prior", true[:, int(np.argmin(before))]), ("the fixed plan", true[:, -1])):
        gain = paired_difference(loss, chosen)
        lines.append(judged(f"against {who}", f"{what}, interval above 0", gain, gain[1] > 0))
    return (*lines, reported("against hindsight", what, paired_difference(true.min(axis=1), chosen)))

"""An in-silico trial: does choosing by the twin's belief leave less residual motion than one plan for all, and by how much?

Virtual patients are drawn from the model's own prior; each is lived through once and treated in every arm by the same chance, so the
differences are paired. A policy of one's own (here: the twin's, but only when it promises enough) is an arm like any other. Shows
`cohort.run`, `Arm`, `paired`, `plans_of` and `summary`.
"""

import sys
from pathlib import Path

import numpy as np

from gemel.core.record import Plan
from gemel.core.system import Exam
from gemel.core.twin import Twin
from gemel.flow.choice import losses
from gemel.flow.cohort import Arm, run

PATIENTS, PROMISE_mm = 16, 0.5


def cautious(twin: Twin, exam: Exam, rng: np.random.Generator) -> Plan:
    """The fixed plan, unless another one promises to be better by PROMISE_mm."""
    expected = losses(twin, exam, (8,), 300)
    best = int(np.argmin(expected))
    return exam.plans[best] if expected[best] < expected[-1] - PROMISE_mm else exam.plans[-1]


def main() -> float:
    """Mean difference in residual motion between the twin's arm and the fixed plan, mm; negative is better."""
    sys.path.insert(0, str(Path(__file__).parent))  # a policy is named by its module, so that workers elsewhere find it
    arms = ["twin", "fixed", Arm("cautious", f"{Path(__file__).stem}:cautious")]
    trial = run("prostate", patients=PATIENTS, arms=arms, draws=300, executor="serial")
    for arm in (*(arm.name for arm in trial.arms), "hindsight"):
        held = trial.summary(arm)
        print(f"{arm:>9}: {held.mean:.2f} mm ({held.low:.2f} to {held.high:.2f}), {len(trial.plans_of(arm))} plans in use")
    for pair in trial.pairs():
        print(f"{pair.a} − {pair.b}: {pair.difference:+.2f} mm (95 %, all at once: {pair.low:+.2f} to {pair.high:+.2f})")
    return trial.paired("twin", "fixed").difference


if __name__ == "__main__":
    print(main())

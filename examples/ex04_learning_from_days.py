"""A twin learns from the days: before each scan it says in what interval the prostate will be found, then the scan comes.

A synthetic patient is drawn from the model's own prior, so that the truth is known. Shows `new`, `forecast`, `interval`,
`assimilate` and `surprise`; the errors of the forecast and of the running mean of the scans so far are printed side by side.
"""

import numpy as np

from gemel.core import twin as twins
from gemel.core.forecast import forecast, interval
from gemel.core.model import Model
from gemel.core.surprise import surprise
from gemel.core.system import System
from gemel.flow import registry
from gemel.flow.synthetic import synthetic_patient

KIND, PATIENTS = "prostate_mm", 4


def follow(system: System, model: Model, seed: int) -> tuple[list[np.ndarray], list[np.ndarray], list[np.ndarray]]:
    """Errors of the twin and of the running mean on each day after the first, and whether the truth lay in each interval."""
    rng = np.random.default_rng([4, seed])
    patient = synthetic_patient(model, system.exam.times_s, system.exam.sd, rng)
    twin, errors, naive, held = twins.new(model, 0.0, seed), [], [], []
    seen_mm: list[np.ndarray] = []
    for t_s, state, seen in zip(system.exam.times_s, patient.states, patient.observations):
        ahead = forecast(twin, (), [KIND], t_s, 300, rng)  # frozen before the scan
        truth_mm = model.observe[KIND](state, patient.params)[0]
        scan = next(o for o in seen if o.kind == KIND)
        low, high = interval(ahead.values[KIND])
        if seed == 0:
            tail = surprise(ahead, scan).tail.min()
            print(f"day {t_s / 86400:.0f}: expected {low.round(1)} to {high.round(1)}, scan {scan.value.round(1)} mm, tail {tail:.2f}")
        if seen_mm:
            errors.append(ahead.values[KIND].mean(axis=0) - truth_mm)
            naive.append(np.mean(seen_mm, axis=0) - truth_mm)
            held.append((truth_mm >= low) & (truth_mm <= high))
        seen_mm.append(scan.value)
        twin = twins.assimilate(twin, seen)
    return errors, naive, held


def main() -> float:
    """Root-mean-square error of the twin's one-day-ahead forecast, mm."""
    system = registry.system("prostate")
    model = system.template()
    followed = [follow(system, model, seed) for seed in range(PATIENTS)]
    errors, naive, held = (np.concatenate(parts) for parts in zip(*followed))
    rms_mm, naive_mm = (float(np.sqrt(np.square(e).sum(axis=1).mean())) for e in (errors, naive))
    print(f"{PATIENTS} patients: 90 % intervals held {100 * held.mean():.0f} % of {held.size} truths")
    print(f"error of the twin {rms_mm:.2f} mm, of the running mean {naive_mm:.2f} mm; tests/contract does this with 200 patients")
    return rms_mm


if __name__ == "__main__":
    print(main())

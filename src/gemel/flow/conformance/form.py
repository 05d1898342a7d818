"""Shapes, names and units; the laws that rescaling and shifting must obey; the refusal of what makes no sense."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gemel.core import twin as twins
from gemel.core.card import Evidence
from gemel.core.errors import InputError
from gemel.core.forecast import forecast
from gemel.core.record import Observation
from gemel.core.time import DAY_S
from gemel.flow.conformance.subject import Subject, followed, judged, yes
from gemel.flow.session import belief_digest

LATER_S = 4096 * DAY_S
WORTHLESS = 1e6


def shapes(subject: Subject) -> Sequence[Evidence]:
    """Every array leads with the draws and has the exam's shape; every parameter and readout states its unit."""
    model, exam, rng = subject.model, subject.system.exam, np.random.default_rng(1)
    state, params = model.prior.draw(7, rng)
    state = model.dynamics(state, params, (), 0.0, 3600.0, rng)
    lead = {len(v) for v in (*state.values(), *params.values())} == {7}
    named = set(exam.sd) == set(model.observe) and exam.loss in model.readouts
    seen = [kind for kind, see in model.observe.items() if see(state, params).shape != (7, *exam.sd[kind].shape)]
    read = [n for n, r in model.readouts.items() if len(r.compute(state, params, exam.plans[0], rng)) != 7 or not (r.unit and r.what)]
    bare = [p.name for p in model.parameters if not p.unit or len(p.reference) <= 10]
    return (
        yes("state and parameters", "lead with the draws axis", lead),
        yes("exam", "names what the model has", named),
        yes("observations", "(draws, *value) with the shape of the stated errors", not seen, ", ".join(seen)),
        yes("readouts", "(draws,) with unit and meaning", not read, ", ".join(read)),
        yes(
            "parameters",
            "at least one; each with unit, bounds and published reference",
            bool(model.parameters) and not bare,
            ", ".join(bare),
        ),
    )


def unit_laws(subject: Subject) -> Sequence[Evidence]:
    """The zero of the calendar, and scans without information, change nothing; time between scans does."""
    model, patient = subject.model, subject.patient
    here, later = (followed(model, patient, (0, 1, 2), later_s=by_s) for by_s in (0.0, LATER_S))
    kind = next(iter(model.observe))
    soon, late = (_sd(here, kind, here.t_s + dt) for dt in (600.0, 30 * DAY_S))
    vague = tuple(replace(o, sd=WORTHLESS * o.sd) for o in patient.observations[3])
    blind = twins.assimilate(here, vague)
    apart = [_apart(here, blind, name) for name in model.observe]
    return (
        yes(
            "zero of the calendar",
            "the same belief, to the last bit, 4096 days later",
            belief_digest(here.belief) == belief_digest(later.belief),
        ),
        judged("a scan with a millionfold error", "moves no forecast by more than 0.15 sd", (max(apart),) * 3, max(apart) < 0.15),
        yes("time between scans", "the forecast for 30 days is wider than for 10 minutes", soon < late, f"{soon:.3g} and {late:.3g}"),
    )


def _sd(twin: twins.Twin, kind: str, t_s: float) -> float:
    return float(forecast(twin, (), [kind], t_s, 4000, np.random.default_rng(3)).values[kind].std())


def _apart(one: twins.Twin, other: twins.Twin, kind: str) -> float:
    """Largest distance of mean or sd of two twins' forecasts for the later one's time plus a day, in sd of the first."""
    t_s = max(one.t_s, other.t_s) + DAY_S
    a, b = (forecast(twin, (), [kind], t_s, 4000, np.random.default_rng(3)).values[kind] for twin in (one, other))
    sd = a.std(axis=0)
    return float(max(np.abs(a.mean(axis=0) - b.mean(axis=0)).max() / sd.min(), np.abs(b.std(axis=0) / sd - 1).max()))


def refusal(subject: Subject) -> Sequence[Evidence]:
    """What makes no sense is refused with an InputError that names its remedy."""
    model, patient = subject.model, subject.patient
    twin, good = followed(model, patient, (0,)), patient.observations[1][0]
    kind, rng = next(iter(model.observe)), np.random.default_rng(0)
    nothing, shape = np.full(good.value.shape, np.nan), (good.value.size + 1,)
    tries: dict[str, Callable[[], object]] = {
        "an unknown kind": lambda: twins.assimilate(twin, (replace(good, kind="shoe_size"),)),
        "a scan before the start": lambda: twins.assimilate(twin, (replace(good, t_s=-1.0),)),
        "a value that is not finite": lambda: Observation(kind, 0.0, nothing, good.sd, "x"),
        "an error of zero": lambda: Observation(kind, 0.0, good.value, np.zeros_like(good.sd), "x"),
        "an unknown readout": lambda: forecast(twin, (), ["happiness"], twin.t_s, 10, rng),
        "a forecast of the past": lambda: forecast(twin, (), [kind], twin.t_s - 1, 10, rng),
        "a value of another shape": lambda: twins.assimilate(twin, (Observation(kind, good.t_s, np.zeros(shape), np.ones(shape), "x"),)),
    }
    return tuple(yes(what, "refused with a remedy", _refused(attempt)) for what, attempt in tries.items())


def _refused(attempt: Callable[[], object]) -> bool:
    try:
        attempt()
    except InputError as error:
        return bool(error.remedy)
    return False

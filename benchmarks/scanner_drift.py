"""Drift of 200 synthetic scanners: how soon it is seen, whether the cause is named right, how often nothing raises an alarm.

Each has 30 baseline days with AR(1) memory 0.3 and then one fault, slow or sudden, of one component; as many have none. Metrics are drawn
(`devices.ct.twin.virtual`), not images. Prints one line a claim, beside Shewhart, EWMA and CUSUM charts with the textbook's limits.
"""

import sys
import time
from dataclasses import dataclass, replace

import numpy as np

from gemel.devices.ct.twin.names import CAUSE_OF, CAUSES, COMPONENTS
from gemel.devices.ct.twin.readouts import worst
from gemel.devices.ct.twin.table import response, row
from gemel.devices.ct.twin.task import FIVE_mm
from gemel.devices.ct.twin.virtual import Fault, metrics
from gemel.devices.ct.twin.watching import cause_of, lead_draws_d
from gemel.engines.inference.charts import limit_for
from gemel.engines.inference.charts.faults import shares
from gemel.engines.inference.charts.monitor import Monitor, first_alarm, monitor, watch

BASELINE_d, AFTER_d, QUIET_d, PROMISED_d, MEMORY = 30, 240, 1000, 250.0, 0.3
SETTLED = 2
"""Checks after the alarm on which the cause is read."""


@dataclass(frozen=True)
class Outcome:
    """Of one scanner: days from onset to alarm (NaN: none) and to the limit, right cause, lead time's interval held the truth."""

    fault: Fault
    delay_d: float
    limit_d: float
    right: bool
    covered: bool


def main(scanners: int = 200, seed: int = 1) -> list[Outcome]:
    """All scanners, printed."""
    rng = np.random.default_rng(seed)
    began = time.process_time()
    found = [one(fault_of(i, rng), rng) for i in range(scanners)]
    print(f"{scanners} synthetic scanners with a fault, {time.process_time() - began:.0f} s of processor")
    for ramp, what in ((True, "slow"), (False, "sudden")):
        for cause in CAUSES:
            tell(f"{what}, {cause}", [o for o in found if o.fault.ramp is ramp and cause_name(o) == cause])
        tell(f"{what}, all", [o for o in found if o.fault.ramp is ramp])
    tell("all", found)
    quiet(scanners, rng)
    return found


def fault_of(i: int, rng: np.random.Generator) -> Fault:
    """Components and shapes in turn; steps take a component to 0.7 to 1.5 of its limit, ramps reach it in 40 to 150 days."""
    name, ramp = COMPONENTS[i % len(COMPONENTS)], bool(i // len(COMPONENTS) % 2)
    unit = np.zeros(len(COMPONENTS))
    unit[COMPONENTS.index(name)] = 1.0
    sign = 1.0 if name in ("filter_mm", "gain_HU", "electronic_pct", "focal_pct") else rng.choice([-1.0, 1.0])
    sign = -1.0 if name == "output_pct" else sign
    to_limit = 1.0 / float(worst(sign * unit, response()))
    size = sign * to_limit * (30.0 / rng.uniform(40.0, 150.0) if ramp else rng.uniform(0.7, 1.5))
    return Fault(name, ramp, size, BASELINE_d + int(rng.integers(10, 60)))


def one(fault: Fault, rng: np.random.Generator) -> Outcome:
    """A scanner with a fault: charts from its baseline, the first alarm after the onset, the cause and lead time then."""
    departures = fault.departures(BASELINE_d + AFTER_d)
    values = metrics(departures, MEMORY, rng)
    held = monitor(values[:BASELINE_d], response(), run_length_d=PROMISED_d, rng=rng)
    alarms = watch(held, values[BASELINE_d:], np.arange(AFTER_d) + 1.0).alarm
    onset = fault.onset_d - BASELINE_d
    beyond = worst(departures[BASELINE_d:], response()) >= 1.0
    limit_d = float(np.argmax(beyond) - onset) if beyond.any() else np.inf
    at = first_alarm(alarms[onset:])
    if at < 0:
        return Outcome(fault, np.nan, limit_d, False, False)
    now = onset + at + SETTLED
    causes = cause_of(held, values[BASELINE_d : BASELINE_d + now + 1])
    assert causes is not None
    share = shares(causes, len(COMPONENTS))
    by_cause = {c: sum(p for p, of in zip(share, CAUSE_OF) if of == c) for c in CAUSES}
    lead_d = lead_draws_d(causes, response(), FIVE_mm, rng)
    low, high = np.quantile(lead_d, 0.05, method="lower"), np.quantile(lead_d, 0.95, method="higher")
    left_d = max(limit_d - at - SETTLED, 0.0)
    right = max(by_cause, key=lambda c: by_cause[c]) == CAUSE_OF[COMPONENTS.index(fault.component)]
    return Outcome(fault, float(at), limit_d, right, bool(low <= left_d + 3.0 and high >= left_d - 3.0))


def cause_name(found: Outcome) -> str:
    return CAUSE_OF[COMPONENTS.index(found.fault.component)]


def tell(what: str, found: list[Outcome]) -> None:
    """One line of a group."""
    delay = np.array([o.delay_d for o in found])
    seen = np.isfinite(delay)
    reach = [o for o in found if o.fault.ramp and np.isfinite(o.limit_d)]
    before = np.mean([o.delay_d < o.limit_d for o in reach]) if reach else np.nan
    delays = "/".join(f"{d:.0f}" for d in np.nanquantile(delay, [0.1, 0.5, 0.9])) if seen.any() else "-"
    right = np.mean([o.right for o, s in zip(found, seen) if s]) if seen.any() else np.nan
    covered = np.mean([o.covered for o, s in zip(found, seen) if s]) if seen.any() else np.nan
    print(
        f"  {what:20s} n {len(found):3d}  seen {seen.mean():5.1%}  delay 10/50/90 % {delays:>10s} d  cause right {right:5.1%}  "
        f"before the limit {before:5.1%}  lead interval (90 %) held {covered:5.1%}"
    )


def quiet(scanners: int, rng: np.random.Generator) -> None:
    """Run lengths without a fault: with the guaranteed limits, and with the textbook's for values that are known and independent."""
    lengths: dict[str, list[float]] = {"gemel": [], "textbook": []}
    for _ in range(scanners):
        values = metrics(np.zeros((BASELINE_d + QUIET_d, len(COMPONENTS))), MEMORY, rng)
        held = monitor(values[:BASELINE_d], response(), run_length_d=PROMISED_d, rng=rng)
        for name, used in (("gemel", held), ("textbook", textbook(held))):
            at = first_alarm(watch(used, values[BASELINE_d:], np.arange(QUIET_d) + 1.0).alarm)
            lengths[name].append(float(at + 1 if at >= 0 else np.inf))
    for name, held_d in lengths.items():
        runs = np.array(held_d)
        rate = np.isfinite(runs).sum() / np.minimum(runs, QUIET_d).sum()
        print(
            f"  no fault, {name:9s} a false alarm every {1 / max(rate, 1e-9):6.0f} d (promised {PROMISED_d:.0f}); none within "
            f"{PROMISED_d:.0f} d at {(runs > PROMISED_d).mean():.1%} of scanners"
        )


def textbook(held: Monitor) -> Monitor:
    """The same charts on unwhitened days, with limits for known level and spread and independent days."""
    each = PROMISED_d * 2 * int(held.charted.sum())
    limits = np.where(held.charted[:, None], (limit_for("ewma", each, lam=0.2), limit_for("cusum", each, k=1.0)), np.nan)
    level, memory, sd = held.metrics.T
    plain = np.stack([level, np.zeros_like(memory), sd / np.sqrt(1 - memory**2)], axis=1)
    return replace(held, limits=limits, metrics=plain)


if __name__ == "__main__":
    assert row("fault_size").shape == (len(COMPONENTS),)
    main(*(int(a) for a in sys.argv[1:]))

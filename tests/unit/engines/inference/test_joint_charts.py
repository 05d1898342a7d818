"""Many charts on one vector: memories drawn together, alarms counted, and the promise that all of them keep together."""

import numpy as np
import pytest
from jaxtyping import Float
from scipy import signal

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.engines.inference.charts import Baseline, fit, joint, limit_for, run
from gemel.engines.inference.charts.chart import Chart
from gemel.engines.inference.charts.joint import BURN_d, count
from gemel.engines.inference.charts.memory import pooled
from gemel.engines.inference.charts.monitor import LAM, K, Monitor, monitor, scored, watch

PROMISED_d, LATER_d = 100.0, 8000
METRICS, COMPONENTS = 8, 5


def days(phi: Float[Array, "m"] | float, n: int, rng: np.random.Generator) -> Float[Array, "n m"]:
    each = np.broadcast_to(phi, METRICS)
    noise = rng.standard_normal((n + 50, METRICS)) * np.sqrt(1 - each**2)
    return np.stack([signal.lfilter((1.0,), (1.0, -p), column) for p, column in zip(each, noise.T)], axis=1)[50:]


def response() -> Float[Array, "m d"]:
    return np.random.default_rng(2).standard_normal((METRICS, COMPONENTS))


def test_memories_that_are_alike_are_told_better_together() -> None:
    rng, own, both = np.random.default_rng(3), [], []
    for _ in range(60):
        y = days(0.3, 30, rng)
        found = tuple(fit(column) for column in y.T)
        own.append([one.phi for one in found])
        both.append(pooled(found, y).phi)
    assert np.std(both) < 0.7 * np.std(own)
    assert np.mean(both) == pytest.approx(0.3, abs=0.04)


def test_a_memory_that_is_its_own_stays_its_own() -> None:
    y = days(np.array([0.8] + [0.0] * (METRICS - 1)), 2000, np.random.default_rng(4))
    found = tuple(fit(column) for column in y.T)
    held = pooled(found, y)
    assert held.phi[0] == pytest.approx(0.8, abs=0.05)
    assert np.abs(held.phi[1:]).max() < 0.08
    few = pooled(found[:2], y[:, :2])
    assert few.phi.tolist() == [found[0].phi, found[1].phi]


def test_alarms_are_counted_as_the_charts_give_them() -> None:
    z = np.random.default_rng(5).standard_normal((1, 4000, 1)).astype(np.float32)
    limits = np.array([[2.4, 2.0]])
    alarms, start = 0, BURN_d
    while True:
        rest = z[0, start:, 0]
        both = run(Chart("ewma", LAM, 2.4), rest).alarm | run(Chart("cusum", K, 2.0), rest).alarm
        if not both.any():
            break
        alarms, start = alarms + 1, start + int(np.argmax(both)) + 1
    assert count(z, limits, (LAM, K)).tolist() == [alarms]
    assert alarms > 20


def test_a_metric_that_is_missing_is_scored_without_and_its_memory_goes_on() -> None:
    rng = np.random.default_rng(6)
    y = days(0.5, 60, rng)
    held = monitor(y[:30], response(), run_length_d=20.0, rng=rng)
    whole = scored(held, y[30:], np.arange(30.0))
    assert np.isfinite(whole).all()
    part = y[30:].copy()
    part[10, 2] = np.nan
    found = scored(held, part, np.arange(30.0))
    assert np.isfinite(found).all()
    changed = np.flatnonzero(np.abs(found - whole).max(axis=1) > 1e-12)
    assert changed.tolist() == [10, 11]
    assert scored(held, np.full((1, METRICS), np.nan), np.zeros(1)).tolist() == [[0.0] * COMPONENTS]


def realised(held: Monitor, later: Float[Array, "n m"], limits: Float[Array, "d 2"]) -> float:
    z = scored(held, later, np.arange(float(len(later))))[None].astype(np.float32)
    return float((LATER_d - BURN_d) / max(int(count(z, limits, (LAM, K))[0]), 0.5))


def kept(sites: int, phi: Float[Array, "m"] | float, baseline_d: int) -> tuple[float, float]:
    """Shares of sites whose charts keep the promise, and would with the textbook's limits for ten charts."""
    rng, runs = np.random.default_rng(7), []
    textbook = np.array([[limit_for("ewma", 2 * COMPONENTS * PROMISED_d, lam=LAM), limit_for("cusum", 2 * COMPONENTS * PROMISED_d, k=K)]])
    for _ in range(sites):
        y = days(phi, baseline_d + LATER_d, rng)
        held = monitor(y[:baseline_d], response(), run_length_d=PROMISED_d, rng=rng)
        runs.append((realised(held, y[baseline_d:], held.limits), realised(held, y[baseline_d:], textbook * np.ones((COMPONENTS, 1)))))
    shares = (np.array(runs) >= PROMISED_d).mean(axis=0)
    return float(shares[0]), float(shares[1])


def test_all_charts_together_keep_the_promise_at_most_of_a_few_sites() -> None:
    gemel, textbook = kept(10, 0.3, 30)
    assert gemel >= 0.8
    assert textbook <= 0.4


@pytest.mark.full
@pytest.mark.parametrize("phi", [0.3, np.linspace(0.0, 0.6, METRICS)], ids=["alike", "unlike"])
def test_all_charts_together_keep_the_promise_at_nine_of_ten_sites(phi: Float[Array, "m"] | float) -> None:
    gemel, textbook = kept(80, phi, 30)
    assert gemel >= 0.9 - 0.03  # the error of 80 sites
    assert textbook < 0.5


def test_a_shift_is_seen_sooner_with_more_baseline_days() -> None:
    rng = np.random.default_rng(8)
    y = days(0.3, 160, rng)
    step = response()[:, 0] * 0.7
    delays = []
    for n in (20, 120):
        held = monitor(y[:n], response(), run_length_d=PROMISED_d, rng=np.random.default_rng(1))
        seen = watch(held, days(0.3, 60, np.random.default_rng(9)) + step, np.arange(60.0)).alarm
        delays.append(int(np.argmax(seen)) if seen.any() else 60)
        assert (held.limits > 0).all()
    assert delays[1] < delays[0]


def test_days_that_remember_widen_the_limits_or_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(10)
    steps = rng.standard_normal((16, METRICS))
    steady, walk = (monitor(y, response(), run_length_d=50.0, rng=np.random.default_rng(1)) for y in (steps, np.cumsum(steps, axis=0)))
    assert np.median(walk.limits) > 1.1 * np.median(steady.limits)
    monkeypatch.setattr(joint, "MOST", 1.0)
    with pytest.raises(InputError, match="cannot keep a promise"):
        monitor(steps, response(), run_length_d=50.0, rng=np.random.default_rng(1))


def test_a_memory_that_is_given_is_kept() -> None:
    found = fit(np.random.default_rng(11).standard_normal(40), 0.25)
    assert isinstance(found, Baseline)
    assert found.phi == 0.25

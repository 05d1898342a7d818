"""Control charts: what they refuse, what whitening leaves, and whether few baseline days still keep the promise."""

from functools import cache

import numpy as np
import pytest
from jaxtyping import Float

from gemel.core.errors import GemelError, InputError, RangeError
from gemel.core.image import Array
from gemel.engines.inference.charts import Baseline, Chart, arl, fit, guaranteed_limit, limit_for, run, whitened

PROMISED = 370.0


@pytest.mark.parametrize(
    ("kind", "params"),
    [
        ("runs", {"limit": 3.0}),
        ("ewma", {"lam": 0.2}),
        ("ewma", {"lam": 0.2, "limit": 3.0, "k": 1.0}),
        ("ewma", {"lam": 0.0, "limit": 3.0}),
        ("ewma", {"lam": 1.2, "limit": 3.0}),
        ("ewma", {"lam": 0.2, "limit": -3.0}),
        ("cusum", {"k": -0.1, "h": 4.0}),
        ("cusum", {"k": 0.5, "h": 0.0}),
        ("cusum", {"k": 0.5, "h": 60.0}),
        ("shewhart", {"limit": np.nan}),
        ("shewhart", {"limit": 9.0}),
        ("shewhart", {"limit": 3.0, "shift": np.inf}),
    ],
)
def test_charts_without_meaning_are_refused_with_a_remedy(kind: str, params: dict[str, float]) -> None:
    with pytest.raises(GemelError) as error:
        arl(kind, **params)
    assert error.value.remedy


@pytest.mark.parametrize("arl0", [1.0, -5.0, 1e12, np.nan])
def test_run_lengths_that_no_chart_has_are_refused(arl0: float) -> None:
    with pytest.raises(RangeError):
        limit_for("ewma", arl0, lam=0.2)


@pytest.mark.parametrize(
    ("kind", "params"), [("cusum", {"k": 0.5, "h": 0.01}), ("ewma", {"lam": 0.2, "limit": 3.0}), ("shewhart", {"limit": 3.0})]
)
def test_a_shift_that_no_chart_misses_is_seen_at_once(kind: str, params: dict[str, float]) -> None:
    assert arl(kind, shift=50.0, **params) == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize(
    ("kind", "params"), [("shewhart", {"limit": 1e9}), ("ewma", {"lam": 0.2, "limit": 50.0}), ("cusum", {"k": 1.0, "h": 12.0})]
)
def test_a_run_length_without_end_is_refused(kind: str, params: dict[str, float]) -> None:
    with pytest.raises(RangeError, match="beyond 1e"):
        arl(kind, **params)


def test_both_directions_of_a_shift_are_alike() -> None:
    assert arl("cusum", shift=-1.0, k=0.5, h=4.0) == pytest.approx(arl("cusum", shift=1.0, k=0.5, h=4.0))
    assert arl("ewma", shift=-1.0, lam=0.1, limit=2.8) == pytest.approx(arl("ewma", shift=1.0, lam=0.1, limit=2.8))


def test_an_ewma_without_memory_is_shewharts_chart() -> None:
    assert arl("ewma", shift=0.7, lam=1.0, limit=3.0) == pytest.approx(arl("shewhart", shift=0.7, limit=3.0), rel=1e-6)


def series(phi: float, shape: tuple[int, int], rng: np.random.Generator) -> Float[Array, "sites days"]:
    noise = rng.standard_normal(shape)
    found = noise.copy()
    for t in range(1, shape[1]):
        found[:, t] = phi * found[:, t - 1] + np.sqrt(1 - phi**2) * noise[:, t]
    return found


def test_memory_is_estimated_without_bias_and_whitening_removes_it() -> None:
    found = [fit(row) for row in series(0.3, (800, 30), np.random.default_rng(3))]
    assert np.mean([b.phi for b in found]) == pytest.approx(0.3, abs=0.03)  # 0.24 without the correction
    long = series(0.6, (1, 4000), np.random.default_rng(4))[0]
    rest = whitened(fit(long), long)
    assert abs(np.corrcoef(rest[1:], rest[:-1])[0, 1]) < 0.04
    assert rest.std() == pytest.approx(1.0, abs=0.03)


def test_days_left_out_weaken_the_memory() -> None:
    known = Baseline(0.0, 0.6, 0.8, 100)
    assert whitened(known, np.array([1.0]), np.array([30.0]), before=5.0) == pytest.approx([1.0], abs=1e-5)
    assert whitened(known, np.array([1.0]), before=5.0) == pytest.approx([(1.0 - 3.0) / 0.8])
    assert whitened(known, np.array([1.0]), np.array([2.0]), before=5.0) == pytest.approx([(1 - 1.8) / np.sqrt(1 - 0.36**2)])


@pytest.mark.parametrize("values", [np.zeros(30), np.arange(10.0), np.full(30, np.nan)])
def test_a_baseline_that_tells_nothing_is_refused(values: Float[Array, "n"]) -> None:
    with pytest.raises(InputError, match="baseline"):
        fit(values)


def test_a_promise_that_the_baseline_cannot_keep_is_refused() -> None:
    with pytest.raises(InputError, match="15 baseline days"):
        guaranteed_limit("cusum", 4000.0, Baseline(0.0, 0.7, 1.0, 15), rng=np.random.default_rng(1), k=1.0)


def test_more_baseline_days_bring_the_limit_down_to_the_textbooks() -> None:
    limits = [guaranteed_limit("ewma", 500.0, Baseline(0, 0.0, 1, n), rng=np.random.default_rng(1), lam=0.2) for n in (30, 120, 100_000)]
    assert limits[0] > limits[1] > limits[2]
    assert limits[2] == pytest.approx(2.962, abs=0.03)


def test_charts_alarm_where_their_statistic_passes_the_level() -> None:
    held = run(Chart("ewma", 0.2, 3.0), np.array([0.0, 6.0, 0.0]))
    assert held.statistic == pytest.approx([0.0, 1.2, 0.96])
    assert held.level == pytest.approx(1.0)
    assert held.alarm.tolist() == [False, True, False]
    fallen = run(Chart("cusum", 0.5, 3.0), np.array([-2.5, -2.5, 4.0]))
    assert fallen.statistic == pytest.approx([-2.0, -4.0, 3.5])
    assert fallen.alarm.tolist() == [False, True, True]


def realised(kind: str, weight: float, limits: Array, found: list[Baseline], phi: float) -> Float[Array, "sites"]:
    """In-control run length of each site's own chart, by simulation of the true series: days over alarms, restarted by each."""
    rng, reps, days = np.random.default_rng(11), 50, 1200
    mean, memory, sd = (np.array([getattr(b, name) for b in found])[:, None] for name in ("mean", "phi", "sd"))
    level = np.asarray(limits)[:, None] * (np.sqrt(weight / (2 - weight)) if kind == "ewma" else 1.0)
    y, up, down, alarms = rng.standard_normal((len(found), reps)), 0.0, 0.0, np.zeros(len(found))
    up = down = np.zeros(y.shape)
    for _ in range(days):
        new = phi * y + np.sqrt(1 - phi**2) * rng.standard_normal(y.shape)
        z, y = ((new - mean) - memory * (y - mean)) / sd, new
        if kind == "ewma":
            up = (1 - weight) * up + weight * z
            alarm = np.abs(up) > level
        else:
            up, down = np.maximum(0, up + z - weight), np.maximum(0, down - z - weight)
            alarm = (up > level) | (down > level)
        up, down, alarms = np.where(alarm, 0.0, up), np.where(alarm, 0.0, down), alarms + alarm.sum(axis=1)
    return np.asarray(days * reps / np.maximum(alarms, 0.5))


@cache
def sites(phi: float, count: int) -> list[Baseline]:
    return [fit(row) for row in series(phi, (count, 30), np.random.default_rng(17))]


@pytest.mark.full
@pytest.mark.parametrize("phi", [0.0, 0.3, 0.5])
@pytest.mark.parametrize(("kind", "weight"), [("ewma", 0.2), ("cusum", 1.0), ("cusum", 0.5)])
def test_thirty_days_with_memory_keep_the_promise_at_nine_of_ten_sites(kind: str, weight: float, phi: float) -> None:
    kept(kind, weight, phi, 400)


@pytest.mark.full
def test_the_promise_is_kept_at_three_hundred_sites() -> None:
    kept("ewma", 0.2, 0.3, 300)


def kept(kind: str, weight: float, phi: float, count: int) -> None:
    rng, found = np.random.default_rng(5), sites(phi, count)
    params = {"lam" if kind == "ewma" else "k": weight}
    able, limits = [], []
    for one in found:
        try:
            limits.append(guaranteed_limit(kind, PROMISED, one, rng=rng, **params))
        except InputError:  # a site that is told to measure more days promises nothing
            continue
        able.append(one)
    assert len(able) > 0.8 * count
    share = float((realised(kind, weight, np.array(limits), able, phi) >= PROMISED).mean())
    textbook = np.full(len(able), limit_for(kind, PROMISED, **params))
    assert share >= 0.9
    assert float((realised(kind, weight, textbook, able, phi) >= PROMISED).mean()) < 0.6

"""Curves without noise are found exactly; what cannot be is refused or marked."""

import math

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.kinetics import (
    BI,
    MONO,
    TRI,
    UPTAKE,
    Hypothesis,
    Scans,
    Shape,
    allowed,
    fit,
    fit_voxels,
    posterior,
    require_no_gain,
    require_physical,
    trapezoid,
    weak_prior,
)
from gemel.engines.kinetics.kernels import value_and_slope

H = 3600.0
LU_s = 574300.8
LN2 = math.log(2)
TIMES_h = np.array([1.0, 4.0, 24.0, 72.0, 120.0, 168.0])


def sum_of(t_h: np.ndarray, *terms: tuple[float, float]) -> np.ndarray:
    """Σ c·2^(-t/T) of (c, T in hours)."""
    return sum(c * 2.0 ** (-t_h / half) for c, half in terms)


EXACT = {
    "mono": (MONO, [(1e6, 51.0)]),
    "uptake": (UPTAKE, [(1e6, 51.0), (-1e6, 3.0)]),
    "bi": (BI, [(1e6, 80.0), (5e5, 10.0)]),
    "tri": (TRI, [(1e6, 80.0), (5e5, 10.0), (-1.5e6, 1.0)]),
    "nearly physical": (MONO, [(1e6, 158.0)]),
    "slow uptake": (UPTAKE, [(1e6, 70.0), (-1e6, 20.0)]),
}


@pytest.mark.parametrize("case", EXACT)
def test_a_curve_without_noise_is_found_exactly(case: str) -> None:
    shape, terms = EXACT[case]
    y = sum_of(TIMES_h, *terms)[None]
    found = fit(TIMES_h * H, y, sd_Bq=0.05 * y, hypothesis=Hypothesis(shape, LU_s)).curves
    np.testing.assert_allclose(found.tia_Bq_s, sum(c * half for c, half in terms) * H / LN2, rtol=1e-6)
    np.testing.assert_allclose(LN2 / found.rate_1_s[0] / H, [half for _, half in terms], rtol=1e-5)


def test_many_curves_at_once_are_those_of_one_by_one() -> None:
    half_h = np.linspace(20.0, 140.0, 600)  # more than one block of work
    y = np.stack([sum_of(TIMES_h, (1e3, h), (-1e3, 0.05 * h)) for h in half_h])
    together = fit(TIMES_h * H, y, sd_Bq=0.1 * y, hypothesis=Hypothesis(UPTAKE, LU_s))
    alone = fit(TIMES_h * H, y[555:556], sd_Bq=0.1 * y[555:556], hypothesis=Hypothesis(UPTAKE, LU_s))
    np.testing.assert_array_equal(together.log_parameters[555], alone.log_parameters[0])
    np.testing.assert_allclose(together.curves.tia_Bq_s, 1e3 * 0.95 * half_h * H / LN2, rtol=1e-6)


def test_no_curve_is_slower_than_physical_decay() -> None:
    y = sum_of(TIMES_h, (1e6, 1000.0))[None]  # slower than Lu-177 decays
    found = fit(TIMES_h * H, y, sd_Bq=0.05 * y, hypothesis=Hypothesis(MONO, LU_s))
    assert found.status[0] == 1
    assert 0.99 * LU_s < found.curves.half_life_s[0] <= LU_s


def test_the_number_of_scans_decides_which_shapes_are_allowed() -> None:
    known = {n: [s.name for s in allowed(n, sd_known=True)] for n in (2, 3, 4, 5)}
    assert known[2] == known[3] == known[4] == ["mono", "uptake", "bi"]
    assert known[5] == ["mono", "uptake", "bi", "tri"]
    unknown = {n: [s.name for s in allowed(n, sd_known=False)] for n in (3, 4, 5, 6, 7, 8)}
    assert unknown[3] == unknown[4] == unknown[5] == ["mono"]
    assert (unknown[6], unknown[7][-1], unknown[8][-1]) == (["mono", "uptake"], "bi", "tri")
    with pytest.raises(RangeError, match=r"1 time point\(s\)"):
        allowed(1, sd_known=True)


def scans(t_h: list[float], y: np.ndarray, relative: float = 0.05, *, sd_known: bool = True) -> Scans:
    """Regions r0, r1 … with proportional errors."""
    return Scans(np.array(t_h) * H, y, relative * y, tuple(f"r{i}" for i in range(len(y))), sd_known)


def test_one_scan_without_a_prior_is_refused() -> None:
    with pytest.raises(RangeError) as error:
        posterior(scans([24.0], np.array([[1e6]])), LU_s, draws=10, rng=np.random.default_rng(0))
    assert "single_time_point" in error.value.remedy


@pytest.mark.parametrize("sd_known", [True, False])
def test_the_right_shape_gets_the_weight(sd_known: bool) -> None:
    t_h = [1.0, 2.0, 4.0, 12.0, 24.0, 48.0, 96.0, 168.0]
    y = np.stack([sum_of(np.array(t_h), (1e6, 60.0)), sum_of(np.array(t_h), (1e6, 60.0), (-1e6, 6.0))])
    y *= 1 + 0.01 * np.random.default_rng(4).standard_normal(y.shape)
    held = posterior(scans(t_h, y, 0.01, sd_known=sd_known), LU_s, draws=300, rng=np.random.default_rng(1))
    assert held.shapes == ("mono", "uptake", "bi", "tri")
    np.testing.assert_allclose(held.weight.sum(axis=1), 1.0)
    assert held.weight[0].argmax() == 0
    assert held.weight[1, 0] < 1e-6
    assert held.weight[1, [1, 3]].sum() > 0.99  # the shapes that begin at zero
    np.testing.assert_allclose(held.mean_Bq_s, np.array([60.0, 54.0]) * 1e6 * H / LN2, rtol=0.03)


def test_a_region_that_appears_in_the_second_scan_is_fitted_to_its_own() -> None:
    t_h = [4.0, 24.0, 72.0, 168.0]
    y = np.stack([sum_of(np.array(t_h), (1e6, 51.0)), sum_of(np.array(t_h), (2e6, 60.0))])
    sd = 0.02 * y
    y[1, 0], sd[1, 0] = 0.0, np.inf
    held = posterior(Scans(np.array(t_h) * H, y, sd, ("kept", "late")), LU_s, draws=400, rng=np.random.default_rng(2))
    own = Scans(np.array(t_h[1:]) * H, y[1:, 1:], sd[1:, 1:], ("late",))
    alone = posterior(own, LU_s, draws=400, rng=np.random.default_rng(2))
    assert (alone.shapes, held.shapes) == (("mono", "uptake", "bi"),) * 2
    np.testing.assert_allclose(held.weight[1], alone.weight[0], atol=1e-6)
    assert held.weight[0, list(held.shapes).index("bi")] > 0.0
    np.testing.assert_allclose(held.mean_Bq_s[1], 2e6 * 60 * H / LN2, rtol=0.05)


def test_draws_are_those_of_a_linear_gaussian_problem_where_that_is_the_problem() -> None:
    """Rate known to 1e-4 by its prior: the amplitude is a weighted mean, u² = 1/Σ(e²/sd²)."""
    t_h = np.array([4.0, 24.0, 72.0])
    y = sum_of(t_h, (1e6, 50.0))[None]
    prior = weak_prior(MONO, LU_s)
    rate = LN2 / (50 * H) - LN2 / LU_s
    tight = type(prior)((LN2 / rate,), (1e-4,))
    held = posterior(scans(list(t_h), y), LU_s, draws=4000, shapes=[MONO], priors={"mono": tight}, rng=np.random.default_rng(3))
    relative = held.tia_Bq_s.std() / held.tia_Bq_s.mean()
    assert relative == pytest.approx(0.05 / math.sqrt(3), rel=0.06)


def test_a_phase_that_is_over_before_the_first_scan_holds_no_unbounded_activity() -> None:
    """Four scans allow two washouts, and nothing seen forbids a burst of any size before the first: the prior of the amplitudes does."""
    t_h = np.array([4.0, 24.0, 72.0, 168.0])
    y = sum_of(t_h, (1e6, 60.0))[None]
    held = posterior(scans(list(t_h), y, 0.03), LU_s, draws=4000, rng=np.random.default_rng(3))
    assert held.tia_Bq_s.max() < 1.3 * 1e6 * 60 * H / LN2


def test_lines_and_tail_are_exact_for_straight_lines() -> None:
    t_h, y = [10.0, 20.0, 30.0], np.array([[100.0, 80.0, 40.0]])
    total, sd = trapezoid(scans(t_h, y), LU_s, tail="physical")
    by_hand = (10 * 50 + 10 * 90 + 10 * 60) * H + 40 * LU_s / LN2
    assert total[0] == pytest.approx(by_hand, rel=1e-12)
    weights = np.array([10.0 * H, 10.0 * H, 5.0 * H + LU_s / LN2])
    assert sd[0] == pytest.approx(math.sqrt(((weights * 0.05 * y[0]) ** 2).sum()), rel=1e-12)
    fitted, _ = trapezoid(scans(t_h, y), LU_s, start="constant")
    assert fitted[0] == pytest.approx((10 * 100 + 10 * 90 + 10 * 60) * H + 40 * 10 * H / LN2, rel=1e-12)


def test_the_error_of_the_fitted_tail_is_that_of_repeated_scans() -> None:
    rng = np.random.default_rng(5)
    t_h = np.array([4.0, 24.0, 72.0, 120.0])
    y = sum_of(t_h, (1e6, 50.0))
    many = y * (1 + 0.02 * rng.standard_normal((4000, 4)))
    totals, _ = trapezoid(scans(list(t_h), many, 0.02), LU_s)
    _, sd = trapezoid(scans(list(t_h), y[None], 0.02), LU_s)
    assert totals.std() == pytest.approx(sd[0], rel=0.03)


def test_rising_scans_are_refused_with_the_reason() -> None:
    rising = np.array([[1e6, 1.2e6, 2e6]])
    with pytest.raises(RangeError, match="effective half-life longer than physical") as error:
        require_physical(scans([24.0, 72.0, 168.0], rising), LU_s)
    assert error.value.where == "r0"
    slow = sum_of(np.array([24.0, 168.0]), (1e6, 300.0))[None]
    with pytest.raises(RangeError, match=r"\(300 h, against 159.5 h"):
        require_physical(scans([24.0, 168.0], slow), LU_s)
    require_physical(scans([24.0, 168.0], slow, 0.3), LU_s)  # errors so large that nothing is contradicted
    require_physical(scans([1.0, 24.0, 168.0], np.array([[1e5, 1e6, 5e5]])), LU_s)  # early uptake


def test_the_whole_field_never_gains_activity() -> None:
    t_s = np.array([4.0, 24.0, 48.0, 168.0]) * H
    kept = sum_of(t_s / H, (1e9, LU_s / H))
    require_no_gain(t_s, kept, relative_sd=0.02, physical_s=LU_s)
    with pytest.raises(RangeError, match="whole field of view"):
        require_no_gain(t_s, kept * np.array([1, 1, 1.3, 1]), relative_sd=0.02, physical_s=LU_s)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"t_s": np.array([24.0, 4.0]) * H}, "do not increase"),
        ({"t_s": np.array([-4.0, 4.0]) * H}, "4 h before the injection"),
        ({"t_s": np.array([4.0, np.nan])}, "times"),
        ({"activity_Bq": np.array([[1.0, np.nan]])}, "not a number"),
        ({"activity_Bq": np.array([[1.0, -1.0]])}, "a negative activity"),
        ({"activity_Bq": np.array([[0.0, 0.0]])}, "no activity"),
        ({"sd_Bq": np.array([[0.1, 0.0]])}, "not positive"),
        ({"names": ("a", "b")}, "for 2 regions"),
    ],
)
def test_bad_scans_are_refused(change: dict[str, object], found: str) -> None:
    good = {"t_s": np.array([4.0, 24.0]) * H, "activity_Bq": np.array([[2.0, 1.0]]), "sd_Bq": np.array([[0.1, 0.1]]), "names": ("a",)}
    Scans(**good)
    with pytest.raises(InputError, match=found):
        Scans(**(good | change))


@pytest.mark.parametrize("shape", [MONO, UPTAKE])
def test_voxels_are_fitted_as_regions_are(shape: Shape) -> None:
    rng = np.random.default_rng(6)
    half_h = rng.uniform(20.0, 120.0, (5, 6, 7))
    t_h = np.array([4.0, 24.0, 72.0, 168.0])
    y = np.stack([1e3 * (2 ** (-t / half_h) - (shape is UPTAKE) * 2 ** (-t / 2.0)) for t in t_h]).astype(np.float32)
    found = fit_voxels(t_h * H, y, sd_Bq=np.full(4, 20.0), physical_s=LU_s, shape=shape)
    lost = 2.0 if shape is UPTAKE else 0.0
    np.testing.assert_allclose(found.tia_Bq_s, 1e3 * (half_h - lost) * H / LN2, rtol=2e-4)
    np.testing.assert_allclose(found.half_life_s, half_h * H, rtol=2e-3)
    assert (found.status == 0).all()


def test_voxels_say_where_the_fit_does_not_hold() -> None:
    t_h = np.array([4.0, 24.0, 72.0, 168.0])
    y = np.stack([sum_of(t_h, (1e3, 50.0)), np.array([1e3, 1e3, 1.1e3, 1.2e3]), np.zeros(4)], axis=1).astype(np.float32)
    found = fit_voxels(t_h * H, y, sd_Bq=np.full(4, 20.0), physical_s=LU_s)
    assert found.status.tolist() == [0, 1, 2]
    assert found.half_life_s[1] == pytest.approx(LU_s, rel=0.01)
    assert found.tia_Bq_s[2] == 0.0
    assert np.isnan(found.half_life_s[2])
    y[0, 0] = np.nan
    with pytest.raises(InputError, match="not finite"):
        fit_voxels(t_h * H, y, sd_Bq=np.full(4, 20.0), physical_s=LU_s)


@pytest.mark.parametrize("shape", [MONO, UPTAKE, BI, TRI], ids=lambda shape: shape.name)
def test_the_slopes_of_a_curve_are_its_differences(shape: Shape) -> None:
    """∂A/∂ln(a, b) against central differences: a wrong slope hides, since it moves the answer only where there is a prior."""
    p = np.log(np.array([3.0, 2.0, 1e-6, 4e-6, 3e-5])[: shape.parameters])
    if len(shape.signs) == 1:
        p = np.log(np.array([3.0, 1e-6, 4e-6])[: shape.parameters])

    def at(q: np.ndarray) -> tuple[float, np.ndarray]:
        slope = np.empty(shape.parameters)
        return value_and_slope(1e5, q, np.ascontiguousarray(shape.signs), LN2 / LU_s, np.exp(q), slope), slope

    steps = 1e-5 * np.eye(shape.parameters)
    differences = [(at(p + step)[0] - at(p - step)[0]) / 2e-5 for step in steps]
    np.testing.assert_allclose(at(p)[1], differences, rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize(("scans", "physical_s"), [(1, LU_s), (2, 0.0), (2, math.nan)])
def test_voxels_of_one_scan_have_no_half_life(scans: int, physical_s: float) -> None:
    with pytest.raises(RangeError, match="single_time_point"):
        fit_voxels(np.array([4.0, 24.0])[:scans] * H, np.ones((scans, 3), np.float32), sd_Bq=np.ones(scans), physical_s=physical_s)


def test_activity_that_stands_still_is_not_said_to_rise() -> None:
    still = Scans(np.array([24.0, 96.0]) * H, np.array([[1e8, 1e8]]), np.array([[1e6, 1e6]]), ("kidney",))
    with pytest.raises(RangeError, match="none, the activity does not fall"):
        require_physical(still, LU_s)

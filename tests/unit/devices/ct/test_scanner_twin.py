"""The scanner's twin: what each component does to images, what actions leave, and how drift is seen, named and dated."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from jaxtyping import Float

from gemel.core import twin as twins
from gemel.core.errors import IdentityError, InputError
from gemel.core.forecast import forecast
from gemel.core.image import Array
from gemel.core.record import Action, Observation
from gemel.core.time import DAY_S
from gemel.devices.ct.phantom.measured import Measured
from gemel.devices.ct.twin import template
from gemel.devices.ct.twin.case import Case, begin, case_of, require_alike
from gemel.devices.ct.twin.names import CAUSES, COMPONENTS, METRICS
from gemel.devices.ct.twin.observe import Day, day_of, observations
from gemel.devices.ct.twin.readouts import LEAST_LN_DPRIME, worst
from gemel.devices.ct.twin.report import cause_words
from gemel.devices.ct.twin.system import SYSTEM
from gemel.devices.ct.twin.table import left_by, response
from gemel.devices.ct.twin.task import FIVE_mm, Sensitivity, ln_dprime, sensitivity
from gemel.devices.ct.twin.virtual import Fault, START_s, images, metrics
from gemel.devices.ct.twin.watching import Status, status


def answer(component: str, metric: str, **of: str) -> float:
    return float(response(**of)[METRICS.index(metric), COMPONENTS.index(component)])


def test_a_per_cent_of_voltage_moves_hu_as_its_tabulated_physics_says() -> None:
    """Water by the slope of its attenuation, ln(0.1929/0.2059)/ln(70/60), and of the mean energy, ln(65.7/60.6)/ln(140/120)."""
    water = 10.0 * np.log(0.1929 / 0.2059) / np.log(70 / 60) * np.log(65.7 / 60.6) / np.log(140 / 120) * 0.8
    assert answer("kv_pct", "water_HU") == pytest.approx(water, rel=0.25)
    assert answer("kv_pct", "dense_HU", dense="bone") < 3 * answer("kv_pct", "dense_HU") < 0
    assert answer("filter_mm", "water_HU") / answer("kv_pct", "water_HU") == pytest.approx(1.5)


def test_noise_falls_with_the_root_of_output_and_tells_output_from_electronics() -> None:
    assert answer("output_pct", "ln_noise_edge_1") == pytest.approx(-0.005, rel=0.05)
    by_output = answer("output_pct", "ln_noise_centre_1") / answer("output_pct", "ln_noise_edge_1")
    by_electronics = answer("electronic_pct", "ln_noise_centre_1") / answer("electronic_pct", "ln_noise_edge_1")
    assert by_output < 1.2 < 5.0 < by_electronics


def test_materials_and_voltages_beyond_the_table_are_refused() -> None:
    with pytest.raises(InputError, match="wood"):
        response(dense="wood")
    with pytest.raises(InputError, match="70 kV"):
        response(kVp=70.0)
    with pytest.raises(InputError, match="paint"):
        left_by("paint")


def test_a_tasks_own_sensitivity_is_used() -> None:
    weaker = np.zeros(len(COMPONENTS))
    weaker[COMPONENTS.index("output_pct")] = -20.0
    assert ln_dprime(weaker, response()) == pytest.approx(-0.107, abs=0.003)  # d' goes with the root of dose: ln 0.8/2 = −0.112
    assert ln_dprime(weaker, response(), Sensitivity(noise=0.0)) == 0.0
    assert worst(weaker, response()) == pytest.approx(0.107 / -LEAST_LN_DPRIME, rel=0.03)


def test_sharpness_matters_more_for_small_lesions_as_an_observer_says() -> None:
    five, three, ten = (sensitivity(d).mtf50 for d in (5.0, 3.0, 10.0))
    assert five == pytest.approx(FIVE_mm.mtf50, rel=0.02)
    assert three > 2 * five > 6 * ten


def followed(action: str) -> float:
    """Median of what is forecast of water a month after a drift of 3 HU was seen for 8 days and something was done about it."""
    twin = twins.new(template.model(), 0.0, 3)
    for day in range(1, 9):
        twin = twins.assimilate(twin, (Observation("water_HU", day * DAY_S, np.array([3.0]), np.array([0.3]), "made"),))
    done = (Action(action, 8 * DAY_S + 60.0, 1.0, "times"),)
    return float(np.median(forecast(twin, done, ["water_HU"], 13 * DAY_S, 500, np.random.default_rng(1)).values["water_HU"]))


def test_what_is_done_sets_right_what_it_can() -> None:
    waited, recalibrated, serviced = (followed(action) for action in ("wait", "recalibrate", "service"))
    assert waited == pytest.approx(3.0, abs=0.6)
    assert abs(serviced) < 0.3
    assert abs(serviced) < recalibrated < 0.75 * waited


def test_the_record_of_what_was_done_is_learned_from_like_a_forecast() -> None:
    """After a service on the record the belief is where the forecast under it said, before anything new is seen."""
    twin = twins.new(template.model(), 0.0, 3)
    for day in range(1, 7):
        twin = twins.assimilate(twin, (Observation("uniformity_HU", day * DAY_S, np.array([4.0]), np.array([0.3]), "made"),))
    told = twins.assimilate(twin, (Action("service", 6 * DAY_S + 60.0, 1.0, "times", "person"),))
    after = twins.assimilate(told, (Observation("water_HU", 7 * DAY_S, np.array([0.0]), np.array([5.0]), "made"),))
    assert np.median(forecast(after, (), ["uniformity_HU"], 7 * DAY_S, 500, np.random.default_rng(1)).values["uniformity_HU"]) < 0.5


def days_of(case: Case, values: Float[Array, "days m"], first_d: int) -> list[Day]:
    held = case.monitor.metrics[:, 0]
    return [Day(START_s + (first_d + i) * DAY_S, row, row - held, case.sd, {}, ()) for i, row in enumerate(values)]


@cache
def scanner(component: str, ramp: bool, size: float, days: int = 80) -> tuple[Case, tuple[Day, ...]]:
    values = metrics(Fault(component, ramp, size, 60).departures(30 + days), 0.3, np.random.default_rng(8))
    first = images(values[0], 0, pixel_mm=1.0, rng=np.random.default_rng(1))
    found = [Measured(dict(zip(METRICS, row)), np.zeros((0, 2)), row[1:3], {}, "made", ()) for row in values[:30]]
    case = case_of(first, found, START_s + 29 * DAY_S)
    return case, tuple(days_of(case, values[30:], 30))


def now(case: Case, days: tuple[Day, ...], given: tuple[Action, ...] = ()) -> Status:
    found = status(case, days, given, np.random.default_rng(2))
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("component", "ramp", "size", "cause"),
    [
        ("kv_pct", False, 1.5, "spectrum"),
        ("output_pct", False, -12.0, "output"),
        ("electronic_pct", True, 80.0, "detector"),
        ("scale_pct", True, 0.4, "geometry"),
    ],
)
def test_a_fault_alarms_and_its_cause_is_named(component: str, ramp: bool, size: float, cause: str) -> None:
    case, days = scanner(component, ramp, size)
    found = now(case, days)
    assert not found.watch.alarm[:30].any()
    assert found.alarmed
    assert found.cause == cause
    assert cause_words(found).startswith(cause)
    assert found.causes[cause] > 0.9
    assert found.p_fault > 0.95
    assert sum(found.causes.values()) == pytest.approx(1.0)
    assert set(found.causes) == set(CAUSES)


def test_a_scanner_without_a_fault_is_left_alone() -> None:
    found = now(*scanner("kv_pct", False, 0.0))
    assert not found.alarmed
    assert not found.suspected
    assert cause_words(found) == "none to look for"
    assert found.p_limit < 0.2


def test_the_lead_time_of_a_ramp_holds_the_truth() -> None:
    """Geometry that loses 0.4 % a month from day 30 on passes 1 % 75 days later; at day 75 that is 30 days ahead."""
    case, days = scanner("scale_pct", True, 0.4)
    low, middle, high = now(case, days[:76]).lead_d
    assert low <= 29.0 <= high
    assert middle == pytest.approx(29.0, abs=8.0)


def test_charts_begin_again_when_the_scanner_was_set_right() -> None:
    case, days = scanner("output_pct", False, -12.0)
    done = Action("recalibrate", days[39].acquired_s + 60.0, 1.0, "times", "person")
    assert now(case, days[:40]).alarmed
    assert status(case, days[:40], (done,), np.random.default_rng(1)) is None
    assert len(now(case, days, (done,)).times_s) == len(days) - 40
    assert len(now(case, days, (replace(done, kind="wait"),)).times_s) == len(days)


def test_other_scanners_protocols_and_short_baselines_are_refused() -> None:
    case, _ = scanner("kv_pct", False, 0.0)
    one = images(np.zeros(len(METRICS)), 3, pixel_mm=1.0, rng=np.random.default_rng(1))
    with pytest.raises(IdentityError, match="another"):
        require_alike(case.scanner, case.exposure, replace(one, scanner="another"))
    with pytest.raises(InputError, match="140 instead of 120 kV"):
        require_alike(case.scanner, case.exposure, replace(one, exposure=replace(one.exposure, kVp=140.0)))
    with pytest.raises(InputError, match="one day"):
        begin((one, one))
    with pytest.raises(InputError, match="1 baseline days"):
        begin(one)
    with pytest.raises(InputError, match="structure"):
        SYSTEM.canonical("bladder")


def test_a_check_that_shows_nothing_of_the_baseline_is_refused() -> None:
    case, _ = scanner("kv_pct", False, 0.0)
    one = images(np.zeros(len(METRICS)), 3, pixel_mm=1.0, rng=np.random.default_rng(1))
    with pytest.raises(InputError, match="line pairs"):
        day_of(case, Measured({}, np.zeros((0, 2)), np.full(2, np.nan), {}, "line pairs (CatPhan)", ()), one)


def test_what_was_not_measured_is_not_told() -> None:
    _, days = scanner("kv_pct", False, 0.0)
    part = replace(days[0], departures=np.where(np.arange(len(METRICS)) < 2, days[0].departures, np.nan))
    assert [o.kind for o in observations(part, part.acquired_s, "made")] == ["water_HU", "light_HU"]
    assert all(o.sd[0] > 0 for o in observations(days[0], 1.0, "made"))

"""Time, units, records, parameters: what is refused and what is ordered."""

import numpy as np
import pytest

from gemel.core import time
from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.parameter import Parameter, draw_free, log_prior, to_value
from gemel.core.record import Action, Observation, in_order
from gemel.core.units import unit_of


@pytest.mark.parametrize(
    ("name", "unit"),
    [
        ("dose_Gy", "Gy"),
        ("D_mm2_s", "mm2/s"),
        ("alpha_1_Gy", "1/Gy"),
        ("sd_setup_x_mm", "mm"),
        ("trend_fraction_1", "1"),
        ("CL_L_h", "L/h"),
    ],
)
def test_a_name_states_its_unit(name: str, unit: str) -> None:
    assert unit_of(name) == unit


@pytest.mark.parametrize("name", ["dose", "Gy", "speed_furlongs", ""])
def test_a_name_without_a_known_unit_is_refused(name: str) -> None:
    with pytest.raises(UnitError, match="unit"):
        unit_of(name)


def test_time_goes_to_seconds_and_back() -> None:
    assert time.seconds("1970-01-02T00:00:00") == 86400.0
    assert time.seconds("2026-03-02T09:00:00+01:00") == time.seconds("2026-03-02T08:00:00Z")
    assert time.iso(time.seconds("2026-03-02T09:00:00")) == "2026-03-02T09:00:00Z"
    with pytest.raises(InputError, match="ISO"):
        time.seconds("yesterday")


def test_a_record_is_ordered_by_time_whatever_the_order_of_arrival() -> None:
    one = np.ones(1)
    events = (Action("treat", 1.0, 2.0, "plan", "x"), Observation("b", 1.0, one, one, "s"), Observation("a", 0.0, one, one, "s"))
    assert [type(e).__name__ for e in in_order(events)] == ["Observation", "Observation", "Action"]
    assert in_order(events) == in_order(events[::-1])


def test_draws_keep_to_the_bounds_and_to_the_family() -> None:
    wide = Parameter("length_mm", "lognormal", 2.0, 0.5, (1.0, 4.0), "made up for this test")
    free = draw_free((wide,), 4000, np.random.default_rng(0))
    value = to_value(wide, free[:, 0])
    assert value.min() >= 1.0
    assert value.max() <= 4.0
    assert np.median(value) == pytest.approx(2.0, rel=0.03)
    outside = np.log(np.array([[0.5], [2.0], [5.0]]))
    assert np.isneginf(log_prior((wide,), outside)).tolist() == [True, False, True]


def test_an_impossible_prior_is_refused() -> None:
    with pytest.raises(RangeError, match="prior"):
        Parameter("length_mm", "normal", 9.0, 1.0, (0.0, 4.0), "made up for this test")
    with pytest.raises(RangeError):
        Parameter("length_mm", "lognormal", 1.0, 1.0, (-1.0, 4.0), "made up for this test")

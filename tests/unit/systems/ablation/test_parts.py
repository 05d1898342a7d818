"""Waves, tissue, plans and cover: the parts of an ablation, one by one."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.core.structures import Structures
from gemel.devices.needle import places_mm, read_needle
from gemel.systems.ablation.adapted import adapted
from gemel.systems.ablation.applicator import Application, heat_W_m3, reach_mm, read_kind, read_plan
from gemel.systems.ablation.case import Case
from gemel.systems.ablation.electrode import line, pattern_1_m3
from gemel.systems.ablation.heat import FEATURES, FIRST_LEVEL, LEVELS, VOLUME, cover_1, features, field
from gemel.systems.ablation.judge import screened, usual
from gemel.systems.ablation.phantom import phantom
from gemel.systems.ablation.population import population
from gemel.systems.ablation.tissue import LEAN, TUMOUR, attenuation_1_m, maps

MEDIAN = {p.name: p.centre for p in population(("microwave", "radiofrequency")) if p.name != "discrepancy_1"}
BODY = phantom(shape=24, spacing_mm=3.0, fat_1=0.3)


def test_waves_reach_as_far_as_in_liver() -> None:
    """Power falls to 1/e in 10.5 mm at 2450 MHz and 21.5 mm at 915 MHz: penetration of a plane wave with Gabriel's liver."""
    reach = [500.0 / attenuation_1_m(LEAN.sigma_S_m[MHz], LEAN.epsilon_1[MHz], MHz) for MHz in (2450, 915)]
    assert reach == pytest.approx([10.4, 21.6], rel=0.03)


def test_the_box_takes_up_the_power_and_no_more() -> None:
    across, along = places_mm(BODY.grid, BODY.entries[0])
    heat = heat_W_m3(BODY.maps, across, along, power_W=40.0, reach_mm=11.0, length_mm=10.0, voxel_mm3=BODY.voxel_mm3)
    assert float(heat.sum(dtype=np.float64)) * BODY.voxel_mm3 * 1e-9 == pytest.approx(40.0, rel=1e-5)
    assert reach_mm(BODY.maps, BODY.organ, across, along, 2450) > 500.0 / attenuation_1_m(1.69, 43.0, 2450)  # fat absorbs less


def test_tumour_holds_no_fat_where_it_is_known() -> None:
    own, plain = (maps(np.full(BODY.tumour.shape, 0.3, np.float32), BODY.tumour, 2450, informed=informed) for informed in (True, False))
    assert own.sigma_S_m[BODY.tumour] == pytest.approx(TUMOUR.sigma_S_m[2450])
    assert plain.sigma_S_m[BODY.tumour] == pytest.approx(0.7 * 1.69 + 0.3 * 0.105)
    assert own.capacity_J_m3_K[~BODY.tumour] == pytest.approx(0.7 * 3.82e6 + 0.3 * 2.14e6)


def test_plans_are_read_as_they_are_written() -> None:
    one = Application(60.0, 7.5, "B")
    assert (read_plan(one.name), read_kind(one.kind, 7.5), read_plan("stop")) == (one, one, None)
    assert np.allclose(read_needle("A:1,2,3/0,3,4", "antenna").along, (0.0, 0.6, 0.8))


@pytest.mark.parametrize("name", ["900 W 5 min at A", "60 W 500 min at A", "0 W 5 min at A"])
def test_power_and_time_beyond_the_range_are_refused(name: str) -> None:
    with pytest.raises(RangeError, match="min"):
        read_plan(name)


def test_cover_is_where_damage_crosses_that_of_death() -> None:
    shown = np.zeros((3, FEATURES))
    shown[0, FIRST_LEVEL:] = LEVELS - 0.2  # a fifth of the target has less
    shown[1, FIRST_LEVEL:], shown[2, FIRST_LEVEL:] = 1.0, -1.0
    assert cover_1(shown) == pytest.approx([0.8, 1.0, 0.0], abs=1e-6)


def test_lines_in_the_share_of_fat_are_found_and_one_liver_refused() -> None:
    livers = [{"perfusion_1_s": 0.02 * np.exp(-2 * f), "efficiency_1": 0.5, "length_mm": 10.0} for f in (0.0, 0.2, 0.5)]
    found = adapted(np.array([0.0, 0.2, 0.5]), livers, 0.3)
    assert found == pytest.approx({"perfusion_1_s": 0.02 * np.exp(-0.6), "efficiency_1": 0.5, "length_mm": 10.0})
    with pytest.raises(InputError, match="shares of fat"):
        adapted(np.array([0.1]), livers[:1], 0.3)


RF = replace(BODY, energies=("microwave", "radiofrequency"))


def test_a_watt_through_an_electrode_is_taken_up_whole_and_falls_with_the_square_about_its_middle() -> None:
    """σ|∇φ|² = I²/(4π²σρ²L²) beside the middle of a long tip; a tip twice as long gives it over twice the length."""
    even = replace(phantom(shape=40, spacing_mm=2.0, fat_1=0.0, radius_mm=2.0), informed=False, tip_mm=40.0)
    heat = pattern_1_m3(even, "A")
    assert float(heat.sum()) * even.voxel_mm3 * 1e-9 == pytest.approx(1.0, rel=1e-5)
    across, along = places_mm(even.grid, even.entries[0])
    beside = (np.abs(along) < 5) & (across > 5) & (across < 12)
    slope = np.polyfit(np.log(across[beside]), np.log(heat[beside]), 1)[0]
    assert -2.4 < slope < -1.9  # a little steeper than −2: the line ends
    half = heat[np.abs(along) < 10].sum() / heat.sum()
    assert 0.35 < half < 0.6


def test_a_line_of_current_sums_to_one_and_lies_about_its_point() -> None:
    shares = line(BODY.grid, BODY.entries[1], 30.0)
    places = np.argwhere(shares > 0) * BODY.grid.spacing_mm + BODY.grid.origin_mm
    weights = shares[shares > 0]
    assert weights.sum() == pytest.approx(1.0)
    assert weights @ places == pytest.approx(BODY.entries[1].at_mm, abs=1e-9)
    assert weights @ (places[:, 2] - 5.0) ** 2 == pytest.approx(30.0**2 / 12, rel=0.03)  # and what the voxels' width adds


def test_radiofrequency_is_written_read_and_refused_where_it_is_not_at_hand() -> None:
    one = Application(35.0, 10.0, "A", "radiofrequency")
    assert (one.name, one.kind) == ("RF 35 W 10 min at A", "radiofrequency 35 W at A")
    assert (read_plan(one.name), read_kind(one.kind, 10.0)) == (one, one)
    with pytest.raises(RangeError, match="100 W"):
        read_plan("RF 120 W 10 min at A")
    with pytest.raises(InputError, match="radiofrequency in a twin of microwave"):
        field(BODY, MEDIAN, (one,))
    with pytest.raises(InputError, match="no antenna 'Z'"):
        field(BODY, MEDIAN, (Application(35.0, 10.0, "Z"),))


def test_both_energies_are_screened_each_with_what_is_known_of_it() -> None:
    case = Case(RF, Structures(RF.grid, {}), 0.0, ())
    names = screened(case)
    assert {"RF 35 W 10 min at B", "60 W 5 min at C"} < set(names)
    assert len(names) == 3 * 2 * (5 + 4)
    assert usual(case) == "60 W 10 min at A"
    assert usual(replace(case, body=replace(RF, energies=("radiofrequency",)))) == "RF 35 W 10 min at A"
    assert [p.name for p in population(("radiofrequency",))][-2:] == ["rf_efficiency_1", "discrepancy_1"]
    zones = [features(RF, field(RF, MEDIAN, (Application(35.0, 5.0, "A", kind),)))[VOLUME] for kind in RF.energies]
    assert zones[1] > zones[0]  # less of it is lost on the way

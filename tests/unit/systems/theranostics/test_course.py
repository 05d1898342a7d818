"""The course of a patient: activity is conserved, dose is S times its integral, and what is given later follows another law."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from gemel.core.record import Action
from gemel.core.time import DAY_S
from gemel.systems.theranostics import course as courses
from gemel.systems.theranostics.case import body_for
from gemel.systems.theranostics.course import GIVE, HOUR_S, Body, advance, begin, states
from gemel.systems.theranostics.model import model_of
from gemel.systems.theranostics.network import ACTIVE, DOSED
from gemel.systems.theranostics.population import population

GIVEN = ((0.0, 7400.0),)
BODY, NOTES = body_for("Lu-177", {"kidney": [150.0, 150.0], "tumour": [30.0]}, GIVEN)


def params(**changes: float) -> dict[str, np.ndarray]:
    """Two patients: the centre of the population, and one with half its kidney uptake."""
    held = {p.name: np.full(2, p.centre) for p in population().parameters}
    held["to_kidney_1_h"] = held["to_kidney_1_h"] * np.array([1.0, 0.5])
    return {**held, **{name: np.full(2, value) for name, value in changes.items()}}


@pytest.fixture(autouse=True)
def exact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(courses, "TOLERANCE", replace(courses.TOLERANCE, relative=1e-7, absolute=1e-9))


def test_activity_that_is_neither_decayed_nor_excreted_is_all_there() -> None:
    kept = params(excretion_1_h=1e-12, tumour_kill_1_Gy=1e-9, tumour_growth_1_h=1e-9)
    (state,) = states(BODY, kept, (), 0.0, (48 * HOUR_S,))
    total_MBq = sum(state[name] for name in ACTIVE)
    assert total_MBq == pytest.approx(7400.0 * np.exp(-BODY.decay_1_h * 48), rel=1e-5)


def test_dose_is_S_times_the_integral_of_activity() -> None:
    times_s = np.linspace(0.0, 200.0, 401) * HOUR_S
    found = states(BODY, params(), (), 0.0, tuple(times_s[1:]))
    for organ in ("kidney", "liver", "salivary"):
        activity = np.stack([np.zeros(2), *(s[organ] for s in found)])
        integral_MBq_h = np.trapezoid(activity, times_s / HOUR_S, axis=0)
        expected = BODY.S_Gy_MBq_h[organ] * integral_MBq_h
        assert found[-1][f"dose_{organ}"] == pytest.approx(expected, rel=2e-3), organ


def test_the_kidney_s_quadratic_term_is_between_none_and_that_of_an_acute_dose() -> None:
    (state,) = states(BODY, params(), (), 0.0, (60 * DAY_S,))
    acute = state["dose_kidney"] ** 2 / 2
    assert (state["lethal_kidney"] > 0.02 * acute).all()
    assert (state["lethal_kidney"] < 0.3 * acute).all()


def test_twice_the_activity_is_twice_the_dose_but_for_glands_that_saturate() -> None:
    double = replace(BODY, given=((0.0, 14800.0),))
    held = params(tumour_kill_1_Gy=1e-9)
    one, two = (states(body, held, (), 0.0, (30 * DAY_S,))[0] for body in (BODY, double))
    for organ in DOSED:
        ratio = two[f"dose_{organ}"] / one[f"dose_{organ}"]
        if organ == "salivary":
            assert (ratio < 1.8).all()
        else:
            assert ratio == pytest.approx(2.0, rel=0.03), organ


def test_the_second_cycle_s_kidney_takes_up_by_its_own_ratio() -> None:
    second = (Action(GIVE, 42 * DAY_S, 7400.0, "MBq"),)
    gains = []
    for ratio in (1.0, 1.3):
        held = params(kidney_next_ratio_1=ratio)
        first, end = states(BODY, held, second, 0.0, (42 * DAY_S, 84 * DAY_S))
        gains.append((end["dose_kidney"] - first["dose_kidney"])[0])
    assert gains[1] / gains[0] == pytest.approx(1.3, rel=0.03)


def test_an_administration_of_nothing_changes_nothing() -> None:
    nothing = (Action(GIVE, 10 * HOUR_S, 0.0, "MBq", "decision"),)
    without, with_it = (states(BODY, params(kidney_next_ratio_1=2.0), plan, 0.0, (9 * DAY_S,))[0] for plan in ((), nothing))
    assert with_it["dose_kidney"] == pytest.approx(without["dose_kidney"], rel=1e-9)


def test_the_calendar_s_zero_changes_nothing() -> None:
    held, far_s = params(), 4096 * DAY_S
    here = states(BODY, held, (Action(GIVE, 42 * DAY_S, 3700.0, "MBq"),), 0.0, (50 * DAY_S,))[0]
    there = states(BODY, held, (Action(GIVE, 42 * DAY_S + far_s, 3700.0, "MBq"),), far_s, (50 * DAY_S + far_s,))[0]
    assert all((here[name] == there[name]).all() for name in here)


def test_a_stop_on_the_way_changes_nothing() -> None:
    start = begin(2, 0.0)
    straight = advance(BODY, start, params(), (), 20 * DAY_S)
    halfway = advance(BODY, advance(BODY, start, params(), (), 7 * DAY_S), params(), (), 20 * DAY_S)
    for name in ("dose_kidney", "dose_marrow", "burden", "platelets"):
        assert halfway[name] == pytest.approx(straight[name], rel=1e-5), name


def test_masses_that_are_not_contoured_are_the_reference_adult_s_and_said_so() -> None:
    assert [note.split(":")[0] for note in NOTES] == ["no contoured salivary", "no contoured liver"]
    assert body_for("Lu-177", {}, GIVEN)[1][-1].startswith("no contoured tumour")


def test_half_the_kidney_has_twice_the_S() -> None:
    half, _ = body_for("Lu-177", {"kidney": [75.0, 75.0], "tumour": [30.0]}, GIVEN)
    assert half.S_Gy_MBq_h["kidney"] / BODY.S_Gy_MBq_h["kidney"] == pytest.approx(2.0, rel=0.03)
    single, _ = body_for("Lu-177", {"kidney": [150.0], "tumour": [30.0]}, GIVEN)
    assert single.S_Gy_MBq_h["kidney"] / BODY.S_Gy_MBq_h["kidney"] == pytest.approx(2.0, rel=0.03)


def test_a_model_observes_what_a_camera_with_its_calibration_would() -> None:
    model = model_of(BODY)
    (state,) = states(BODY, params(), (), 0.0, (24 * HOUR_S,))
    see = partial(model.observe["ln_kidney_MBq"], state)
    assert see(params(calibration_ratio_1=1.1)) - see(params()) == pytest.approx(np.full((2, 1), np.log(1.1)), rel=1e-6)
    assert isinstance(BODY, Body)

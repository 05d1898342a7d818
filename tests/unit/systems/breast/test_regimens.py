"""Schedules of equal total dose, when cycles end, and what they cost the marrow."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.core.time import DAY_S
from gemel.systems.breast.cohort_response import Response, area_under_curve, brier, miscalibration_z
from gemel.systems.breast.drugs import Dose, as_dose
from gemel.systems.breast.judge import TAIL, superquantile_parts
from gemel.systems.breast.regimens import STOP, Regimen, actions, cycle_end_s, read, regimens
from gemel.systems.breast.response import category, complete
from gemel.systems.breast.toxicity import peak_1

WEEK = 7 * DAY_S


def test_every_schedule_gives_the_same_of_each_drug() -> None:
    for regimen in regimens():
        if regimen.ac_weeks and regimen.t_weeks:
            plan = actions(regimen, 0.0)
            for drug in ("AC", "T"):
                assert sum(a.amount for a in plan if a.kind == drug) == pytest.approx(4.0)


def test_what_is_left_after_doses() -> None:
    given = tuple(Dose("AC", n * 3 * WEEK, 1.0) for n in range(4))
    assert {r.name for r in regimens(given)} == {"stop", "T 1-weekly", "T 2-weekly", "T 3-weekly"}
    assert regimens(given)[-1].name == "T 3-weekly"
    assert STOP not in regimens(given[:3])
    assert regimens((*given, Dose("T", 99 * DAY_S, 4.0))) == (STOP,)


def test_names_there_and_back() -> None:
    for regimen in regimens():
        assert read(regimen.name) == regimen
    with pytest.raises(InputError, match="no regimen"):
        read("AC daily")


def test_paclitaxel_takes_twelve_weeks_however_it_is_given() -> None:
    for weeks in (1, 2, 3):
        doses = [as_dose(a) for a in actions(Regimen(0, weeks), 0.0)]
        np.testing.assert_allclose([dose.amount for dose in doses], np.full(12 // weeks, weeks / 3), rtol=1e-12)
        assert cycle_end_s(doses, 0.0) == pytest.approx(12 * WEEK)


def test_toxicity_of_standard_schedules() -> None:
    """Geometric series: 1/(1 − 2⁻³) every three weeks, 1/(1 − 2⁻²) every two, of four doses."""
    three, two = ([Dose("AC", n * weeks * WEEK, 1.0) for n in range(4)] for weeks in (3, 2))
    assert peak_1(three) == pytest.approx(sum(2.0 ** (-3 * n) for n in range(4)))
    assert peak_1(two) == pytest.approx(sum(2.0 ** (-2 * n) for n in range(4)))


def test_the_utility_is_the_mean_of_the_worst_fifth() -> None:
    x = np.random.default_rng(1).standard_normal(5000)
    assert superquantile_parts(x, TAIL).mean() == pytest.approx(np.sort(x)[-1000:].mean(), abs=1e-3)


def test_response_categories() -> None:
    assert category(np.array([0.0, 20.0, 21.5, 30.0, 36.0]), 30.0) == ("CR", "PR", "SD", "SD", "PD")
    np.testing.assert_array_equal(complete(np.array([0.009, 0.011])), [True, False])


def made(sharper: float) -> list[Response]:
    """160 patients who respond as often as their probabilities say, which are then stated with odds to that power."""
    rng = np.random.default_rng(3)
    true = rng.beta(1.0, 2.0, 160)
    odds = (true / (1 - true)) ** sharper
    return [Response(float(p), bool(came), 0.0) for p, came in zip(odds / (1 + odds), rng.random(160) < true)]


def test_false_confidence_is_told_from_true() -> None:
    """Spiegelhalter's z within its 99 % for true probabilities, far beyond it for those that claim too much; and the Brier score worse."""
    assert abs(miscalibration_z(made(1.0))) < 2.58
    assert miscalibration_z(made(2.0)) > 4
    assert brier(made(1.0))[0] < min(brier(made(2.0))[0], brier(made(1.0))[1])
    assert area_under_curve(made(1.0)) == pytest.approx(area_under_curve(made(2.0)))
    assert area_under_curve([Response(0.2, False, 0.0), Response(0.7, True, 0.0), Response(0.2, True, 0.0)]) == pytest.approx(0.75)

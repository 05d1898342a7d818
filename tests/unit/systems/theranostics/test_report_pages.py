"""The page of a patient: what it says follows from the belief, the scans and the decision; without a decision it says what there is."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import StoreError
from gemel.core.page import Chart, Page, Table, Told, Views
from gemel.core.record import Action
from gemel.systems.theranostics import report_budget, report_course, report_regimens
from gemel.systems.theranostics.case import Case
from gemel.systems.theranostics.report import pages
from gemel.systems.theranostics.report_course import Believed
from tests.unit.systems.theranostics import patient

DAY_S = 86400.0


@pytest.fixture(scope="module")
def case() -> Case:
    return patient.case()


@pytest.fixture(scope="module")
def told(case: Case) -> Told:
    return patient.told(case, patient.days(case))


@pytest.fixture(scope="module")
def seen(told: Told) -> Believed:
    return report_course.believed(told, np.random.default_rng(0))


@pytest.fixture(scope="module")
def page(told: Told) -> Page:
    return pages(told, np.random.default_rng(0))


def option(name: str, utility: float, kidney: float, marrow: float) -> dict[str, object]:
    return {"name": name, "utility": utility, "utility_sd": 1.0, "p_best": 0.1, "p_limits": {"kidney <= 40": kidney, "marrow <= 2": marrow}}


def test_without_a_decision_the_page_shows_what_there_is_and_says_so(page: Page) -> None:
    titles = [section.title for section in page.sections]
    assert [title for title in titles if "egimen" in title] == []
    assert titles[0] == "Scans of cycle 1"
    assert any("Dose by voxel" in title for title in titles)
    assert any("Uncertainty budget" in title for title in titles)
    assert "no decision yet: regimens are not compared" in page.notes
    assert all(isinstance(section, Chart | Views | Table) for section in page.sections)


def test_before_a_scan_there_is_nothing_to_report(case: Case) -> None:
    with pytest.raises(StoreError, match="no scan"):
        pages(patient.told(case, ()), np.random.default_rng(0))


def test_measured_points_are_those_of_the_scans(page: Page, told: Told) -> None:
    chart = next(s for s in page.sections if isinstance(s, Chart) and s.title.startswith("Activity"))
    kidney = next(panel for panel in chart.panels if panel.title == "kidney")
    (points,) = [trace for trace in kidney.traces if trace.points]
    np.testing.assert_allclose(points.x, patient.TIMES_h)
    np.testing.assert_allclose(points.y, [day.activity_MBq["kidney"] for _, day in told.days])
    assert (points.low < points.y).all()


def test_cycles_follow_each_other_and_their_doses_add_up(case: Case, told: Told) -> None:
    """A second cycle is counted from its own injection; the doses of both are the dose at the end."""
    second = Action("administer", patient.INJECTED_s + 42 * DAY_S, 7400.0, "MBq", "test")
    twin = replace(told.twin, record=(second,))
    after = (second.t_s + DAY_S, told.days[0][1])
    both = replace(told, twin=twin, days=(*told.days, after))
    found = report_course.cycles(both)
    assert [(cycle.number, len(cycle.days), cycle.MBq) for cycle in found] == [(1, 3, 7400.0), (2, 1, 7400.0)]
    assert found[0].end_s == second.t_s
    believed = report_course.believed(both, np.random.default_rng(0))
    each = report_course.cycle_doses(believed)
    end = believed.at([found[-1].end_s])[0]
    np.testing.assert_allclose(each[0][1]["kidney"] + each[1][1]["kidney"], end["dose_kidney"], rtol=1e-9)
    assert 0.7 < np.median(each[1][1]["kidney"]) / np.median(each[0][1]["kidney"]) < 1.3


def test_what_is_recommended_is_drawn_until_it_is_given(told: Told) -> None:
    decided = replace(told, decision={"recommended": "7.4 GBq x 2, 6 weeks"})
    plan = report_course.recommended(decided)
    assert [action.amount for action in plan] == [7400.0, 7400.0]
    assert plan[1].t_s - plan[0].t_s == 42 * DAY_S
    later = Action("administer", told.days[-1][0] + DAY_S, 7400.0, "MBq", "test")
    assert report_course.recommended(replace(decided, twin=replace(told.twin, record=(later,)))) == ()
    assert report_course.recommended(told) == ()


def test_a_budget_adds_up_and_knows_its_largest_part(seen: Believed) -> None:
    cycle = report_course.cycles(seen.told)[0]
    kidney, tumour = (report_budget.budget(seen, cycle, organ) for organ in ("kidney", "tumour"))
    assert sum(kidney.shares.values()) == pytest.approx(1.0, abs=1e-12)
    assert kidney.total_rel**2 == pytest.approx(sum(rel**2 for rel in kidney.causes.values()), rel=1e-12)
    assert kidney.causes["calibration"] == pytest.approx(np.std(np.log(seen.params["calibration_ratio_1"])), rel=1e-12)
    (ball,) = [r for r in report_budget.regions_of(seen.told.case, cycle) if r.name == "tumour_1"]
    slope = report_budget.mass_slope("Lu-177", ball.volume_mL * 1.05)
    assert tumour.causes["VOI volume"] == pytest.approx(abs(ball.activity_by_volume + slope) * ball.volume_rel, rel=1e-9)
    assert tumour.causes["VOI volume"] > kidney.causes["VOI volume"], "the smaller region is the less sure one"


def test_the_dose_of_a_volume_falls_as_its_mass_grows() -> None:
    """Electrons of Lu-177 stay in 100 g, where S ∝ 1/m but for photons; in a hundredth of a gram they leave."""
    assert report_budget.mass_slope("Lu-177", 100.0) == pytest.approx(-0.98, abs=0.015)
    assert report_budget.mass_slope("Lu-177", 0.01) > report_budget.mass_slope("Lu-177", 100.0)


def test_the_binding_limit_is_that_which_keeps_out_what_gains_more() -> None:
    best = option("a", 1.0, 0.99, 0.96)
    more = [option("b", 2.0, 0.99, 0.90), option("c", 3.0, 0.94, 0.80)]
    assert report_regimens.binding([best, *more]).startswith("marrow <= 2 binds: it keeps out 2")
    assert report_regimens.binding([best, option("d", 2.0, 0.5, 0.99)]).startswith("kidney <= 40 binds")
    assert "No limit binds" in report_regimens.binding([best, option("e", 0.5, 0.1, 0.1)])
    assert "No regimen keeps" in report_regimens.binding(more)


def test_the_front_holds_what_nothing_betters() -> None:
    risk, gain = np.array([0.0, 1.0, 1.0, 2.0, 3.0]), np.array([1.0, 3.0, 2.0, 2.5, 4.0])
    assert report_regimens.pareto(risk, gain).tolist() == [0, 1, 4]


def test_what_is_handed_on_names_every_organ_once_with_its_side(page: Page) -> None:
    assert page.objects is not None
    (given,) = page.objects.given
    assert [(dose.site, dose.side) for dose in given.doses] == [("kidney", "both"), ("tumour", "")]
    assert all(dose.low_Gy < dose.dose_Gy < dose.high_Gy for dose in page.objects.total)
    assert given.half_life_s == pytest.approx(574300, rel=1e-3)
    assert page.objects.dose_Gy.frame == page.objects.scan.image.frame == "1.2.840.99"

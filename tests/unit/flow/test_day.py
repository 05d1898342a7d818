"""The rest of the day: a plan made today, a second calculation, what was given so far, and what is refused."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemel import flow
from gemel.core.errors import GemelError, InputError, StoreError
from gemel.core.packing import unpack
from gemel.engines.registration.draws import motions
from gemel.flow.delivered import delivered
from gemel.flow.session import Session, last_decision, open_session, plan_of
from gemel.store import Event, Store
from gemel.systems.prostate_radiotherapy import observe as seeing
from gemel.systems.prostate_radiotherapy import verify
from tests.unit.flow.life import DRAWS, Life, copied, make_quick

ADAPTED = "adapted-2026-03-04"


def of_kind(record: Store, life: Life, kind: str) -> list[Event]:
    return [event for event in record.events(life.id) if event.kind == kind]


@pytest.fixture(scope="module")
def adapted(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """A record in which the second day went on: decided again, adapted, nothing given for it since."""
    with pytest.MonkeyPatch.context() as patch, copied(life, "lived", tmp_path_factory.mktemp("adapted")) as record:
        make_quick(patch)
        flow.adapt(record, life.id, seconds=300.0, actor="test")
        yield record


def test_the_adapted_plan_is_judged_with_the_others_on_their_draws(adapted: Store, life: Life) -> None:
    before, after = of_kind(adapted, life, "Decided")[-2:]
    names = {option["name"] for option in before.payload["options"]}
    assert {option["name"] for option in after.payload["options"]} == names | {ADAPTED}
    old, new = (adapted.artefacts.get_arrays(event.payload["draws"]) for event in (before, after))
    assert all(np.array_equal(old[key], new[key]) for key in old)
    assert {len(values) for key, values in new.items() if key.startswith(ADAPTED)} == {DRAWS}
    assert ADAPTED in after.payload["couch_mm"]
    assert adapted.artefacts.get_arrays(after.payload["doses"])[ADAPTED].max() > 20.0


def test_the_adaptation_tells_its_start_its_iterations_and_its_curve(adapted: Store, life: Life) -> None:
    event = of_kind(adapted, life, "Adapted")[-1]
    seconds, values = np.array(event.payload["curve"]).T
    assert event.payload["start"] == of_kind(adapted, life, "Decided")[-2].payload["recommended"]
    assert event.payload["iterations"] > 0
    assert event.payload["status"]
    assert values[-1] < values[0]
    assert (np.diff(seconds) >= 0).all()
    assert 0 <= seconds[0] <= seconds[-1] < 300.0
    seen = of_kind(adapted, life, "Observed")[-1].hash
    assert {seen, of_kind(adapted, life, "Decided")[-2].hash} <= set(event.inputs)
    assert {seen, event.hash} <= set(of_kind(adapted, life, "Decided")[-1].inputs)


def test_the_adapted_plan_beats_the_one_it_began_from_today(adapted: Store, life: Life) -> None:
    """Same draws, same anatomy; the start was made for another one."""
    options = {option["name"]: option["utility"] for option in of_kind(adapted, life, "Decided")[-1].payload["options"]}
    assert options[ADAPTED] > options[of_kind(adapted, life, "Adapted")[-1].payload["start"]]


def test_the_adapted_plan_has_the_margins_of_the_twin_and_lies_on_the_grid_of_its_start(adapted: Store, life: Life) -> None:
    session = open_session(adapted, life.id)
    made, start = plan_of(session, ADAPTED), plan_of(session, of_kind(adapted, life, "Adapted")[-1].payload["start"])
    assert made.margins.setup_mm == (1.5,) * 6
    np.testing.assert_array_equal(made.target_mm, start.target_mm)
    held = {tuple(spot) for spot in start.spots}
    assert sum(tuple(spot) in held for spot in made.spots) > 0.5 * len(made.spots)


def test_what_was_given_adds_up_and_the_plan_made_today_can_be_given(adapted: Store, life: Life, tmp_path: Path) -> None:
    twice = delivered(open_session(adapted, life.id))
    assert twice is not None
    assert (twice.given, twice.planned, twice.notes) == (2, 2, ())
    event = flow.act(adapted, life.id, ADAPTED, another=True)
    assert event.payload["action"]["amount"] == len(open_session(adapted, life.id).library.names)
    thrice = delivered(open_session(adapted, life.id))
    assert thrice is not None
    assert "3 fractions given where 2 are prescribed" in thrice.notes
    assert (thrice.dose_Gy >= twice.dose_Gy - 1e-4).all()
    assert thrice.dose_Gy.max() > twice.dose_Gy.max() + 5.0
    page = flow.report(adapted, life.id, tmp_path, made_s=0.0).read_text(encoding="utf-8")
    assert "Given so far: 3 of 2" in page
    assert "Made today" in page
    assert ADAPTED in page


def test_the_course_of_one_fraction_is_twice_it(lived: Store, life: Life) -> None:
    """On planning's anatomy the mean dose doubles; a volume above a dose does not."""
    session = open_session(lived, life.id)
    acted = of_kind(lived, life, "Acted")
    part = unpack(session.system.part, lived.artefacts.get_arrays(acted[0].payload["part"]))
    one, two = session.system.delivered(session.case, [part]), session.system.delivered(session.case, [part, part])
    assert one.course["BLADDER_NECK_mean_Gy"] == pytest.approx(2 * one.registered["BLADDER_NECK_mean_Gy"], rel=1e-5)
    np.testing.assert_allclose(one.course["DVH_CTV"], two.registered["DVH_CTV"], atol=1e-6)
    assert np.median(one.values["CTV_D98_Gy"]) == pytest.approx(13.2, abs=1.5)


def test_show_tells_what_was_given_and_how_each_scan_was_registered(lived: Store, life: Life) -> None:
    overview = flow.show(lived, life.id)
    rows = {row.name: row for row in overview.delivered}
    assert (overview.parts, overview.planned) == (2, 2)
    assert rows["CTV_D98_Gy"].low < rows["CTV_D98_Gy"].high
    assert rows["CTV_D98_Gy"].registered > 20.0
    assert rows["BLADDER_NECK_mean_Gy"].low < rows["BLADDER_NECK_mean_Gy"].registered < rows["BLADDER_NECK_mean_Gy"].high
    assert len(overview.registrations) == 2
    assert all(seen.folding == 0 and seen.inverse_error_mm < 0.5 and seen.similarity > 0.6 for seen in overview.registrations)
    assert flow.show(lived, life.id, as_of_s=of_kind(lived, life, "Forecast")[1].payload["made_s"] - 1).delivered == ()


def test_a_decision_holds_today_against_the_forecast(lived: Store, life: Life) -> None:
    for event in of_kind(lived, life, "Decided"):
        for row in event.payload["deviations"]:
            assert row["probability"] <= 0.05
            assert sum(row["shares"].values()) == pytest.approx(1.0)
            assert row["shares"][row["cause"]] == max(row["shares"].values())


def sampled(rsp_or_hu: Any, spots: Any, weights: Any, machine: Any, isocentre_mm: Any, *, histories: int, seed: int, **_: Any) -> Any:
    """In place of Monte Carlo: a dose of the wrong size everywhere, with the error that the histories would leave."""
    body = np.asarray(rsp_or_hu.array > -500, dtype=np.float32)
    return 10.0 * body, np.full(body.shape, np.sqrt(100.0 / histories), np.float32)


def test_check_writes_what_a_second_calculation_found(lived: Store, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "simulate", sampled)
    event = flow.check(lived, life.id, plan="clinical", uncertainty=0.01)
    planning, day = event.payload["found"]
    assert (event.payload["checked"], planning["where"], day["where"]) == ("clinical", "planning", "day")
    assert planning["figures"]["histories"] == pytest.approx(1.1 * 100.0 / 0.01**2, rel=1e-4)
    assert planning["figures"]["uncertainty_CTV_pct"] == pytest.approx(100 * np.sqrt(1e-4 / 1.1), rel=1e-3)
    assert planning["figures"]["gamma all"] < 50.0
    assert planning["figures"]["mean CTV pct"] < -50.0
    assert event.valid_s == of_kind(lived, life, "Observed")[-1].valid_s
    assert "calculated again" not in flow.show(lived, life.id).history[-1][2]


def test_check_before_any_scan_is_on_planning_alone(prepared: Store, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "simulate", sampled)
    event = flow.check(prepared, life.id, plan="day-0")
    assert [row["where"] for row in event.payload["found"]] == ["planning"]
    assert event.payload["deviations"] == []


REFUSED: dict[str, tuple[str, Any, type[GemelError], str]] = {
    "adapt without a library": ("begun", lambda r, i: flow.adapt(r, i), StoreError, "no plan library.*gemel twin prepare"),
    "adapt before a scan": ("prepared", lambda r, i: flow.adapt(r, i), StoreError, "no decision to adapt.*gemel twin decide"),
    "adapt from a plan that is not there": ("lived", lambda r, i: flow.adapt(r, i, start="x"), InputError, "no plan 'x'.*clinical"),
    "adapt in no time": (
        "lived",
        lambda r, i: flow.adapt(r, i, seconds=0.0),
        InputError,
        "0 s, which the prep.*at least",
    ),
    "check without a library": ("begun", lambda r, i: flow.check(r, i), StoreError, "no plan library.*gemel twin prepare"),
    "check of nothing": ("prepared", lambda r, i: flow.check(r, i), InputError, "none decided on.*--plan: .*clinical"),
    "check of an unknown plan": ("lived", lambda r, i: flow.check(r, i, plan="x"), InputError, "no plan 'x'.*clinical"),
    "check too exact": ("lived", lambda r, i: flow.check(r, i, uncertainty=1e-5), InputError, "uncertainty of 0.001 %.*0.1 to 10 %"),
    "two plans on one scan": ("lived", lambda r, i: flow.act(r, i, "clinical"), InputError, "given on this scan already.*--another"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_done_is_refused_with_its_remedy(request: pytest.FixtureRequest, life: Life, case: str) -> None:
    stage, call, error, match = REFUSED[case]
    record: Store = request.getfixturevalue(stage)
    before = record.head()
    with pytest.raises(error, match=match):
        call(record, life.id)
    assert record.head() == before
    assert record.leases() == []


def test_an_error_left_in_that_the_system_does_not_know_is_refused(lived: Store, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verify, "simulate", sampled)
    with pytest.raises(InputError, match=r"mood of how the plan was given.*couch_mm or range_fraction"):
        flow.check(lived, life.id, known={"mood": np.zeros(1)})


def test_a_system_that_lacks_a_verb_says_so(lived: Store, life: Life, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = open_session(lived, life.id).system
    bare = replace(whole, adapt=None, check=None, deliver=None, delivered=None, deviations=None)
    monkeypatch.setattr("gemel.flow.registry.system", lambda name: bare)
    with pytest.raises(InputError, match="a system that has no 'adapt'"):
        flow.adapt(lived, life.id)
    with pytest.raises(InputError, match="a system that has no 'check'"):
        flow.check(lived, life.id)
    assert flow.show(lived, life.id).delivered == ()
    assert flow.decide(lived, life.id, draws=DRAWS).event.payload["deviations"] == []
    assert "part" not in flow.act(lived, life.id, "clinical", another=True).payload


def test_a_plan_of_zero_weights_is_refused(lived: Store, life: Life) -> None:
    session: Session = open_session(lived, life.id)
    decided = last_decision(session)
    assert decided is not None
    plan = plan_of(session, "clinical")
    nothing = replace(plan, weights=np.zeros_like(plan.weights))
    with pytest.raises(InputError, match="plan clinical, whose weights are all zero"):
        session.system.check(session.case, None, nothing, seed=0, uncertainty=0.05, progress=lambda *_: None)


def test_a_day_whose_registration_folds_is_refused_and_a_doubtful_one_flagged(
    prepared: Store, life: Life, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = next(iter(life.remembered.answers.values()))
    folded = replace(found, quality=replace(found.quality, folding=0.02))
    monkeypatch.setattr(seeing, "register", lambda *_, **__: folded)
    with pytest.raises(GemelError, match=r"folds at 2\.0 % of its nodes.*take it again"):
        flow.observe(prepared, life.id, life.cbct(1))
    assert seeing.doubts(found.quality) == ()
    some = seeing.doubts(replace(found.quality, folding=0.0005, inverse_error_mm=3.0))
    assert [("folds at 0.05 %" in some[0]), ("differ by 3.0 mm" in some[1])] == [True, True]


def test_draws_of_the_displacement_scatter_about_the_registered_one_as_its_posterior_says(lived: Store, life: Life) -> None:
    """The mean of many draws is the registered field; their spread is that of the doubts kept with the day, in the inner region."""
    session = open_session(lived, life.id)
    day = unpack(session.system.day, lived.artefacts.get_arrays(of_kind(lived, life, "Observed")[0].payload["day"]))
    drawn = np.stack([m.pull.vectors_mm for m in motions(day.field, day.doubts_mm, 40, np.random.default_rng(0))])
    kept = np.sqrt(np.square(day.doubts_mm.astype(float)).mean())
    assert np.sqrt(np.square(drawn - day.field.vectors_mm).mean()) == pytest.approx(kept, rel=0.2)
    assert np.sqrt(np.square(drawn.mean(axis=0) - day.field.vectors_mm).mean()) < 0.3 * kept
    assert 0.05 < kept < 4.0

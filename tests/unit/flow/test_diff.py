"""What changed between two versions is said with its cause, in units and in standard deviations."""

from pathlib import Path

import numpy as np
import pytest

from gemel import flow
from gemel.core.errors import InputError
from gemel.flow.diff import moments
from gemel.flow.session import open_session
from gemel.store import Store
from tests.unit.flow import heights


@pytest.fixture
def lived(tower: Store, files: Path) -> str:
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, [1, 2])
    return twin


def test_what_moved_is_told_with_the_scan_that_moved_it(tower: Store, lived: str) -> None:
    found = flow.diff(tower, lived, 2, tower.version(lived))
    (height,) = [row for row in found.moved if row.of == "expected"]
    assert (height.name, height.unit) == ("height_mm", "mm")
    assert height.because.startswith("Observed of 2026-03-04")  # day 1 showed +3 mm, day 2 -6 mm
    assert height.mean_now < height.mean
    assert height.moved_sd == pytest.approx((height.mean_now - height.mean) / height.sd)
    now = moments(open_session(tower, lived), open_session(tower, lived).twin.t_s + 86_400)
    assert (height.mean_now, height.sd_now) == now["expected", "height_mm"]


def test_a_parameter_on_which_nothing_depends_has_not_moved(tower: Store, lived: str) -> None:
    found = flow.diff(tower, lived, 2, 5)
    assert "idle_rate_1_d" not in {row.name for row in found.moved}
    assert "sd_height_mm" in {row.name for row in flow.diff(tower, lived, 2, tower.version(lived)).moved}


def test_entries_badge_scores_and_recommendation(tower: Store, lived: str) -> None:
    found = flow.diff(tower, lived, 5, tower.version(lived))
    assert [kind for _, kind, _ in found.entries] == [
        "Decided",
        "Acted",
        "Forecast",
        "Observed",
        "Assimilated",
        "Outcome",
        "Decided",
        "Acted",
    ]
    assert (found.badge, found.badge_now) == ("shadow", "twin")
    assert (found.scored, found.within) == (1, 0)  # rank 0.02 of day 2
    assert (found.recommended, found.recommended_now) == ("", "level-0")
    later = flow.diff(tower, lived, 7, tower.version(lived))
    assert (later.recommended, later.recommended_now) == ("level-2", "level-0")
    assert {row.plan: (row.place, row.place_now) for row in later.plans}["level-0"][1] == 1


def test_a_retraction_is_a_cause_and_what_fell_is_named(tower: Store, lived: str) -> None:
    version = tower.version(lived)
    flow.retract(tower, lived, 9, "another patient")
    found = flow.diff(tower, lived, version, tower.version(lived))
    assert {row.because for row in found.moved} == {"Retracted of 2026-03-04T09:00:00Z, withdrew version 9 (Observed): another patient"}
    assert "Observed" in [kind for _, kind, _ in found.fallen]
    assert found.version_now == tower.version(lived)


def test_nothing_else_is_believed_after_an_act(tower: Store, lived: str) -> None:
    assert flow.diff(tower, lived, tower.version(lived) - 1, tower.version(lived)).moved == ()


def test_the_order_of_the_versions_does_not_matter(tower: Store, lived: str) -> None:
    assert flow.diff(tower, lived, 10, 3) == flow.diff(tower, lived, 3, 10)


def test_two_times_instead_of_versions(tower: Store, lived: str) -> None:
    found = flow.diff_times(tower, lived, (heights.day_s(1), None), (None, None))
    assert [row.name for row in found.moved if row.of == "expected"] == ["height_mm"]
    known = tower.events(lived)[4].known_s
    assert flow.diff_times(tower, lived, (None, known), (None, None)).moved == flow.diff(tower, lived, 5, tower.version(lived)).moved
    with pytest.raises(InputError, match="the same entries at both times"):
        flow.diff_times(tower, lived, (heights.day_s(3), None), (heights.day_s(4), None))


@pytest.mark.parametrize(("versions", "found"), [((3, 3), "version 3 twice"), ((0, 3), "version 0"), ((1, 99), "version 99")])
def test_versions_that_make_no_difference_are_refused(tower: Store, lived: str, versions: tuple[int, int], found: str) -> None:
    with pytest.raises(InputError, match=f"{found} in {lived} — name two of versions 1 to 13"):
        flow.diff(tower, lived, *versions)
    with pytest.raises(InputError, match="no twin 'nobody'"):
        flow.diff(tower, "nobody", 1, 2)


def test_the_moments_are_those_of_the_belief(tower: Store, lived: str) -> None:
    session = open_session(tower, lived)
    _, params = session.twin.belief.draw(40_000, np.random.default_rng(5))
    mean, sd = moments(session, session.twin.t_s)["parameter", "sd_height_mm"]
    truth, spread = float(params["sd_height_mm"].mean()), float(params["sd_height_mm"].std())
    assert mean == pytest.approx(truth, abs=4 * spread / np.sqrt(2000))
    assert sd == pytest.approx(spread, rel=0.1)

"""What was withdrawn no longer counts, what does not depend on it does, and the rest is computed again to the last bit."""

from pathlib import Path

import pytest

from gemel import flow, store
from gemel.core.errors import InputError, StoreError
from gemel.flow.session import open_session
from gemel.flow.standing import evidence, standing
from gemel.store import Event, Store
from tests.unit.flow import heights


def belief(record: Store, twin: str) -> str:
    return flow.show(record, twin).belief


def kinds(events: tuple[Event, ...] | list[Event]) -> list[str]:
    return [event.kind for event in events]


def counting(record: Store, twin: str) -> tuple[Event, ...]:
    return standing(tuple(record.events(twin)), record.tainted())


def elsewhere(files: Path, folder: Path, days: list[int], *, acting: bool = True, prepare: bool = True) -> tuple[str, dict[str, object]]:
    """Belief and last decision of a twin that saw only some days."""
    with store.open(folder / "elsewhere.db") as other:
        twin = heights.begun(other, files, prepare=prepare)
        heights.live(other, twin, files, days, acting=acting)
        if not acting:
            flow.decide(other, twin, draws=8)
        last = [e for e in other.events(twin) if e.kind == "Decided"][-1]
        return belief(other, twin), dict(last.payload)


def without_a_day(record: Store, files: Path, day: int, days: tuple[int, ...] = (1, 2, 3)) -> tuple[str, "flow.Retraction"]:
    twin = heights.begun(record, files)
    seen = heights.live(record, twin, files, days)
    return twin, flow.retract(record, twin, seen[day].version, "the image of another patient", actor="NIGHTINGALE")


@pytest.mark.parametrize(("day", "left"), [(1, [2, 3]), (2, [1, 3]), (3, [1, 2])])
def test_the_belief_is_that_of_a_twin_that_never_saw_it(tower: Store, files: Path, tmp_path: Path, day: int, left: list[int]) -> None:
    truth, _ = elsewhere(files, tmp_path, left)
    twin, _ = without_a_day(tower, files, day)
    assert belief(tower, twin) == truth
    flow.recompute(tower, twin)
    assert belief(tower, twin) == truth
    beliefs = [e for e in counting(tower, twin) if e.kind == "Assimilated"]
    assert max(beliefs, key=lambda e: e.valid_s).payload["belief"] == truth


def test_without_recomputing_the_store_s_own_retraction_is_felt_too(tower: Store, files: Path, tmp_path: Path) -> None:
    truth, _ = elsewhere(files, tmp_path, [1, 3])
    twin = heights.begun(tower, files)
    tower.retract(heights.live(tower, twin, files, [1, 2, 3])[2], "the image of another patient")
    assert belief(tower, twin) == truth
    flow.observe(tower, twin, files / "day_4")
    flow.recompute(tower, twin)
    assert belief(tower, twin) != truth
    assert [e.hash for e in counting(tower, twin) if e.hash in tower.tainted()] == []


def test_the_decision_made_again_is_that_of_a_twin_that_never_saw_it(tower: Store, files: Path, tmp_path: Path) -> None:
    _, truth = elsewhere(files, tmp_path, [1, 3], acting=False)
    twin = heights.begun(tower, files)
    seen = heights.live(tower, twin, files, [1, 2, 3], acting=False)
    before = flow.decide(tower, twin, draws=8).event
    flow.retract(tower, twin, seen[2].version, "the image of another patient")
    made = [e for e in flow.recompute(tower, twin) if e.kind == "Decided"]
    assert [e.payload["draws"] for e in made] == [truth["draws"]]
    assert before.payload["draws"] != truth["draws"]
    assert made[0].payload["options"] == truth["options"]


def test_nothing_that_counts_depends_on_what_was_withdrawn(tower: Store, files: Path) -> None:
    twin, taken = without_a_day(tower, files, 2)
    tainted = tower.tainted()
    assert {e.hash for e in taken.fallen} <= tainted
    assert not tainted & {e.hash for e in counting(tower, twin)}
    made = flow.recompute(tower, twin)
    assert kinds(made) == ["Forecast", "Assimilated", "Outcome", "Decided"]
    assert not tower.tainted() & {e.hash for e in counting(tower, twin)}
    assert tower.check(artefacts=True) == []
    assert flow.recompute(tower, twin) == ()


def test_what_is_computed_again_names_what_it_replaces(tower: Store, files: Path) -> None:
    twin, _ = without_a_day(tower, files, 2)
    history = {e.hash: e for e in tower.events(twin)}
    for event in flow.recompute(tower, twin):
        assert [history[name].kind for name in event.payload["replaces"]] == [event.kind]
        assert [history[name].valid_s for name in event.payload["replaces"]] == [event.valid_s] or event.kind == "Forecast"


def test_what_was_seen_and_given_otherwise_still_counts(tower: Store, files: Path) -> None:
    twin, taken = without_a_day(tower, files, 2)
    session = open_session(tower, twin)
    assert [round((e.valid_s - heights.day_s(0)) / 86400) for e in session.entries if e.kind == "Observed"] == [1, 3]
    assert [round((e.valid_s - heights.day_s(0)) / 86400) for e in session.entries if e.kind == "Acted"] == [1, 2, 3]
    assert kinds(taken.restated) == ["Acted", "Observed", "Acted"]
    given = [e for e in session.entries if e.kind == "Acted"]
    assert ["part" in e.payload for e in given] == [True, False, True]  # the dose of day 2 was calculated on a wrong image


def test_it_is_told_in_words(tower: Store, files: Path) -> None:
    twin, taken = without_a_day(tower, files, 2)
    assert taken.words[0].startswith("withdrawn: version 9, Observed of 2026-03-04T09:00:00Z, scan ")
    assert taken.words[0].endswith("; the image of another patient")
    assert "no longer counts: version 18, Decided of 2026-03-05T09:00:00Z, recommended level-1" in taken.words
    assert any(line.startswith("still counts: version 22, Observed of 2026-03-05T09:00:00Z") for line in taken.words)
    assert taken.words[-1] == f"to compute again: gemel twin recompute {twin}"


def test_the_record_before_the_retraction_is_as_it_was(tower: Store, files: Path) -> None:
    twin = heights.begun(tower, files)
    seen = heights.live(tower, twin, files, [1, 2, 3])
    then = tower.events(twin)[-1]
    before = flow.show(tower, twin)
    flow.retract(tower, twin, seen[2].version, "the image of another patient")
    flow.recompute(tower, twin)
    again = flow.show(tower, twin, known_at_s=then.known_s)
    assert (again.belief, again.expected) == (before.belief, before.expected)


def test_the_right_scan_of_that_time_can_be_observed_in_its_place(tower: Store, files: Path) -> None:
    twin, _ = without_a_day(tower, files, 2)
    flow.observe(tower, twin, files / "day_2")
    flow.recompute(tower, twin)
    assert len([e for e in open_session(tower, twin).entries if e.kind == "Observed"]) == 3


def test_two_retractions_one_after_another(tower: Store, files: Path, tmp_path: Path) -> None:
    truth, _ = elsewhere(files, tmp_path, [2, 4])
    twin, _ = without_a_day(tower, files, 3, (1, 2, 3, 4))
    flow.recompute(tower, twin)
    first = next(e for e in open_session(tower, twin).entries if e.kind == "Observed")
    flow.retract(tower, twin, first.hash[:12], "moved during the scan")
    flow.recompute(tower, twin)
    assert belief(tower, twin) == truth
    assert not tower.tainted() & {e.hash for e in counting(tower, twin)}


def test_after_a_retraction_a_second_one_is_felt_by_what_came_between(tower: Store, files: Path, tmp_path: Path) -> None:
    truth, _ = elsewhere(files, tmp_path, [3])
    twin = heights.begun(tower, files)
    seen = heights.live(tower, twin, files, [1, 2])
    flow.retract(tower, twin, seen[2].version, "the image of another patient")
    heights.live(tower, twin, files, [3])  # its forecast rests on day 1
    taken = flow.retract(tower, twin, seen[1].version, "moved during the scan")
    assert {"Forecast", "Assimilated", "Decided"} <= {e.kind for e in taken.fallen if e.valid_s > heights.day_s(2) or e.kind == "Forecast"}
    assert belief(tower, twin) == truth


def test_a_library_made_from_a_withdrawn_scan_is_made_again(tower: Store, files: Path, tmp_path: Path) -> None:
    twin = heights.begun(tower, files, prepare=False)
    seen = heights.live(tower, twin, files, [1, 2], acting=False)
    flow.prepare(tower, twin, k=3)
    flow.decide(tower, twin, draws=8)
    wrong = open_session(tower, twin).library.levels_mm
    flow.retract(tower, twin, seen[2].version, "the image of another patient")
    with pytest.raises(StoreError, match="no plan library yet"):
        flow.decide(tower, twin)
    assert "Promoted" in kinds(flow.recompute(tower, twin))
    with store.open(tmp_path / "other.db") as other:
        heights.live(other, heights.begun(other, files, prepare=False), files, [1], acting=False)
        flow.prepare(other, twin, k=3)
        right = open_session(other, twin).library.levels_mm
    assert open_session(tower, twin).library.levels_mm.tolist() == right.tolist() != wrong.tolist()


def test_an_act_that_was_not_is_withdrawn(tower: Store, files: Path) -> None:
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, [1])
    assert flow.show(tower, twin).badge == "shadow"
    acted = tower.events(twin)[-1]
    flow.retract(tower, twin, acted.version, "was not given")
    assert [e for e in open_session(tower, twin).entries if e.kind == "Acted"] == []
    assert acted.hash not in evidence(open_session(tower, twin).entries)


def test_withdrawn_planning_data_leave_no_twin(tower: Store, files: Path) -> None:
    twin = heights.begun(tower, files)
    flow.retract(tower, twin, 1, "the planning image of another patient")
    with pytest.raises(StoreError, match="planning data that were withdrawn"):
        flow.show(tower, twin)


@pytest.mark.parametrize(
    ("which", "reason", "found"),
    [
        (99, "why", "no entries '99'"),
        ("abcdefabcdef", "why", "no entries 'abcdefabcdef'"),
        ("abc", "why", "no entries 'abc'"),
        (0, "why", "no entries '0'"),
        (3, "  ", "no reason"),
    ],
)
def test_what_cannot_be_withdrawn_is_refused_and_nothing_is_written(
    tower: Store, files: Path, which: str | int, reason: str, found: str
) -> None:
    twin = heights.begun(tower, files)
    heights.live(tower, twin, files, [1])
    head = tower.head()
    with pytest.raises(InputError, match=found):
        flow.retract(tower, twin, which, reason)
    assert tower.head() == head


def test_nothing_is_withdrawn_twice_nor_in_place_of_another(tower: Store, files: Path) -> None:
    twin, _ = without_a_day(tower, files, 2)
    head = tower.head()
    with pytest.raises(InputError, match="cannot be retracted again"):
        flow.retract(tower, twin, 9, "again")
    with pytest.raises(InputError, match="says something of others"):
        flow.retract(tower, twin, 20, "undo")
    with pytest.raises(InputError, match="version 15, in whose place version 22 stands"):
        flow.retract(tower, twin, 15, "moved")
    with pytest.raises(InputError, match="no twin"):
        flow.retract(tower, "nobody", 1, "why")
    assert tower.head() == head

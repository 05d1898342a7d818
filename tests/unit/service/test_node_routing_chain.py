"""What a series leads to: series that belong together, in whatever order they come; a twin, its library, its decision; once each."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydicom
import pytest

from gemel import store
from gemel.core.errors import InputError
from gemel.service.archive import open_archive
from gemel.service.node import routing
from gemel.service.node import routing_book as books
from gemel.service.node.routing import Desk
from gemel.service.node.rules import Routing, Rule
from gemel.service.node.rules_expression import parsed
from gemel.service.node.rules_systems import require_installed
from tests.unit.service.node_peers import slices
from tests.unit.service.test_node_routing import Jobs, now_s, state, twin

DAILY = Rule("daily", parsed("SeriesDescription~'*day*'"), "observe", kind="cbct", system="prostate", and_then=("decide",))
PLANNING = Rule(
    "planning",
    parsed("SeriesDescription='contours'"),
    "new",
    kind="structures",
    system="prostate",
    beside=(("ct", parsed("SeriesDescription='planning'")),),
    and_then=("prepare",),
    options={"modes": 4},
    names={"Prostata": "prostate"},
)
RULES = Routing((PLANNING, DAILY), settle_s=10.0, attempts=3, retry_s=20.0)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with store.open(tmp_path / "twins.db") as record:
        archive, book = open_archive(tmp_path / "archive"), books.open_book(tmp_path / "service")
        yield Desk(archive, record, book, RULES, Jobs(), lambda uids, destination: None)
        book.close()
        archive.close()


def sent(desk: Desk, folder: Path, description: str, *, n: int = 2, keep: slice = slice(None), study: str = "1.2.3") -> str:
    """SeriesInstanceUID of a series so described, of which some objects came."""
    files = slices(folder, n, seed=sum(map(ord, description)))
    for path in files:
        said = pydicom.dcmread(path)
        said.SeriesDescription, said.StudyInstanceUID = description, study
        said.save_as(path)
    desk.archive.put_many([path.read_bytes() for path in files[keep]], source="CT1@127.0.0.1")
    return str(said.SeriesInstanceUID)


def asked(desk: Desk) -> list[tuple[str, Any]]:
    return [(verb, arguments) for verb, arguments, _ in desk.jobs.asked]


def test_contours_wait_for_their_images_and_then_make_a_twin_and_its_library(desk: Desk, tmp_path: Path) -> None:
    contours = sent(desk, tmp_path / "a", "contours")
    routing.step(desk, at := now_s(desk))
    assert state(desk, contours).state == books.ASKED
    assert "0 series beside it" in state(desk, contours).why
    ct = sent(desk, tmp_path / "b", "planning")
    routing.step(desk, now_s(desk) - 5.0)
    assert asked(desk) == []  # the images are still coming
    routing.step(desk, at := now_s(desk))
    told = {
        "system": "prostate",
        "series": {"structures": [contours], "ct": [ct]},
        "options": {"modes": 4},
        "names": {"Prostata": "prostate"},
    }
    assert asked(desk) == [("new", told | {"and_then": ["prepare"]})]
    assert state(desk, ct).why == "used with the CT series"
    twin(desk.store, "t1")
    desk.jobs.end("job 1")
    routing.step(desk, at)
    routing.step(desk, at)
    assert asked(desk)[1:] == [("prepare", {"twin": "t1"})]
    desk.jobs.end("job 2")
    routing.step(desk, at)
    routing.step(desk, at + 1e6)
    assert (state(desk, contours).state, len(desk.jobs.asked)) == (books.DONE, 2)


def test_a_twin_is_not_made_of_half_a_series_beside_it(desk: Desk, tmp_path: Path) -> None:
    """The contours settled; of the images half came just now."""
    contours = sent(desk, tmp_path / "a", "contours")
    later_s = now_s(desk)
    ct = sent(desk, tmp_path / "b", "planning")
    rows = {str(row["SeriesInstanceUID"]): float(row["received_s"]) for row in desk.archive.arrivals(0.0, settle_s=0.0)}
    between_s = (rows[contours] + rows[ct]) / 2 + 10.0
    assert between_s < later_s
    routing.step(desk, between_s)
    assert asked(desk) == []
    assert "still coming" in state(desk, contours).why
    routing.step(desk, now_s(desk))
    assert [verb for verb, _ in asked(desk)] == ["new"]


def test_a_scan_that_came_before_its_twin_is_observed_when_the_twin_is_there(desk: Desk, tmp_path: Path) -> None:
    scan = sent(desk, tmp_path / "a", "day 1")
    routing.step(desk, at := now_s(desk))
    assert "no prostate twin of this patient" in state(desk, scan).why
    twin(desk.store, "t1")
    routing.step(desk, at)
    routing.step(desk, at)
    assert asked(desk) == [("observe", {"twin": "t1", "kind": "cbct", "series": {"cbct": [scan]}, "and_then": ["decide"]})]


def test_a_decision_follows_the_scan_once_also_after_a_crash(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    scan = sent(desk, tmp_path / "a", "day 1")
    routing.step(desk, at := now_s(desk))
    seen = desk.store.append("t1", "Observed", {"source": f"{scan}#abcd"})
    desk.jobs.states.clear()  # the service ended before its book knew
    for _ in range(3):
        routing.step(desk, at)
    assert [verb for verb, _ in asked(desk)] == ["observe", "decide"]
    assert asked(desk)[1] == ("decide", {"twin": "t1"})
    desk.store.append("t1", "Decided", {"scan": seen.hash, "recommended": "a"})
    desk.jobs.states.clear()
    for _ in range(3):
        routing.step(desk, at)
    assert (len(desk.jobs.asked), state(desk, scan).state) == (2, books.DONE)


def test_of_several_scans_the_newest_is_decided_on(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    series = [sent(desk, tmp_path / name, name) for name in ("day 1", "day 2")]
    routing.step(desk, at := now_s(desk))
    for valid_s, name in enumerate(series):
        desk.store.append("t1", "Observed", {"source": name}, valid_s=float(valid_s))
    for job in list(desk.jobs.states):
        desk.jobs.end(job)
    for _ in range(3):
        routing.step(desk, at)
    assert [verb for verb, _ in asked(desk)] == ["observe", "observe", "decide"]
    assert state(desk, series[0]).state == books.DONE


def test_what_a_new_twin_is_about_to_observe_is_left_to_it(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scan = sent(desk, tmp_path / "a", "day 1")
    routing.step(desk, at := now_s(desk))
    making = SimpleNamespace(verb="new", over=False)
    monkeypatch.setattr(desk.jobs, "listed", lambda: [making])
    twin(desk.store, "t1")
    routing.step(desk, at)
    routing.step(desk, at)
    assert (asked(desk), state(desk, scan).state) == ([], books.ASKED)
    desk.store.append("t1", "Observed", {"source": scan})
    making.over = True
    routing.step(desk, at)
    routing.step(desk, at)
    assert (asked(desk), state(desk, scan).state) == ([], books.DONE)


def test_who_has_a_twin_is_observed_by_the_rule_behind(desk: Desk, tmp_path: Path) -> None:
    both = replace(desk, routing=replace(RULES, rules=(replace(PLANNING, when=DAILY.when, beside=()), DAILY)))
    twin(desk.store, "t1")
    sent(desk, tmp_path / "a", "day 1")
    routing.step(both, now_s(desk))
    assert [verb for verb, _ in asked(desk)] == ["observe"]


def test_a_twin_whose_planning_was_withdrawn_observes_nothing(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    begun = desk.store.events("t1")[0]
    desk.store.retract(begun.hash, "wrong patient", actor="anna")
    scan = sent(desk, tmp_path / "a", "day 1")
    routing.step(desk, now_s(desk))
    assert (asked(desk), state(desk, scan).state) == ([], books.ASKED)


def test_objects_that_come_before_the_job_begins_are_taken_with_it(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    scan = sent(desk, tmp_path / "a", "day 1", n=4, keep=slice(0, 3))
    routing.step(desk, now_s(desk))
    desk.jobs.states["job 1"].state = "waiting"
    sent(desk, tmp_path / "b", "day 1", n=4)
    routing.step(desk, now_s(desk))
    assert desk.jobs.cancelled == ["job 1"]
    assert [verb for verb, _ in asked(desk)] == ["observe", "observe"]
    assert (state(desk, scan).state, state(desk, scan).objects) == (books.RUNNING, 4)


def test_a_rule_for_a_system_that_is_not_installed_is_refused_at_the_start() -> None:
    require_installed(RULES, "gemel.toml")
    with pytest.raises(InputError, match="rule 'daily' names a system 'prostat'") as refused:
        require_installed(replace(RULES, rules=(replace(DAILY, system="prostat"),)), "gemel.toml")
    assert "did you mean prostate?" in str(refused.value)


def test_what_a_person_stopped_is_not_begun_again(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    scan = sent(desk, tmp_path / "a", "day 1")
    routing.step(desk, at := now_s(desk))
    desk.jobs.end("job 1", "cancelled by anna")
    routing.step(desk, at)
    twin(desk.store, "t9", patient="P9")  # the record grows
    sent(desk, tmp_path / "b", "planning")  # and so does the study
    routing.step(desk, now_s(desk))
    assert (len(desk.jobs.asked), state(desk, scan).state) == (1, books.ASKED)

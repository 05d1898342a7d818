"""From a received series to the one twin it belongs to, once; anything doubtful goes to a person."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pydicom
import pytest

from gemel import store
from gemel.core.errors import InputError, TaskError, UnknownError
from gemel.service.archive import Archive, open_archive
from gemel.service.jobs import Order
from gemel.service.node import routing, routing_work
from gemel.service.node import routing_book as books
from gemel.service.node.routing import Desk
from gemel.service.node.rules import Routing, Rule
from gemel.service.node.rules_expression import parsed
from gemel.service.settings import Settings
from gemel.store import Store
from tests.unit.service.node_peers import slices

RULES = Routing((Rule("daily", parsed("Modality=CT"), "observe", kind="cbct", system="prostate"),), settle_s=10.0, attempts=3, retry_s=20.0)


@dataclass
class Jobs:
    """Jobs that a test ends by hand."""

    asked: list[tuple[str, Mapping[str, Any], str]] = field(default_factory=list)
    states: dict[str, Any] = field(default_factory=dict)
    cancelled: list[str] = field(default_factory=list)

    def submit(self, verb: str, arguments: Mapping[str, Any], *, actor: str) -> str:
        self.asked.append((verb, arguments, actor))
        name = f"job {len(self.asked)}"
        self.states[name] = SimpleNamespace(state="running", error="", result={})
        return name

    def state(self, name: str) -> Any:
        if name not in self.states:
            raise UnknownError(f"no job {name}")
        return self.states[name]

    def cancel(self, name: str, actor: str) -> None:
        self.cancelled.append(name)
        self.end(name, f"cancelled by {actor}")

    def listed(self) -> list[Any]:
        return []

    def end(self, name: str, error: str = "") -> None:
        self.states[name] = SimpleNamespace(state="failed" if error else "done", error=error, result={"twin": "t1"})


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Store]:
    with store.open(tmp_path / "twins.db") as opened:
        yield opened


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    opened = open_archive(tmp_path / "archive")
    yield opened
    opened.close()


@pytest.fixture
def desk(tmp_path: Path, record: Store, archive: Archive) -> Iterator[Desk]:
    book = books.open_book(tmp_path / "service")
    yield Desk(archive, record, book, RULES, Jobs(), lambda uids, destination: None)
    book.close()


def twin(record: Store, name: str, patient: str = "P1", issuer: str = "", system: str = "prostate") -> None:
    with record.together():
        person = record.keep_person({"patient_id": patient, "issuer": issuer, "patient_name": "TEST^ONE"})
        record.append(name, "Ingested", {"system": system, "person": person})


def received(archive: Archive, folder: Path, **told: Any) -> str:
    """SeriesInstanceUID of a series that the archive was sent."""
    files = slices(folder, **told)
    archive.put_many([path.read_bytes() for path in files], source="CT1@127.0.0.1")
    return str(pydicom.dcmread(files[0]).SeriesInstanceUID)


def now_s(desk: Desk) -> float:
    return float(desk.archive.arrivals(0.0, settle_s=0.0)[-1]["received_s"]) + 11.0


def state(desk: Desk, series: str) -> books.Routed:
    found = books.known(desk.book, series)
    assert found is not None
    return found


def test_a_settled_series_is_observed_by_the_twin_of_its_patient_once(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    twin(desk.store, "t2", patient="P2")
    series = received(desk.archive, tmp_path / "ct")
    at = now_s(desk)
    routing.step(desk, at - 5.0)
    assert desk.jobs.asked == []  # its last object came 6 s ago: more may come
    routing.step(desk, at)
    assert desk.jobs.asked == [("observe", {"twin": "t1", "kind": "cbct", "series": {"cbct": [series]}}, "node")]
    assert state(desk, series).state == books.RUNNING
    desk.jobs.end("job 1")
    routing.step(desk, at + 1.0)
    assert state(desk, series).state == books.DONE
    received(desk.archive, tmp_path / "again")  # the same bytes
    for later in (2.0, 60.0, 600.0):
        books.move_cursor(desk.book, routing.SINCE, 0.0)  # as when another series that came before it is still coming
        routing.step(desk, at + later)
    assert len(desk.jobs.asked) == 1
    assert state(desk, series).state == books.DONE


def test_a_series_is_settled_at_once_when_as_many_objects_are_there_as_the_rule_expects(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    counting = replace(desk, routing=replace(RULES, rules=(replace(RULES.rules[0], objects=4),)))
    received(desk.archive, tmp_path / "ct", n=4)
    routing.step(counting, now_s(desk) - 11.0)
    assert len(desk.jobs.asked) == 1


@pytest.mark.parametrize(
    ("twins", "words"),
    [
        ([], "no prostate twin of this patient: make one?"),
        ([("t1", {"patient": "P2"})], "no prostate twin"),  # of the same name: TEST^ONE
        ([("t1", {"issuer": "OTHER HOSPITAL"})], "no prostate twin"),
        ([("t1", {"patient": "P1 "})], "no prostate twin"),
        ([("t1", {"patient": "p1"})], "no prostate twin"),
        ([("t1", {"system": "glioma"})], "it has t1"),
        ([("t1", {}), ("t2", {})], "2 twins of this patient (t1, t2)"),
    ],
)
def test_what_is_not_clear_is_laid_before_a_person(desk: Desk, tmp_path: Path, twins: list[Any], words: str) -> None:
    for name, told in twins:
        twin(desk.store, name, **told)
    series = received(desk.archive, tmp_path / "ct")
    routing.step(desk, now_s(desk))
    assert desk.jobs.asked == []
    assert state(desk, series).state == books.ASKED
    assert words in state(desk, series).why


def test_a_series_without_a_patient_id_belongs_to_nobody(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1", patient="")
    (path,) = slices(tmp_path / "ct", n=1)
    bare = pydicom.dcmread(path)
    bare.PatientID = ""
    bare.save_as(path)
    desk.archive.put(path.read_bytes(), source="CT1@127.0.0.1")
    series = str(bare.SeriesInstanceUID)
    routing.step(desk, now_s(desk))
    assert desk.jobs.asked == []
    assert "no PatientID" in state(desk, series).why


def test_an_erased_person_is_nobody(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    store.erase(desk.store, "t1", "asked for", actor="test")
    received(desk.archive, tmp_path / "ct")
    routing.step(desk, now_s(desk))
    assert desk.jobs.asked == []


def test_a_job_that_failed_is_tried_again_with_patience_and_then_given_up(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    series = received(desk.archive, tmp_path / "ct")
    at = now_s(desk)
    for attempt, wait_s in ((1, 20.0), (2, 40.0), (3, 80.0)):
        routing.step(desk, at)
        assert len(desk.jobs.asked) == attempt
        desk.jobs.end(f"job {attempt}", "twin t1 is held by another")
        routing.step(desk, at)
        routing.step(desk, at + wait_s - 0.1)
        assert len(desk.jobs.asked) == attempt
        at += wait_s
    routing.step(desk, at + 1e6)
    assert len(desk.jobs.asked) == 3
    assert (state(desk, series).state, state(desk, series).why) == (books.DEAD, "twin t1 is held by another")
    assert routing.again(desk.book, series, at) is not None
    routing.step(desk, at)
    assert len(desk.jobs.asked) == 4


def test_a_job_that_a_person_cancelled_is_theirs_from_then_on(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    series = received(desk.archive, tmp_path / "ct")
    at = now_s(desk)
    routing.step(desk, at)
    desk.jobs.end("job 1", "cancelled by anna")
    routing.step(desk, at + 1.0)
    routing.step(desk, at + 1e6)
    assert len(desk.jobs.asked) == 1
    assert (state(desk, series).state, state(desk, series).why) == (books.ASKED, "cancelled by anna")


def test_what_was_there_before_the_node_had_a_book_is_left(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    old = received(desk.archive, tmp_path / "old")
    routing.begin_now(desk)
    routing.step(desk, now_s(desk))
    assert books.known(desk.book, old) is None
    new = received(desk.archive, tmp_path / "new", seed=7)
    routing.begin_now(desk)  # a restart
    routing.step(desk, now_s(desk))
    assert state(desk, new).state == books.RUNNING


def test_a_job_that_is_refused_at_once_counts_as_an_attempt(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    twin(desk.store, "t1")
    series = received(desk.archive, tmp_path / "ct")

    def refuse(verb: str, arguments: Mapping[str, Any], *, actor: str) -> str:
        raise InputError("no archive", where="jobs", remedy="start it")

    monkeypatch.setattr(desk.jobs, "submit", refuse)
    routing.step(desk, now_s(desk))
    assert (state(desk, series).state, state(desk, series).attempts) == (books.WAITING, 1)


def test_after_a_crash_what_was_observed_is_not_observed_again(desk: Desk, tmp_path: Path) -> None:
    """The service ended after the job was done and before the book knew."""
    twin(desk.store, "t1")
    series = received(desk.archive, tmp_path / "ct")
    at = now_s(desk)
    routing.step(desk, at)
    desk.store.append("t1", "Observed", {"source": series})
    desk.jobs.states.clear()  # and the jobs were forgotten
    routing.step(desk, at + 1.0)
    routing.step(desk, at + 2.0)
    assert len(desk.jobs.asked) == 1
    assert (state(desk, series).state, state(desk, series).twin) == (books.DONE, "t1")


def test_the_book_survives_a_restart(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    series = received(desk.archive, tmp_path / "ct")
    at = now_s(desk)
    routing.step(desk, at)
    before = state(desk, series)
    desk.book.close()
    again = Desk(desk.archive, desk.store, books.open_book(tmp_path / "service"), RULES, desk.jobs, desk.forward)
    assert state(again, series) == before
    routing.step(again, at + 1.0)
    assert len(desk.jobs.asked) == 1
    again.book.close()


def test_objects_that_come_after_it_was_used_are_a_persons_turn(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    files = slices(tmp_path / "ct")
    desk.archive.put_many([path.read_bytes() for path in files[:3]], source="CT1@127.0.0.1")
    series = str(pydicom.dcmread(files[0]).SeriesInstanceUID)
    at = now_s(desk)
    routing.step(desk, at)
    desk.jobs.end("job 1")
    routing.step(desk, at)
    desk.archive.put(files[3].read_bytes(), source="CT1@127.0.0.1")
    routing.step(desk, now_s(desk))
    assert state(desk, series).state == books.GROWN
    assert "1 objects came after it was used" in state(desk, series).why
    routing.step(desk, now_s(desk) + 1e4)
    assert len(desk.jobs.asked) == 1


def test_a_series_with_objects_in_quarantine_is_not_used(desk: Desk, tmp_path: Path) -> None:
    twin(desk.store, "t1")
    files = slices(tmp_path / "ct")
    other = pydicom.dcmread(files[0])
    other.PixelData = bytes(len(other.PixelData))
    other.save_as(tmp_path / "other.dcm")
    contents = [path.read_bytes() for path in files] + [(tmp_path / "other.dcm").read_bytes()]
    assert [kept.status for kept in desk.archive.put_many(contents, source="CT1@127.0.0.1")][-1] == "quarantined"
    routing.step(desk, now_s(desk))
    assert desk.jobs.asked == []
    assert "quarantine" in state(desk, str(other.SeriesInstanceUID)).why


def test_a_person_who_sees_to_it_closes_the_question(desk: Desk, tmp_path: Path) -> None:
    series = received(desk.archive, tmp_path / "ct")
    routing.step(desk, now_s(desk))
    assert state(desk, series).state == books.ASKED
    twin(desk.store, "t1")
    desk.store.append("t1", "Observed", {"source": series})
    routing.step(desk, now_s(desk))
    assert (state(desk, series).state, state(desk, series).twin) == (books.DONE, "t1")


def test_a_series_that_no_rule_asks_for_is_left(desk: Desk, tmp_path: Path) -> None:
    quiet = replace(desk, routing=replace(RULES, rules=()))
    series = received(desk.archive, tmp_path / "ct")
    routing.step(quiet, now_s(desk))
    assert state(desk, series).state == books.LEFT


def test_a_node_that_was_closed_starts_no_child_again(tmp_path: Path, record: Store, archive: Archive) -> None:
    """It would be waited for, for minutes, when the service ends."""
    work = routing_work.start(Settings(str(tmp_path / "twins.db"), tmp_path / "service"), record, archive, Jobs(), turn_s=60.0)
    work.close()
    with pytest.raises(TaskError, match="a service that ends"):
        work.maker.make(Order("results", {}), lambda what, done, total: None)

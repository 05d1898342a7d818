"""Jobs: durable, in order, one a twin at a time; cancelled, lost and refused ones say so."""

import asyncio
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from gemel import store
from gemel.core.errors import InputError, StoreError, UnknownError
from gemel.core.system import Progress
from gemel.service.jobs import Ask, Hand, Job, Jobs, Order, Place, open_jobs, running
from gemel.service.jobs.running import LOST
from gemel.service.jobs.table import Table, close, forget, insert, open_table, update, waiting
from tests.unit.service.jobs.test_hand import TABLE


def opened(folder: Path, hands: Sequence[Ask], **more: Any) -> Jobs:
    return open_jobs(str(folder / "twins.db"), folder, hands=hands, **more)


def ended(jobs: Jobs, job_id: str, within_s: float = 20.0) -> Job:
    until = time.monotonic() + within_s
    while not (job := jobs.state(job_id)).over:
        assert time.monotonic() < until, job
        time.sleep(0.02)
    return job


class Doing:
    """A hand that does nothing until it is let, and remembers who worked at once."""

    def __init__(self) -> None:
        self.let, self.seen, self.together, self.now = Event(), list[str](), 0, list[str]()

    def __call__(self, order: Order, progress: Progress) -> dict[str, str]:
        twin = str(order.arguments["twin"])
        self.now.append(twin)
        self.together = max(self.together, self.now.count(twin))
        progress("steps", 1, 2)
        self.let.wait(10.0)
        self.now.remove(twin)
        self.seen.append(twin)
        return {"twin": twin, "actor": str(order.arguments["actor"])}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with store.open(tmp_path / "twins.db"):
        pass
    return tmp_path


def test_a_job_is_done_in_the_name_of_who_asked_and_remembered_over_a_restart(folder: Path) -> None:
    doing = Doing()
    doing.let.set()
    jobs = opened(folder, [doing])
    job = ended(jobs, jobs.submit("decide", {"twin": "a", "override": "told LOVELACE"}, actor="ada"))
    assert "LOVELACE" not in str(jobs.table.connection.execute("SELECT * FROM job").fetchall())
    assert (job.state, job.result, job.actor, job.error) == ("done", {"twin": "a", "actor": "ada"}, "ada", "")
    jobs.close()
    again = opened(folder, [doing])
    assert again.state(job.id) == job
    again.close()


def test_one_job_a_twin_at_a_time_and_others_beside_it(folder: Path) -> None:
    doing = Doing()
    jobs = opened(folder, [doing, doing])
    made = [jobs.submit("decide", {"twin": twin}, actor="ada") for twin in ("a", "a", "b")]
    until = time.monotonic() + 10.0
    while len(doing.now) < 2:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert sorted(doing.now) == ["a", "b"]
    assert jobs.state(made[1]).state == "waiting"
    assert (jobs.state(made[0]).what, jobs.state(made[0]).done, jobs.state(made[0]).total) == ("steps", 1, 2)
    doing.let.set()
    assert [ended(jobs, job_id).state for job_id in made] == ["done", "done", "done"]
    assert doing.together == 1
    jobs.close()


@pytest.mark.parametrize("state", ["running", "done"])
def test_a_disk_that_refuses_for_a_while_ends_no_hand(folder: Path, monkeypatch: pytest.MonkeyPatch, state: str) -> None:
    """A table that cannot be written when a job is begun, or when it is done."""
    refused, doing = list[str](), Doing()

    def keep(table: Table, job: Job) -> None:
        if job.state == state and len(refused) < 2:
            refused.append(job.id)
            raise StoreError("a full disk")
        update(table, job)

    monkeypatch.setattr(running, "AGAIN_s", 0.01)
    monkeypatch.setattr(running.kept, "update", keep)
    doing.let.set()
    jobs = opened(folder, [doing])
    assert ended(jobs, jobs.submit("decide", {"twin": "a"}, actor="ada"), 2.0).state == "done"
    assert len(refused) == 2
    assert doing.seen == ["a"], "it is not done twice"
    jobs.close()


def test_objects_that_cannot_be_laid_out_fail_their_job_and_no_other(folder: Path) -> None:
    def full(uid: str, place: Path) -> None:
        raise OSError(28, "No space left on device", str(place))

    doing = Doing()
    doing.let.set()
    jobs = opened(folder, [doing], export=full)
    told = {"twin": "a", "series": {"ct": ["1.2.3"]}}
    failed = ended(jobs, jobs.submit("observe", told, actor="ada"), 2.0)
    assert (failed.state, "No space left" in failed.error, str(folder) in failed.error) == ("failed", True, False)
    assert ended(jobs, jobs.submit("decide", {"twin": "a"}, actor="ada"), 2.0).state == "done"
    jobs.close()


def test_what_was_running_when_the_service_ended_has_failed_and_what_waited_is_done(folder: Path) -> None:
    table = open_table(folder / "jobs.db")
    doing = Doing()
    jobs = opened(folder, [])
    lost, waits = (jobs.submit("decide", {"twin": twin}, actor="ada") for twin in ("a", "b"))
    begun = jobs.state(lost)
    jobs.close()
    update(table, Job(**{**vars(begun), "state": "running"}))
    doing.let.set()
    again = opened(folder, [doing])
    assert again.state(lost).state == "failed"
    assert again.state(lost).error == LOST
    assert ended(again, waits).state == "done"
    assert doing.seen == ["b"]  # the lost one was not repeated unasked
    again.close()


def test_a_running_job_is_cancelled_with_its_process_and_a_waiting_one_never_begins(folder: Path) -> None:
    jobs = opened(folder, [Hand(Place(str(folder / "twins.db"), str(folder), TABLE))])
    runs, waits = (jobs.submit("recompute", {"twin": "a"}, actor="ada") for _ in range(2))
    until = time.monotonic() + 20.0
    while not (folder / "began").exists():
        assert time.monotonic() < until
        time.sleep(0.02)
    assert jobs.cancel(waits, "bob").error == "cancelled by bob"
    jobs.cancel(runs, "bob")
    assert ended(jobs, runs).error == "cancelled by bob"
    with pytest.raises(InputError, match="a job that is failed"):
        jobs.cancel(runs, "bob")
    assert ended(jobs, jobs.submit("decide", {"twin": "a"}, actor="ada")).state == "done"  # with a new process
    assert "give another" in ended(jobs, jobs.submit("act", {"twin": "a", "plan": "p"}, actor="ada")).error
    jobs.close()


def test_progress_is_followed_to_the_end(folder: Path) -> None:
    doing = Doing()
    jobs = opened(folder, [doing])
    job_id = jobs.submit("decide", {"twin": "a"}, actor="ada")

    async def followed() -> list[Job]:
        found = []
        async for job in jobs.progress(job_id):
            found.append(job)
            if job.what:
                doing.let.set()
        return found

    heard = asyncio.run(followed())
    assert heard[-1].state == "done"
    assert any((job.what, job.done) == ("steps", 1) for job in heard)
    jobs.close()


@pytest.fixture
def idle(folder: Path) -> Iterator[Jobs]:
    jobs = opened(folder, [])
    yield jobs
    jobs.close()


def test_what_cannot_be_meant_is_refused_before_it_is_a_job(idle: Jobs) -> None:
    for verb, told, words in (
        ("erase", {}, "no verb 'erase'"),
        ("act", {"twin": "a"}, "no plan in act"),
        ("decide", {}, "no twin in decide"),
        ("new", {"system": "prostate", "series": {"ct": ["1.2"]}}, "series of an archive"),
    ):
        with pytest.raises(InputError, match=words):
            idle.submit(verb, told, actor="ada")
    assert idle.listed() == []
    with pytest.raises(UnknownError, match="no job 'x'"):
        idle.state("x")


def test_series_are_laid_out_in_folders_whose_names_are_our_own(folder: Path) -> None:
    seen: list[dict[str, Any]] = []

    def export(uid: str, place: Path) -> None:
        (place / "object.dcm").write_text(uid)

    def hand(order: Order, progress: Progress) -> dict[str, str]:
        found = {kind: [Path(p, "object.dcm").read_text() for p in places] for kind, places in order.arguments["files"].items()}
        seen.append({"files": found, "places": [p for places in order.arguments["files"].values() for p in places]})
        return {}

    jobs = opened(folder, [hand], export=export)
    ended(jobs, jobs.submit("new", {"system": "s", "series": {"../../ct": ["1.2", "1.3"]}}, actor="ada"))
    assert seen[0]["files"] == {"../../ct": ["1.2", "1.3"]}
    assert all(".." not in place and not Path(place).exists() for place in seen[0]["places"])
    jobs.close()


def test_who_is_erased_takes_no_job_of_another(folder: Path) -> None:
    """A short PatientID stands within UIDs and longer numbers of others."""
    table = open_table(folder / "jobs.db")
    said = ({"uid": "1.2.4711.9"}, {"uid": "1.2.14711"}, {"uid": "4711.3"}, {"note": "4711x"}, {"patient": "4711"}, {"note": "of 4711."})
    for number, arguments in enumerate(said):
        insert(table, Job(f"{number}", "new", "", "ada", "waiting", "", 0, 0, "", "", "", {}), arguments)
    assert forget(table, (), ("4711",)) == 2
    assert [job.id for job, _ in waiting(table)] == ["0", "1", "2", "3"]
    close(table)

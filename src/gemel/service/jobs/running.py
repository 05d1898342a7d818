"""Jobs as they run: kept on the disk when asked for, carried out in child processes in the order of asking, told how far they are.

One job a twin at a time, as many at once as there are hands. A job whose process is killed, or whose service ends, has failed and says
so; what waited then is begun when the service is there again.
"""

import asyncio
import logging
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from threading import Condition, Thread
from typing import Any, TypeVar
from uuid import uuid4

from gemel.core.errors import GemelError, InputError, StoreError, UnknownError
from gemel.core.time import iso
from gemel.service.jobs import table as kept
from gemel.service.jobs.hand import Ask, Hand, children, let_go
from gemel.service.jobs.job import Job, told
from gemel.service.jobs.order import Order, Place
from gemel.service.jobs.wants import FILES, SERIES, require_known

VERBS = "gemel.service.jobs.verbs:VERBS"
HANDS = 2
NICE = 10  # who looks does not wait for a job
LAID_OUT = "laid out"
LOOK_s = 0.1
"""How often who follows a job is told that it is farther on."""
LOST = "the service ended while it was worked on; what it had committed stays: look at the twin, and ask again"
STOPPED = "cancelled by "
AGAIN_s = 5.0
"""How long a disk that refuses is let be."""
LOG = logging.getLogger("gemel.jobs")
T = TypeVar("T")
Export = Callable[[str, Path], object]
"""Writes the objects of a series into a folder."""


@dataclass
class Jobs:
    """The table, who works, what is being done (job by id, with its hand), and whether no more is to be begun."""

    table: kept.Table
    hands: Sequence[Ask]
    export: Export | None = None
    clock: Callable[[], float] = time.time
    news: Condition = field(default_factory=Condition)
    live: dict[str, Job] = field(default_factory=dict)
    held: dict[str, Ask] = field(default_factory=dict)
    stopped: dict[str, str] = field(default_factory=dict)
    closing: bool = False
    threads: list[Thread] = field(default_factory=list)

    def submit(self, verb: str, arguments: Mapping[str, Any], *, actor: str) -> str:
        """Id of a job that is now on the disk and will be done. Raises InputError for a verb or arguments that cannot be meant."""
        require_known(verb, arguments)
        if arguments.get(SERIES) and self.export is None:
            raise InputError("series of an archive", where=verb, remedy="this service holds no archive: start it with one")
        job = Job(uuid4().hex, verb, str(arguments.get("twin", "")), actor, "waiting", "", 0, 0, iso(self.clock()), "", "", {})
        with self.news:
            kept.insert(self.table, job, arguments)
            self.news.notify_all()
        return job.id

    def state(self, job_id: str) -> Job:
        """How a job stands. Raises UnknownError."""
        found = self.live.get(job_id) or kept.find(self.table, job_id)
        if found is None:
            raise UnknownError(f"no job {job_id!r}"[:80], where="jobs", remedy="list them: GET /api/jobs")
        return found

    def listed(self) -> list[Job]:
        """All jobs, the newest first."""
        return [self.live.get(job.id, job) for job in kept.all_jobs(self.table)]

    async def progress(self, job_id: str) -> AsyncIterator[Job]:
        """The job now, and whenever it is farther on, until it is over."""
        last = self.state(job_id)
        yield last
        while not last.over:
            await asyncio.sleep(LOOK_s)
            now = self.state(job_id)
            if now != last:
                yield now
            last = now

    def cancel(self, job_id: str, actor: str) -> Job:
        """Ends a job: it is not begun, or its process is killed. Raises UnknownError, InputError for one that is over."""
        job = self.state(job_id)
        with self.news:
            if job.over:
                raise InputError(f"a job that is {job.state}", where=job_id, remedy="withdraw what it wrote: retract")
            self.stopped[job_id] = actor
            hand = self.held.get(job_id)
            if hand is None:
                _end(self, replace(job, state="failed", error=STOPPED + actor))
        if isinstance(hand, Hand):
            let_go(hand)
        return self.state(job_id)

    def close(self) -> None:
        """Begins nothing more and ends every child; what was being done has failed."""
        with self.news:
            self.closing = True
            self.news.notify_all()
        for hand in self.hands:
            if isinstance(hand, Hand):
                let_go(hand, for_good=True)
        for thread in self.threads:
            thread.join(2.0)
        kept.close(self.table)


def open_jobs(store: str, folder: Path, *, export: Export | None = None, hands: Sequence[Ask] | None = None) -> Jobs:
    """The jobs of a service: those that were being done when it ended have failed, those that waited are begun.

    `hands`: who works, child processes unless stated.
    """
    place = Place(store, str(folder), VERBS, NICE)
    shutil.rmtree(folder / LAID_OUT, ignore_errors=True)
    jobs = Jobs(kept.open_table(folder / "jobs.db"), hands if hands is not None else children(place, HANDS), export)
    for job in kept.all_jobs(jobs.table):
        if job.state == "running":
            kept.update(jobs.table, replace(job, state="failed", error=LOST, ended=iso(jobs.clock())))
    for hand in jobs.hands:
        jobs.threads.append(Thread(target=partial(_work, jobs, hand), daemon=True, name="gemel-jobs"))
        jobs.threads[-1].start()
    return jobs


def _work(jobs: Jobs, hand: Ask) -> None:
    """One job after the other, until the service closes."""
    while (taken := _kept_at(jobs, partial(_taken, jobs, hand))) is not None:
        job, arguments = taken
        try:
            result = _carried_out(jobs, hand, job, arguments)
            ended = replace(jobs.live[job.id], state="done", result=result)
        except (GemelError, OSError) as error:  # OSError: a disk on which no objects can be laid out
            by = jobs.stopped.pop(job.id, "")
            why = STOPPED + by if by else LOST if jobs.closing else _words(error)
            ended = replace(jobs.live[job.id], state="failed", error=why)
        _kept_at(jobs, partial(_end, jobs, ended))


def _kept_at(jobs: Jobs, change: Callable[[], T]) -> T | None:
    """What a change of the table gives, tried again while the disk refuses it: a hand that gave up would do no job any more."""
    while True:
        with jobs.news:
            try:
                return change()
            except StoreError as error:
                if jobs.closing:
                    return None
                LOG.error("%s", error)
                jobs.news.wait(AGAIN_s)


def laid_out_in(folder: Path) -> Path:
    """Where objects lie while somebody works on them: in the service's folder, so that what a killed service leaves is found again."""
    place = folder / LAID_OUT
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _taken(jobs: Jobs, hand: Ask) -> tuple[Job, dict[str, Any]] | None:
    """The first job that waits and whose twin nobody works on, now this hand's; None when the service closes."""
    with jobs.news:
        while not jobs.closing:
            busy = {job.twin for job in jobs.live.values() if job.twin}
            for job, arguments in kept.waiting(jobs.table):
                if job.twin not in busy:
                    begun = replace(job, state="running")
                    kept.update(jobs.table, begun)
                    jobs.live[job.id], jobs.held[job.id] = begun, hand
                    return begun, arguments
            jobs.news.wait()
    return None


def _carried_out(jobs: Jobs, hand: Ask, job: Job, arguments: Mapping[str, Any]) -> dict[str, str | int]:
    """What the verb returned; series of the archive are laid out in a folder of their own for as long as it works."""

    def progress(what: str, done: int, total: int) -> None:
        jobs.live[job.id] = told(jobs.live[job.id], what, done, total)

    with tempfile.TemporaryDirectory(dir=laid_out_in(jobs.table.path.parent)) as folder:
        given = _laid_out(jobs.export, arguments, Path(folder))
        found: dict[str, str | int] = hand(Order(job.verb, {**given, "actor": job.actor}), progress)
    return found


def _laid_out(export: Export | None, arguments: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """The arguments with folders in place of series of the archive. Raises what the archive raises."""
    named: Mapping[str, Sequence[str]] = arguments.get(SERIES) or {}
    files: dict[str, list[str]] = {}
    pairs = [(kind, uid) for kind, series in named.items() for uid in series]
    for n, (kind, uid) in enumerate(pairs):
        place = folder / f"{n:03d}"  # of our own: what a caller names is never part of a path
        place.mkdir()
        if export is not None:
            export(uid, place)
        files.setdefault(kind, []).append(str(place))
    return {**{name: value for name, value in arguments.items() if name != SERIES}, FILES: files}


def _words(error: GemelError | OSError) -> str:
    """What went wrong, without a path of this machine."""
    return str(error) if isinstance(error, GemelError) else f"a machine that refuses ({error.strerror}): check its disk, then ask again"


def _end(jobs: Jobs, job: Job) -> None:
    """Keeps how a job ended; its twin is free."""
    kept.update(jobs.table, replace(job, ended=iso(jobs.clock())))
    jobs.live.pop(job.id, None)
    jobs.held.pop(job.id, None)
    jobs.news.notify_all()


def free_bytes(folder: Path) -> int:
    """What is left on the disk of the service's folder."""
    return shutil.disk_usage(folder).free

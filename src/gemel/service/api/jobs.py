"""Jobs: how they stand, their progress as it happens, and their end."""

from collections.abc import AsyncIterator
from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import StreamingResponse

from gemel.core.errors import UnknownError
from gemel.service.api.answers.jobs import JobRow, JobRows
from gemel.service.api.asked import Answers
from gemel.service.api.reading import Reading
from gemel.service.api.stream import STREAM, event, stream, with_heartbeat
from gemel.service.api.subjects import subject
from gemel.service.jobs import Job
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter(tags=["jobs"])
JobId = Annotated[str, Path(pattern="^[0-9a-f]{32}$", description="A job's id.", examples=["0" * 32])]
Looks = Annotated[Caller, needs("twins:read")]


@router.get("/api/jobs")
def jobs(service: Held, reading: Answers, caller: Looks) -> JobRows:
    """Jobs that the caller asked for, or of twins that the caller may see, the newest first."""
    return JobRows([row(job) for job in service.jobs.listed() if may_see(service, reading, caller, job)])


@router.get("/api/jobs/{job_id}")
def job(service: Held, reading: Answers, caller: Looks, job_id: JobId) -> JobRow:
    """How one job stands."""
    return row(_visible(service, reading, caller, job_id))


@router.get("/api/jobs/{job_id}/events", response_class=StreamingResponse, responses={200: {"content": {STREAM: {}}}})
async def progress(request: Request, service: Held, reading: Answers, caller: Looks, job_id: JobId) -> StreamingResponse:
    """Its progress as server-sent events: `progress` {what, done, total}, then `end` {state, error, result}."""
    _visible(service, reading, caller, job_id)
    return stream(with_heartbeat(_told(service, job_id)))


@router.delete("/api/jobs/{job_id}")
def cancel(service: Held, reading: Answers, caller: Annotated[Caller, needs("twins:write")], job_id: JobId) -> JobRow:
    """Ends a job: it is not begun, or its process is killed. What it had committed stays."""
    _visible(service, reading, caller, job_id)
    return row(service.jobs.cancel(job_id, caller.name))


def row(job: Job) -> JobRow:
    """A job as the API gives it."""
    return JobRow(**asdict(job))


def may_see(service: Service, reading: Reading, caller: Caller, job: Job) -> bool:
    """Whether a job is the caller's own, or of a twin that the caller may see."""
    twin = str(job.result.get("twin", job.twin))
    of = subject(service, reading, twin) if twin else None
    return caller.sees(of) if of is not None else job.actor == caller.name


def _visible(service: Service, reading: Reading, caller: Caller, job_id: str) -> Job:
    found: Job = service.jobs.state(job_id)
    if not may_see(service, reading, caller, found):
        raise UnknownError(f"no job {job_id}", where="jobs", remedy="list them: GET /api/jobs")
    return found


async def _told(service: Service, job_id: str) -> AsyncIterator[str]:
    async for now in service.jobs.progress(job_id):
        if now.over:
            yield event("end", {"state": now.state, "error": now.error, "result": dict(now.result)})
        else:
            yield event("progress", {"what": now.what, "done": now.done, "total": now.total, "state": now.state})

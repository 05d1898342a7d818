"""What was received and what became of it, and how the DICOM node does."""

import time
from collections.abc import Mapping
from contextlib import closing
from typing import Annotated, Any

from fastapi import APIRouter

from gemel.core.time import DAY_S, iso
from gemel.service.api.answers.jobs import NodeAnswer, PeerRow, Queue, ReceivedRow
from gemel.service.api.asked import Answers
from gemel.service.api.jobs import may_see, row
from gemel.service.node.routing_book import Routed, latest, open_book
from gemel.service.security.access import Caller, needs
from gemel.service.security.subjects import subject_of_row
from gemel.service.state import Held, Service

router = APIRouter(tags=["queue"])
SINCE_S = 14 * DAY_S
MOST = 200


@router.get("/api/queue")
def queue(service: Held, reading: Answers, caller: Annotated[Caller, needs("queue:read")]) -> Queue:
    """Series that came in the last two weeks, the newest first, with what a rule made of each; and the jobs."""
    jobs = [row(job) for job in service.jobs.listed()[:MOST] if may_see(service, reading, caller, job)]
    return Queue(_received(service, caller), jobs)


def _received(service: Service, caller: Caller) -> list[ReceivedRow]:
    if service.archive is None:
        return []
    found: list[Mapping[str, Any]] = service.archive.arrivals(time.time() - SINCE_S, settle_s=0.0)
    routed = _routed(service)
    rows = []
    for series in reversed(found[-MOST:]):
        subject = subject_of_row(service.guard.key, series)
        if caller.sees(subject):
            rows.append(_row(series, subject, routed.get(str(series["SeriesInstanceUID"]))))
    return rows


def _routed(service: Service) -> dict[str, Routed]:
    """What the node made of series, by UID; nothing where none ever ran."""
    if not (service.settings.folder / "node.db").is_file():
        return {}
    with closing(open_book(service.settings.folder)) as book:
        return {one.series: one for one in latest(book, MOST)}


def _row(series: Mapping[str, Any], subject: str, routed: Routed | None) -> ReceivedRow:
    told = routed or Routed("", "", "", "received")
    return ReceivedRow(
        series=str(series["SeriesInstanceUID"]),
        study=str(series["StudyInstanceUID"]),
        modality=str(series.get("Modality", "")),
        description=str(series.get("SeriesDescription", "")),
        patient=subject,
        objects=int(series["instances"]),
        at=iso(float(series["received_s"])),
        rule=told.rule,
        job=told.job,
        twin=told.twin,
        state=told.state,
        why=told.why,
    )


@router.get("/api/node", dependencies=[needs("node:read")])
def node(service: Held) -> NodeAnswer:
    """The DICOM node: what it has taken and refused since its start, and who was heard."""
    found: Mapping[str, Any] = service.node.status() if service.node is not None and hasattr(service.node, "status") else {}
    free = found.get("disk_free_bytes", service.archive.free_bytes() if service.archive is not None else 0)
    return NodeAnswer(
        aet=str(found.get("aet", service.settings.aet)),
        port=int(found.get("port", 0)),
        associations=int(found.get("associations", 0)),
        received=int(found.get("received", 0)),
        refused=int(found.get("refused", 0)),
        rate_per_s=float(found.get("rate_per_s", 0.0)),
        disk_free_bytes=int(free),
        peers=[PeerRow(str(peer["peer"]), iso(float(peer["last_s"])), int(peer["objects"])) for peer in found.get("peers", ())],
    )

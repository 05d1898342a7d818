"""What changes a twin: each is a job that names the version it rests on, carried out as the command line would, in the caller's name."""

from typing import Annotated, Any

from fastapi import APIRouter, Body
from pydantic import ConfigDict, Field, StringConstraints
from pydantic.dataclasses import dataclass

from gemel.core.errors import InputError, UnknownError
from gemel.service.api.answers.jobs import Asked
from gemel.service.api.asked import Expected, TwinId
from gemel.service.security.access import Caller, needs, require_machines
from gemel.service.security.subjects import SCANNERS, subject_of_row
from gemel.service.state import Held, Service

router = APIRouter(tags=["changes"])
STRICT = ConfigDict(extra="forbid", str_strip_whitespace=True)
PLAIN = r"^[^\x00]*$"
Line = Annotated[str, StringConstraints(max_length=200, pattern=PLAIN)]
Text = Annotated[str, StringConstraints(max_length=2000, pattern=PLAIN)]
Time = Annotated[str, StringConstraints(max_length=40, pattern=r"^[0-9T:+.Z -]*$"), Field(examples=["2026-01-31T08:30"])]
Uid = Annotated[str, StringConstraints(pattern=r"^[0-9]+(\.[0-9]+)*$", max_length=64), Field(examples=["1.2.840.113619.2.55.3"])]
KindName = Annotated[str, StringConstraints(pattern="^[a-z_]{1,32}$")]
OptionName = Annotated[str, StringConstraints(pattern="^[A-Za-z][A-Za-z0-9_]{0,63}$")]
"""Names of options carry units: `calibration_cps_MBq`."""
WRITE = needs("twins:write", patient="twin_id")
DECIDE = needs("twins:decide", patient="twin_id")


@dataclass(frozen=True, config=STRICT)
class DecideBody:
    """`override`: why to decide although the model's forecasts were not honest; it is recorded."""

    override: Text = ""


@dataclass(frozen=True, config=STRICT)
class PrepareBody:
    """How many plans to make for forecast anatomies."""

    k: Annotated[int, Field(ge=1, le=32)] = 8


@dataclass(frozen=True, config=STRICT)
class ActBody:
    """What a person chose and gave: `amount` in the plan's unit and `time` in ISO 8601 where they were not as planned."""

    plan: Annotated[Line, StringConstraints(min_length=1), Field(examples=["day-1"])]
    note: Text = ""
    another: bool = False
    amount: Annotated[float | None, Field(ge=0, le=1e9, allow_inf_nan=False)] = None
    time: Time = ""


@dataclass(frozen=True, config=STRICT)
class RetractBody:
    """Which entry, by version or hash, and why."""

    event: Annotated[str | int, Field(examples=["4"])]
    reason: Annotated[Text, StringConstraints(min_length=1), Field(examples=["contours of another patient"])]


@dataclass(frozen=True, config=STRICT)
class ObserveBody:
    """One series of the archive; of a study, its newest series that the twin's system may observe."""

    series: Uid | None = None
    study: Uid | None = None
    kind: KindName | None = None
    time: Time = ""


@dataclass(frozen=True, config=STRICT)
class NewBody:
    """The system, and series of the archive: told apart by their Modality, or by kind of input in `inputs`."""

    system: Annotated[KindName, Field(examples=["prostate"])]
    series: Annotated[list[Uid], Field(max_length=64)] = Field(default_factory=list)
    structures: Uid | None = None
    inputs: Annotated[dict[KindName, list[Uid]], Field(max_length=16)] = Field(default_factory=dict)
    names: Annotated[dict[Line, Line], Field(max_length=200)] = Field(default_factory=dict)
    options: Annotated[dict[OptionName, Any], Field(max_length=32)] = Field(default_factory=dict)
    time: Time = ""


@router.post("/api/twins/{twin_id}/decide", status_code=202)
def decide(
    service: Held, caller: Annotated[Caller, DECIDE], twin_id: TwinId, version: Expected, body: Annotated[DecideBody | None, Body()] = None
) -> Asked:
    """Ranks every plan on the newest scan."""
    return _asked(service, caller, "decide", twin_id, version, {"override": body.override if body else ""})


@router.post("/api/twins/{twin_id}/act", status_code=202)
def act(service: Held, caller: Annotated[Caller, DECIDE], twin_id: TwinId, version: Expected, body: ActBody) -> Asked:
    """Records the plan that a person chose and gave."""
    told = {"plan": body.plan, "note": body.note, "another": body.another, "amount": body.amount, "time": body.time}
    return _asked(service, caller, "act", twin_id, version, told)


@router.post("/api/twins/{twin_id}/retract", status_code=202)
def retract(
    service: Held,
    caller: Annotated[Caller, needs("twins:retract", patient="twin_id")],
    twin_id: TwinId,
    version: Expected,
    body: RetractBody,
) -> Asked:
    """Withdraws a wrong entry; what rested on it no longer counts."""
    event = str(body.event)
    if not (event.isascii() and event.isalnum() and len(event) <= 64):
        raise InputError(f"an entry {event[:40]!r}", where="event", remedy="name it by its version, or by its hash")
    return _asked(service, caller, "retract", twin_id, version, {"event": event, "reason": body.reason})


@router.post("/api/twins/{twin_id}/recompute", status_code=202)
def recompute(service: Held, caller: Annotated[Caller, WRITE], twin_id: TwinId, version: Expected) -> Asked:
    """Computes again what a withdrawal took down."""
    return _asked(service, caller, "recompute", twin_id, version, {})


@router.post("/api/twins/{twin_id}/prepare", status_code=202)
def prepare(
    service: Held, caller: Annotated[Caller, WRITE], twin_id: TwinId, version: Expected, body: Annotated[PrepareBody | None, Body()] = None
) -> Asked:
    """Makes the library of plans for the anatomies to come; minutes."""
    return _asked(service, caller, "prepare", twin_id, version, {"k": body.k if body else 8})


@router.post("/api/twins/{twin_id}/observe", status_code=202)
def observe(service: Held, caller: Annotated[Caller, WRITE], twin_id: TwinId, version: Expected, body: ObserveBody) -> Asked:
    """A scan of the archive, measured, assimilated and held against its forecast."""
    row = _series(service, caller, body)
    kind = body.kind or f"modality:{row.get('Modality', '')}"
    told = {"series": {kind: [row["SeriesInstanceUID"]]}, "kind": body.kind, "time": body.time}
    return _asked(service, caller, "observe", twin_id, version, told)


@router.post("/api/twins", status_code=202)
def new(service: Held, caller: Annotated[Caller, needs("twins:write")], body: NewBody) -> Asked:
    """A twin made of series of the archive."""
    if body.system in SCANNERS:
        require_machines(caller)
    series: dict[str, list[str]] = {}
    for kind, uids in (*body.inputs.items(), *((("structures", [body.structures]),) if body.structures else ())):
        series.setdefault(kind, []).extend(_visible(service, caller, uid)["SeriesInstanceUID"] for uid in uids)
    for uid in body.series:
        row = _visible(service, caller, uid)
        series.setdefault(f"modality:{row.get('Modality', '')}", []).append(uid)
    if not series:
        raise InputError("a twin of nothing", where="series", remedy="name the series of the archive that it begins with")
    told = {"system": body.system, "series": series, "names": dict(body.names), "options": dict(body.options), "time": body.time}
    return Asked(service.jobs.submit("new", told, actor=caller.name))


def _asked(service: Service, caller: Caller, verb: str, twin: str, version: int, told: dict[str, Any]) -> Asked:
    return Asked(service.jobs.submit(verb, {"twin": twin, "version": version, **told}, actor=caller.name))


def _series(service: Service, caller: Caller, body: ObserveBody) -> dict[str, str]:
    """The series that was named, or the newest image series of a study."""
    if body.series:
        return _visible(service, caller, body.series)
    if not body.study:
        raise InputError("neither series nor study", where="observe", remedy="name one of the archive: GET /api/queue lists them")
    rows = _archive(service).find("series", {"StudyInstanceUID": body.study}, limit=100, offset=0)
    rows = [row for row in rows if caller.sees(subject_of_row(service.guard.key, row))]
    images = [dict(row) for row in rows if row.get("Modality") not in ("RTSTRUCT", "RTPLAN", "RTDOSE", "SR", "REG")]
    if not images:
        raise UnknownError(f"no images of study {body.study} that you may use", where="the archive", remedy="send them first")
    newest = max(images, key=lambda row: (row.get("SeriesDate", ""), row.get("SeriesInstanceUID", "")))
    return newest


def _visible(service: Service, caller: Caller, uid: str) -> dict[str, str]:
    """A series of a patient whom the caller may see. Raises UnknownError: what is not to be seen is not there."""
    rows = _archive(service).find("series", {"SeriesInstanceUID": uid}, limit=2, offset=0)
    if len(rows) != 1 or not caller.sees(subject_of_row(service.guard.key, rows[0])):
        raise UnknownError(f"no series {uid} that you may use", where="the archive", remedy="send it first; GET /api/queue lists what came")
    return dict(rows[0])


def _archive(service: Service) -> Any:
    if service.archive is None:
        raise InputError("no archive in this service", where="series", remedy="start it with one")
    return service.archive

"""Answers about jobs, and about what was received."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Asked:
    """The job that carries out what was asked for: GET /api/jobs/{job}."""

    job: str


@dataclass(frozen=True)
class JobRow:
    """A job: `state` is waiting, running, done or failed; `done` of `total` of `what`; `result`: the twin, its version, and what came."""

    id: str
    verb: str
    twin: str
    actor: str
    state: str
    what: str
    done: int
    total: int
    since: str
    ended: str
    error: str
    result: dict[str, str | int]


@dataclass(frozen=True)
class JobRows:
    """Jobs of twins that the caller may see, the newest first."""

    jobs: list[JobRow]


@dataclass(frozen=True)
class ReceivedRow:
    """A series that came: of whom (pseudonymous key), how many objects, what a rule made of it."""

    series: str
    study: str
    modality: str
    description: str
    patient: str
    objects: int
    at: str
    rule: str
    job: str
    twin: str
    state: str
    why: str


@dataclass(frozen=True)
class Queue:
    """What was received, and what is being worked on."""

    received: list[ReceivedRow]
    jobs: list[JobRow]


@dataclass(frozen=True)
class PeerRow:
    """Another system that was heard: when last, and how many objects it sent."""

    peer: str
    last: str
    objects: int


@dataclass(frozen=True)
class NodeAnswer:
    """The DICOM node: its name and port (0: none runs), what it has taken and refused, the room on the disk, the systems it heard."""

    aet: str
    port: int
    associations: int
    received: int
    refused: int
    rate_per_s: float
    disk_free_bytes: int
    peers: list[PeerRow]

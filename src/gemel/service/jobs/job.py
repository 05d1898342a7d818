"""A job: something that a person asked for and that takes longer than an answer may."""

from dataclasses import dataclass, replace
from typing import Literal

State = Literal["waiting", "running", "done", "failed"]
ENDED = ("done", "failed")


@dataclass(frozen=True)
class Job:
    """What was asked (`verb`, of which twin, by whom), how far it is (`done` of `total` of `what`), and how it ended.

    `since`: ISO 8601, when it was asked for. `result`: the twin that was made or changed, and its version; empty until then.
    """

    id: str
    verb: str
    twin: str
    actor: str
    state: State
    what: str
    done: int
    total: int
    since: str
    ended: str
    error: str
    result: dict[str, str | int]

    @property
    def over(self) -> bool:
        """Whether nothing will happen to it any more."""
        return self.state in ENDED


def told(job: Job, what: str, done: int, total: int) -> Job:
    """The job, farther on."""
    return replace(job, what=what, done=done, total=total)

"""Work that the service does while one waits."""

from dataclasses import dataclass
from typing import Any

from gemel.service.client.answer import Json

ENDED = ("done", "failed")


@dataclass(frozen=True)
class Job:
    """A verb under way: `state` is waiting, running, done or failed; `what` of `total`; `error` in words when it failed."""

    id: str
    verb: str
    state: str
    what: str
    done: int
    total: int
    error: str
    result: Any

    @property
    def ended(self) -> bool:
        """Whether nothing more will come."""
        return self.state in ENDED


def job_of(row: Json) -> Job:
    """A job from the service's JSON; what it leaves out is empty."""
    words = {name: str(row.get(name) or "") for name in ("id", "verb", "state", "what", "error")}
    return Job(**words, done=int(row.get("done") or 0), total=int(row.get("total") or 0), result=row.get("result"))

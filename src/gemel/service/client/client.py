"""A client of one service: reads give JSON, writes name the version they rest on and give a job."""

import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from gemel.core.errors import InputError, StoreError, TaskError
from gemel.service.client.answer import Json, body, refused
from gemel.service.client.job import Job, job_of

PAGE = 200


@dataclass(frozen=True)
class Client:
    """`Client("http://127.0.0.1:8080", token=...)`, in a `with` block. Every method raises the error that the service tells, in its words.

    `transport`: another way to the service than the network. `ca`: file of the authority that signed the service's certificate, when the
    system does not know it.
    """

    url: str
    token: str = field(repr=False)
    timeout_s: float = 60.0
    ca: str = ""
    transport: httpx.BaseTransport | None = field(default=None, repr=False)
    http: httpx.Client = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise InputError(f"the address {self.url!r}", where="Client", remedy="write http://127.0.0.1:8080, or https://…")
        headers = {"Authorization": f"Bearer {self.token}", "Accept": "application/json"}
        told: dict[str, Any] = {"headers": headers, "timeout": self.timeout_s, "transport": self.transport}
        if self.ca:
            told["verify"] = ssl.create_default_context(cafile=self.ca)
        object.__setattr__(self, "http", httpx.Client(base_url=self.url, **told))

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.http.close()

    def twins(self, system: str = "", q: str = "") -> Iterator[Json]:
        """Every twin that the token may see: id, system, badge, version, last scan, alarms."""
        offset = 0
        while True:
            found = self.get("/api/twins", limit=PAGE, offset=offset, system=system, q=q)
            yield from found["twins"]
            offset += len(found["twins"])
            if not found["twins"] or offset >= int(found["total"]):
                return

    def twin(self, twin_id: str, *, as_of: str = "", known_at: str = "") -> Json:
        """What the twin believes and expects next; `as_of` and `known_at` (ISO 8601): as it was."""
        return self.get(f"/api/twins/{_name(twin_id)}", as_of=as_of, known_at=known_at)

    def events(self, twin_id: str) -> Json:
        """The history of a twin in words."""
        return self.get(f"/api/twins/{_name(twin_id)}/events")

    def charts(self, twin_id: str) -> Json:
        """Charts and tables as numbers."""
        return self.get(f"/api/twins/{_name(twin_id)}/charts")

    def decision(self, twin_id: str) -> Json:
        """The newest decision: options, probabilities, what binds, the reason; empty before one."""
        return self.get(f"/api/twins/{_name(twin_id)}/decision")

    def ledger(self, by: str = "model") -> Json:
        """How forecasts stood up against what came."""
        return self.get("/api/ledger", by=by)

    def images(self, twin_id: str) -> Json:
        """The volumes of a twin, each with the `url` that `save` takes."""
        return self.get(f"/api/twins/{_name(twin_id)}/images")

    def save(self, url: str, path: Path) -> Path:
        """Writes a volume (NIfTI, gzip) or another file of the service to `path`; whole or not at all."""
        part = path.with_name(f"{path.name}.part")
        try:
            with _reached(self.url), self.http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as reply:
                if reply.is_error:
                    reply.read()
                    raise refused(reply)
                with part.open("wb") as file:
                    file.writelines(reply.iter_bytes())
            return part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def plans(self, twin_id: str) -> Json:
        """The plans that `act` takes."""
        return self.get(f"/api/twins/{_name(twin_id)}/plans")

    def begin(self, system: str, series: Sequence[str] = (), **asked: Any) -> Job:
        """Asks for a twin made of received series; the job's `result` names it."""
        return self._asked("/api/twins", {"system": system, "series": list(series), **asked}, {})

    def decide(self, twin_id: str, *, version: int | None = None) -> Job:
        """Asks for a decision on the newest scan."""
        return self.do(twin_id, "decide", version)

    def act(self, twin_id: str, plan: str, note: str = "", *, version: int | None = None) -> Job:
        """Records the plan that a person chose and gave."""
        return self.do(twin_id, "act", version, plan=plan, note=note)

    def retract(self, twin_id: str, event: str, reason: str, *, version: int | None = None) -> Job:
        """Withdraws a wrong entry."""
        return self.do(twin_id, "retract", version, event=event, reason=reason)

    def do(self, twin_id: str, verb: str, version: int | None = None, **asked: Any) -> Job:
        """A verb on the twin at the version that one looked at, refused with ConflictError when it has changed; None: as it is now."""
        mark = f'"{self.twin(twin_id)["version"] if version is None else version}"'
        return self._asked(f"/api/twins/{_name(twin_id)}/{verb}", asked, {"If-Match": mark})

    def _asked(self, place: str, asked: Json, headers: Mapping[str, str]) -> Job:
        with _reached(self.url):
            reply = self.http.post(place, json=asked, headers=headers)
        return self.job(str(body(reply)["job"]))

    def cancel(self, job: Job) -> Job:
        """Ends a job; what it had committed stays."""
        with _reached(self.url):
            reply = self.http.delete(f"/api/jobs/{_name(job.id)}")
        return job_of(body(reply))

    def job(self, job_id: str) -> Job:
        """How a job stands."""
        return job_of(self.get(f"/api/jobs/{_name(job_id)}"))

    def wait(self, job: Job, timeout_s: float = 3600.0, *, every_s: float = 0.5, progress: Callable[[Job], None] | None = None) -> Job:
        """The job once it is done. Raises TaskError with its words when it failed, StoreError when it takes longer than `timeout_s`."""
        until = time.monotonic() + timeout_s
        while not (now := self.job(job.id)).ended:
            if time.monotonic() > until:
                raise StoreError(f"a job that still runs after {timeout_s:g} s", where=job.id, remedy="wait longer, or look at /api/jobs")
            if progress:
                progress(now)
            time.sleep(every_s)
        if now.state == "failed":
            raise TaskError(now.error or "a job that failed without a word", where=f"{now.verb} {now.id}", remedy="mend its cause, repeat")
        return now

    def get(self, path: str, **asked: Any) -> Json:
        """Any other address of the service, as JSON; empty arguments are left out."""
        with _reached(self.url):
            reply = self.http.get(path, params={name: value for name, value in asked.items() if value != ""})
        return body(reply)


class _reached:
    """Turns a connection that fails into an error that names the address."""

    def __init__(self, url: str) -> None:
        self.url = url

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, httpx.HTTPError):
            remedy = "is `gemel serve` running there, and is the address right?"
            raise StoreError(f"no answer ({error or type(error).__name__})", where=self.url, remedy=remedy) from error


def _name(text: str) -> str:
    return quote(text, safe="")

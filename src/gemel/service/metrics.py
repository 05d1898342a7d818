"""What is counted of the service, in Prometheus' text format, and one line a request in the log: never a query, never a name."""

import logging
import time
from collections import Counter
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOG = logging.getLogger("gemel.access")
BOUNDS_S = (0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 5.0)
PAGE_BYTES = 4096


@dataclass
class Metrics:
    """Counts since the start. One event loop alone writes them."""

    answers: Counter[int] = field(default_factory=Counter)
    within: Counter[float] = field(default_factory=Counter)
    seconds: float = 0.0
    under_way: int = 0


@dataclass(frozen=True)
class Metered:
    """The outermost layer: counts and logs every answer, refusals too."""

    app: ASGIApp
    metrics: Metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        began_s, status = time.perf_counter(), 0

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                count(self.metrics, status, time.perf_counter() - began_s)
            await send(message)

        self.metrics.under_way += 1
        try:
            await self.app(scope, receive, watch)
        finally:
            self.metrics.under_way -= 1
            LOG.info("%s %s %s %.0f ms", scope["method"], printable(scope["path"]), status, 1000 * (time.perf_counter() - began_s))


def count(metrics: Metrics, status: int, seconds: float) -> None:
    """Counts an answer whose first byte took so long."""
    metrics.answers[status] += 1
    metrics.seconds += seconds
    metrics.within[next((bound for bound in BOUNDS_S if seconds <= bound), float("inf"))] += 1


def printable(path: str) -> str:
    """A path in one line of the log, whatever was in it; a login link is a query and is not."""
    return path.encode("unicode_escape").decode("ascii")[:300]


def exposition(metrics: Metrics, gauges: dict[str, float]) -> str:
    """The counts as text (prometheus.io/docs/instrumenting/exposition_formats)."""
    lines = ["# TYPE gemel_http_answers_total counter"]
    lines += [f'gemel_http_answers_total{{status="{status}"}} {number}' for status, number in sorted(metrics.answers.items())]
    lines.append("# TYPE gemel_http_first_byte_seconds histogram")
    total = 0
    for bound in (*BOUNDS_S, float("inf")):
        total += metrics.within[bound]
        lines.append(f'gemel_http_first_byte_seconds_bucket{{le="{"+Inf" if bound == float("inf") else bound}"}} {total}')
    lines += [f"gemel_http_first_byte_seconds_sum {metrics.seconds:.6f}", f"gemel_http_first_byte_seconds_count {total}"]
    for name, value in {"gemel_http_under_way": float(metrics.under_way), **gauges}.items():
        lines += [f"# TYPE {name} gauge", f"{name} {value:g}"]
    return "\n".join(lines) + "\n"


def resident_bytes() -> float:
    """Memory of this process, bytes; 0 where the system does not say (proc_pid_statm(5))."""
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            return float(file.read().split()[1]) * PAGE_BYTES
    except OSError:
        return 0.0

"""How many requests a second: a bucket for each peer and each caller that fills steadily (Turner 1986, IEEE Commun Mag 24(10):8)."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

from starlette.types import ASGIApp, Receive, Scope, Send

from gemel.service.problems import problem

MOST_KEPT = 10_000


@dataclass(frozen=True)
class Rates:
    """Buckets by name: what is in each, and when that was; the longest unused are forgotten."""

    per_s: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    buckets: "OrderedDict[str, tuple[float, float]]" = field(default_factory=OrderedDict)
    turn: Lock = field(default_factory=Lock)

    def take(self, name: str) -> bool:
        """Takes one; False when the bucket is empty."""
        now = self.clock()
        with self.turn:
            level, then = self.buckets.pop(name, (float(self.burst), now))
            level = min(self.burst, level + (now - then) * self.per_s)
            self.buckets[name] = (level - 1 if level >= 1 else level, now)
            if len(self.buckets) > MOST_KEPT:
                self.buckets.popitem(last=False)
        return level >= 1


@dataclass(frozen=True)
class Rated:
    """The layer around an application: a peer that asks too fast is told to wait."""

    app: ASGIApp
    rates: Rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        peer = (scope.get("client") or ("",))[0]
        if scope["type"] == "http" and not self.rates.take(f"peer {peer}"):
            answer = problem(429, "too many requests at once")
            answer.headers["Retry-After"] = "1"
            await answer(scope, receive, send)
            return
        await self.app(scope, receive, send)

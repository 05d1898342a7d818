"""What one running service holds, handed to every route."""

import time
from asyncio import Semaphore
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, Request

from gemel.service.security.audit import Audit
from gemel.service.security.guard import Guard
from gemel.service.security.throttle import FREE_OF_PEER, Throttle
from gemel.service.settings import Settings
from gemel.store import Store

if TYPE_CHECKING:
    from gemel.service.security.oidc import Provider


@dataclass(frozen=True)
class Service:
    """The record and what stands beside it, open for as long as the service runs: received objects, jobs, node, accounts, audit log."""

    settings: Settings
    store: Store
    guard: Guard
    audit: Audit
    provider: "Provider | None" = None
    archive: Any = None
    jobs: Any = None
    node: Any = None
    work: Any = None
    told: Any = None  # what EHRs said of numbers and bodies
    throttle: Throttle = field(default_factory=Throttle)
    crowd: Throttle = field(default_factory=lambda: Throttle(free=FREE_OF_PEER))  # the same by address
    guessing: Semaphore = field(default_factory=lambda: Semaphore(2))  # passwords looked at at once: 64 MiB each
    since_s: float = field(default_factory=time.time)


async def held(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


Held = Annotated[Service, Depends(held)]

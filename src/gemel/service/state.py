"""What one running service holds, handed to every route."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request

from gemel.service.settings import Settings
from gemel.store import Store


@dataclass(frozen=True)
class Service:
    """The record and what stands beside it, open for as long as the service runs."""

    settings: Settings
    store: Store


def held(request: Request) -> Service:
    """The service that a request came to."""
    service: Service = request.app.state.service
    return service


Held = Annotated[Service, Depends(held)]

"""The application: one FastAPI over one record; every router that is installed, behind the one gate."""

from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI

from gemel import __version__
from gemel.service.metrics import Metrics
from gemel.service.opening import open_service
from gemel.service.problems import speak
from gemel.service.security.access import require_guarded
from gemel.service.security.layers import layered
from gemel.service.security.rates import Rates
from gemel.service.settings import Settings

ROUTERS = (
    "gemel.service.health",
    "gemel.service.security.routes",
    "gemel.service.security.oidc_routes",
    "gemel.service.security.administration",
    "gemel.service.security.audit_routes",
    "gemel.service.api",
    "gemel.service.dicomweb",
    "gemel.service.node.worklist_routes",
    "gemel.service.fhir",
    "gemel.service.page",  # last: it answers every address that is left
)


WRONG_PER_S = 0.1, 50
"""Wrong credentials of a peer that get a row of the audit log: a second, and at once."""


def create_app(settings: Settings) -> FastAPI:
    """The application, which opens what it needs when it starts and closes it when it ends.

    Raises ConformanceError for a route without a gate.
    """

    @asynccontextmanager
    async def open_while_running(app: FastAPI) -> AsyncIterator[None]:
        with ExitStack() as open_things:
            app.state.service = open_service(settings, open_things)
            yield

    app = FastAPI(title="gemel", version=__version__, lifespan=open_while_running, openapi_url=None, docs_url=None, redoc_url=None)
    for name in ROUTERS:
        for router in routers(name):
            app.include_router(router)
    speak(app, settings)
    app.state.gates = require_guarded(app)
    app.state.rates = Rates(settings.limits.requests_per_s, settings.limits.burst)
    app.state.unknown = Rates(*WRONG_PER_S)
    app.state.metrics = Metrics()
    app.middleware_stack = layered(app.build_middleware_stack(), settings, app.state.rates, app.state.metrics)
    return app


def routers(name: str) -> list[Any]:
    """The router of a module; none when that part is not installed."""
    parent = name.rpartition(".")[0]
    if find_spec(parent) is None or find_spec(name) is None:
        return []
    module = import_module(name)
    return [module.router] if hasattr(module, "router") else list(getattr(module, "routers", ()))

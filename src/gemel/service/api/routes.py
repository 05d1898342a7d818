"""All routes of the JSON API, and what they share while the service runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI

from gemel.service.api import decisions, events, evidence, jobs, pictures, received, reports, twins, writes
from gemel.service.api.ahead import looking_ahead
from gemel.service.api.events import News
from gemel.service.api.reading import open_reading
from gemel.service.state import Service

PARTS = (twins, pictures, reports, decisions, writes, jobs, events, evidence, received)


@asynccontextmanager
async def answering(app: FastAPI) -> AsyncIterator[None]:
    """Who computes answers, for as long as the service runs; its children start when somebody looks."""
    service: Service = app.state.service
    app.state.reading = open_reading(service.store, service.settings.store, service.settings.folder)
    app.state.news = News(app.state.reading)
    try:
        async with looking_ahead(app.state.reading, service.settings.ahead):
            yield
    finally:
        app.state.reading.close()


router = APIRouter(lifespan=answering)
for part in PARTS:
    router.include_router(part.router)

"""The application: one FastAPI over one record."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from gemel import store
from gemel.service.settings import Settings
from gemel.service.state import Service


def create_app(settings: Settings) -> FastAPI:
    """The application, which opens the record when it starts and closes it when it ends."""

    @asynccontextmanager
    async def open_while_running(app: FastAPI) -> AsyncIterator[None]:
        with store.open(settings.store) as record:
            app.state.service = Service(settings, record)
            yield

    return FastAPI(title="gemel", lifespan=open_while_running)

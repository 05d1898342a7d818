"""Server-sent events (HTML Living Standard, §9.2): text that a browser follows, with a heartbeat so that dead peers are noticed."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from typing import Any

from fastapi.responses import StreamingResponse

STREAM = "text/event-stream"
BEAT_s = 15.0
BEAT = ": still here\n\n"


def event(name: str, data: Mapping[str, Any], id: str = "") -> str:
    """One event."""
    numbered = f"id: {id}\n" if id else ""
    return f"{numbered}event: {name}\ndata: {json.dumps(data)}\n\n"


def stream(events: AsyncIterator[str]) -> StreamingResponse:
    """The answer that sends events as they come; no proxy is to hold them back."""
    return StreamingResponse(events, media_type=STREAM, headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})


async def with_heartbeat(events: AsyncIterator[str], beat_s: float = BEAT_s) -> AsyncIterator[str]:
    """The events, and a comment whenever none came for `beat_s`."""
    pending: asyncio.Future[str] | None = None
    try:
        while True:
            pending = pending or asyncio.ensure_future(anext(events))
            done, _ = await asyncio.wait((pending,), timeout=beat_s)
            if not done:
                yield BEAT
                continue
            ended, pending = pending, None
            try:
                yield ended.result()
            except StopAsyncIteration:
                return
    finally:
        if pending is not None:
            pending.cancel()
            with suppress(asyncio.CancelledError, StopAsyncIteration):
                await pending

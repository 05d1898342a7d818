"""The layer that lets no answer leave before the audit log has it: without a row, 503 and no body."""

import asyncio
import logging
import time
from dataclasses import dataclass
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gemel.core.errors import StoreError
from gemel.service.metrics import printable
from gemel.service.problems import problem
from gemel.service.security.access import PASSED, PUBLIC, SELF, UNKNOWN, Access
from gemel.service.security.audit import Entry
from gemel.service.security.identity import SAFE

LOG = logging.getLogger("gemel.audit")
FIRST_WITHOUT_DATA = 300
STREAM, STREAM_S = b"text/event-stream", 900.0
"""A stream of events ends after a quarter of an hour at the latest; the browser asks again, and whether it may is looked at again."""
WITHOUT_PATIENTS = frozenset({PUBLIC, SELF, "models:read", "scanners:read", "node:read"})


@dataclass(frozen=True)
class Audited:
    """Around an application: waits for the row of a request before its first byte leaves, and again when a stream shows more patients."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":  # no gate stands before one: uvicorn gives none, and no other server shall
            await send({"type": "websocket.close", "code": 1008})
            return
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        leaving = Leaving(scope, receive, send)
        await self.app(scope, receive, leaving.let)


@dataclass
class Leaving:
    """An answer on its way out."""

    scope: Scope
    receive: Receive
    send: Send
    status: int = 0
    kept_back: bool = False
    until_s: float = float("inf")

    async def let(self, message: Message) -> None:
        """Sends the next part once it may leave; a stream that has begun and may not go on is cut by StoreError."""
        if self.kept_back:
            return
        if message["type"] == "http.response.start" and (b"content-type", STREAM) in [(n, v[: len(STREAM)]) for n, v in message["headers"]]:
            self.until_s = time.monotonic() + STREAM_S
        access: Access | None = self.scope.get(PASSED)
        if await self._ended(access):
            self.kept_back = True
            await self.send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        self.status = message.get("status", self.status)
        if access is None and self.status < FIRST_WITHOUT_DATA:
            LOG.error("an answer of no gate: %s", printable(self.scope["path"]))
            await self._keep_back()
            return
        if access is not None and due(self.scope["method"], access, self.status) and not self._flood(access):
            try:
                await asyncio.wrap_future(self.scope["app"].state.service.audit.write(entry(self.scope, access, self.status)))
            except StoreError as error:
                LOG.error("%s", error)
                if message["type"] != "http.response.start":
                    raise
                await self._keep_back()
                return
            access.written = len(access.subjects) + 1
        await self.send(message)

    async def _ended(self, access: Access | None) -> bool:
        """Whether a stream is over: too old, or its caller signed out, or may no longer see what it shows."""
        if self.until_s == float("inf") or not self.status:
            return False
        return time.monotonic() > self.until_s or (access is not None and not await run_in_threadpool(access.still))

    def _flood(self, access: Access) -> bool:
        """Whether a peer's wrong credentials are one of so many that a row each would fill the disk."""
        peer = (self.scope.get("client") or ("",))[0]
        return access.user == UNKNOWN and not self.scope["app"].state.unknown.take(f"peer {peer}")

    async def _keep_back(self) -> None:
        self.kept_back = True
        await problem(503, "nothing is shown that cannot be written to the audit log")(self.scope, self.receive, self.send)


def due(method: str, access: Access, status: int) -> bool:
    """Whether a row is due: once for what touches patients, changes something or is refused to somebody; again for more patients."""
    if access.written:
        return len(access.subjects) + 1 > access.written
    if status in (401, 403, 404) and access.user:
        return True
    return bool(access.subjects) or access.action not in WITHOUT_PATIENTS or (method not in SAFE and access.action != SELF)


def entry(scope: Scope, access: Access, status: int) -> Entry:
    """The row of a request; of a stream, the patients that are new."""
    peer: Any = scope.get("client") or ("", 0)
    new = tuple(access.subjects)[max(access.written - 1, 0) :]
    return Entry(
        access.user, access.action, str(status), new, access.purpose, access.by, str(peer[0]), f"{scope['method']} {scope['path']}"
    )

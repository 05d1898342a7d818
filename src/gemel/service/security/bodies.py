"""The layer that bounds what is sent: a length that is claimed, bytes that come, and how slowly they may come."""

import asyncio
import time
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gemel.service.problems import problem
from gemel.service.settings import Limits

LARGE = {"/dicom-web": "stow_bytes", "/fhir": "fhir_bytes"}


@dataclass(frozen=True)
class Bounded:
    """Around an application."""

    app: ASGIApp
    limits: Limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request: a length above the limit is refused before a byte is read; a body that grows above it, or stalls, is cut.

        One that states its length twice, which a proxy may read another way, is refused (RFC 9112 §6.1).
        """
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        most, headers = most_bytes(self.limits, scope["path"]), Headers(scope=scope)
        told = None if {"content-length", "transfer-encoding"} <= set(headers) else claimed(headers.get("content-length"))
        if told is None or told > most:
            status, words = (400, "a Content-Length that is no length") if told is None else (413, too_large(told, most))
            answer = problem(status, words)
            answer.headers["Connection"] = "close"
            await answer(scope, receive, send)
            return
        await self.app(scope, bounded(receive, self.limits, most), send)


def most_bytes(limits: Limits, path: str) -> int:
    """The largest body that an address takes, bytes."""
    name = next((name for prefix, name in LARGE.items() if path == prefix or path.startswith(f"{prefix}/")), "body_bytes")
    return int(getattr(limits, name))


def claimed(text: str | None) -> int | None:
    """The length that a header claims, bytes; 0 without one, None for what is no length."""
    if text is None:
        return 0
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None


def too_large(found: int, most: int) -> str:
    """The words for a body that is too large."""
    return f"a body of {found:,} bytes where {most:,} are the most"


def bounded(receive: Receive, limits: Limits, most: int) -> Receive:
    """A receive that counts, and that waits for the next bytes only as long as the least rate allows; raises HTTPException 413 or 408."""
    come, since_s, whole = 0, time.monotonic(), False

    async def receive_some() -> Message:
        nonlocal come, whole
        if whole:
            return await receive()  # now it waits for the peer to leave, however long
        left_s = since_s + limits.body_s + come / limits.least_bytes_s - time.monotonic()
        try:
            message = await asyncio.wait_for(receive(), max(left_s, 0.001))
        except TimeoutError as error:
            raise HTTPException(408, "a body that came too slowly", headers={"Connection": "close"}) from error
        come += len(message.get("body", b""))
        whole = message["type"] != "http.request" or not message.get("more_body", False)
        if come > most:
            raise HTTPException(413, too_large(come, most), headers={"Connection": "close"})
        return message

    return receive_some

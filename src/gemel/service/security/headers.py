"""The layer of headers: what a browser may load and send, who may frame it, and that patients' data are not kept by caches.

Content Security Policy Level 3 (W3C); Fetch's Cross-Origin-Resource-Policy; RFC 6797 (HSTS); RFC 9111 (caching).
"""

from dataclasses import dataclass

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PAGE = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' blob: data:",  # pictures that the page draws itself and offers for download
        "base-uri 'none'",
        "object-src 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
DATA = "default-src 'none'; frame-ancestors 'none'; sandbox"
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}
YEAR_S = 31_536_000
OF_THE_PAGE = ("text/html", "text/javascript", "application/javascript")


@dataclass(frozen=True)
class Headers:
    """Around an application; `tls`: whether it is reached by TLS alone."""

    app: ASGIApp
    tls: bool

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def send_with(message: Message) -> None:
            if message["type"] == "http.response.start":
                add(MutableHeaders(raw=message.setdefault("headers", [])), self.tls)
            await send(message)

        await self.app(scope, receive, send_with)


def add(headers: MutableHeaders, tls: bool) -> None:
    """Adds what every answer carries; a cache rule that a route chose stays."""
    headers.update(ALWAYS)
    kind = headers.get("content-type", "").partition(";")[0].strip()
    file = headers.get("content-disposition", "").startswith("attachment")
    headers["Content-Security-Policy"] = PAGE if kind in OF_THE_PAGE and not file else DATA
    headers.setdefault("Cache-Control", "no-store")
    if tls:
        headers["Strict-Transport-Security"] = f"max-age={YEAR_S}"

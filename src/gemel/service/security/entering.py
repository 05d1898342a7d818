"""The moment of coming in: a new session in a cookie, and the row that says so."""

from fastapi import Request, Response

from gemel.service.security import sessions
from gemel.service.security.audit import Entry
from gemel.service.state import Service


def entered(request: Request, service: Service, name: str, response: Response) -> str:
    """Puts the cookie of a new session on the answer and returns its secret; a session that came with the request ends (no fixation)."""
    earlier = request.cookies.get(sessions.COOKIE)
    if earlier:
        sessions.end(service.guard, earlier)
    made = sessions.begin(service.guard, name)
    secure, lasts = service.settings.tls is not None, int(service.guard.times.absolute_s)
    response.set_cookie(sessions.COOKIE, made, max_age=lasts, httponly=True, samesite="strict", secure=secure, path="/")
    return made


def log(service: Service, request: Request, user: str, action: str, outcome: str, detail: str = "") -> None:
    """Writes who came, went or was refused to the audit log, and waits for it. Call it off the event loop."""
    peer = request.client.host if request.client else ""
    service.audit.now(Entry(user, action, outcome, peer=peer, place=request.url.path, detail=detail))

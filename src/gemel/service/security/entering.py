"""The moment of coming in: a new session in a cookie, and the row that says so."""

from fastapi import Request, Response

from gemel.service.security import sessions
from gemel.service.security.audit import Entry
from gemel.service.security.identity import cookie_of
from gemel.service.state import Service


def entered(request: Request, service: Service, account: str, response: Response) -> str:
    """Puts the cookie of a new session on the answer and returns its secret; a session that came with the request ends (no fixation)."""
    if earlier := cookie_of(request):
        sessions.end(service.guard, earlier)
    made = sessions.begin(service.guard, account)
    name, lasts = sessions.cookie_name(request.url.scheme), int(service.guard.times.absolute_s)
    response.set_cookie(name, made, max_age=lasts, httponly=True, samesite="strict", secure=name == sessions.OVER_TLS, path="/")
    return made


def log(service: Service, request: Request, user: str, action: str, outcome: str, detail: str = "") -> None:
    """Writes who came, went or was refused to the audit log, and waits for it. Call it off the event loop."""
    peer = request.client.host if request.client else ""
    service.audit.now(Entry(user, action, outcome, peer=peer, place=request.url.path, detail=detail))

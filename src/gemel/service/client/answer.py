"""What the service answered, or the error it told in words."""

from collections.abc import Mapping
from typing import Any

import httpx

from gemel.core.errors import ConflictError, GemelError, InputError, StoreError

Json = Mapping[str, Any]
UNKNOWN = 401  # the service speaks to a person at its page; a program has a token
KINDS: Mapping[int, type[GemelError]] = {409: ConflictError, 412: ConflictError, 428: ConflictError, 500: StoreError, 503: StoreError}


def refused(reply: httpx.Response) -> GemelError:
    """The error of a reply that is none of success (RFC 9457): InputError, ConflictError when another was first, StoreError for a fault of
    the service. A proxy's reply, which is no problem document, is told by its status.
    """
    try:
        problem = reply.json()
    except ValueError:
        problem = {}
    told: Json = problem if isinstance(problem, dict) else {}
    found = str(told.get("detail") or told.get("title") or f"status {reply.status_code} {reply.reason_phrase}")
    remedy = str(told.get("remedy") or "") if reply.status_code != UNKNOWN else ""
    found = found.removesuffix(f" — {told.get('remedy')}")  # the service's detail says both
    where = str(told.get("where") or reply.request.url.path)
    return KINDS.get(reply.status_code, InputError)(found, where=where, remedy=remedy or _remedy(reply.status_code))


def _remedy(status: int) -> str:
    told = {
        401: "give a token that is valid: gemel user token NAME",
        403: "ask for the right, or for a care relationship with this patient",
        404: "list what there is: Client.twins()",
        412: "read the twin again, then repeat",
        429: "wait a little, then repeat",
    }
    return told.get(status, "look at the service's log")


def body(reply: httpx.Response) -> Json:
    """The JSON object of a reply, empty for null. Raises the error that the service told, StoreError for a server that is not gemel."""
    if reply.is_error:
        raise refused(reply)
    try:
        found = reply.json()
    except ValueError:
        found = reply.text
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise StoreError("a reply that is no JSON object", where=str(reply.request.url), remedy="is this the address of `gemel serve`?")
    return found

"""The resources of what was sent: a Bundle, one resource, or one a line; each checked, with what its request asks for. HL7 FHIR R4."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl

from gemel.core.errors import InputError
from gemel.io.fhir.checked import Resource, checked
from gemel.io.fhir.person import mapping, rows

MOST = 2000
METHODS = ("POST", "PUT")
PLACE = re.compile(r"(?P<kind>[A-Za-z]+)(?:/(?P<id>[A-Za-z0-9\-.]{1,64}))?(?:\?(?P<query>.*))?")


@dataclass(frozen=True)
class Received:
    """Resources in order; which entry has a fullUrl; by entry the identifier that its request names, and whether it must be new."""

    resources: tuple[Resource, ...]
    urls: Mapping[str, int]
    named: Mapping[int, tuple[str, bool]]
    answer: str = "transaction-response"


def received(data: bytes, content_type: str) -> Received:
    """What was sent. Raises InputError that names the entry."""
    lines = data.splitlines() if "ndjson" in content_type else [data]
    held = [_json(line, number) for number, line in enumerate(lines) if line.strip()]
    entries = [entry for one in held for entry in (_entries(one) if one.get("resourceType") == "Bundle" else [{"resource": one}])]
    if not 0 < len(entries) <= MOST:
        raise InputError(f"{len(entries)} resources", where="body", remedy=f"send 1 to {MOST} at once")
    found = tuple(checked(one["resource"], f"entry {number}") for number, one in enumerate(entries))
    urls = {str(one["fullUrl"]): number for number, one in enumerate(entries) if one.get("fullUrl")}
    named = {number: name for number, one in enumerate(entries) if (name := _named(one, number))}
    batch = len(held) == 1 and held[0].get("type") == "batch"
    return Received(found, urls, named, "batch-response" if batch else "transaction-response")


def condition(query: str, where: str) -> str:
    """The identifier of a conditional request, `identifier=system|value`. Raises InputError for any other condition."""
    pairs = parse_qsl(query.partition("?")[2] if "?" in query else query)
    if [name for name, _ in pairs] != ["identifier"] or not pairs[0][1]:
        raise InputError(f"a condition {query[:80]!r}", where=where, remedy="name one identifier: identifier=system|value")
    return pairs[0][1]


def renamed(sent: Received, query: str, once: bool) -> Received:
    """One resource under the identifier of a conditional request; as it was where there is no condition."""
    return replace(sent, named={0: (condition(query, "condition"), once)}) if query else sent


def _json(line: bytes, number: int) -> Resource:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"not JSON ({str(error)[:80]})", where=f"line {number}", remedy="send a FHIR Bundle, or one resource a line"
        ) from error
    if not isinstance(found, dict):
        raise InputError(f"a JSON {type(found).__name__}", where=f"line {number}", remedy="send a FHIR Bundle, or one resource a line")
    return found


def _entries(bundle: Resource) -> Iterator[Mapping[str, Any]]:
    """The entries of a bundle. Raises InputError for a method that is not taken, and an entry without a resource."""
    for number, entry in enumerate(rows(bundle.get("entry"))):
        method = mapping(entry.get("request")).get("method", "POST")
        if method not in METHODS or not isinstance(entry.get("resource"), dict):
            found = f"an entry {method} without a resource" if method in METHODS else f"an entry to {str(method)[:10]}"
            remedy = "send resources to POST or PUT; what was wrong is taken back by its status entered-in-error"
            raise InputError(found, where=f"entry {number}", remedy=remedy)
        yield entry


def _named(entry: Mapping[str, Any], number: int) -> tuple[str, bool] | None:
    """The identifier that a conditional request names, and whether nothing is to be done where it is known."""
    asked, where = mapping(entry.get("request")), f"entry {number}"
    if asked.get("ifNoneExist"):
        return condition(str(asked["ifNoneExist"]), where), True
    place = PLACE.fullmatch(str(asked.get("url") or ""))
    if place is None or asked.get("method") != "PUT":
        return None
    kind, own = entry["resource"].get("resourceType"), entry["resource"].get("id", "")
    if place["kind"] != kind or (place["id"] and place["id"] != own):
        raise InputError(f"{kind}/{own} sent to {str(asked['url'])[:80]}", where=where, remedy="send a resource to its own address")
    return (condition(place["query"], where), False) if place["query"] else None

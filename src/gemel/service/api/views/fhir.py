"""The resources of one twin, as a child process computes them."""

import json
from collections.abc import Mapping
from typing import Any

from gemel.core.errors import ConflictError, GemelError
from gemel.flow import fhir, heard, registry
from gemel.flow.fhir import Asked, resources
from gemel.service.api.views.asked import session_of
from gemel.service.jobs import Bench


def twin(at: Bench, told: Mapping[str, Any]) -> bytes:
    """A JSON list of resources; `told`: twin, subject, base."""
    found = resources(session_of(at, told), Asked(str(told["subject"]), str(told["base"])))
    return json.dumps(found, separators=(",", ":"), allow_nan=False).encode()


def paper(at: Bench, told: Mapping[str, Any]) -> bytes:
    """The report of a twin as a PDF."""
    session = session_of(at, told)
    return fhir.paper(at.store, session.id, session.history[-1].known_s)


def scans(at: Bench, told: Mapping[str, Any]) -> list[str]:
    """The kinds of input that a system observes."""
    return list(registry.system(str(told["system"])).scans)


def weighed(at: Bench, told: Mapping[str, Any]) -> list[list[str]]:
    """State, words and remedy of each statement for a twin; nothing is written. A refusal is a state, so that its entry can be named."""
    session, found = session_of(at, told), []
    for said in told["said"]:
        try:
            (one,) = heard.weighed(session, [heard.Said(**said)])
            found.append([one.state, one.words, ""])
        except GemelError as error:
            found.append(["conflict" if isinstance(error, ConflictError) else "refused", error.found, error.remedy])
    return found

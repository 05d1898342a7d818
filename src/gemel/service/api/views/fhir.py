"""The resources of one twin, as a child process computes them."""

import json
from collections.abc import Mapping
from typing import Any

from gemel.flow import registry
from gemel.flow.fhir import Asked, resources
from gemel.service.api.views.asked import session_of
from gemel.service.jobs import Bench


def twin(at: Bench, told: Mapping[str, Any]) -> bytes:
    """A JSON list of resources; `told`: twin, subject, base."""
    found = resources(session_of(at, told), Asked(str(told["subject"]), str(told["base"])))
    return json.dumps(found, separators=(",", ":"), allow_nan=False).encode()


def scans(at: Bench, told: Mapping[str, Any]) -> list[str]:
    """The kinds of input that a system observes."""
    return list(registry.system(str(told["system"])).scans)

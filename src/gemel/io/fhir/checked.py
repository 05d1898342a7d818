"""Whether a JSON object is a resource of FHIR R4: by the models of fhir.resources.R4B, and by the value sets that R4 requires.

The models are those of 4.3.0, which differs from 4.0.1 in no element of the resources used here; the package's top level is another
version of FHIR and is never imported. They take a second to load: only who reads or writes a resource waits for that.
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import Any

from gemel.core.errors import InputError

KINDS = (
    *("AuditEvent", "Bundle", "CapabilityStatement", "Condition", "Device", "DiagnosticReport", "ImagingStudy", "MedicationAdministration"),
    *("Observation", "OperationOutcome", "Patient", "Procedure", "Provenance", "RiskAssessment"),
)
"""The resources that are written or read."""
Resource = dict[str, Any]
NEWER: Mapping[str, tuple[str, ...]] = {
    "MedicationAdministration": ("medication", "occurenceDateTime", "occurencePeriod", "isRecorded", "subPotentReason"),
    "Observation": ("triggeredBy", "bodyStructure", "instantiatesCanonical", "instantiatesReference"),
    "Procedure": ("occurrenceDateTime", "occurrencePeriod", "recorded", "reportedBoolean"),
}
"""Elements that R5 gave to resources which R4 has without them (hl7.org/fhir/R5, R4 to R5 differences)."""
PLAINLY = {
    "spec regex": "not as FHIR writes it; a time is 2026-03-02T08:00:00Z, with its zone",
    "Extra inputs are not permitted": "no such element in R4",
}
"""Words of the library, as a person says them."""
SPECIFICATION = "https://hl7.org/fhir/R4/"


def checked(resource: Mapping[str, Any], where: str = "") -> Resource:
    """The resource as it is. Raises InputError that names the element for what R4 does not allow, and for a kind that is not used here."""
    kind = resource.get("resourceType")
    if kind not in KINDS:
        raise InputError(f"a resource of kind {str(kind)[:40]!r}", where=where, remedy=f"send one of {', '.join(KINDS)}")
    from pydantic import ValidationError

    model = getattr(import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
    place = where or kind
    try:
        model.model_validate(resource)
    except (ValidationError, RecursionError) as error:
        raise InputError(_said(error, kind), where=place, remedy=f"correct it by {SPECIFICATION}{kind.lower()}.html") from error
    for path, codes in _required().items():
        if path.partition(".")[0] == kind:
            for found in _at(resource, path.split(".")[1:]):
                if found not in codes:
                    raise InputError(f"{path} {str(found)[:40]!r}", where=place, remedy=f"use one of {', '.join(codes)}")
    return dict(resource)


def _said(error: Exception, kind: str) -> str:
    """The first fault in words."""
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return f"a {kind} nested too deep"
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    words = next((said for part, said in PLAINLY.items() if part in first["msg"]), first["msg"])
    newer = " (R5 has it; R4 is spoken here)" if first["type"] == "extra_forbidden" and place in NEWER.get(kind, ()) else ""
    return f"{kind}.{place}: {words}{newer}"[:300]


def _at(held: Any, path: list[str]) -> Iterator[Any]:
    """Every value at a path, through lists."""
    if isinstance(held, list):
        for item in held:
            yield from _at(item, path)
    elif not path:
        yield held
    elif isinstance(held, Mapping) and path[0] in held:
        yield from _at(held[path[0]], path[1:])


@cache
def _required() -> Mapping[str, list[str]]:
    text = files("gemel.io").joinpath("tables/fhir_required.json").read_text(encoding="utf-8")
    found: Mapping[str, list[str]] = json.loads(text)["codes"]
    return found

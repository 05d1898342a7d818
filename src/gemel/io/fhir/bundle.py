"""Answers of a FHIR server: what was found, what went wrong, what it can do. HL7 FHIR R4: Bundle, OperationOutcome, CapabilityStatement."""

from collections.abc import Mapping, Sequence

from gemel import __version__
from gemel.io.equipment import RESEARCH
from gemel.io.fhir.checked import Resource
from gemel.io.fhir.parts import plain

VERSION = "4.0.1"
ISSUES = {
    400: "invalid",
    401: "login",
    403: "forbidden",
    404: "not-found",
    406: "not-supported",
    409: "conflict",
    412: "conflict",
    413: "too-long",
    415: "not-supported",
    422: "processing",
    429: "throttled",
    503: "transient",
}
"""Kinds of issue by HTTP status (R4, IssueType)."""
DECLARED = "2026-11-22"


def outcome(severity: str, code: str, words: str, *, where: str = "") -> Resource:
    """One issue."""
    issue = plain({"severity": severity, "code": code, "diagnostics": words, "expression": [where] if where else []})
    return {"resourceType": "OperationOutcome", "issue": [issue]}


def searchset(base: str, found: Sequence[Resource], total: int, links: Mapping[str, str]) -> Resource:
    """A page of what was found; `links`: address by relation, `self` among them."""
    entries = [{"fullUrl": f"{base}/{one['resourceType']}/{one['id']}", "resource": one, "search": {"mode": "match"}} for one in found]
    told = [{"relation": relation, "url": url} for relation, url in links.items()]
    return plain({"resourceType": "Bundle", "type": "searchset", "entry": entries, "link": told}) | {"total": total}


def responded(answers: Sequence[Resource]) -> Resource:
    """What became of each entry of a transaction: its `status` and `outcome`."""
    return plain({"resourceType": "Bundle", "type": "transaction-response", "entry": [{"response": answer} for answer in answers]})


def capability(base: str, searches: Mapping[str, Sequence[str]]) -> Resource:
    """What this server serves: kinds of resource, and by what each may be searched."""
    kinds = [
        plain({
            "type": kind,
            "interaction": [{"code": "read"}, {"code": "search-type"}],
            "searchParam": [{"name": name, "type": "token" if name in ("_id", "identifier") else "reference"} for name in names],
        })
        for kind, names in searches.items()
    ]  # fmt: skip
    rest = {"mode": "server", "documentation": RESEARCH, "resource": kinds, "interaction": [{"code": "transaction"}]}
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": DECLARED,
        "kind": "instance",
        "software": {"name": "gemel", "version": __version__},
        "implementation": {"description": f"Digital twins made from medical images. {RESEARCH}", "url": base},
        "fhirVersion": VERSION,
        "format": ["application/fhir+json"],
        "rest": [rest],
    }

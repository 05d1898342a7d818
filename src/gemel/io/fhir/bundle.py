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
TYPES = {"_id": "token", "identifier": "token", "agent": "token", "date": "date"}
"""Types of search parameters that are no references."""
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


def responded(answers: Sequence[Resource], kind: str = "transaction-response") -> Resource:
    """What became of each entry of a transaction or batch: its `status` and `outcome`."""
    return plain({"resourceType": "Bundle", "type": kind, "entry": [{"response": answer} for answer in answers]})


def capability(base: str, searches: Mapping[str, Sequence[str]], taken: Sequence[str]) -> Resource:
    """What this server serves: kinds of resource, by what each may be searched, and which may be sent."""
    kinds = [_kind(kind, searches.get(kind, ()), kind in taken) for kind in dict.fromkeys((*searches, *taken))]
    rest = {"mode": "server", "documentation": RESEARCH, "resource": kinds, "interaction": [{"code": "transaction"}, {"code": "batch"}]}
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


def _kind(kind: str, names: Sequence[str], taken: bool) -> Resource:
    """One kind of resource: read and searched where it has parameters, sent where it is taken."""
    served = ["read", "search-type"] if names else []
    params = [{"name": name, "type": TYPES.get(name, "reference")} for name in names]
    held = {"type": kind, "interaction": [{"code": code} for code in (*served, *(("create", "update") if taken else ()))]}
    return plain(held | {"searchParam": params}) | ({"conditionalCreate": True, "conditionalUpdate": True} if taken else {})

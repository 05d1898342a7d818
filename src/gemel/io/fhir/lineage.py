"""Where it came from and who looked: Provenance, AuditEvent, Device. HL7 FHIR R4; IHE ITI BALP for the audit of reads and changes."""

from collections.abc import Mapping, Sequence
from typing import Any

from gemel import __version__
from gemel.io.fhir.checked import Resource
from gemel.io.fhir.parts import DEVICE, GEMEL, concept, identified, plain, reference

MOST = 256
"""Inputs that one Provenance names."""
PARTICIPATION = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
EVENT, INTERACTION = "http://terminology.hl7.org/CodeSystem/audit-event-type", "http://hl7.org/fhir/restful-interaction"
DICOM, ROLE = "http://dicom.nema.org/resources/ontology/DCM", "http://terminology.hl7.org/CodeSystem/v3-ParticipationType"
TYPE, OBJECT = "http://terminology.hl7.org/CodeSystem/audit-entity-type", "http://terminology.hl7.org/CodeSystem/object-role"
PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
VERBS = {"GET": ("R", "read"), "HEAD": ("R", "read"), "POST": ("C", "create"), "PUT": ("U", "update"), "DELETE": ("D", "delete")}


def provenance(key: str, entry: Mapping[str, Any], targets: Sequence[Resource]) -> Resource:
    """One entry of a twin's record: `version`, `kind`, `hash`, `known_at`, `at`, `actor`, `inputs` (hashes)."""
    people = [{"type": concept("author", "Author", PARTICIPATION), "who": {"display": entry["actor"]}}] if entry["actor"] else []
    inputs = list(dict.fromkeys(entry["inputs"]))[:MOST]
    return plain({
        "resourceType": "Provenance",
        "id": f"{key}.p{entry['version']}",
        "target": [*targets, identified(f"{GEMEL}:event", entry["hash"])],
        "occurredDateTime": entry["at"],
        "recorded": entry["known_at"],
        "activity": concept(entry["kind"], entry["kind"]),
        "agent": [*people, {"type": concept("assembler", "Assembler", PARTICIPATION), "who": reference("Device", DEVICE)}],
        "entity": [{"role": "source", "what": identified(f"{GEMEL}:sha256", name)} for name in inputs],
    })  # fmt: skip


def audit_event(number: int, row: Mapping[str, Any], at: str) -> Resource:
    """One row of the audit log in the shape of BALP: who, from where, what, whose, for what, and how it ended."""
    method, _, path = str(row.get("place", "")).rpartition(" ")
    action, interaction = VERBS.get(method, ("E", "operation"))
    return plain({
        "resourceType": "AuditEvent",
        "id": str(number),
        "type": {"system": EVENT, "code": "rest", "display": "RESTful Operation"},
        "subtype": [{"system": INTERACTION, "code": interaction}, {"system": GEMEL, "code": str(row.get("action", ""))}],
        "action": action,
        "recorded": at,
        "outcome": _outcome(str(row.get("outcome", ""))),
        "outcomeDesc": str(row.get("detail", "")),
        "purposeOfEvent": [{"coding": [{"system": PURPOSE, "code": code}]} for code in str(row.get("purpose", "")).split()],
        "agent": [_user(row), _server()],
        "source": {"observer": reference("Device", DEVICE), "type": [{"system": EVENT.replace("event", "source"), "code": "4"}]},
        "entity": [*(_patient(subject) for subject in row.get("subjects", ())), *_asked(path)],
    })  # fmt: skip


def _outcome(status: str) -> str:
    """Success, or a failure of the caller (4) or of the service (8)."""
    return {"4": "4", "5": "8"}.get(status[:1], "0") if status.isdigit() else "0"


def _user(row: Mapping[str, Any]) -> Resource:
    network = {"address": row["peer"], "type": "2"} if row.get("peer") else {}
    who = {"identifier": {"system": f"{GEMEL}:user", "value": row.get("user") or "nobody"}}
    return plain({"type": concept("IRCP", "information recipient", ROLE), "who": who, "requestor": True, "network": network})


def _server() -> Resource:
    return {"type": concept("110153", "Source Role ID", DICOM), "who": reference("Device", DEVICE), "requestor": False}


def _patient(subject: str) -> Resource:
    return {"what": reference("Patient", subject), "type": {"system": TYPE, "code": "1"}, "role": {"system": OBJECT, "code": "1"}}


def _asked(path: str) -> list[Resource]:
    found = {"what": identified(f"{GEMEL}:path", path), "type": {"system": TYPE, "code": "2"}, "role": {"system": OBJECT, "code": "24"}}
    return [found] if path else []


def software() -> Resource:
    """gemel itself."""
    names = [{"name": "gemel", "type": "model-name"}]
    return {"resourceType": "Device", "id": DEVICE, "status": "active", "deviceName": names, "version": [{"value": __version__}]}


def scanner(key: str, name: str, words: str) -> Resource:
    """A machine that has a twin of its own."""
    return plain({
        "resourceType": "Device",
        "id": key,
        "identifier": [{"system": f"{GEMEL}:twin", "value": name}],
        "status": "active",
        "deviceName": [{"name": name, "type": "user-friendly-name"}],
        "note": [{"text": words}] if words else [],
    })  # fmt: skip

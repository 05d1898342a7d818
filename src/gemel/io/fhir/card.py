"""A twin's forecast on a card, for who opens a patient in an EHR. CDS Hooks 2.0, card attributes."""

import uuid
from collections.abc import Sequence

from gemel.io.equipment import RESEARCH
from gemel.io.fhir.checked import Resource

SUMMARY = 140
ROWS = 12
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_OID, "gemel card")


def card(resources: Sequence[Resource]) -> Resource:
    """The card of one twin's resources: the forecast with its intervals, advice, badge, a warning where data were withdrawn, the link."""
    report = next(one for one in resources if one["resourceType"] == "DiagnosticReport")
    seen = [one for one in resources if one["resourceType"] == "Observation"]
    form = report["presentedForm"][0]
    tainted = "rests on withdrawn data" in report["conclusion"]
    title, at = form["title"].partition(" in gemel")[0], seen[0]["effectiveDateTime"] if seen else report["effectiveDateTime"]
    lines = [_line(one) for one in seen[:ROWS]] + ([f"- and {len(seen) - ROWS} more"] if len(seen) > ROWS else [])
    return {
        "uuid": str(uuid.uuid5(NAMESPACE, repr([report, seen]))),
        "summary": f"{'Withdrawn data: ' if tainted else ''}Digital twin {title}: forecast for {at[:10]}"[:SUMMARY],
        "detail": "\n".join((f"**{RESEARCH}**", "", *lines, "", report["conclusion"])),
        "indicator": "warning" if tainted else "info",
        "source": {"label": "gemel, research use", "url": form["url"].partition("/twins/")[0]},
        "links": [{"label": "Open the twin", "url": form["url"], "type": "absolute"}],
    }


def _line(one: Resource) -> str:
    held = {part["code"]["coding"][0]["code"]: part["valueQuantity"]["value"] for part in one["component"]}
    unit = one["valueQuantity"]["code"]
    return f"- {one['code']['text']}: {held['median']:.3g} ({held['p05']:.3g} to {held['p95']:.3g}) {unit if unit != '1' else ''}".rstrip()

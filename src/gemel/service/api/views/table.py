"""Which views there are: the table of a child that computes answers."""

from gemel.service.api.views import decisions, evidence, fhir, pictures, report, twins
from gemel.service.jobs.child import Table

VIEWS: Table = {
    "rows": twins.rows,
    "overview": twins.overview,
    "events": twins.events,
    "diff": twins.diff,
    "words": twins.words,
    "images": pictures.images,
    "volume": pictures.volume,
    "isodose": pictures.isodose,
    "charts": pictures.charts,
    "report": report.report,
    "decision": decisions.decision,
    "plans": decisions.plans,
    "provenance": decisions.provenance,
    "ledger": evidence.ledger,
    "twin_ledger": evidence.twin_ledger,
    "models": evidence.models,
    "model": evidence.model,
    "cohort": evidence.cohort,
    "scanner": evidence.scanner,
    "fhir": fhir.twin,
    "fhir_scans": fhir.scans,
    "fhir_paper": fhir.paper,
    "fhir_weighed": fhir.weighed,
}

"""FHIR R4 over the record: patients under pseudonyms, forecasts, risks, reports, lineage, the audit log; what an EHR sends; CDS Hooks."""

from gemel.service.fhir import audited, hooks, reads, writes

routers = (audited.router, writes.router, reads.router, hooks.router)

__all__ = ["routers"]

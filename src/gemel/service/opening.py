"""From settings to an open service: the record, accounts, audit log, received objects, jobs and the DICOM node, closed in reverse order."""

from contextlib import ExitStack
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from gemel import store
from gemel.service.node.receipts import Receipts
from gemel.service.node.sending_audit import Auditing
from gemel.service.security.audit import open_audit
from gemel.service.security.guard import open_guard
from gemel.service.security.oidc import provider_of
from gemel.service.settings import Settings
from gemel.service.state import Service


def open_service(settings: Settings, things: ExitStack) -> Service:
    """Opens everything; `things` closes it. Raises StoreError or InputError."""
    record = things.enter_context(store.open(settings.store))
    guard = open_guard(settings)
    things.callback(guard.database.close)
    audit = open_audit(settings.folder)
    things.callback(audit.close)
    archive = _opened("gemel.service.archive", "open_archive", things, settings.folder / "archive")
    export = archive.export if archive else None
    jobs = _opened("gemel.service.jobs", "open_jobs", things, settings.store, settings.folder, export=export)
    named = {"audited": Auditing(audit, guard.key, record, archive)}
    work = (
        _opened("gemel.service.node.routing_work", "start", things, settings, record, archive, jobs, **named) if archive and jobs else None
    )
    heard: dict[str, Any] = {"handlers": work.handlers, "allowed": work.allowed} if work else {}
    heard["limits"] = _opened("gemel.service.node.limits_read", "read_limits", things, settings.config)
    heard["receipts"] = Receipts(audit, guard.key)
    node = _opened("gemel.service.node", "start", things, settings, archive, **heard) if settings.dicom else None
    told = _opened("gemel.service.fhir.book", "open_book", things, settings.folder)
    return Service(settings, record, guard, audit, provider_of(settings.oidc), archive, jobs, node, work, told)


def _opened(module: str, function: str, things: ExitStack, *arguments: Any, **named: Any) -> Any:
    """What a part opens, closed with the service; None when that part is not installed."""
    if find_spec(module) is None or not hasattr(import_module(module), function):
        return None
    made = getattr(import_module(module), function)(*arguments, **named)
    if hasattr(made, "close"):
        things.callback(made.close)
    return made

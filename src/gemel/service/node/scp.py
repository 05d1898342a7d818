"""What the node answers: C-ECHO and C-STORE of its own, other services by the functions that were handed to it (DICOM PS3.7 section 9)."""

from collections.abc import Callable
from concurrent.futures import Future

from gemel.core.errors import GemelError, IdentityError, InputError, StoreError
from gemel.io.prescan import Scanned, scan
from gemel.service.archive.archive import Archive
from gemel.service.archive.entry import Stored
from gemel.service.archive.part10 import head
from gemel.service.node.scp_request import (
    COERCED,
    FAILURE,
    MISMATCH,
    NOT_UNDERSTOOD,
    OUT_OF_RESOURCES,
    SUCCESS,
    Answer,
    Done,
    Handler,
    Request,
)

Note = Callable[[Scanned], object]


def store(archive: Archive, request: Request, done: Done, *, note: Note, here: bool = True) -> None:
    """Scans and keeps an object; `done` is called, from another thread, when it is durable and can be found, or refused.

    note: called with what the scan found before anything is kept; what it refuses is not. here: write in this thread when nobody writes.
    """
    try:
        scanned = _scan(request)
        note(scanned)
        kept = _submit(archive, request, scanned, here)
    except GemelError as error:
        done(refusal(error))
        return
    kept.add_done_callback(lambda future: done(outcome(future)))


def _scan(request: Request) -> Scanned:
    if request.failed:
        raise StoreError(request.failed, where="the archive", remedy="free some space and send again")
    where = f"the object from {request.calling} at {request.host}"
    scanned = scan(request.data, transfer_syntax=request.transfer_syntax, where=where)
    asked = (request.command.sop_class, request.command.sop_instance)
    if asked != (scanned.sop_class_uid, scanned.sop_instance_uid) or asked[0] != request.abstract_syntax:
        raise IdentityError(
            "a data set that is not of the class and instance of its command", where=where, remedy="send it again as what it is"
        )
    return scanned


def _submit(archive: Archive, request: Request, scanned: Scanned, here: bool) -> Future[Stored]:
    prefix = head(request.command.sop_class, request.command.sop_instance, request.transfer_syntax, request.calling)
    source = f"{request.calling}@{request.host}"
    return archive.submit(prefix, request.data, scanned, source=source, sha256=request.sha256, here=here)


def refusal(error: GemelError) -> Answer:
    """What the sender is told of a refusal; the object was not kept."""
    status = MISMATCH if isinstance(error, IdentityError) else NOT_UNDERSTOOD if isinstance(error, InputError) else OUT_OF_RESOURCES
    return Answer(status, comment=error.found)


def outcome(future: Future[Stored]) -> Answer:
    """What the sender is told of an object that was handed to the archive."""
    error = future.exception()
    if error is not None:
        return refusal(error) if isinstance(error, GemelError) else Answer(FAILURE, comment=type(error).__name__)
    kept = future.result()
    return Answer(COERCED, comment=kept.words) if kept.status == "quarantined" else Answer(SUCCESS)


def handle(handler: Handler, request: Request, done: Done) -> None:
    """Another service's answer."""
    try:
        answered = handler(request)
    except GemelError as error:
        answered = Answer(FAILURE, comment=error.found)
    done(answered)

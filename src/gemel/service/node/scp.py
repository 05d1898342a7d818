"""What the node answers: C-ECHO and C-STORE of its own, other services by the functions that were handed to it (DICOM PS3.7 section 9)."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

from gemel.core.errors import GemelError, IdentityError, InputError, StoreError
from gemel.io.prescan import scan
from gemel.service.archive.archive import Archive
from gemel.service.archive.entry import Stored
from gemel.service.archive.part10 import head
from gemel.service.node.scp_command import Command

C_STORE, C_ECHO, C_CANCEL = 0x0001, 0x0030, 0x0FFF
SUCCESS, FAILURE, NO_SUCH_CLASS, NO_SUCH_OPERATION = 0x0000, 0x0110, 0x0122, 0x0211
OUT_OF_RESOURCES, MISMATCH, NOT_UNDERSTOOD, COERCED = 0xA700, 0xA900, 0xC000, 0xB000  # PS3.4 table B.2-1
VERIFICATION = "1.2.840.10008.1.1"


@dataclass(frozen=True)
class Request:
    """A whole message: its command, its data set as it came, its context's two syntaxes, who sent it.

    failed: why the data set is gone; sha256: of the data set.
    """

    command: Command
    data: memoryview
    abstract_syntax: str
    transfer_syntax: str
    calling: str
    called: str
    host: str
    failed: str = ""
    sha256: bytes = b""


@dataclass(frozen=True)
class Answer:
    """The status (PS3.7 annex C), a data set in the context's transfer syntax, and a word for a person."""

    status: int
    data: bytes = b""
    comment: str = ""


Done = Callable[[Answer], object]
Handler = Callable[[Request], Answer]
Handlers = Mapping[str, Handler]  # by abstract syntax; they run beside the network, one at a time an association


def store(archive: Archive, request: Request, done: Done) -> None:
    """Scans and keeps an object; `done` is called, from another thread, when it is durable and can be found, or refused."""
    try:
        kept = _submit(archive, request)
    except GemelError as error:
        done(refusal(error))
        return
    kept.add_done_callback(lambda future: done(outcome(future)))


def _submit(archive: Archive, request: Request) -> Future[Stored]:
    if request.failed:
        raise StoreError(request.failed, where="the archive", remedy="free some space and send again")
    where = f"the object from {request.calling} at {request.host}"
    scanned = scan(request.data, transfer_syntax=request.transfer_syntax, where=where)
    asked = (request.command.sop_class, request.command.sop_instance)
    if asked != (scanned.sop_class_uid, scanned.sop_instance_uid) or asked[0] != request.abstract_syntax:
        raise IdentityError(
            "a data set that is not of the class and instance of its command", where=where, remedy="send it again as what it is"
        )
    prefix = head(*asked, request.transfer_syntax, request.calling)
    return archive.submit(prefix, request.data, scanned, source=f"{request.calling}@{request.host}", sha256=request.sha256, here=True)


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


def work(archive: Archive, handlers: Handlers, request: Request) -> Callable[[Done], None] | Answer:
    """What is to be done beside the network for a request, or the answer when there is nothing to do."""
    field, handler = request.command.field, handlers.get(request.abstract_syntax)
    if handler is not None and field != C_STORE:
        return partial(handle, handler, request)
    if field == C_ECHO and request.abstract_syntax == VERIFICATION:
        return Answer(SUCCESS)
    if field == C_STORE and request.command.has_data and request.abstract_syntax != VERIFICATION:
        return partial(store, archive, request)
    return Answer(NO_SUCH_OPERATION, comment="not a service of this node")

"""Work beside the network: a few threads scan what came and hand it to the archive, so that an echo never waits behind an image."""

import logging
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial

from gemel.core.errors import GemelError
from gemel.io.prescan import Scanned
from gemel.service.archive import Archive
from gemel.service.node import scp
from gemel.service.node.receipts import Receipts, begin, count, end, note, note_question, note_refusal
from gemel.service.node.scp_request import C_STORE, FAILURE, Answer, Done, Handlers, Request, at_once

THREADS = 3
SMALL_BYTES = 4 << 20  # objects that are scanned in no time
LOG = logging.getLogger("gemel.node")


@dataclass(frozen=True)
class Offload:
    """The archive, other services, the threads, and who writes down what comes."""

    archive: Archive
    handlers: Handlers
    receipts: Receipts | None = None
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="dicom"))

    def run(self, request: Request, elsewhere: Done, here: Done) -> None:
        """Calls `here` when there is nothing to do, or `elsewhere`, from another thread, when it is done."""
        answer = at_once(request, self.handlers.keys())
        if answer is not None:
            here(answer)
            return
        _begin(self, request)
        self.pool.submit(_do, self, request, elsewhere).add_done_callback(partial(_fail, elsewhere))

    def run_now(self, request: Request, done: Done) -> None:
        """The same for who has a thread of its own: small objects are scanned in it, and join those that wait for the disk."""
        if request.command.field != C_STORE or len(request.data) > SMALL_BYTES:
            self.run(request, done, done)
            return
        _begin(self, request)
        try:
            _do(self, request, done, here=False)
        except Exception as error:  # a fault of our own is an answer too, not a silence
            LOG.exception("a C-STORE")
            done(Answer(FAILURE, comment=type(error).__name__))

    def left(self, line: int) -> None:
        """A connection has ended."""
        if self.receipts is not None:
            end(self.receipts, line)

    def refused(self, calling: str, host: str) -> None:
        """Somebody who may not call has called."""
        if self.receipts is not None:
            note_refusal(self.receipts, calling, host)


def _begin(offload: Offload, request: Request) -> None:
    if offload.receipts is not None:
        begin(offload.receipts, request)


def _do(offload: Offload, request: Request, done: Done, *, here: bool = True) -> None:
    if request.command.field == C_STORE:
        counted = partial(_count, offload.receipts, request, done)
        scp.store(offload.archive, request, counted, note=partial(_note, offload.receipts, request), here=here)
    elif _asked(offload, request, done):
        scp.handle(offload.handlers[request.abstract_syntax], request, done)


def _asked(offload: Offload, request: Request, done: Done) -> bool:
    """True when a question of a peer has been written down; else it is told why it gets no answer."""
    try:
        if offload.receipts is not None:
            note_question(offload.receipts, request)
    except GemelError as error:
        done(scp.refusal(error))
        return False
    return True


def _note(held: Receipts | None, request: Request, scanned: Scanned) -> None:
    if held is not None:
        note(held, request, scanned)


def _count(held: Receipts | None, request: Request, done: Done, answer: Answer) -> None:
    if held is not None:
        count(held, request, answer)
    done(answer)


def _fail(done: Done, ended: "Future[None]") -> None:
    """A fault of our own is an answer too, not a silence."""
    error = ended.exception() if not ended.cancelled() else None
    if error is not None:
        done(Answer(FAILURE, comment=type(error).__name__))

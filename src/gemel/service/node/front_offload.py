"""Work beside the network: a few threads scan what came and hand it to the archive, so that an echo never waits behind an image."""

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from gemel.service.archive import Archive
from gemel.service.node import scp

THREADS = 3


@dataclass(frozen=True)
class Offload:
    """The archive, other services, and the threads."""

    archive: Archive
    handlers: scp.Handlers
    pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(THREADS, thread_name_prefix="dicom"))

    def run(self, request: scp.Request, elsewhere: scp.Done, here: scp.Done) -> None:
        """Calls `here` when there is nothing to do, or `elsewhere`, from another thread, when it is done."""
        work = scp.work(self.archive, self.handlers, request)
        if isinstance(work, scp.Answer):
            here(work)
        else:
            self.pool.submit(work, elsewhere).add_done_callback(lambda ended: _fail(ended, elsewhere))


def _fail(ended: "Future[None]", done: scp.Done) -> None:
    """A fault of our own is an answer too, not a silence."""
    error = ended.exception() if not ended.cancelled() else None
    if error is not None:
        done(scp.Answer(scp.FAILURE, comment=type(error).__name__))

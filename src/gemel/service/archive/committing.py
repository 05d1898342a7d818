"""One thread writes: all objects that wait are appended together, flushed once, and acknowledged together."""

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from queue import SimpleQueue
from threading import Lock, Thread

from gemel.core.errors import StoreError
from gemel.service.archive import frame, index, known, segments
from gemel.service.archive.entry import Entry, Place, Stored, answer

GROUP_BYTES = 64 << 20  # of one flush
LOG = logging.getLogger("gemel.archive")


@dataclass(frozen=True)
class Waiting:
    """An object on its way: what is known of it, the file's head, the data set, and who waits for the answer."""

    entry: Entry
    prefix: bytes
    data: memoryview
    done: Future[Stored] = field(default_factory=Future)


@dataclass
class Committer:
    """The writing end. Whoever changes segments holds `turn`. stepped_s: the last time of receipt, which never runs backwards."""

    segments: segments.Segments
    index: index.Index
    clock: Callable[[], float] = time.time
    seen: known.Known = field(default_factory=known.Known)
    queue: SimpleQueue[Waiting | None] = field(default_factory=SimpleQueue)
    turn: Lock = field(default_factory=Lock)
    stepped_s: float = 0.0
    thread: Thread | None = None


def start(committer: Committer) -> None:
    """Begins to write what is queued."""
    committer.thread = Thread(target=_run, args=(committer,), name="archive commit", daemon=True)
    committer.thread.start()


def stop(committer: Committer) -> None:
    """Writes what is queued, then ends."""
    committer.queue.put(None)
    if committer.thread:
        committer.thread.join()
    with committer.turn:
        segments.seal(committer.segments)


def _run(committer: Committer) -> None:
    while True:
        group, ended = _group(committer.queue)
        if group:
            with committer.turn:
                tell = _settle(committer, group)
            tell()
        if ended:
            return


def _group(queue: SimpleQueue[Waiting | None]) -> tuple[list[Waiting], bool]:
    """Waits for one object and takes all that wait with it."""
    group: list[Waiting] = []
    size = 0
    while size < GROUP_BYTES and (not group or not queue.empty()):
        item = queue.get()
        if item is None:
            return group, True
        group.append(item)
        size += len(item.data)
    return group, False


def take(committer: Committer, item: Waiting, *, here: bool) -> None:
    """Writes an object in this thread when nobody writes, which saves a change of threads; else it waits for its group."""
    if here and committer.turn.acquire(blocking=False):
        try:
            tell = _settle(committer, [item])
        finally:
            committer.turn.release()
        tell()
    else:
        committer.queue.put(item)


def _settle(committer: Committer, group: Sequence[Waiting]) -> Callable[[], None]:
    """Places a group; what is returned tells each sender the outcome, or the error that all of the group share."""
    try:
        entries = place(committer, group)
    except Exception as error:  # a fault of our own too: the one thread that writes must live, and nobody wait for ever
        if not isinstance(error, StoreError):
            LOG.exception("objects that could not be kept")
        return partial(_refuse, group, error)
    return partial(_acknowledge, group, entries)


def _acknowledge(group: Sequence[Waiting], entries: Sequence[Entry]) -> None:
    for item, entry in zip(group, entries, strict=True):
        if item.done.set_running_or_notify_cancel():
            item.done.set_result(answer(entry))


def _refuse(group: Sequence[Waiting], error: Exception) -> None:
    for item in group:
        if item.done.set_running_or_notify_cancel():
            item.done.set_exception(error)


def place(committer: Committer, group: Sequence[Waiting]) -> list[Entry]:
    """Judges, writes and flushes a group; its entries are found by queries when this returns.

    Raises StoreError: then nothing of it was kept.
    """
    committer.stepped_s = max(committer.stepped_s, committer.clock())
    segments.ready(committer.segments, sum(len(item.data) + 4096 for item in group))
    pieces: list[bytes | memoryview] = []
    notes: list[known.Undo] = []
    try:
        entries = [_framed(committer, item, pieces, notes) for item in group]
        if pieces:
            segments.append(committer.segments, pieces)
    except BaseException:
        known.undo(notes)
        raise
    index.add(committer.index, [entry for entry in entries if entry.status != "held"])
    return entries


def _framed(committer: Committer, item: Waiting, pieces: list[bytes | memoryview], notes: list[known.Undo]) -> Entry:
    """The entry with status and place; its frame joins the pieces, unless the same bytes are held already."""
    entry = known.judge(committer.seen, committer.index, replace(item.entry, received_s=committer.stepped_s))
    if entry.status == "held":
        return entry
    notes += known.remember(committer.seen, entry)
    framed = frame.encode(entry, committer.segments.number, item.prefix, item.data)
    offset = committer.segments.end + sum(map(len, pieces)) + frame.data_offset(framed, item.prefix)
    pieces += framed
    return replace(entry, place=Place(committer.segments.number, offset, len(item.prefix), len(item.data)))

"""One child process and the pipe to it: started when there is an order, started again when it has ended, killed on demand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from threading import Lock
from typing import Any

from gemel import store
from gemel.core.errors import TaskError
from gemel.core.system import Progress, silent
from gemel.service.jobs.child import IDLE_s, carried_out, serve, table
from gemel.service.jobs.order import Begun, Bench, Done, Failed, Order, Place, Told

Ask = Callable[[Order, Progress], Any]
"""Carries out an order, here or in a child, and returns what came of it; raises what the function raised."""


@dataclass(frozen=True)
class Child:
    """A living process, and this end of its pipe."""

    process: SpawnProcess
    pipe: Connection


@dataclass
class Hand:
    """Where its child works, and the child while there is one. Used by one thread at a time; `let_go` may be called by any.

    `over`: no child is started any more.
    """

    place: Place
    idle_s: float = IDLE_s
    child: Child | None = None
    over: bool = False
    guard: Lock = field(default_factory=Lock)

    def __call__(self, order: Order, progress: Progress = silent) -> Any:
        """As `ask`."""
        return ask(self, order, progress)


def children(place: Place, count: int) -> list[Ask]:
    """So many child processes, none of them started yet."""
    return [Hand(place) for _ in range(count)]


def ask(hand: Hand, order: Order, progress: Progress = silent) -> Any:
    """What a child made of an order. Raises what the function raised, TaskError for a child that ended at its work."""
    child = _given(hand, order)
    try:
        while not isinstance(message := child.pipe.recv(), Done | Failed):
            if isinstance(message, Told):
                progress(message.what, message.done, message.total)
    except (EOFError, OSError) as error:
        let_go(hand)
        found = f"{order.function} whose process ended (killed, or out of memory)"
        raise TaskError(found, where="the service", remedy="nothing was written by halves: ask again") from error
    if isinstance(message, Failed):
        raise message.error
    return message.value


def _given(hand: Hand, order: Order) -> Child:
    """The child that took the order: a new one where the last had ended for want of work."""
    for _ in range(2):
        child = _living(hand)
        try:
            child.pipe.send(order)
            if isinstance(child.pipe.recv(), Begun):
                return child
        except (EOFError, OSError):
            let_go(hand)
    remedy = "its log tells why; check that the record can be opened and memory is left"
    raise TaskError("a child process that does not start", where="the service", remedy=remedy)


def _living(hand: Hand) -> Child:
    with hand.guard:
        if hand.over:
            raise TaskError("a service that ends", where="the service", remedy="ask again when it is there again")
        if hand.child is None or not hand.child.process.is_alive():
            hand.child = _started(hand.place, hand.idle_s)
        return hand.child


def _started(place: Place, idle_s: float) -> Child:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs, place, idle_s), name="gemel-child")
    process.start()
    theirs.close()
    return Child(process, ours)


def let_go(hand: Hand, *, for_good: bool = False) -> None:
    """Kills the child, if there is one, and waits until it is gone. What it had committed stays; the rest never was."""
    with hand.guard:
        child, hand.child = hand.child, None
        hand.over |= for_good
    if child is not None:
        child.process.kill()
        child.process.join(5.0)
        child.pipe.close()


def here(place: Place) -> Ask:
    """The same without a process: orders carried out in the thread that asks, each with the record opened for it."""

    def asked(order: Order, progress: Progress = silent) -> Any:
        with store.open(place.store, create=False) as record:
            found = carried_out(table(place.table), order, Bench(record, place.folder, progress))
        if isinstance(found, Failed):
            raise found.error
        return found.value

    return partial(asked)

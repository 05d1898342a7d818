"""Answers to those who look: computed once in a child process, then kept in memory as bytes for as long as they hold.

An answer is named by all that it follows from, so that none is ever out of date: the twin's version, the newest retraction of the whole
record (one in another twin may taint this one), the times asked for. Fifty who look at one twin have it computed once.
"""

import asyncio
import queue
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from gemel.core.errors import TaskError
from gemel.core.system import silent
from gemel.service.api import cached, kept
from gemel.service.api.newest import Key, Newest, looked
from gemel.service.api.rows import Row, remembered
from gemel.service.jobs import Ask, Hand, Order, Place, children, let_go
from gemel.store import Store

VIEWS = "gemel.service.api.views.table:VIEWS"
HANDS = 2
"""Children that compute answers: the second one starts when the first is busy."""
MOST_BYTES = 64 << 20
ALL = "\0"
"""Begins the names under which views of no one twin are kept: no twin's name does."""


@dataclass
class Reading:
    """Who computes, what is known (the most recently used last), and what is being computed. Used from the event loop alone.

    `rows`: lines of the list by twin, with the version and withdrawal they are of; `subjects`: whose a twin is, with the withdrawal.
    """

    newest: Newest
    folder: Path
    hands: Sequence[Ask]
    known: OrderedDict[Key, Any] = field(default_factory=OrderedDict)
    flying: dict[Key, asyncio.Future[Any]] = field(default_factory=dict)
    bytes_known: int = 0
    rows: dict[str, Row] = field(default_factory=dict)
    subjects: dict[str, tuple[int, str | None]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows |= remembered(self.folder)
        self.idle: queue.LifoQueue[Ask] = queue.LifoQueue()
        for hand in reversed(self.hands):
            self.idle.put(hand)
        self.threads = ThreadPoolExecutor(len(self.hands), thread_name_prefix="gemel-reading")

    async def answer(self, function: str, key: Key, arguments: dict[str, Any], *, keep: bool = True, stamp: Key | None = None) -> Any:
        """What a view returns, computed unless it is known. `key` names all that it follows from. Raises what the view raises.

        Not to `keep`: computed once for all who wait, and forgotten. With the `stamp` of a twin it is kept on the disk as well.
        """
        name = (function, *key)
        if name in self.known:
            self.known.move_to_end(name)
            return self.known[name]
        flying = self.flying.get(name)
        if flying is None:
            flying = self.flying[name] = asyncio.ensure_future(self._computed(name, Order(function, arguments), keep, stamp))
            flying.add_done_callback(_heard)
        return await asyncio.shield(flying)

    async def view(self, function: str, held: Key, times: Mapping[str, str], **more: str) -> bytes:
        """A view of a twin at a stamp (`newest.stamp`) as JSON: from memory, from the disk, or computed. Raises what the view raises."""
        arguments = {"twin": held[0], "stamp": "/".join(held), **times, **more}
        found: bytes = await self.answer(function, (*held, *_flat(times), *_flat(more)), arguments, stamp=held)
        return found

    async def of_all(self, function: str, seal: str, **told: str) -> bytes:
        """A view of no one twin as JSON; `seal` names what it follows from besides the code. Raises what the view raises."""
        held = f"{ALL}{function}", seal
        found: bytes = await self.answer(function, (*held, *_flat(told)), told, stamp=held)
        return found

    async def volume(self, held: Key, times: Mapping[str, str], key: str) -> Path:
        """Where a volume lies once it is made. Raises UnknownError."""
        arguments = {"twin": held[0], "stamp": "/".join(held), "key": key, **times}
        return Path(await self.answer("volume", (*held, key, *_flat(times)), arguments, keep=False))

    async def _computed(self, name: Key, order: Order, keep: bool, stamp: Key | None) -> Any:
        """An answer is kept; an error is told to all who wait for it and forgotten."""
        try:
            found = await asyncio.to_thread(kept.find, self.folder, stamp, name) if stamp else None
            if found is None:
                found = await asyncio.get_running_loop().run_in_executor(self.threads, partial(_ask, self, order))
                if stamp and isinstance(found, bytes):
                    await asyncio.to_thread(kept.keep, self.folder, stamp, name, found)
        finally:
            self.flying.pop(name, None)
        if not keep:
            return found
        self.known[name] = found
        self.bytes_known += _size(found)
        while self.bytes_known > MOST_BYTES and len(self.known) > 1:
            self.bytes_known -= _size(self.known.popitem(last=False)[1])
        return found

    def forget_erased(self) -> None:
        """Of twins that were erased since the last look nothing that was made of them is held."""
        for twin in tuple(looked(self.newest).erased):
            for name in (twin, f"{ALL}ledger"):
                cached.forget(self.folder, name)
            self.newest.erased.discard(twin)
            self.known.clear()
            self.bytes_known = 0

    def close(self) -> None:
        """Ends the children."""
        for hand in self.hands:
            if isinstance(hand, Hand):
                let_go(hand, for_good=True)
        self.threads.shutdown(wait=False, cancel_futures=True)


def open_reading(store: Store, address: str, folder: Path, *, hands: Sequence[Ask] | None = None) -> Reading:
    """The answers of a service. `hands`: who computes, child processes unless stated."""
    place = Place(address, str(folder), VIEWS)
    return Reading(Newest(store), folder, hands if hands is not None else children(place, HANDS))


def _ask(reading: Reading, order: Order) -> Any:
    """The order in the hands that were used last and are free: a second child is not started for nothing.

    A read changes nothing: one whose process was killed is begun anew, once.
    """
    hand = reading.idle.get()
    try:
        return hand(order, silent)
    except TaskError:
        if not isinstance(hand, Hand) or hand.over or hand.child is not None:
            raise
        return hand(order, silent)
    finally:
        reading.idle.put(hand)


def _size(found: Any) -> int:
    return len(found) if isinstance(found, bytes) else 256


def _flat(pairs: Mapping[str, str]) -> Key:
    return tuple(f"{name}={value}" for name, value in sorted(pairs.items()))


def _heard(flying: "asyncio.Future[Any]") -> None:
    """An error that nobody waits for any more is no warning."""
    if not flying.cancelled():
        flying.exception()

"""Answers made before anybody asks: what the pages of the twins that changed last will want, computed while nobody else waits.

So the first who opens a twin after a scan, or after the service began, does not wait for it. What is kept on the disk is not computed.
"""

import asyncio
import json
from collections.abc import Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from gemel.core.errors import GemelError
from gemel.service.api import cached
from gemel.service.api.evidence import examined
from gemel.service.api.newest import Key, looked, stamp
from gemel.service.api.reading import ALL, Reading

LOOK_s = 1.0
BUSY_s = 0.05
VIEWS = ("overview", "events", "images", "charts", "decision", "plans", "twin_ledger", "provenance")
ROLES = ("scan", "structures", "dose", "forecast", "map")
"""Of each the newest volume is made: what a page of images opens with is among them."""


@asynccontextmanager
async def looking_ahead(reading: Reading, most: int) -> Any:
    """While the block runs, answers about the `most` twins that changed last are made ahead; none for 0."""
    task = asyncio.ensure_future(_always(reading, most)) if most else None
    try:
        yield
    finally:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def _always(reading: Reading, most: int) -> None:
    made: dict[str, Key] = {ALL: ("",)}
    while True:
        before = reading.newest.sequence
        await asyncio.sleep(LOOK_s)
        with suppress(GemelError):  # a record that cannot be read at the moment: the next look tells
            await asyncio.to_thread(looked, reading.newest)
            reading.forget_erased()
            if reading.newest.sequence == before:  # nobody writes
                await _next(reading, most, made)


async def _next(reading: Reading, most: int, made: dict[str, Key]) -> None:
    """Makes the answers of those that lack them, until something happens; not of those that somebody is changing."""
    begun = reading.newest.sequence
    held = {lease.twin for lease in await asyncio.to_thread(reading.newest.store.leases)}
    for twin in reversed([*reading.newest.marks][-most:]):
        now = stamp(reading.newest, twin)
        if made.get(twin) != now and twin not in held:
            await made_ahead(reading, now)
            made[twin] = now
        if reading.newest.sequence != begun:
            return
    if made.get(ALL) != (head := (reading.newest.head,)):
        made[ALL] = head
        await _nobody_waits(reading)
        await reading.of_all("ledger", *head, by="model", model="")
        await reading.of_all("models", examined())


async def made_ahead(reading: Reading, held: Key) -> None:
    """Computes what pages will ask of a twin at this stamp; nothing more of one that has no answer."""
    try:
        for view in VIEWS:
            await _nobody_waits(reading)
            found = await reading.view(view, held, {})
            if view == "events":
                await reading.view("diff", held, {}, **span(json.loads(found)["events"]))
            elif view == "images":
                await _volumes(reading, held, json.loads(found)["images"])
    except GemelError:
        return


async def _nobody_waits(reading: Reading) -> None:
    while reading.flying:
        await asyncio.sleep(BUSY_s)


async def _volumes(reading: Reading, held: Key, images: Sequence[Mapping[str, Any]]) -> None:
    """The newest of each role."""
    newest = {image["role"]: image["key"] for image in images}
    for key in (newest[role] for role in ROLES if role in newest):
        if not cached.used(cached.place_of(reading.folder, held[0], key)):
            await _nobody_waits(reading)
            await reading.volume(held, {}, key)


def span(events: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Versions between which the page of a twin tells what changed: from before its newest scan to now."""
    scans = [event["version"] for event in events if event["kind"] == "Observed" and event["counts"]]
    last = events[-1]["version"]
    return {"since": str(max((scans[-1] if scans else last) - 1, 1)), "until": str(last)}

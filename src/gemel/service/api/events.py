"""Everything that happens, as it happens: one look at the record each half second, shared by all who follow."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Header, HTTPException, Request
from fastapi.responses import StreamingResponse

from gemel.core.errors import GemelError
from gemel.service.api.asked import Answers
from gemel.service.api.newest import looked
from gemel.service.api.reading import Reading
from gemel.service.api.stream import STREAM, event, stream, with_heartbeat
from gemel.service.api.subjects import subject
from gemel.service.security.access import Caller, needs
from gemel.service.state import Held, Service

router = APIRouter(tags=["events"])
LOOK_s = 0.5
MOST_MISSED = 1000
"""Events that are told again to who comes back; who missed more looks at the lists."""
MOST_FOLLOWERS = 500
Happened = tuple[int, str, int, str, str]


@dataclass
class News:
    """Who follows, each with the events not yet told, and the task that looks at the record while anybody does."""

    reading: Reading
    followers: list["asyncio.Queue[Happened]"] = field(default_factory=list)
    sequence: int = 0
    looking: "asyncio.Task[None] | None" = None

    async def look(self) -> None:
        """Tells everybody what is new, until nobody follows any more."""
        while self.followers:
            await asyncio.sleep(LOOK_s)
            with suppress(GemelError):  # a record that cannot be read at the moment: the next look tells
                await self._tell()

    async def _tell(self) -> None:
        await asyncio.to_thread(looked, self.reading.newest)
        self.reading.forget_erased()
        if self.reading.newest.sequence > self.sequence:
            new = await asyncio.to_thread(self.reading.newest.store.news, self.sequence)
            self.sequence = new[-1][0]
            for follower in self.followers:
                for happened in new:
                    follower.put_nowait(happened)


@router.get("/api/events", response_class=StreamingResponse, responses={200: {"content": {STREAM: {}}}})
async def events(
    request: Request,
    service: Held,
    reading: Answers,
    caller: Annotated[Caller, needs("twins:read")],
    last_event_id: Annotated[str, Header(max_length=20, pattern="^[0-9]*$")] = "",
) -> StreamingResponse:
    """Every new entry of twins that the caller may see: {twin, version, kind, words}; `Last-Event-ID` goes on where one left off."""
    news: News = request.app.state.news
    if len(news.followers) >= MOST_FOLLOWERS:
        raise HTTPException(429, "too many follow what happens", headers={"Retry-After": "60"})
    since = min(int(last_event_id), 1 << 62) if last_event_id else looked(reading.newest).sequence
    return stream(with_heartbeat(_followed(news, service, caller, since)))


async def _followed(news: News, service: Service, caller: Caller, since: int) -> AsyncIterator[str]:
    """What was missed, then what comes."""
    follower: asyncio.Queue[Happened] = asyncio.Queue()
    start = looked(news.reading.newest).sequence
    since = min(since, start)  # a record that was put back has fewer entries than who follows has heard of
    if not news.followers:
        news.sequence = start
    news.followers.append(follower)
    if news.looking is None or news.looking.done():
        news.looking = asyncio.ensure_future(news.look())
    try:
        yield ": following\n\n"
        for happened in news.reading.newest.store.news(max(since, start - MOST_MISSED)):
            if text := await _words(news, service, caller, happened):
                yield text
            since = max(since, happened[0])
        while True:
            happened = await follower.get()
            if happened[0] > since and (text := await _words(news, service, caller, happened)):
                yield text
    finally:
        news.followers.remove(follower)


async def _words(news: News, service: Service, caller: Caller, happened: Happened) -> str:
    """An event for this caller; empty for one that is not theirs to see."""
    sequence, twin, version, kind, _ = happened
    of = subject(service, news.reading, twin)
    if of is None or not caller.sees(of):
        return ""
    try:
        said = await news.reading.answer("words", (twin, str(version)), {"twin": twin, "version": version})
    except GemelError:
        said = ""
    return event("entry", {"twin": twin, "version": version, "kind": kind, "words": said}, str(sequence))

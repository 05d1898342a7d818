"""What happens, as it happens: streams that begin where one left off, keep still connections alive, and end."""

import asyncio
import json
from collections.abc import AsyncIterator
from unittest.mock import MagicMock

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.core.errors import StoreError
from gemel.service.api.events import News, _followed
from gemel.service.api.newest import Newest
from gemel.service.api.reading import Reading
from gemel.service.api.stream import BEAT, event, with_heartbeat
from gemel.service.security.access import Caller
from gemel.store import Store


def told(text: str) -> dict[str, object]:
    return dict(json.loads(text.partition("data: ")[2]))


def test_an_event_is_written_as_browsers_read_it() -> None:
    assert event("entry", {"a": "line\nbreak"}, "7") == 'id: 7\nevent: entry\ndata: {"a": "line\\nbreak"}\n\n'


def test_a_stream_beats_while_nothing_happens_and_ends_with_its_source() -> None:
    async def slow() -> AsyncIterator[str]:
        yield "first"
        await asyncio.sleep(0.25)
        yield "second"

    async def heard() -> list[str]:
        return [text async for text in with_heartbeat(slow(), 0.1)]

    found = asyncio.run(heard())
    assert found[0] == "first"
    assert found[-1] == "second"
    assert found[1:-1] == [BEAT] * len(found[1:-1])
    assert 1 <= len(found) - 2 <= 3


def test_who_follows_hears_what_is_new_of_what_they_may_see(app: FastAPI, client: TestClient, tower: Store, twin: str) -> None:
    service, news = app.state.service, News(app.state.reading)
    everybody, nobody = Caller("ada", (), sees=lambda subject: True), Caller("eve", ())
    start = tower.version(twin)

    async def follow(caller: Caller, since: int, wanted: int, seconds: float = 30.0) -> list[str]:
        stream, found = _followed(news, service, caller, since), list[str]()
        try:
            async with asyncio.timeout(seconds):
                async for text in stream:
                    found.append(text)
                    if len(found) == 1:
                        tower.append(twin, "Outcome", {"plan": "level 1", "seen": "", "alarms": []})
                    if len(found) > wanted:
                        break
        except TimeoutError:
            pass
        finally:
            await stream.aclose()  # type: ignore[attr-defined]
        return found

    first = asyncio.run(follow(everybody, start, 1))
    assert told(first[1]) == {"twin": twin, "version": start + 1, "kind": "Outcome", "words": "came back after level 1"}
    assert first[1].startswith(f"id: {start + 1}\n")
    missed = asyncio.run(follow(everybody, start - 2, 4))
    assert [told(text)["version"] for text in missed[1:]] == [start - 1, start, start + 1, start + 2]
    assert asyncio.run(follow(nobody, start - 2, 1, 2.0))[1:] == []
    assert news.followers == []


def test_a_record_that_cannot_be_read_for_a_while_leaves_nobody_deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [StoreError("a disk that fails"), StoreError("a disk that fails")]

    def news_of(after: int = 0) -> list[tuple[int, str, int, str, str]]:
        if failures:
            raise failures.pop()
        return [] if after else [(1, "a", 1, "Ingested", "0" * 64)]

    record, reading = MagicMock(spec=Store), MagicMock(spec=Reading)
    record.news.side_effect = news_of
    reading.newest = Newest(record)
    monkeypatch.setattr("gemel.service.api.events.LOOK_s", 0.01)

    async def heard() -> tuple[int, str, int, str, str]:
        news, follower = News(reading), asyncio.Queue[tuple[int, str, int, str, str]]()
        news.followers.append(follower)
        looking = asyncio.ensure_future(news.look())
        try:
            return await asyncio.wait_for(follower.get(), 1.0)
        finally:
            news.followers.clear()
            await looking

    assert asyncio.run(heard())[:2] == (1, "a")


def test_who_heard_more_than_a_record_that_was_put_back_hears_what_is_new(
    app: FastAPI, client: TestClient, tower: Store, twin: str
) -> None:
    news, start = News(app.state.reading), tower.version(twin)

    async def first() -> str:
        stream = _followed(news, app.state.service, Caller("ada", (), sees=lambda subject: True), start + 500)
        try:
            await anext(stream)
            tower.append(twin, "Outcome", {"plan": "level 1", "seen": "", "alarms": []})
            return await asyncio.wait_for(anext(stream), 5.0)
        finally:
            await stream.aclose()  # type: ignore[attr-defined]

    assert told(asyncio.run(first()))["version"] == start + 1


def test_no_more_follow_than_can_be_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemel.service.api.events.MOST_FOLLOWERS", 0)
    answer = client.get("/api/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")

"""What happens, as it happens: streams that begin where one left off, keep still connections alive, and end."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel.service.api.events import News, _followed
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


def test_no_more_follow_than_can_be_told(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemel.service.api.events.MOST_FOLLOWERS", 0)
    answer = client.get("/api/events")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")

"""The tools of an assistant: read-only unless told otherwise, in the words of the service."""

import asyncio
from typing import Any

import httpx
import pytest

pytest.importorskip("mcp", reason="the extra `agents` is not installed")

from mcp import Client as Assistant

from gemel.service.agents import server
from gemel.service.client import Client

TWIN = {"id": "p-1", "badge": "twin", "at": "2026-01-01T00:00:00Z", "tainted": False, "next_at": "2026-01-02T00:00:00Z", "notes": [],
        "expected": [{"name": "shift", "median": 1.0, "low": 0.5, "high": 1.5}], "version": 3}  # fmt: skip


def answer(request: httpx.Request) -> httpx.Response:
    if request.method == "POST":
        raise AssertionError("a tool that only looks has written")
    if request.url.path == "/api/twins":
        return httpx.Response(200, json={"total": 1, "twins": [TWIN]})
    if request.url.path == "/api/twins/p-1":
        return httpx.Response(200, json=TWIN)
    if request.url.path.endswith("/decision"):
        return httpx.Response(200, content=b"null")
    return httpx.Response(404, json={"detail": "no twin 'x'", "remedy": "the store holds p-1"})


def ask(name: str, **arguments: Any) -> Any:
    async def talk() -> Any:
        with Client("http://gemel.example", token="t", transport=httpx.MockTransport(answer)) as client:
            async with Assistant(server(client)) as assistant:
                return await assistant.call_tool(name, arguments)

    return asyncio.run(talk())


def names(*, write: bool) -> set[str]:
    async def talk() -> set[str]:
        with Client("http://gemel.example", token="t", transport=httpx.MockTransport(answer)) as client:
            async with Assistant(server(client, write=write)) as assistant:
                return {tool.name for tool in (await assistant.list_tools()).tools}

    return asyncio.run(talk())


def test_only_reading_unless_asked() -> None:
    looking = {"list_twins", "show_twin", "show_forecast", "compare_plans", "history", "calibration"}
    assert names(write=False) == looking
    assert names(write=True) == looking | {"decide", "recompute"}


def test_a_forecast_comes_with_its_interval() -> None:
    found = ask("show_forecast", twin_id="p-1").structured_content
    assert found["expected"] == TWIN["expected"]
    assert found["tainted"] is False


def test_no_decision_is_said() -> None:
    assert ask("compare_plans", twin_id="p-1").structured_content == {"decision": "none yet"}


def test_an_error_reaches_the_assistant_in_words() -> None:
    reply = ask("show_twin", twin_id="x")
    assert reply.is_error
    assert "no twin 'x'" in reply.content[0].text
    assert "the store holds p-1" in reply.content[0].text

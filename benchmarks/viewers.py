"""Viewers as the workbench makes them: which reads each of its pages sends, and in which order; used by `benchmarks.api_latency`.

A page is a row of steps; the reads of a step go out together, as a browser sends them, and the next step begins when all are there.
No read is conditional: the page's answers carry `no-store`, so that a browser has nothing to compare with.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

THINK_S = (0.2, 1.0)
SEEN = 3
"""Volumes that the page of images fetches when it opens: anatomy, regions, dose."""
WITHOUT_TWIN = ("twins", "ledger of all", "models", "queue")
OF_A_TWIN = ("home", "images", "charts", "decide", "ledger", "evidence", "retract")
Page = tuple[tuple[str, ...], ...]


@dataclass
class Seen:
    """What viewers have measured: milliseconds by page, what was refused, and events that came."""

    ms: list[tuple[str, float]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    events: int = 0


@dataclass(frozen=True)
class Known:
    """What a page knows of a twin from its list before it asks: id, version, system, and the volumes that are shown first."""

    id: str
    version: int
    system: str
    volumes: tuple[str, ...]


def known(base: str, headers: dict[str, str]) -> list[Known]:
    """The twins of a service, each with the volumes that its page of images opens with."""
    with httpx.Client(base_url=base, headers=headers, timeout=120.0) as client:
        rows = client.get("/api/twins").json()["twins"]
        return [Known(row["id"], row["version"], row["system"], _first(client, row["id"])) for row in rows]


def _first(client: httpx.Client, twin: str) -> tuple[str, ...]:
    images: list[dict[str, Any]] = client.get(f"/api/twins/{twin}/images").json()["images"]
    by_role = {image["role"]: image["url"] for image in reversed(images)}
    return tuple(by_role[role] for role in ("scan", "structures", "dose", "forecast", "map") if role in by_role)[:SEEN]


def page(name: str, twin: Known) -> Page:
    """The reads of a page."""
    path = f"/api/twins/{twin.id}"
    found: dict[str, Page] = {
        "twins": (("/api/twins?limit=100",),),
        "ledger of all": (("/api/ledger?by=model",),),
        "models": (("/api/models",), (f"/api/models/{twin.system}",)),
        "queue": (("/api/twins?limit=500", "/api/queue", "/api/jobs", "/api/node"),),
        "home": ((path,), (f"{path}/events",), (f"{path}/diff?from={max(twin.version - 1, 1)}&to={twin.version}", f"{path}/charts")),
        "images": ((path,), (f"{path}/images",), twin.volumes),
        "charts": ((path,), (f"{path}/charts",)),
        "decide": ((path,), (f"{path}/decision",), (f"{path}/plans",)),
        "ledger": ((path,), (f"{path}/ledger",)),
        "evidence": ((path,), (f"{path}/provenance",)),
        "retract": ((path,), (f"{path}/events", f"{path}/provenance")),
    }
    return found[name]


def looked_at(base: str, headers: dict[str, str], told: tuple[int, float], twins: Sequence[Known], *, rash: float = 0.0) -> Seen:
    """So many viewers for so many seconds, each on one page at least; all begin at once, each with the stream of events open.

    `rash`: the share of pages that a viewer leaves before they are there.
    """
    return asyncio.run(_all(base, headers, told, twins, rash))


async def _all(base: str, headers: dict[str, str], told: tuple[int, float], twins: Sequence[Known], rash: float) -> Seen:
    context, found = ssl.create_default_context(), Seen()  # one for all: to read the authorities takes a client 20 ms
    settings: dict[str, Any] = {"base_url": base, "headers": headers, "timeout": 120.0, "verify": context}
    limits = httpx.Limits(max_connections=7)
    clients = [httpx.AsyncClient(**settings, limits=limits) for _ in range(told[0])]
    until = time.perf_counter() + told[1]
    following = [asyncio.ensure_future(_follow(client, found)) for client in clients]
    chances = [random.Random(number) for number in range(told[0])]
    await asyncio.gather(*(_view(*pair, (until, rash), twins, found) for pair in zip(clients, chances, strict=True)))
    for one in following:
        one.cancel()
    await asyncio.gather(*following, return_exceptions=True)
    await asyncio.gather(*(client.aclose() for client in clients))
    return found


async def _follow(client: httpx.AsyncClient, found: Seen) -> None:
    try:
        async with client.stream("GET", "/api/events") as answer:
            async for line in answer.aiter_lines():
                found.events += line.startswith("data:")
        found.broken.append("the stream of events ended")
    except httpx.HTTPError as error:
        found.broken.append(f"the stream of events: {type(error).__name__}")


async def _view(client: httpx.AsyncClient, chance: random.Random, told: tuple[float, float], twins: Sequence[Known], found: Seen) -> None:
    """One viewer: a page, a thought, the next page."""
    while True:
        name = chance.choice((*WITHOUT_TWIN, *OF_A_TWIN, *OF_A_TWIN))  # two of three pages are of a twin, or nearly
        opened = _open(client, name, page(name, chance.choice(twins)), found)
        if chance.random() < told[1]:
            with suppress(TimeoutError):
                await asyncio.wait_for(opened, chance.uniform(0.0, 0.05))
        else:
            await opened
        if time.perf_counter() > told[0]:
            return
        await asyncio.sleep(chance.uniform(*THINK_S))


async def _open(client: httpx.AsyncClient, name: str, steps: Page, found: Seen) -> None:
    for step in steps:
        await asyncio.gather(*(_read(client, name, path, found) for path in step))


async def _read(client: httpx.AsyncClient, name: str, path: str, found: Seen) -> None:
    began = time.perf_counter()
    try:
        answer = await client.get(path)
    except httpx.HTTPError as error:
        found.broken.append(f"{path}: {type(error).__name__}")
        return
    found.ms.append((name, 1000 * (time.perf_counter() - began)))
    if answer.status_code != 200:
        found.refused.append(f"{answer.status_code} {path} {answer.text[:120]}")


Read = Callable[[httpx.AsyncClient, random.Random], Awaitable[httpx.Response]]

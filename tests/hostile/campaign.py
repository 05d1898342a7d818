"""One run of the corpus through a service of its own: crafted classes one by one, spoiled objects by the hundred, requests that lie."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from tests.hostile.abuse import ALL, Row, Timed, read, send, volume_of
from tests.hostile.bodies import RAW, raw, requests
from tests.hostile.crafted import crafted
from tests.hostile.crafted_more import more
from tests.hostile.mutations import mutants
from tests.hostile.seeds import seeds
from tests.hostile.served import Served, Watched, free_port, served, touched

_TOGETHER = 20
_LARGE = 1 << 20
COMPRESSED = ("rle", "jp", "j2k", "examples_ybr", "liver")


@dataclass(frozen=True)
class Amount:
    """How much is sent: spoiled objects, of their seed; how many of those kept are read back as pictures and as volumes."""

    mutants: int
    seed: int = 1
    pictures: int = 300
    volumes: int = 20


@dataclass
class Report:
    """What came of it."""

    crafted: list[tuple[str, Row]] = field(default_factory=list)
    mutated: dict[str, Row] = field(default_factory=dict)
    requests: list[tuple[str, int, tuple[int, ...]]] = field(default_factory=list)
    watched: Watched = field(default_factory=Watched)
    alive: bool = False
    written: set[str] = field(default_factory=set)
    took_s: float = 0.0

    @property
    def rows(self) -> list[Row]:
        """All classes."""
        return [*(row for _, row in self.crafted), *self.mutated.values()]

    @property
    def failures(self) -> list[str]:
        """Answers of 5xx, to anything."""
        return [f"{row.name}: {words}" for row in self.rows for words in row.failures]


def run(sandbox: Path, amount: Amount) -> Report:
    """Everything, in one service."""
    report, begun = Report(), time.perf_counter()
    with served(sandbox, dicom_port=free_port()) as running:
        before = touched(sandbox)
        _crafted(running, report, brief=amount.mutants < 1000)
        _requests(running, report)
        _mutated(running, report, amount)
        report.alive = running.alive and running.client.get("/healthz").status_code == 200
        report.watched = running.watched
        after = touched(sandbox)
    report.written = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
    report.took_s = time.perf_counter() - begun
    return report


def _crafted(running: Served, report: Report, brief: bool) -> None:
    """One by one; large ones are read back in every way, and later classes as volumes, only where there is time."""
    timed = Timed(running.client, running.process.pid)
    for one, also in (*((one, False) for one in crafted()), *((one, not brief) for one in islice(more(), 0, None, 3 if brief else 1))):
        row, content = Row(one.name), one.make()
        for address in send(timed, [content], row):
            read(timed, address, row, ("/metadata",) if brief and len(content) > _LARGE else ALL)
            if also:
                read(timed, volume_of(address), row, ("",))
        report.crafted.append((one.outcome, row))


def _requests(running: Served, report: Report) -> None:
    for request in requests():
        answer = running.client.post("/dicom-web/studies", content=request.content, headers=request.headers)
        report.requests.append((request.name, answer.status_code, request.expected))
    for name, (_, expected) in RAW.items():
        report.requests.append((name, raw(running.client, name), expected))


def _mutated(running: Served, report: Report, amount: Amount) -> None:
    """Headers of all that is kept are read back; pictures and volumes of as many as `amount` says, since each may need a process."""
    pictures, volumes = amount.pictures, amount.volumes
    timed = Timed(running.client, running.process.pid)
    for way, kind, contents in _grouped(amount):
        row = report.mutated.setdefault(way, Row(way))
        for address in send(timed, contents, row):
            native = not any(word in kind.lower() for word in COMPRESSED)
            shown = native or pictures > 0
            pictures -= not native
            read(timed, address, row, ("/metadata", "/frames/1", "/rendered") if shown else ("/metadata",))
            if kind.lower().startswith(("ct", "synthetic")) and volumes > 0:
                volumes -= 1
                read(timed, volume_of(address), row, ("",))


def _grouped(amount: Amount) -> Iterator[tuple[str, str, list[bytes]]]:
    """Spoiled objects of one way and kind of seed together, as one request brings them."""
    held: dict[tuple[str, bool], list[tuple[str, bytes]]] = {}
    for way, kind, content in mutants(seeds(), amount.mutants, np.random.default_rng(amount.seed)):
        native = not any(word in kind.lower() for word in COMPRESSED)
        group = held.setdefault((way, native), [])
        group.append((kind, content))
        if len(group) == _TOGETHER:
            yield way, group[0][0], [content for _, content in group]
            group.clear()
    for (way, _), group in held.items():
        if group:
            yield way, group[0][0], [content for _, content in group]

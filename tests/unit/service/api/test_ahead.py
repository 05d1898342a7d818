"""Answers that are kept on the disk, and those that are made before anybody asks."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from gemel import flow
from gemel import store as stores
from gemel.core.errors import TaskError
from gemel.core.system import Progress, silent
from gemel.service.api import ahead, kept
from gemel.service.api.newest import Newest, stamp
from gemel.service.api.reading import Reading
from gemel.service.jobs import Hand, Order, Place, here
from gemel.store import Store
from tests.unit.flow import heights

VIEWS = "gemel.service.api.views.table:VIEWS"
PARTS = ("", "/events", "/images", "/charts", "/decision", "/plans", "/ledger", "/provenance")


class Counted:
    """A hand that counts what it computes."""

    def __init__(self, address: str, folder: Path) -> None:
        self.hand, self.orders = here(Place(address, str(folder), VIEWS)), list[str]()

    def __call__(self, order: Order, progress: Progress = silent) -> Any:
        self.orders.append(order.function)
        return self.hand(order, progress)


@pytest.fixture
def hand(tower: Store, tmp_path: Path) -> Counted:
    return Counted(str(tmp_path / "tower" / "heights.db"), tmp_path / "service")


@pytest.fixture
def reading(tower: Store, tmp_path: Path, hand: Counted) -> Iterator[Reading]:
    made = Reading(Newest(tower), tmp_path / "service", [hand])
    yield made
    made.close()


def again(tower: Store, tmp_path: Path, hand: Counted) -> Reading:
    """The service begun again: nothing in its memory."""
    return Reading(Newest(tower), tmp_path / "service", [hand])


def test_what_was_made_ahead_is_neither_computed_when_asked_for_nor_when_the_service_begins_again(
    reading: Reading, tower: Store, tmp_path: Path, hand: Counted, twin: str
) -> None:
    held = stamp(reading.newest, twin)
    asyncio.run(ahead.made_ahead(reading, held))
    made = list(hand.orders)
    assert set(made) == {*ahead.VIEWS, "diff", "volume"}

    async def asked(of: Reading) -> list[bytes]:
        return [await of.view(view, held, {}) for view in ahead.VIEWS]

    first, other = asyncio.run(asked(reading)), again(tower, tmp_path, hand)
    assert asyncio.run(asked(other)) == first
    other.close()
    assert hand.orders == made


def test_a_kept_answer_is_of_this_record_this_version_this_code_and_whole(
    reading: Reading, tower: Store, tmp_path: Path, hand: Counted, files: Path, twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def asked() -> bytes:
        other = again(tower, tmp_path, hand)
        try:
            return await other.view("overview", stamp(other.newest, twin), {})
        finally:
            other.close()

    def computed() -> int:
        before = len(hand.orders)
        asyncio.run(asked())
        return len(hand.orders) - before

    assert [computed(), computed()] == [1, 0]
    place = next((tmp_path / "service" / "cache" / "volumes").glob("*/*.json"))
    held = place.read_bytes()
    place.write_bytes(held[:-1])
    assert computed() == 1, "torn"
    place.write_bytes(held.replace(b"height", b"weight"))
    assert computed() == 1, "altered"
    with monkeypatch.context() as patch:
        patch.setattr(kept, "code", lambda: "another")
        assert computed() == 1, "other code"
    heights.live(tower, twin, files, (3,))
    assert [computed(), computed()] == [1, 0]
    assert len(list(place.parent.glob("*.json"))) == 1, "those of older versions are gone"
    other = tower.append("other", "Ingested", {"uid": "1.2"})
    tower.retract(other, "a wrong object")
    assert computed() == 1, "a withdrawal elsewhere may taint it"


def test_nothing_that_was_kept_of_an_erased_twin_is_left(client: TestClient, app: FastAPI, tower: Store, tmp_path: Path, twin: str) -> None:
    for part in PARTS:
        assert client.get(f"/api/twins/{twin}{part}").status_code == 200
    assert client.get("/api/ledger").status_code == 200
    folder = tmp_path / "service" / "cache" / "volumes"
    assert len(list(folder.glob("*/*.json"))) == len(PARTS) + 1
    flow.erase(tower, twin, "asked to")
    assert client.get(f"/api/twins/{twin}").status_code == 404
    assert not list(folder.glob("*/*.json"))


def test_people_go_first_and_what_somebody_is_changing_is_left(
    reading: Reading, tower: Store, hand: Counted, twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "LOOK_s", 0.01)

    async def looked_for(seconds: float) -> None:
        async with ahead.looking_ahead(reading, 5):
            await asyncio.sleep(seconds)

    with tower.lease(twin, "somebody"):
        asyncio.run(looked_for(0.2))
        assert set(hand.orders) == {"ledger", "models"}
    hand.orders.clear()

    async def person_first() -> list[str]:
        going, ended = Event(), asyncio.get_running_loop().create_future()
        reading.flying[("person",)] = ended
        task = asyncio.ensure_future(ahead.made_ahead(reading, stamp(reading.newest, twin)))
        await asyncio.sleep(0.2)
        before = list(hand.orders)
        del reading.flying[("person",)]
        going.set()
        await task
        return before

    assert asyncio.run(person_first()) == []
    assert "charts" in hand.orders


def test_a_record_without_twins_has_nothing_made_and_a_fault_ends_nothing(
    reading: Reading, tower: Store, hand: Counted, twin: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ahead, "LOOK_s", 0.01)

    def broken(order: Order, progress: Progress = silent) -> Any:
        hand.orders.append(order.function)
        raise TaskError("a process that ended", where="the service", remedy="ask again")

    async def looked_for(of: Reading, most: int) -> bool:
        async with ahead.looking_ahead(of, most):
            await asyncio.sleep(0.3)
            return len(asyncio.all_tasks()) > 1

    asyncio.run(looked_for(reading, 0))
    assert hand.orders == []
    failing = Reading(Newest(tower), reading.folder, [broken])
    assert asyncio.run(looked_for(failing, 5))
    failing.close()
    assert hand.orders[0] == "overview"
    assert hand.orders.count("overview") == 1, "not again and again"


def test_a_read_whose_process_is_killed_is_begun_anew_once(tower: Store, tmp_path: Path) -> None:
    place = Place(str(tmp_path / "tower" / "heights.db"), str(tmp_path), "tests.unit.service.jobs.table_of_tests:TABLE")
    reading = Reading(Newest(tower), tmp_path, [Hand(place)])
    try:
        assert asyncio.run(reading.answer("die_once", ("a",), {}))["pid"] > 0
        with pytest.raises(TaskError, match="die whose process ended"):
            asyncio.run(reading.answer("die", ("b",), {}))
    finally:
        reading.close()


def test_a_record_that_took_the_place_of_another_is_not_taken_for_it(tmp_path: Path) -> None:
    stamps = []
    for number in range(2):
        with stores.open(tmp_path / f"{number}.db") as record:
            record.append("twin", "Ingested", {"uid": f"1.{number}"})
            stamps.append(stamp(Newest(record), "twin"))
    assert stamps[0][:3] == stamps[1][:3] == ("twin", "1", "0")
    assert stamps[0] != stamps[1]

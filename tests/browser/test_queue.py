"""A series that came by DICOM and that no rule took is observed by a person who presses a button on the page Queue."""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

from playwright.sync_api import Page, expect

from gemel import flow, store
from gemel.core.time import DAY_S, seconds
from gemel.service.node.rules import Peer
from gemel.service.node.scu import Ours
from gemel.service.node.sending_store import item_of
from gemel.service.node.sending_store import store as send
from tests.browser.looking import watched
from tests.serving import Served, serving
from tests.unit.service.glioma_visits import START, visit

PATIENCE_ms = 60_000


@pytest.fixture(scope="module")
def visits(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three visits of one patient, two of them on one day."""
    folder, start_s = tmp_path_factory.mktemp("visits"), seconds(START)
    return [visit(folder, start_s + day * DAY_S) for day in (0, 14, 14.1)]


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory, visits: list[Path]) -> Path:
    """A twin of the first visit."""
    path = tmp_path_factory.mktemp("queue") / "twins.db"
    with store.open(str(path)) as opened:
        flow.new(opened, "glioma", visits[0], actor="test", options={"concurrent": True})
    return path


@pytest.fixture(scope="module")
def served(record: Path, visits: list[Path]) -> Iterator[Served]:
    with serving(record) as running:
        listening(running.dicom_port)
        ends = send([item_of(path) for path in visits[1:]], Peer("GEMEL", "127.0.0.1", running.dicom_port), Ours("MR1"))
        assert all(end.stored for end in ends)
        yield running


def listening(port: int) -> None:
    """Waits until somebody listens there."""
    end_s = time.monotonic() + PATIENCE_ms / 1000
    with socket.socket() as tried:
        while tried.connect_ex(("127.0.0.1", port)) and time.monotonic() < end_s:
            time.sleep(0.05)


def test_a_series_is_observed_by_the_button_and_only_once(page: Page) -> None:
    """Progress, then the result, in the page; the second scan of a day is refused in words that say what to do."""
    seen = watched(page)
    page.goto("/#/queue")
    rows = page.get_by_test_id("received-table").locator("tbody tr")
    expect(rows).to_have_count(2, timeout=PATIENCE_ms)
    expect(page.get_by_test_id("take")).to_have_count(2, timeout=PATIENCE_ms)
    before = page.request.get("/api/twins").json()["twins"][0]["version"]
    page.get_by_test_id("take").first.click()
    expect(page.get_by_test_id("job")).to_contain_text("observe")
    expect(page.get_by_test_id("job-done")).to_contain_text("observe is done", timeout=PATIENCE_ms)
    assert page.request.get("/api/twins").json()["twins"][0]["version"] > before
    page.get_by_role("button", name="Show the result").click()
    expect(page.get_by_test_id("take")).to_have_count(1, timeout=PATIENCE_ms)  # the node has noticed that a person saw to it
    expect(rows.filter(has_text="a person saw to it")).to_have_count(1)
    assert not seen.complaints, seen.complaints
    page.get_by_test_id("take").click()
    expect(page.get_by_test_id("error")).to_contain_text("What to do", timeout=PATIENCE_ms)
    expect(page.get_by_test_id("error")).to_contain_text("one day")

"""A served record, and Debian's Chromium to look at it with."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from gemel import flow
from tests.serving import Served, serving

CHROMIUM = next((path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None)
BUILT = Path(__file__).resolve().parents[2] / "src" / "gemel" / "service" / "page" / "built" / "index.html"
FLAGS = [
    "--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--force-device-scale-factor=1",
]  # fmt: skip
SIZE = {"width": 1366, "height": 768}
MADE_S = 1_780_000_000.0


@pytest.fixture(scope="session")
def record(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A record of one patient who lived through two visits and three weeks."""
    folder = tmp_path_factory.mktemp("lived") / "demo"
    flow.demo("glioma", folder, made_s=MADE_S, options={"weeks": 3})
    return folder / "twins.db"


@pytest.fixture(scope="module")
def served(record: Path) -> Iterator[Served]:
    """The service over it."""
    if not BUILT.exists():
        pytest.skip("the workbench is not built (Node.js and npm are missing): run `make workbench`")
    with serving(record) as running:
        yield running


@pytest.fixture(scope="module")  # no longer: its event loop would be in the way of other tests
def chromium() -> Iterator[Browser]:
    """Debian's Chromium without a screen."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, served: Served) -> dict[str, object]:
    """Cookies of a session that the one-time link gave."""
    context = chromium.new_context(viewport=SIZE)
    page = context.new_page()
    page.goto(served.link)
    page.wait_for_selector("[data-testid^='twin-']", timeout=60_000)  # the bare address leads to the list
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def page(chromium: Browser, served: Served, signed_in: dict[str, object]) -> Iterator[Page]:
    """A signed-in page of 1366 × 768 that records each request and each complaint of the browser."""
    context = chromium.new_context(viewport=SIZE, storage_state=signed_in, base_url=served.url, reduced_motion="reduce")  # type: ignore[arg-type]
    opened = context.new_page()
    yield opened
    context.close()

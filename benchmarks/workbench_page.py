"""How small the workbench is, how soon it can be used, and how soon a received CT of 512 x 512 x 200 is seen, by a browser over loopback.

Claims: below 1.2 MB gzipped, everything of it; usable (the list of twins stands and takes clicks) below 2 s; from the first byte sent by
STOW-RS to the picture on the screen below 10 s. Chromium draws in software here (SwiftShader): with a graphics card the last is quicker.
The peer is the limit; beside it the size of the ready bundle of cornerstone3D 5.14 core, 866 kB, without tools, codecs or pages.
Prints each round, the medians, their share of the limit, CPU seconds of the server and the machine's load. Run it on a quiet machine.
"""

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

import httpx
from c_store import SIDE, SLICES, write_series
from playwright.sync_api import Page, Playwright, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from tests.serving import Served, serving

from gemel.service.page.files import files

MOST_B, USABLE_S, SEEN_S = 1_200_000, 2.0, 10.0
CORNERSTONE3D_B = 866_000
CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-quic", "--no-first-run"]
FLAGS += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
TOGETHER = 25
TICKS = os.sysconf("SC_CLK_TCK")


def size_B() -> int:
    """Bytes of every part of the page, gzipped."""
    return sum(len(file.gzipped) for file in files().values())


def usable_s(page: Page, url: str) -> float:
    """From the address to the list of twins, in a page that has nothing of it in memory."""
    page.goto("about:blank")
    begin = time.perf_counter()
    page.goto(f"{url}/#/twins")
    page.get_by_test_id("search").wait_for()
    page.locator("main[data-ready]").wait_for()
    return time.perf_counter() - begin


def seen_s(page: Page, running: Served, folder: Path, seed: int) -> float:
    """From the first byte sent to the three planes on the screen."""
    write_series(folder, seed)
    contents = [path.read_bytes() for path in sorted(folder.glob("*.dcm"))]
    cookies = {cookie["name"]: cookie["value"] for cookie in page.context.cookies()}
    with httpx.Client(base_url=running.url, cookies=cookies, timeout=120) as client:
        mark = {"X-CSRF": client.get("/api/session").json()["csrf"]}
        before = {row["series"] for row in client.get("/api/queue").json()["received"]}
        begin = time.perf_counter()
        for first in range(0, len(contents), TOGETHER):
            send(client, contents[first : first + TOGETHER], mark)
        row = next(row for row in client.get("/api/queue").json()["received"] if row["series"] not in before)
    page.goto(f"{running.url}/#/series/{row['study']}/{row['series']}")
    page.locator("[data-testid=images][data-ready]").wait_for(timeout=120_000)
    return time.perf_counter() - begin


def send(client: httpx.Client, contents: list[bytes], mark: dict[str, str]) -> None:
    """Some slices by STOW-RS."""
    parts = b"".join(b"--part\r\nContent-Type: application/dicom\r\n\r\n" + content + b"\r\n" for content in contents)
    headers = {"Content-Type": 'multipart/related; type="application/dicom"; boundary=part', **mark}
    answer = client.post("/dicom-web/studies", content=parts + b"--part--\r\n", headers=headers)
    assert answer.status_code == 200, answer.text[:400]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process and of its children that have ended."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[11:15]) / TICKS


def rounds(running: Served, driver: Playwright, folder: Path, count: int) -> tuple[list[float], list[float]]:
    """Seconds until it is usable, and until a received series is seen, each `count` times."""
    page = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS).new_page(viewport={"width": 1366, "height": 768})
    page.goto(running.link)
    page.get_by_test_id("search").wait_for()
    soon, seen = [], []
    for _ in range(count):
        soon.append(usable_s(page, running.url))
        print(f"usable {soon[-1]:.2f} s, load {os.getloadavg()[0]:.1f}")
    for number in range(count):
        made, before = folder / f"ct-{number}", cpu_s(running.process.pid)
        made.mkdir()
        seen.append(seen_s(page, running, made, number))
        spent = cpu_s(running.process.pid) - before
        print(f"{SIDE} x {SIDE} x {SLICES} seen {seen[-1]:.2f} s, server CPU {spent:.1f} s, load {os.getloadavg()[0]:.1f}")
    return soon, seen


def main() -> int:
    """Exit status 1 when a claim does not hold."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--store", type=Path, required=True, help="a record to look at, such as demo/twins.db; it is not changed")
    asked.add_argument("--rounds", type=int, default=5)
    told = asked.parse_args()
    print(f"load {os.getloadavg()[0]:.1f}; page {size_B() / 1000:.0f} kB gzipped, cornerstone3D core {CORNERSTONE3D_B / 1000:.0f} kB")
    with tempfile.TemporaryDirectory() as made, serving(told.store, "--no-dicom", "--folder", made) as running, sync_playwright() as driver:
        soon, seen = rounds(running, driver, Path(made), told.rounds)
    medians = {"bytes": (size_B(), MOST_B), "usable s": (statistics.median(soon), USABLE_S), "seen s": (statistics.median(seen), SEEN_S)}
    for name, (value, limit) in medians.items():
        print(f"{name}: {value:.3g} of {limit:g}, ratio {value / limit:.2f}")
    return int(any(value > limit for value, limit in medians.values()))


if __name__ == "__main__":
    raise SystemExit(main())

"""Fifty viewers at once: reads of the API of `gemel serve`, beside the REST interface of Orthanc 1.10 (orthanc-server.com; Debian).

Claim: the 95th percentile of API reads below 200 ms with 50 concurrent viewers. The record holds the twins of all the demos that are named.
Each viewer follows the stream of events and opens pages of the workbench (`benchmarks.viewers` tells which reads they are): the list, the
ledger, the models, the queue, or of any of the twins its home, images with three volumes (NIfTI), charts, decision, ledger, provenance,
retraction; thinks for 0.2 to 1 s; opens the next. All viewers begin at once.

Untouched: a service whose folder was never used, to the moment at which all 50 first pages are there. Begun again: the same service
stopped and started, all at once. Warm: afterwards. Orthanc: studies, series and instances of the planning CT, and previews as PNG, by as
many viewers. Clients (one process) share the machine with the servers; load before and after is printed.

    python -m benchmarks.api_latency DEMO_FOLDER [DEMO_FOLDER ...] [--seconds 20] [--viewers 50]
"""

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from benchmarks.c_store import ORTHANC, free_port
from benchmarks.viewers import THINK_S, Read, Seen, known, looked_at

MOST_MS = 200.0
SCOPES = ("twins:read", "images:read", "models:read", "queue:read", "node:read")


def main() -> None:
    """Both servers, one after the other."""
    asked = argparse.ArgumentParser()
    asked.add_argument("demos", type=Path, nargs="+", help="What `gemel demo --out` wrote; the first one's planning CT goes to Orthanc.")
    asked.add_argument("--seconds", type=float, default=20.0)
    asked.add_argument("--viewers", type=int, default=50)
    asked.add_argument("--alone", action="store_true", help="Without Orthanc.")
    told = asked.parse_args()
    print(f"load before {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {told.viewers} viewers, {told.seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="api-latency-") as folder:
        warm = gemel(told, Path(folder))
        if Path(ORTHANC).exists() and not told.alone:
            print(f"95th percentile, gemel to Orthanc: {warm / orthanc(told, Path(folder)):.2f}")
    print(f"gemel {'within' if warm < MOST_MS else 'OVER'} {MOST_MS:g} ms; load after {os.getloadavg()[0]:.1f}")


def gemel(told: argparse.Namespace, folder: Path) -> float:
    """The 95th percentile of warm reads, ms; the others are printed."""
    combined(told.demos, folder)
    headers = {"Authorization": f"Bearer {token_of(folder)}"}
    port = free_port()
    base, command = f"http://127.0.0.1:{port}", gemel_command(folder, port)
    once = told.viewers, 0.0
    with served(command, f"{base}/healthz"):
        twins = known(base, headers)
    print(f"{len(twins)} twins: {', '.join(f'{twin.system} at version {twin.version}' for twin in twins)}")
    shutil.rmtree(folder / "twins.db.service" / "cache")
    with served(command, f"{base}/healthz") as process:
        said("gemel, untouched: first pages of all at once", looked_at(base, headers, once, twins), process.pid)
        time.sleep(20.0)  # a service is stopped when it has done what it had begun
    with served(command, f"{base}/healthz") as process:
        said("gemel, begun again: first pages of all at once", looked_at(base, headers, once, twins), process.pid)
        looked_at(base, headers, (told.viewers, 5.0), twins)
        return said("gemel, warm", looked_at(base, headers, (told.viewers, told.seconds), twins), process.pid, whole=True)


def combined(demos: Sequence[Path], folder: Path) -> None:
    """One record of the twins of all demos."""
    from gemel import flow, store

    shutil.copy(demos[0] / "twins.db", folder)
    shutil.copytree(demos[0] / "twins.db.artefacts", folder / "twins.db.artefacts")
    with store.open(folder / "twins.db") as record:
        for number, demo in enumerate(demos[1:]):
            with store.open(demo / "twins.db", create=False) as other:
                for twin in other.twins():
                    crate = folder / f"{number}-{twin}.zip"
                    flow.export(other, twin, crate, with_persons=True)
                    flow.load(record, crate)
                    crate.unlink()


def orthanc(told: argparse.Namespace, folder: Path) -> float:
    """The same for Orthanc."""
    port, storage = free_port(), folder / "orthanc"
    configuration = {"StorageDirectory": str(storage), "IndexDirectory": str(storage), "HttpPort": port, "DicomServerEnabled": False}
    configuration |= {"RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [], "HttpThreadsCount": told.viewers}
    (folder / "orthanc.json").write_text(json.dumps(configuration), encoding="utf-8")
    base = f"http://127.0.0.1:{port}"
    with served([ORTHANC, str(folder / "orthanc.json")], f"{base}/system") as process:
        for file in sorted((told.demos[0] / "ct").glob("*.dcm")):
            httpx.post(f"{base}/instances", content=file.read_bytes(), timeout=30.0).raise_for_status()
        series, instances = (httpx.get(f"{base}/{level}", timeout=30.0).json() for level in ("series", "instances"))
        asyncio.run(peer_looked_at(base, told.viewers, 5.0, orthanc_read(series, instances)))
        found = asyncio.run(peer_looked_at(base, told.viewers, told.seconds, orthanc_read(series, instances)))
        return said("Orthanc, warm", Seen([("peer", ms) for ms in found]), process.pid)


def orthanc_read(series: Sequence[str], instances: Sequence[str]) -> Read:
    """One read of a viewer."""

    async def read(client: httpx.AsyncClient, chance: random.Random) -> httpx.Response:
        one = chance.choice(instances)
        paths = ("/studies?expand", f"/series/{series[0]}", f"/series/{series[0]}/instances", f"/instances/{one}/tags?simplify")
        return await client.get(chance.choice((*paths, *paths, f"/instances/{one}/preview")))

    return read


async def peer_looked_at(base: str, viewers: int, seconds: float, read: Read) -> list[float]:
    """Milliseconds of every read; each viewer reads once at least. A connection that the server closed while idle is opened again."""
    until = time.perf_counter() + seconds
    found: list[float] = []

    async def viewer(number: int) -> None:
        chance = random.Random(number)
        async with httpx.AsyncClient(base_url=base, timeout=60.0) as client:
            while True:
                began = time.perf_counter()
                try:
                    answer = await read(client, chance)
                except httpx.RemoteProtocolError:
                    answer = await read(client, chance)
                found.append(1000 * (time.perf_counter() - began))
                assert answer.status_code == 200, (answer.status_code, answer.text[:200])
                if time.perf_counter() > until:
                    return
                await asyncio.sleep(chance.uniform(*THINK_S))

    await asyncio.gather(*(viewer(number) for number in range(viewers)))
    return found


def said(what: str, seen: Seen, pid: int, *, whole: bool = False) -> float:
    """Prints what was measured; the 95th percentile."""
    found = [ms for _, ms in seen.ms]
    cuts = statistics.quantiles(found, n=100)
    print(
        f"{what}: {len(found)} reads, median {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms, most {max(found):.0f} ms; "
        f"{len(seen.refused)} refused, {len(seen.broken)} broken; {cpu_s(pid):.1f} s of CPU in all, "
        f"{rss_mb(pid):.0f} MB (children {sum(map(rss_mb, children(pid))):.0f} MB)"
    )
    for words in [*seen.refused, *seen.broken][:5]:
        print(f"  {words}")
    by_page: dict[str, list[float]] = defaultdict(list)
    for name, ms in seen.ms if whole else ():
        by_page[name].append(ms)
    for name, each in sorted(by_page.items()):
        print(f"  {name}: {len(each)} reads, median {statistics.median(each):.1f} ms, p95 {statistics.quantiles(each, n=20)[18]:.1f} ms")
    return cuts[94]


def token_of(folder: Path, scopes: tuple[str, ...] = SCOPES) -> str:
    """A token that may look, made before the service starts."""
    from gemel.service.security import links, tokens
    from gemel.service.security.guard import open_guard
    from gemel.service.settings import Settings, beside

    store = str(folder / "twins.db")
    guard = open_guard(Settings(store, beside(store)))
    try:
        links.single_user(guard, "bench")
        return tokens.make(guard, "bench", scopes)[0]
    finally:
        guard.database.close()


def gemel_command(folder: Path, port: int) -> list[str]:
    """The command of `gemel serve`."""
    ports = ["--port", str(port), "--no-dicom"]
    return [sys.executable, "-c", "from gemel.cli import app; app()", "serve", "--store", str(folder / "twins.db"), *ports]


@contextmanager
def served(command: list[str], url: str) -> Iterator[subprocess.Popen[bytes]]:
    """A server, once it answers."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(600):
                try:
                    httpx.get(url, timeout=5.0).raise_for_status()
                    break
                except httpx.HTTPError:
                    time.sleep(0.1)
            yield process
        finally:
            process.terminate()


def children(pid: int) -> list[int]:
    """Processes that a process started."""
    return [int(child) for path in Path(f"/proc/{pid}/task").glob("*/children") for child in path.read_text().split()]


def cpu_s(pid: int) -> float:
    """CPU seconds of a process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def rss_mb(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


if __name__ == "__main__":
    main()

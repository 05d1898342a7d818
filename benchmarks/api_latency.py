"""Fifty viewers at once: reads of the API of `gemel serve`, beside the REST interface of Orthanc 1.10 (orthanc-server.com; Debian).

Claim: the 95th percentile of API reads below 200 ms with 50 concurrent viewers. Each viewer reads, thinks for 0.2 to 1 s, reads again:
list, overview, record, images, charts, decision, ledger, provenance of a twin, and volumes (NIfTI). Cold: all viewers begin at once on a
server that has computed nothing. Warm: afterwards. Orthanc: studies, series and instances of the planning CT, and previews as PNG, by the
same viewers. Clients (one process) share the machine with the servers; load before and after is printed.

    python -m benchmarks.api_latency DEMO_FOLDER [--seconds 20] [--viewers 50]
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
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx
from benchmarks.c_store import ORTHANC, free_port

MOST_MS, THINK_S = 200.0, (0.2, 1.0)
SCOPES = ("twins:read", "images:read", "models:read", "queue:read")
PARTS = ("", "", "/events", "/images", "/charts", "/charts", "/decision", "/decision", "/ledger", "/provenance")
Read = Callable[[httpx.AsyncClient, random.Random], Awaitable[httpx.Response]]


def main() -> None:
    """Both servers, one after the other."""
    asked = argparse.ArgumentParser()
    asked.add_argument("demo", type=Path, help="What `gemel demo --out` wrote.")
    asked.add_argument("--seconds", type=float, default=20.0)
    asked.add_argument("--viewers", type=int, default=50)
    told = asked.parse_args()
    print(f"load before {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores, {told.viewers} viewers, {told.seconds:g} s")
    with tempfile.TemporaryDirectory(prefix="api-latency-") as folder:
        warm = gemel(told, Path(folder))
        peer = orthanc(told, Path(folder)) if Path(ORTHANC).exists() else float("nan")
    print(f"95th percentile, gemel to Orthanc: {warm / peer:.2f}; gemel {'within' if warm < MOST_MS else 'OVER'} {MOST_MS:g} ms")
    print(f"load after {os.getloadavg()[0]:.1f}")


def gemel(told: argparse.Namespace, folder: Path) -> float:
    """The 95th percentile of warm reads, ms; cold ones are printed."""
    shutil.copy(told.demo / "twins.db", folder)
    shutil.copytree(told.demo / "twins.db.artefacts", folder / "twins.db.artefacts")
    token = token_of(folder)
    with served(gemel_command(folder, port := free_port()), f"http://127.0.0.1:{port}/healthz") as process:
        headers = {"Authorization": f"Bearer {token}"}
        base = f"http://127.0.0.1:{port}"
        twin = httpx.get(f"{base}/api/twins", headers=headers, timeout=60.0).json()["twins"][0]["id"]
        cold, began = asyncio.run(looked_at(base, headers, told.viewers, 0.0, gemel_read(twin))), cpu_s(process.pid)
        said("gemel, cold (every viewer's first read at once)", cold, 0.0, process.pid)
        asyncio.run(looked_at(base, headers, told.viewers, 5.0, gemel_read(twin)))
        began = cpu_s(process.pid)
        warm = asyncio.run(looked_at(base, headers, told.viewers, told.seconds, gemel_read(twin)))
        return said("gemel, warm", warm, cpu_s(process.pid) - began, process.pid)


def orthanc(told: argparse.Namespace, folder: Path) -> float:
    """The same for Orthanc."""
    port, storage = free_port(), folder / "orthanc"
    configuration = {"StorageDirectory": str(storage), "IndexDirectory": str(storage), "HttpPort": port, "DicomServerEnabled": False}
    configuration |= {"RemoteAccessAllowed": False, "AuthenticationEnabled": False, "Plugins": [], "HttpThreadsCount": told.viewers}
    (folder / "orthanc.json").write_text(json.dumps(configuration), encoding="utf-8")
    base = f"http://127.0.0.1:{port}"
    with served([ORTHANC, str(folder / "orthanc.json")], f"{base}/system") as process:
        for file in sorted((told.demo / "ct").glob("*.dcm")):
            httpx.post(f"{base}/instances", content=file.read_bytes(), timeout=30.0).raise_for_status()
        series, instances = (httpx.get(f"{base}/{level}", timeout=30.0).json() for level in ("series", "instances"))
        asyncio.run(looked_at(base, {}, told.viewers, 5.0, orthanc_read(series, instances)))
        began = cpu_s(process.pid)
        found = asyncio.run(looked_at(base, {}, told.viewers, told.seconds, orthanc_read(series, instances)))
        return said("Orthanc, warm", found, cpu_s(process.pid) - began, process.pid)


def gemel_read(twin: str) -> Read:
    """One read of a viewer."""
    held: dict[str, str] = {}
    volumes: list[str] = []

    async def read(client: httpx.AsyncClient, chance: random.Random) -> httpx.Response:
        path = chance.choice(("/api/twins", *(f"/api/twins/{twin}{part}" for part in PARTS), *volumes[:6][:1]))
        seen = {"If-None-Match": held[path]} if path in held and chance.random() < 0.5 else {}
        answer = await client.get(path, headers=seen)
        held[path] = answer.headers.get("etag", "")
        if path.endswith("/images") and answer.status_code == 200 and not volumes:
            volumes.extend(row["url"] for row in answer.json()["images"])
        return answer

    return read


def orthanc_read(series: Sequence[str], instances: Sequence[str]) -> Read:
    """One read of a viewer."""

    async def read(client: httpx.AsyncClient, chance: random.Random) -> httpx.Response:
        one = chance.choice(instances)
        paths = ("/studies?expand", f"/series/{series[0]}", f"/series/{series[0]}/instances", f"/instances/{one}/tags?simplify")
        return await client.get(chance.choice((*paths, *paths, f"/instances/{one}/preview")))

    return read


async def looked_at(base: str, headers: dict[str, str], viewers: int, seconds: float, read: Read) -> list[float]:
    """Milliseconds of every read; each viewer reads once at least."""
    until = time.perf_counter() + seconds
    found: list[float] = []

    async def viewer(number: int) -> None:
        chance = random.Random(number)
        async with httpx.AsyncClient(base_url=base, headers=headers, timeout=60.0) as client:
            while True:
                began = time.perf_counter()
                answer = await read(client, chance)
                found.append(1000 * (time.perf_counter() - began))
                assert answer.status_code in (200, 304), (answer.status_code, answer.text[:200])
                if time.perf_counter() > until:
                    return
                await asyncio.sleep(chance.uniform(*THINK_S))

    await asyncio.gather(*(viewer(number) for number in range(viewers)))
    return found


def said(what: str, found: Sequence[float], cpu: float, pid: int) -> float:
    """Prints what was measured; the 95th percentile."""
    cuts = statistics.quantiles(found, n=100)
    each = f", {1000 * cpu / len(found):.2f} ms of CPU a read" if cpu else ""
    print(
        f"{what}: {len(found)} reads, median {cuts[49]:.1f} ms, p95 {cuts[94]:.1f} ms, p99 {cuts[98]:.1f} ms, "
        f"most {max(found):.0f} ms{each}, {rss_mb(pid):.0f} MB (children {sum(map(rss_mb, children(pid))):.0f} MB)"
    )
    return cuts[94]


def token_of(folder: Path) -> str:
    """A token that may look, made before the service starts."""
    from gemel.service.security import links, tokens
    from gemel.service.security.guard import open_guard
    from gemel.service.settings import Settings, beside

    store = str(folder / "twins.db")
    guard = open_guard(Settings(store, beside(store)))
    try:
        links.single_user(guard, "bench")
        return tokens.make(guard, "bench", SCOPES)[0]
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

"""Fifty viewers for a minute while images are received, a scan is observed, a child process is killed and a twin is erased.

Claim: no answer is a 5xx, no request hangs, no stream of events breaks. One page in ten is left before it is there. Refused may be reads
of the twin that was erased alone. Prints latencies, refusals and what the other work came to; exit status 1 when the claim does not hold.

    python -m benchmarks.api_load DEMO_FOLDER NEXT_SCAN [--also DEMO_FOLDER ...] [--seconds 60]

The record of DEMO_FOLDER, of the prostate, has not seen the series of the folder NEXT_SCAN yet; a twin of --also is erased.
"""

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import pydicom
from benchmarks.api_latency import children, combined, free_port, said, served, token_of
from benchmarks.c_store import STORESCU, write_series
from benchmarks.viewers import Seen, known, looked_at

RASH = 0.1
SCOPES = ("twins:read", "images:read", "models:read", "queue:read", "node:read", "twins:write")


def main() -> int:
    """One run."""
    asked = argparse.ArgumentParser()
    asked.add_argument("demo", type=Path)
    asked.add_argument("scan", type=Path)
    asked.add_argument("--also", type=Path, nargs="+", default=[])
    asked.add_argument("--seconds", type=float, default=60.0)
    asked.add_argument("--viewers", type=int, default=50)
    told = asked.parse_args()
    print(f"load before {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores")
    with tempfile.TemporaryDirectory(prefix="api-load-") as name:
        folder = Path(name)
        combined([told.demo, *told.also], folder)
        bad = run(told, folder, token_of(folder, SCOPES))
    print(f"{'the claim holds' if not bad else f'NOT: {bad}'}; load after {os.getloadavg()[0]:.1f}")
    return bool(bad)


def run(told: argparse.Namespace, folder: Path, token: str) -> list[str]:
    """What should not have been."""
    http, dicom = free_port(), free_port()
    headers, base = {"Authorization": f"Bearer {token}"}, f"http://127.0.0.1:{http}"
    ports = ["--port", str(http), "--dicom-port", str(dicom)]
    command = [sys.executable, "-c", "from gemel.cli import app; app()", "serve", "--store", str(folder / "twins.db"), *ports]
    ended: dict[str, str] = {}
    with served(command, f"{base}/healthz") as process:
        send(dicom, told.scan)
        twins = known(base, headers)
        work = {
            "200 images": (5.0, lambda: sent(dicom, folder)),
            "observe": (5.0, lambda: observed(base, headers, twins, told.scan)),
            "kill": (20.0, lambda: killed(process.pid)),
            "erase": (35.0, lambda: erased(folder, twins)),
        }
        threads = [threading.Thread(target=_after, args=(*what, ended, name)) for name, what in work.items()]
        for thread in threads:
            thread.start()
        seen = looked_at(base, headers, (told.viewers, told.seconds), twins, rash=RASH)
        for thread in threads:
            thread.join()
        said("all reads", seen, process.pid, whole=True)
        alive = httpx.get(f"{base}/healthz").status_code == 200
    print("\n".join(f"  {name}: {words}" for name, words in ended.items()))
    print(f"  events told to all: {seen.events}")
    return wrong(seen, ended, other(twins)) + ([] if alive else ["the service is gone"])


def wrong(seen: Seen, ended: dict[str, str], gone: str) -> list[str]:
    """What breaks the claim."""
    refused = [words for words in seen.refused if not (words.startswith("404 ") and gone and gone in words)]
    return refused[:3] + seen.broken[:3] + [f"{name}: {words}" for name, words in ended.items() if "failed" in words]


def _after(wait_s: float, work: Any, ended: dict[str, str], name: str) -> None:
    time.sleep(wait_s)
    began = time.perf_counter()
    try:
        words = work()
    except Exception as error:  # noqa: BLE001 whatever it was, it is reported as what failed
        words = f"failed ({type(error).__name__}: {error})"[:300]
    ended[name] = f"{words}, {time.perf_counter() - began:.1f} s"


def send(port: int, folder: Path) -> None:
    """A folder by C-STORE."""
    command = [STORESCU, "-aec", "GEMEL", "-xe", "127.0.0.1", str(port), *map(str, sorted(folder.glob("*.dcm")))]
    done = subprocess.run(command, env={**os.environ, "TCP_NODELAY": "1"}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"storescu: {done.returncode} {done.stderr[-200:]}")


def sent(port: int, folder: Path) -> str:
    """Two hundred slices."""
    place = folder / "slices"
    place.mkdir()
    write_series(place, 1)
    send(port, place)
    return f"{len(list(place.iterdir()))} received"


def observed(base: str, headers: dict[str, str], twins: Any, scan: Path) -> str:
    """The next scan, as a job."""
    series = str(pydicom.dcmread(next(scan.glob("*.dcm")), stop_before_pixels=True).SeriesInstanceUID)
    twin = next(one for one in twins if one.system == "prostate")
    with httpx.Client(base_url=base, headers=headers, timeout=60.0) as client:
        tag = client.get(f"/api/twins/{twin.id}").headers["etag"]
        answer = client.post(f"/api/twins/{twin.id}/observe", json={"series": series}, headers={"If-Match": tag})
        if answer.status_code != 202:
            return f"failed: {answer.text[:200]}"
        job: dict[str, Any] = {"state": "waiting"}
        while job["state"] in ("waiting", "running"):
            time.sleep(0.5)
            job = client.get(f"/api/jobs/{answer.json()['job']}").json()
    return f"{job['state']} {job['error']}"


def killed(pid: int) -> str:
    """A child that computes answers, in the middle of whatever it does."""
    found = [child for child in children(pid) if b"spawn_main" in Path(f"/proc/{child}/cmdline").read_bytes()]
    if found:
        os.kill(found[-1], signal.SIGKILL)
    return f"{len(found[-1:])} of {len(found)} children killed"


def other(twins: Any) -> str:
    """The newest twin that is not observed; none when there is no other."""
    return next((one.id for one in twins if one.system != "prostate"), "")


def erased(folder: Path, twins: Any) -> str:
    """Another twin than the one that is observed, while it is looked at."""
    store = ["--store", str(folder / "twins.db"), "--reason", "asked to", "--yes"]
    command = [sys.executable, "-c", "from gemel.cli import app; app()", "twin", "erase", other(twins), *store]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return "done" if done.returncode == 0 else f"failed: {done.stderr[-200:]}"


if __name__ == "__main__":
    sys.exit(main())

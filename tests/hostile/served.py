"""A service of its own in a sandbox, what it does while it is abused, and what it touched: nothing but its own folder."""

import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from gemel.service.settings import Tls
from tests.hostile.papers import connect as tls_connect
from tests.unit.service import node_wire as wire
from tests.unit.service.node_wire import connect as plain_connect

_LINK = re.compile(r"https?://\S+/login\?token=\S+")
_MARK = "hostile-corpus"
PROBE_S = 0.25


@dataclass
class Watched:
    """What was seen from outside: most memory of the service and of a child; slowest health check and C-ECHO, how many, how many failed."""

    service_MB: float = 0.0
    child_MB: float = 0.0
    slowest_s: float = 0.0
    probes: int = 0
    failed: int = 0
    slowest_echo_s: float = 0.0
    echoes: int = 0
    why: list[str] = field(default_factory=list)

    def fail(self, failed: bool, what: str) -> None:
        """Counts what was not answered."""
        self.failed += failed
        self.why += [what] * failed


@dataclass
class Served:
    """A running service, signed in to."""

    client: httpx.Client
    process: subprocess.Popen[str]
    sandbox: Path
    dicom_port: int = 0
    trusting: ssl.SSLContext | None = None
    watched: Watched = field(default_factory=Watched)
    done: threading.Event = field(default_factory=threading.Event)

    @property
    def alive(self) -> bool:
        """Whether the process that was started still runs."""
        return self.process.poll() is None

    def pause(self) -> None:
        """Waits until health check and C-ECHO have been asked once more."""
        until_s, echoes = time.monotonic() + 10 * PROBE_S, self.watched.echoes
        while self.watched.echoes == echoes and time.monotonic() < until_s:
            time.sleep(0.02)


@contextmanager
def served(sandbox: Path, *, dicom_port: int = 0, config: str = "", tls: Tls | None = None) -> Iterator[Served]:
    """`gemel serve`, with a DICOM node where a port is named; home, temporary files, working folder are its own; watched from outside."""
    for name in ("home", "tmp", "here", "root"):
        (sandbox / name).mkdir(parents=True, exist_ok=True)
    (sandbox / "home" / "canary").write_text("untouched")
    port, trusting = free_port(), ssl.create_default_context(cafile=str(tls.certificate)) if tls else None
    process = subprocess.Popen(
        _command(sandbox, port, dicom_port, config, tls),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=sandbox / "here",
        env=_environment(sandbox),
    )
    address = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        with httpx.Client(base_url=address, timeout=60.0, verify=trusting or True) as client:
            _sign_in(client, process)
            running = Served(client, process, sandbox, dicom_port, trusting)
            watcher = threading.Thread(target=_watch, args=(running,))
            watcher.start()
            try:
                yield running
            finally:
                running.done.set()
                watcher.join()
    finally:
        process.terminate()
        process.wait(10)
        assert process.stdout is not None
        process.stdout.close()


def _command(sandbox: Path, port: int, dicom_port: int, config: str, tls: Tls | None) -> list[str]:
    begin = [sys.executable, "-c", "from gemel.cli import app; app()", "serve", "--store", str(sandbox / "root" / "twins.db"), "--port"]
    told = [*begin, str(port), *(("--dicom-port", str(dicom_port)) if dicom_port else ("--no-dicom",))]
    if config:
        (sandbox / "root" / "gemel.toml").write_text(config)
        told += ["--config", str(sandbox / "root" / "gemel.toml")]
    return told + (["--tls-cert", str(tls.certificate), "--tls-key", str(tls.key)] if tls else [])


def _environment(sandbox: Path) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    return {**kept, "HOME": str(sandbox / "home"), "TMPDIR": str(sandbox / "tmp"), "GEMEL_TEST_MARK": _MARK, "PYTHONDONTWRITEBYTECODE": "1"}


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def _sign_in(client: httpx.Client, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if link := _LINK.search(line):
            assert client.get(link[0]).status_code in (200, 303, 404)
            client.headers["X-CSRF"] = client.get("/api/session").json()["csrf"]
            return
    raise AssertionError("the service did not say how to sign in")


def _watch(running: Served) -> None:
    """Memory every few milliseconds; a health check four times a second on a connection of its own, a C-ECHO with every fourth."""
    due = 0.0
    with httpx.Client(base_url=running.client.base_url, timeout=10.0, verify=running.trusting or True) as probe:
        while not running.done.wait(0.02):
            seen = running.watched
            seen.service_MB = max(seen.service_MB, _resident_MB(running.process.pid))
            seen.child_MB = max([seen.child_MB, *map(_resident_MB, _children(running.process.pid))])
            if (begun := time.perf_counter()) >= due:
                due = begun + PROBE_S
                seen.probes += 1
                seen.fail(not _healthy(probe), "health")
                seen.slowest_s = max(seen.slowest_s, time.perf_counter() - begun)
                if running.dicom_port and seen.probes % 4 == 1:
                    begun = time.perf_counter()
                    seen.fail(not _echoes(running.dicom_port, running.trusting), "C-ECHO")
                    seen.slowest_echo_s = max(seen.slowest_echo_s, time.perf_counter() - begun)
                    seen.echoes += 1


def _healthy(probe: httpx.Client) -> bool:
    try:
        return probe.get("/healthz").status_code == 200
    except httpx.HTTPError:
        return False


def _echoes(port: int, trusting: ssl.SSLContext | None) -> bool:
    """A C-ECHO over an association of its own."""
    try:
        line = tls_connect(trusting, port) if trusting else plain_connect(port)
        with line.socket:
            line.send(wire.request(calling="PROBE"))
            accepted = line.unit()[0] == wire.ACCEPTED
            line.send(wire.echo())
            return accepted and line.status() == 0
    except OSError:
        return False


def _resident_MB(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()] + _of_threads(pid)
    except OSError:
        return []


def _of_threads(pid: int) -> list[int]:
    return [
        int(child)
        for task in Path(f"/proc/{pid}/task").iterdir()
        if task.name != str(pid)
        for child in (task / "children").read_text().split()
    ]


def touched(sandbox: Path, also: Sequence[Path] = ()) -> dict[str, tuple[int, int]]:
    """Size and time of change of every file outside the service's folder."""
    found = {}
    for top in (sandbox, *also):
        for folder, names, files in os.walk(top):
            if folder == str(sandbox):
                names.remove("root")
            for name in (*names, *files):
                status = os.lstat(os.path.join(folder, name))
                found[os.path.join(folder, name)] = (status.st_size if name in files else 0, status.st_mtime_ns)
    return found

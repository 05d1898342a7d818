"""`gemel serve` as a process: up soon, small, quiet about secrets, unmoved by those who stall, and gone when it is told."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from gemel.cli import app
from gemel.core.errors import InputError
from gemel.service.serve import bound, loopback, require_safe
from gemel.service.settings import Settings
from tests.unit.service.security import house

HEAVY = ("numba", "scipy", "matplotlib", "highdicom", "fhir", "argon2", "joserfc", "gemel.flow.observe", "gemel.engines", "gemel.systems")
UP_S, MOST_MIB, DOWN_S = 60.0, 250.0, 3.0  # up within 3 s on a quiet machine (benchmarks/serve_start.py); tests share theirs


@dataclass
class Running:
    """The process, where it answers, what it printed, and when it was up."""

    process: "subprocess.Popen[bytes]"
    url: str
    folder: Path
    up_s: float

    def said(self) -> str:
        """All that it wrote."""
        return (self.folder / "out").read_text() + (self.folder / "log").read_text()


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder, port = tmp_path_factory.mktemp("serve"), free_port()
    told = house.settings(folder)
    config = folder / "gemel.toml"
    config.write_text("[limits]\nheader_s = 1.0\nbody_s = 1.0\nconnections = 60\n")
    command = [sys.executable, "-c", "from gemel.cli import app; app()", "serve", "--store", told.store, "--port", str(port), "--no-dicom"]
    began = time.monotonic()
    with (folder / "out").open("wb") as out, (folder / "log").open("wb") as log:
        process = subprocess.Popen([*command, "--config", str(config)], stdout=out, stderr=log, env=os.environ | {"GEMEL_STORE": ""})
        url = f"http://127.0.0.1:{port}"
        while time.monotonic() - began < UP_S and process.poll() is None:
            try:
                httpx.get(f"{url}/healthz")
                break
            except httpx.TransportError:
                time.sleep(0.05)
        yield Running(process, url, folder, time.monotonic() - began)
        process.kill()
        process.wait()


def test_it_is_up_soon_and_says_where(running: Running) -> None:
    assert running.process.poll() is None, running.said()
    assert running.up_s < UP_S
    assert f"gemel serves {running.folder / 'twins.db'} at {running.url}" in (running.folder / "out").read_text()


def test_no_answer_waits_for_an_acknowledgement(tmp_path: Path) -> None:
    """Nagle's algorithm is off on what the service accepts: with it every small answer took 40 ms."""
    with bound(replace(house.settings(tmp_path), port=0)) as listening, socket.create_connection(listening.getsockname()):
        accepted, _ = listening.accept()
        with accepted:
            assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_it_is_small(running: Running) -> None:
    status = Path(f"/proc/{running.process.pid}/status")
    if not status.exists():
        pytest.skip("no /proc here to read the memory from")
    found = re.search(r"VmRSS:\s+(\d+) kB", status.read_text())
    assert found
    assert int(found[1]) / 1024 < MOST_MIB


def test_starting_loads_no_models() -> None:
    code = "import sys, json; import gemel.cli.serve, gemel.service.serve, gemel.service.app as a; [a.routers(n) for n in a.ROUTERS]; "
    code += f"print(json.dumps([m for m in {HEAVY} if m in sys.modules]))"
    assert json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout) == []


def test_its_link_signs_in_once_and_nothing_secret_is_logged(running: Running) -> None:
    link = re.search(r"http://\S+/login\?token=(\S+)", (running.folder / "out").read_text())
    assert link
    with httpx.Client(base_url=running.url) as client:
        assert client.get("/login", params={"token": link[1]}).status_code == 303
        mark = {"X-CSRF": client.get("/api/session").json()["csrf"]}
        made = client.post("/api/tokens", json={"scopes": ["models:read"]}, headers=mark).json()["token"]
        client.post("/api/users", json={"name": "vera", "roles": ["viewer"], "password": "nine brown horses"}, headers=mark)
        httpx.post(f"{running.url}/api/session", json={"user": "vera", "password": "nine brown horses"})
        httpx.get(f"{running.url}/api/session", headers={"Authorization": f"Bearer {made}"})
        secrets = [link[1], made, mark["X-CSRF"], "nine brown horses", *client.cookies.values()]
    log = (running.folder / "log").read_text()
    assert "GET /login 303" in log
    assert [secret for secret in secrets if secret in log] == []
    kept = b"".join(path.read_bytes() for path in (running.folder / "twins.db.service").glob("*.db*"))
    assert [secret for secret in secrets if secret.encode() in kept] == []
    assert "SECRET^" not in log


def test_the_folder_is_its_owners_alone(running: Running) -> None:
    folder = running.folder / "twins.db.service"
    assert folder.stat().st_mode & 0o077 == 0
    assert [path.name for path in folder.glob("*.key") if path.stat().st_mode & 0o077] == []


def stalled(url: str, beginning: bytes) -> socket.socket:
    """A connection that begins and does not go on."""
    made = socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), timeout=5.0)
    made.sendall(beginning)
    return made


def test_hundreds_who_stall_do_not_keep_others_waiting(running: Running) -> None:
    beginnings = (
        b"",
        b"G",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: ",
        b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\n",
    )
    stalling = [stalled(running.url, beginnings[n % 4]) for n in range(240)]
    try:
        for _ in range(5):
            began = time.monotonic()
            assert httpx.get(f"{running.url}/healthz", timeout=5.0).status_code == 200
            assert time.monotonic() - began < 1.0
    finally:
        for one in stalling:
            one.close()


@pytest.mark.parametrize("beginning", [b"", b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: "])
def test_headers_that_do_not_come_are_not_waited_for(running: Running, beginning: bytes) -> None:
    began = time.monotonic()
    with stalled(running.url, beginning) as one:
        assert one.recv(100) == b"", "cut, without an answer"
    assert 0.5 < time.monotonic() - began < 4.0


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10737418240\r\n\r\n", b"413"),
        (b"POST /api/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{", b"408"),
        (b"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", b"421"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 70_000, b"400"),
        (b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00\x01\x00", b"400"),
        (b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n", b"404"),
    ],
)
def test_hostile_bytes_are_answered_and_cut(running: Running, sent: bytes, status: bytes) -> None:
    with stalled(running.url, sent) as one:
        answer = one.recv(4096)
    assert answer.split(b" ")[1] == status, answer
    assert b"root:" not in answer
    assert httpx.get(f"{running.url}/healthz").status_code == 200


def test_it_goes_when_it_is_told(running: Running) -> None:
    began = time.monotonic()
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(10.0)
    assert time.monotonic() - began < DOWN_S
    log = (running.folder / "log").read_text()
    assert running.process.returncode == -signal.SIGTERM, "it says what ended it, as a shell or systemd expects"
    assert len(re.findall(r"audit head \d+:[0-9a-f]{64}", log)) == 2, "the head is told at the start and at the end"
    assert "Traceback" not in log


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--store", "{0}/nowhere/twins.db"], "create the folder first"),
        (["--store", "{0}/twins.db", "--host", "0.0.0.0"], "without TLS"),
        (["--store", "{0}/twins.db", "--tls-key", "{0}/twins.db"], "--tls-cert and --tls-key together"),
        (["--store", "{0}/twins.db", "--port", "{1}"], "cannot be had"),
    ],
)
def test_what_cannot_be_served_is_said_in_a_line(running: Running, tmp_path: Path, words: list[str], said: str) -> None:
    house.settings(tmp_path)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = [word.format(tmp_path, taken.getsockname()[1]) for word in words]
        port = [] if "--port" in told else ["--port", "0"]
        done = CliRunner().invoke(app, ["serve", "--no-dicom", *port, *told])
    assert done.exit_code == 1
    assert said in done.output
    assert "Traceback" not in done.output


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "gemel.example", "::"])
def test_it_does_not_speak_clear_text_to_other_machines(tmp_path: Path, host: str) -> None:
    told = Settings("twins.db", tmp_path, host=host)
    with pytest.raises(InputError, match="without TLS"):
        require_safe(told, insecure=False)
    require_safe(told, insecure=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_this_machine_is_spoken_to_in_clear_text(host: str) -> None:
    assert loopback(host)

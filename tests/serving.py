"""A running `gemel serve` for tests: its own process, free ports, its one-time link."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

LINK = re.compile(rb"(http\S+/login\?token=\S+)")
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Served:
    """Where it is, how to sign in once, and the process."""

    url: str
    dicom_port: int
    link: str
    process: subprocess.Popen[bytes]
    log: Path


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@contextmanager
def serving(record: Path, *more: str) -> Iterator[Served]:
    """`gemel serve` over a record, until the block ends; it must then end by itself on SIGTERM."""
    port, dicom_port = free_port(), free_port()
    log = record.with_name(f"serve-{port}.txt")
    words = ["serve", "--store", str(record), "--port", str(port), "--dicom-port", str(dicom_port), *more]
    with log.open("wb") as told:
        command = [sys.executable, "-c", "from gemel.cli import app; app()", *words]
        process = subprocess.Popen(command, stdout=told, stderr=subprocess.STDOUT)
    try:
        yield Served(f"http://127.0.0.1:{port}", dicom_port, _link(process, log), process, log)
        process.terminate()
        process.wait(PATIENCE_S)
    finally:
        process.kill()
        process.wait()


def _link(process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + PATIENCE_S
    while not (found := LINK.search(log.read_bytes())):
        assert process.poll() is None, f"gemel serve ended:\n{log.read_text()}"
        assert time.monotonic() < until, f"gemel serve did not start:\n{log.read_text()}"
        time.sleep(0.05)
    return found[1].decode()


def signed_in(served: Served) -> httpx.Client:
    """A client with the session that the one-time link gives; its writes carry the CSRF word."""
    client = httpx.Client(base_url=served.url, timeout=PATIENCE_S)
    assert client.get(served.link, follow_redirects=True).status_code < 500
    client.headers["X-CSRF"] = client.get("/api/session").json()["csrf"]
    return client

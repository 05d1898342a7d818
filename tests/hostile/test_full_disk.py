"""A disk that is full, for real: the service refuses in words, tears nothing, loses nothing, and goes on when there is space again."""

import ctypes
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.hostile.abuse import HEADERS, body
from tests.hostile.build import file
from tests.hostile.crafted import fresh
from tests.hostile.served import Served, free_port, served
from tests.unit.service import node_wire as wire
from tests.unit.service.slices import bare, ct_slice

pytestmark = pytest.mark.full
DISK_BYTES, LEAVE_ALONE, MOST = 160 << 20, 1 << 20, 300
CONFIG = f"[node.limits]\nfree_bytes = {LEAVE_ALONE}\nspooled_bytes = 65536\n"
STOW, OUT_OF_RESOURCES = "/dicom-web/studies", 0xA700


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 160 MB in memory, on which the service's folder lies."""
    libc, place = ctypes.CDLL(None, use_errno=True), tmp_path / "root"
    place.mkdir()
    if libc.mount(b"tmpfs", str(place).encode(), b"tmpfs", 0, f"size={DISK_BYTES}".encode()):
        pytest.skip(f"no small disk can be mounted here: {os.strerror(ctypes.get_errno())}")
    try:
        yield place
    finally:
        libc.umount2(str(place).encode(), 2)


def stowed(client: httpx.Client, uids: list[str]) -> list[str]:
    """Those of the objects that the service says it keeps."""
    answer = client.post(STOW, content=body(file(uid, side=64) for uid in uids), headers=HEADERS)
    assert answer.status_code < 500 or answer.json()["title"], answer.text
    found = answer.json().get("00081199", {}).get("Value", []) if answer.status_code < 300 else []
    return [item["00081155"]["Value"][0] for item in found]


def sent(port: int, number: int) -> int:
    """The status of a C-STORE."""
    line = wire.associated(port)
    with line.socket:
        line.send(wire.store(bare(ct_slice(number, Rows=64, Columns=64)), f"1.2.826.0.1.1.1.{number}"))
        return line.status()


def filled(disk: Path) -> Path:
    """A file that takes the rest."""
    filler = disk / "filler"
    with filler.open("wb") as stream:
        try:
            while True:
                os.write(stream.fileno(), bytes(1 << 16))
        except OSError:
            pass
        try:
            while True:
                os.write(stream.fileno(), bytes(512))
        except OSError:
            return filler


def held(client: httpx.Client) -> set[str]:
    """Every object, read back whole."""
    rows = client.get("/dicom-web/instances", params={"limit": "500"}).json()
    for row in rows:
        address = "/dicom-web/" + row["00081190"]["Value"][0].split("/dicom-web/")[1]
        assert client.get(address, headers={"Accept": 'multipart/related; type="application/dicom"'}).status_code == 200
    return {row["00080018"]["Value"][0] for row in rows}


def stowed_until_full(client: httpx.Client) -> tuple[set[str], str]:
    """Large objects until one is refused: those that are kept, and the words of the refusal."""
    kept: set[str] = set()
    for _ in range(MOST):
        uid = fresh()
        answer = client.post(STOW, content=body([file(uid, side=512)]), headers=HEADERS)
        if answer.status_code not in (200, 202):
            return kept, answer.text
        kept.add(uid)
    raise AssertionError("the disk never got full")


def lived_through(running: Served, disk: Path) -> tuple[set[str], list[str]]:
    """Objects that were acknowledged before, while the disk is full, and after; and what was said while it was full."""
    client, uids = running.client, [fresh() for _ in range(4)]
    kept = set(stowed(client, uids[:2])) | {"1.2.826.0.1.1.1.1"}
    assert (len(kept), sent(running.dicom_port, 1)) == (3, 0)
    assert held(client) == kept
    filler = filled(disk)
    full, words = stowed_until_full(client)
    said = [words]
    assert sent(running.dicom_port, 2) == OUT_OF_RESOURCES
    for method, path in (("GET", STOW), ("GET", "/api/twins"), ("POST", "/api/twins/T1/observe"), ("POST", "/api/tokens")):
        answer = client.request(method, path, headers={"If-Match": '"1"'}, **({"json": {"scopes": []}} if method == "POST" else {}))
        said.append(answer.text if answer.status_code >= 400 else "")
    assert client.get("/healthz").status_code == 200
    filler.unlink()
    assert set(stowed(client, uids[2:])) == set(uids[2:])
    assert sent(running.dicom_port, 3) == 0
    return kept | full | set(uids[2:]) | {"1.2.826.0.1.1.1.3"}, said


def test_a_full_disk_is_lived_through(disk: Path, tmp_path: Path) -> None:
    with served(tmp_path, dicom_port=free_port(), config=CONFIG) as running:
        kept, said = lived_through(running, disk)
        assert running.alive
        assert "audit log" in said[0] or "full" in said[0]  # what cannot be written down is not done
        assert all("Traceback" not in words and (not words or "title" in words or "0008119" in words) for words in said)
        assert running.watched.failed == 0
        found = held(running.client)
        assert kept <= found
        assert len(found - kept) <= 1  # the one whose acknowledgement could not be written down
    with served(tmp_path, dicom_port=free_port(), config=CONFIG) as again:
        assert held(again.client) == found

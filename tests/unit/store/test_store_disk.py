"""A full disk refuses the append, says so, and leaves what was recorded before whole; with space again the record goes on."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import StoreError
from gemel.store import Store
from gemel.store import artefacts as kept

LIMITED = """
import resource, sys
import gemel.store
from gemel.core.errors import StoreError
from gemel.store import artefacts as kept

with gemel.store.open(sys.argv[1]) as store:
    event = store.append("p1", "Observed", {"n": 0})
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, hard))
    told = [event.hash]
    try:
        for n in range(10_000):
            told.append(store.append("p1", "Observed", {"n": n, "text": "x" * 1000}).hash)
    except StoreError as error:
        refused = error.remedy
    assert 10 < len(told) < 10_000
    try:
        store.artefacts.put(bytes(600_000))
    except StoreError as error:
        refused += error.remedy
    assert "intact" in refused and "ulimit" in refused, refused
    assert all(kept.is_whole(p) for p in kept.stored(store.artefacts))
    assert not list(store.artefacts.folder.glob(".tmp-*"))
    assert [e.hash for e in store.events("p1")] == told and store.verify(told[-1])
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    store.append("p1", "Ingested", {}, outputs=[store.artefacts.put(bytes(300_000))])
    assert store.verify(told[-1]) and store.version("p1") == len(told) + 1
print("intact")
"""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX resource limits")
def test_a_file_that_may_not_grow(path: Path) -> None:
    run = subprocess.run([sys.executable, "-c", LIMITED, str(path)], capture_output=True, text=True, check=False)
    assert run.stdout == "intact\n", run.stderr


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 3 MB, where this user may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if not mount or subprocess.run([mount, "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], capture_output=True, check=False).returncode:
        pytest.skip("this user may not mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def until_refused(act: Callable[[int], object]) -> None:
    for n in range(10_000):
        act(n)


def test_a_full_disk(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with gemel.store.open(small_disk / "twins.db") as store:
        told = [store.append("p1", "Observed", {"n": 0})]
        with ballast.open("wb", buffering=0) as stream, pytest.raises(OSError, match="space"):
            until_refused(lambda n: stream.write(bytes(4096)))
        with pytest.raises(StoreError, match="full"):
            until_refused(lambda n: told.append(store.append("p1", "Observed", {"n": n, "text": "x" * 1000})))
        with pytest.raises(StoreError, match="the disk is full"):
            store.artefacts.put(bytes(2_000_000))
        assert store.events("p1") == told
        assert store.check(told[-1].hash, artefacts=True) == []
        ballast.unlink()
        told.append(store.append("p1", "Ingested", {}, outputs=[store.artefacts.put(b"room again")]))
    with gemel.store.open(small_disk / "twins.db") as store:
        assert store.events("p1") == told
        assert store.check(told[-1].hash, artefacts=True) == []
        assert store.swept.quarantined == ()


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_no_torn_artefact_bears_a_final_name_whichever_call_fails(store: Store, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    head = store.append("p1", "Observed", {}).hash

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(p.name for p in kept.stored(store.artefacts))
    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StoreError, match="the disk is full: free some space"):
            store.artefacts.put(b"an image")
    assert sorted(p.name for p in kept.stored(store.artefacts)) == before
    assert not list(store.artefacts.folder.glob(".tmp-*"))
    assert store.verify(head)
    assert store.artefacts.get(store.artefacts.put(b"an image")) == b"an image"

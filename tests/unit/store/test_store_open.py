"""A record is opened, or refused with the reason and what to do; a refused file is left as it was."""

import os
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import InputError, StoreError
from gemel.store.sqlite import APPLICATION


@contextmanager
def unprivileged() -> Iterator[None]:
    """Permissions do not bind root; be somebody else meanwhile."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_address_and_path_open_the_same_record(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(path.parent)
    with gemel.store.open(f"sqlite:///{path}") as store:
        event = store.append("p1", "Observed", {})
    for address in (path, str(path), "twins.db", "sqlite:///twins.db"):
        with gemel.store.open(address) as store:
            assert store.events("p1") == [event]


def test_every_commit_is_flushed(path: Path) -> None:
    with gemel.store.open(path) as store:
        pragma = {name: store.rows.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("journal_mode", "synchronous")}
    assert pragma == {"journal_mode": "wal", "synchronous": 2}


@pytest.mark.parametrize("address", ["oracle://site/twins", "sqlite:///", "sqlite:///:memory:", ":memory:", "mysql://x", ""])
def test_an_unknown_address_is_refused(address: str) -> None:
    with pytest.raises(InputError, match="sqlite:///path"):
        gemel.store.open(address)


def test_a_record_that_must_exist_is_not_made(path: Path) -> None:
    with pytest.raises(StoreError, match="no record"):
        gemel.store.open(path, create=False)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("place", ["", "missing/twins.db"])
def test_a_folder_is_not_a_record_and_a_missing_folder_is_not_made(tmp_path: Path, place: str) -> None:
    with pytest.raises(StoreError, match="no record"):
        gemel.store.open(tmp_path / place)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_database_is_refused_and_left_alone(path: Path) -> None:
    content = b"patient,day,volume\n" * 500
    path.write_bytes(content)
    with pytest.raises(StoreError, match="name a file made by"):
        gemel.store.open(path)
    assert path.read_bytes() == content
    assert list(path.parent.iterdir()) == [path]


def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE patients (name TEXT)")
    connection.close()
    content = path.read_bytes()
    with pytest.raises(StoreError, match="not a gemel record"):
        gemel.store.open(path)
    assert path.read_bytes() == content


def test_a_newer_schema_is_refused(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {APPLICATION}")
    connection.execute("CREATE TABLE event (sequence INTEGER)")
    connection.execute("PRAGMA user_version = 4")
    connection.close()
    with pytest.raises(StoreError, match=r"schema 4.*install a newer"):
        gemel.store.open(path)


def test_a_creation_that_was_cut_off_is_taken_up(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    with gemel.store.open(path) as store:
        store.append("p1", "Observed", {})


@pytest.fixture
def shared_path() -> Iterator[Path]:
    """A record's path in a folder that other users can reach."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder) / "twins.db"
        Path(folder).chmod(0o755)


@pytest.mark.parametrize("existing", [False, True])
def test_a_read_only_folder_is_refused(shared_path: Path, existing: bool) -> None:
    if existing:
        gemel.store.open(shared_path).close()
    shared_path.parent.chmod(0o555)
    with unprivileged(), pytest.raises(StoreError, match="writable"):
        gemel.store.open(shared_path)


def test_a_read_only_file_is_refused(shared_path: Path) -> None:
    gemel.store.open(shared_path).close()
    shared_path.chmod(0o444)
    with unprivileged(), pytest.raises(StoreError, match="writable"):
        gemel.store.open(shared_path)


def test_a_folder_that_may_not_be_entered_is_refused(shared_path: Path) -> None:
    gemel.store.open(shared_path).close()
    shared_path.parent.chmod(0o600)
    with unprivileged(), pytest.raises(StoreError, match="no permission"):
        gemel.store.open(shared_path)


def test_a_forked_process_must_open_its_own(path: Path) -> None:
    with gemel.store.open(path) as store:
        object.__setattr__(store.rows, "pid", os.getpid() + 1)
        with pytest.raises(StoreError, match="open it again in this process"):
            store.append("p1", "Observed", {})


def test_a_record_with_an_entry_that_is_no_text_is_refused_and_its_artefacts_stay(path: Path) -> None:
    with gemel.store.open(path) as store:
        name = store.append("p1", "Ingested", {}, outputs=[store.artefacts.put(b"image")]).outputs[0]
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("DROP TRIGGER event_keeps")
    connection.execute("UPDATE event SET body = x'00'")
    connection.close()
    with pytest.raises(StoreError, match="restore a copy"):
        gemel.store.open(path)
    assert (path.with_name("twins.db.artefacts") / name[:2] / name).is_file()

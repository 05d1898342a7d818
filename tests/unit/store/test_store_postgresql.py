"""What is particular to a record on a server: address, durability of the server, folder of the artefacts, several machines."""

import builtins
import getpass
import shutil
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest

import gemel.store
from gemel.core.errors import ConflictError, InputError, StoreError
from gemel.store import postgresql
from gemel.store.postgresql import address_of
from tests.unit.store import server as servers

pytestmark = pytest.mark.parametrize("url", ["postgresql"], indirect=True)


def test_a_database_can_be_opened_again_from_another_folder(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with gemel.store.open(url) as store:
        event = store.append("p1", "Ingested", {}, outputs=[store.artefacts.put(b"image")])
    monkeypatch.chdir("/")
    with gemel.store.open(url, create=False) as store:
        assert store.events("p1") == [event]
        assert store.artefacts.folder.parent == tmp_path
        assert store.check(event.hash, artefacts=True) == []


def test_the_folder_of_the_artefacts_is_remembered_and_must_be_there(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "mounted" / "artefacts"
    with gemel.store.open(url, artefacts=folder) as store:
        store.append("p1", "Observed", {})
    elsewhere = tmp_path / "mounted elsewhere"
    shutil.move(folder, elsewhere)
    with pytest.raises(StoreError, match="mount it here"):
        gemel.store.open(url)
    with gemel.store.open(url, artefacts=elsewhere) as store:
        assert store.check(artefacts=True) == []


def test_a_record_that_must_exist_is_not_made(url: str) -> None:
    for _ in range(2):
        with pytest.raises(StoreError, match="no record"):
            gemel.store.open(url, create=False)


def test_another_programs_database_and_a_newer_schema_are_refused(url: str) -> None:
    with gemel.store.open(url) as store:
        with store.rows.transaction():
            store.rows.execute("UPDATE setting SET value = '4' WHERE name = 'schema'")
        with pytest.raises(StoreError, match=r"schema 4.*install a newer"):
            gemel.store.open(url)
        with store.rows.transaction():
            store.rows.execute("DROP TABLE setting")
        with pytest.raises(StoreError, match="not a gemel record"):
            gemel.store.open(url)


def test_a_trigger_switched_off_is_found(url: str) -> None:
    with gemel.store.open(url) as store:
        store.append("p1", "Observed", {})
        with store.rows.transaction():
            store.rows.execute("ALTER TABLE event DISABLE TRIGGER event_stays")
        assert [finding.what for finding in store.check()] == ["the append-only trigger event_stays is missing"]


def test_a_forged_row_is_found_by_the_same_chain(url: str) -> None:
    with gemel.store.open(url) as store:
        for i in range(5):
            store.append("p1", "Observed", {"volume_mL": 180.5 + i})
        head = store.head()
        with store.rows.transaction():
            store.rows.execute("ALTER TABLE event DISABLE TRIGGER USER")
            store.rows.execute("UPDATE event SET body = replace(body, '180.5', '120.5')")
            store.rows.execute("ALTER TABLE event ENABLE TRIGGER USER")
        assert not store.verify()
        with pytest.raises(StoreError, match="does not match its hash"):
            store.events("p1")
        assert not store.verify(head)


def test_truncation_is_refused(url: str) -> None:
    with gemel.store.open(url) as store:
        store.append("p1", "Observed", {})
        with pytest.raises(StoreError, match="append-only"), store.rows.transaction():
            store.rows.execute("TRUNCATE event")
        assert store.verify(store.head())


def test_a_wrong_address_or_an_absent_server_is_refused_without_the_password(url: str) -> None:
    port = servers.free_port()
    with pytest.raises(StoreError) as caught:
        gemel.store.open(f"postgresql://someone:secret@127.0.0.1:{port}/twins")
    assert "secret" not in str(caught.value)
    assert "see that the server runs" in str(caught.value)
    with pytest.raises(StoreError, match=r"^database \S+ does not exist in .*createdb"):
        gemel.store.open(f"{url}_missing")
    with pytest.raises(InputError, match="postgresql://user@host/database"):
        gemel.store.open("postgresql+nothing://x/y")


def test_an_address_is_read_whole_and_a_bad_one_refused_without_the_password(url: str) -> None:
    with pytest.raises(InputError, match="port is no number") as caught:
        gemel.store.open("postgresql://someone:secret@site:twins/x")
    assert "secret" not in str(caught.value)
    with pytest.raises(InputError, match="write the @ of a password as %40") as caught:
        gemel.store.open("postgresql://someone:sec@ret@site/x")
    assert "ret@" not in str(caught.value)
    assert "sec" not in str(caught.value)
    held = address_of("postgresql://site/x")
    assert (held.username, held.host, held.database) == (getpass.getuser(), "site", "x")


def test_a_missing_driver_is_named_with_what_to_install(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *rest: object, **more: object) -> object:
        if name.startswith("sqlalchemy"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *rest, **more)

    monkeypatch.delitem(sys.modules, "gemel.store.postgresql", raising=False)
    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"gemel\[postgres\]"):
        gemel.store.open(url)


def test_a_writer_that_waits_too_long_is_a_conflict_and_readers_do_not_wait(url: str) -> None:
    with gemel.store.open(url) as store, gemel.store.open(url, busy_s=0.05) as other, store.together():
        store.append("p1", "Observed", {})
        assert other.events("p1") == []
        with pytest.raises(ConflictError, match="another process is writing"):
            other.append("p1", "Observed", {})


def test_a_server_that_does_not_flush_is_refused(url: str) -> None:
    with servers.running("fsync=off") as address, pytest.raises(StoreError, match="fsync off"):
        gemel.store.open(servers.new_database(address, f"twins_{uuid4().hex[:8]}"))


WRITER = """
import sys, gemel.store
from gemel.core.errors import ConflictError
with gemel.store.open(sys.argv[1], busy_s=60) as store:
    done = 0
    while done < 15:
        seen = store.version("shared")
        try:
            store.append("shared", "Observed", {"who": sys.argv[2], "n": done}, expected_version=seen)
            done += 1
        except ConflictError:
            pass
"""


def test_writers_at_the_same_time_lose_no_update(url: str) -> None:
    gemel.store.open(url).close()
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, url, str(i)]) for i in range(3)]
    assert [writer.wait(timeout=120) for writer in writers] == [0, 0, 0]
    with gemel.store.open(url) as store:
        events = store.events("shared")
        assert [e.version for e in events] == list(range(1, 46))
        assert sorted((e.payload["who"], e.payload["n"]) for e in events) == [(str(w), n) for w in range(3) for n in range(15)]
        assert store.verify()


def test_a_connection_that_breaks_is_refused_with_what_to_do(url: str) -> None:
    """The driver lets the system's own error through when the server goes in the middle of a commit."""
    with pytest.raises(StoreError, match=r"reset by peer.*what was committed before is intact"), postgresql.refusing(url):
        raise ConnectionResetError(104, "Connection reset by peer")

"""Who a person is can be read, and can be erased for good without breaking the chain."""

import sqlite3
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import InputError, StoreError
from gemel.store import Event, Store, erase

ADA = {"patient_id": "4711-AX", "issuer": "HOSPITAL", "patient_name": "LOVELACE^ADA"}


def ingested(store: Store, twin: str = "p1", **person: str) -> Event:
    with store.together():
        payload = {"system": "prostate", "person": store.keep_person({**ADA, **person})}
        scan = store.artefacts.put(f"DICM {twin} LOVELACE^ADA".encode())
        return store.append(twin, "Ingested", payload, inputs=[scan], outputs=[store.artefacts.put(b"seen by " + twin.encode())])


def traces(folder: Path, text: bytes) -> list[str]:
    """Files under a folder that hold a text."""
    return [path.name for path in sorted(folder.rglob("*")) if path.is_file() and text in path.read_bytes()]


def test_the_person_is_found_from_the_event_and_the_event_does_not_say_who(store: Store) -> None:
    event = ingested(store)
    assert store.person(event) == ADA
    assert "LOVELACE" not in str(event)
    assert store.check(artefacts=True) == []


def test_one_person_in_two_twins_has_two_references(store: Store) -> None:
    assert ingested(store, "p1").payload["person"] != ingested(store, "p2").payload["person"]


def test_an_identity_sealed_in_an_older_record_is_still_read(store: Store) -> None:
    assert store.person(store.append("p1", "Ingested", {"identity": ADA})) == ADA


def test_details_and_artefacts_are_erased_and_the_chain_stays_whole(store: Store) -> None:
    event, other = ingested(store), ingested(store, "p2")
    shared = store.artefacts.put(b"a beam model")
    for twin in ("p1", "p2"):
        store.append(twin, "Promoted", {}, inputs=[shared])
    head = store.head()
    gone = erase(store, "p1", "asked by the person", actor="dpo")
    assert (gone.kind, gone.payload["reason"], gone.payload["persons"]) == ("Erased", "asked by the person", [event.payload["person"]])
    assert sorted(gone.payload["artefacts"]) == sorted([*event.inputs, *event.outputs])
    with pytest.raises(StoreError, match="were erased"):
        store.person(event)
    with pytest.raises(StoreError, match="no artefact"):
        store.artefacts.get(event.inputs[0])
    assert store.check(head, artefacts=True) == []
    assert store.events("p1")[0] == event
    assert store.person(other) == ADA
    assert store.artefacts.get(other.inputs[0])
    assert store.artefacts.get(shared) == b"a beam model"


def test_the_person_alone_can_be_erased(store: Store) -> None:
    event = ingested(store)
    erase(store, "p1", "study has ended", artefacts=False)
    assert store.artefacts.get(event.inputs[0])
    with pytest.raises(StoreError, match="were erased"):
        store.person(event)


def test_no_file_of_the_record_holds_the_name_afterwards(path: Path) -> None:
    with gemel.store.open(path) as store:
        ingested(store, patient_name="NIGHTINGALE^FLORENCE")
        assert traces(path.parent, b"NIGHTINGALE")
        erase(store, "p1", "asked by the person")
        assert traces(path.parent, b"NIGHTINGALE") == []
        assert traces(path.parent, b"LOVELACE") == []
        assert traces(path.parent, b"asked by the person")


def test_an_erasure_needs_a_reason_and_a_twin(store: Store) -> None:
    ingested(store)
    head = store.head()
    for twin, reason in (("p1", "  "), ("nobody", "why")):
        with pytest.raises(InputError, match="say why"):
            erase(store, twin, reason)
    assert store.head() == head


def test_a_person_altered_taken_away_or_smuggled_in_is_found(path: Path) -> None:
    with gemel.store.open(path) as store:
        event = ingested(store)
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("UPDATE person SET details = replace(details, 'ADA', 'EVE')")
        with pytest.raises(StoreError, match="altered"):
            store.person(event)
        assert [f.what for f in store.check()] == ["details of a person that were altered"]
        raw.execute("DELETE FROM person")
        assert [f.what for f in store.check()] == ["details of a person that are gone and were not erased"]
        raw.execute("INSERT INTO person VALUES ('x', 'salt', '{}')")
        assert any("no event speaks" in f.what for f in store.check())
        raw.close()


def test_an_erased_artefact_that_is_still_there_is_found_and_erased_again(store: Store) -> None:
    event = ingested(store)
    content = store.artefacts.get(event.inputs[0])
    erase(store, "p1", "asked")
    store.artefacts.put(content)
    assert [f.what for f in store.check(artefacts=True)] == ["was erased and is still there: erase again"]
    erase(store, "p1", "asked")
    assert store.check(artefacts=True) == []


SCHEMA_1 = """
CREATE TABLE event (sequence INTEGER PRIMARY KEY, twin TEXT NOT NULL, version INTEGER NOT NULL, kind TEXT NOT NULL,
  valid_s REAL NOT NULL, known_s REAL NOT NULL, hash TEXT NOT NULL UNIQUE, body TEXT NOT NULL, UNIQUE (twin, version));
CREATE TRIGGER event_keeps BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER event_stays BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER event_follows BEFORE INSERT ON event WHEN new.sequence IS NOT (SELECT coalesce(max(sequence), 0) + 1 FROM event)
BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TABLE lease (twin TEXT PRIMARY KEY, token TEXT NOT NULL, actor TEXT NOT NULL, since_s REAL NOT NULL, host TEXT NOT NULL,
  boot TEXT NOT NULL, pid INTEGER NOT NULL, started TEXT NOT NULL);
PRAGMA application_id = 0x67656D6C;
PRAGMA user_version = 1;
"""


def test_a_record_of_schema_1_is_taken_up_as_it_is(path: Path) -> None:
    with gemel.store.open(path.with_name("new.db")) as store:
        event = store.append("p1", "Ingested", {"identity": ADA})
        rows = store.rows.select("SELECT * FROM event")
        artefact = store.artefacts.get(event.environment)
    raw = sqlite3.connect(path, isolation_level=None)
    raw.executescript(SCHEMA_1)
    raw.executemany("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
    raw.close()
    with gemel.store.open(path) as store:
        assert store.artefacts.put(artefact) == event.environment
        assert store.events("p1") == [event]
        assert store.check(event.hash, artefacts=True) == []
        assert store.person(ingested(store)) == ADA
        assert erase(store, "p1", "asked").payload["left"] == [event.hash]
    with gemel.store.open(path) as store:
        assert store.version("p1") == 3

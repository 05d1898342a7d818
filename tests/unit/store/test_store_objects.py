"""An object sent many times is kept once; other bytes under its UID are quarantined, and both are kept."""

import random
import sqlite3
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import InputError
from gemel.store import Store, held, receive, state_hash

UID = "1.2.826.0.1.3680043.8.498.1"


def test_the_same_bytes_again_change_nothing(store: Store) -> None:
    first, again = receive(store, UID, b"a slice"), receive(store, UID, b"a slice")
    assert first.event
    assert first.event.kind == "Ingested"
    assert (again.event, again.hash, again.quarantined) == (None, first.hash, False)
    assert store.version("inbox") == 1
    assert store.artefacts.get(first.hash) == b"a slice"


def test_other_bytes_under_the_same_uid_are_quarantined_and_both_kept(store: Store) -> None:
    first = receive(store, UID, b"a slice")
    other = receive(store, UID, b"another slice")
    assert other.event
    assert (other.event.kind, other.event.inputs) == ("Quarantined", (first.hash,))
    assert other.quarantined
    assert set(held(store, UID)) == {first.hash, other.hash}
    assert [store.artefacts.get(name) for name in (first.hash, other.hash)] == [b"a slice", b"another slice"]
    assert receive(store, UID, b"a slice").quarantined
    assert store.version("inbox") == 2
    assert store.check(artefacts=True) == []


def test_the_state_depends_on_what_came_and_not_on_when(store: Store, tmp_path: Path) -> None:
    sent = [(f"1.2.{i % 8}", bytes([i % 11])) for i in range(60)]
    for uid, content in sent:
        receive(store, uid, content)
    random.Random(1).shuffle(sent)
    with gemel.store.open(tmp_path / "other.db") as other:
        for uid, content in sent:
            receive(other, uid, content)
        assert state_hash(other) == state_hash(store)
        receive(other, "1.2.0", b"more")
        assert state_hash(other) != state_hash(store)


def test_an_object_without_a_uid_is_refused(store: Store) -> None:
    with pytest.raises(InputError, match="SOP Instance UID"):
        receive(store, "", b"bytes")


def test_an_index_that_does_not_repeat_the_events_is_found(path: Path) -> None:
    with gemel.store.open(path) as store:
        receive(store, UID, b"a slice")
        raw = sqlite3.connect(path, isolation_level=None)
        raw.execute("UPDATE object SET uid = '1.2'")
        assert sorted(f.where for f in store.check()) == ["object 1.2", f"object {UID}"]
        raw.execute("DELETE FROM object")
        assert [f.where for f in store.check()] == [f"object {UID}"]
        raw.close()

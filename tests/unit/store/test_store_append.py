"""Events are appended, numbered, chained, and read back exactly; what is not an event is refused and nothing is written."""

import hashlib
import json
import pickle
from pathlib import Path

import numpy as np
import pytest

import gemel.store
from gemel.core.errors import ConflictError, InputError, StoreError
from gemel.store import GENESIS, KINDS, Store

HASH = hashlib.sha256(b"an image").hexdigest()


def test_three_arguments_are_enough(store: Store) -> None:
    event = store.append("p1", "Observed", {"volume_mL": 180.0})
    assert (event.version, event.known_s, event.valid_s, event.actor, event.seed) == (1, 1000.0, 1000.0, "", None)
    assert store.events("p1") == [event]


def test_every_field_comes_back_as_it_was_given(store: Store) -> None:
    payload = {"b": [1, 2.5, None, True, "é\0\ud800"], "a": {"tiny": 5e-324, "third": 1 / 3, "minus": -0.0, "big": 2**80}}
    event = store.append("p1", "Assimilated", payload, valid_s=10, known_s=20.25, actor="physicist", seed=7, inputs=[HASH], outputs=(HASH,))
    (read,) = store.events("p1")
    assert read == event
    assert read.payload == payload
    assert str(read.payload["a"]["minus"]) == "-0.0"
    assert (read.valid_s, read.known_s, read.actor, read.seed, read.inputs, read.outputs) == (10.0, 20.25, "physicist", 7, (HASH,), (HASH,))
    assert pickle.loads(pickle.dumps(event)) == event
    assert len({event, read}) == 1


def test_a_caller_who_changes_the_payload_afterwards_does_not_change_the_event(store: Store) -> None:
    payload = {"dose_Gy": [26.0]}
    event = store.append("p1", "Decided", payload)
    payload["dose_Gy"].append(32.0)
    assert event.payload == store.events("p1")[0].payload == {"dose_Gy": [26.0]}


def test_versions_count_within_a_twin_and_the_chain_runs_over_all(store: Store) -> None:
    events = [store.append(twin, "Observed", {"i": i}) for i, twin in enumerate(["a", "b", "a", "c", "b"])]
    assert [e.version for e in events] == [1, 1, 2, 1, 2]
    assert [e.previous for e in events] == [GENESIS, *(e.hash for e in events[:-1])]
    assert store.head() == events[-1].hash
    assert store.twins() == ["a", "b", "c"]
    assert (store.version("b"), store.version("nobody")) == (2, 0)
    assert store.events("nobody") == []


def test_the_hash_is_the_sha256_of_the_canonical_json_of_all_other_fields(store: Store) -> None:
    event = store.append("p1", "Forecast", {"z": 1, "a": 0.1}, valid_s=5.0, actor="x", seed=3, outputs=[HASH])
    fields = {name: getattr(event, name) for name in event.__dataclass_fields__ if name != "hash"}
    text = json.dumps(fields, sort_keys=True, separators=(",", ":"))
    assert event.hash == hashlib.sha256(text.encode()).hexdigest()


def test_an_empty_record_has_the_head_that_the_first_event_follows(store: Store) -> None:
    assert store.head() == GENESIS
    assert store.verify(GENESIS)
    assert store.twins() == []


def test_as_of_limits_what_is_spoken_of_and_known_at_what_was_known(store: Store) -> None:
    on_time = store.append("p1", "Observed", {"day": 1}, valid_s=1.0, known_s=1.5)
    store.append("p1", "Observed", {"day": 3}, valid_s=3.0, known_s=3.5)
    late = store.append("p1", "Observed", {"day": 2}, valid_s=2.0, known_s=9.0)
    assert store.events("p1", as_of=2.0) == [on_time, late]
    assert store.events("p1", as_of=2.0, known_at=8.9) == [on_time]
    assert store.events("p1", as_of=2.0, known_at=9.0) == [on_time, late]
    assert store.events("p1", as_of=0.999) == []
    assert [e.payload["day"] for e in store.events("p1", known_at=4)] == [1, 3]


def test_times_are_compared_to_the_last_bit(store: Store) -> None:
    t_s = 1.7e9 + 1 / 3
    store.append("p1", "Observed", {}, valid_s=t_s, known_s=t_s)
    assert store.events("p1", as_of=t_s, known_at=t_s)
    assert not store.events("p1", as_of=float(np.nextafter(t_s, 0)))
    assert not store.events("p1", known_at=float(np.nextafter(t_s, 0)))


ONE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)  # what does not reach the database is tried over one


@ONE
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_accepted(store: Store, kind: str) -> None:
    assert store.append("p1", kind, {}).kind == kind


@ONE
@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"kind": "observed"}, "Ingested, Observed"),
        ({"payload": {"dose": {"mean_Gy": [1.0, float("nan")]}}}, "Observed.payload.dose.mean_Gy[1]"),
        ({"payload": {"x": float("inf")}}, "Observed.payload.x"),
        ({"payload": {"x": np.zeros(2)}}, "ndarray"),
        ({"payload": {"x": np.float32(1)}}, "float32"),
        ({"payload": {"x": b""}}, "bytes"),
        ({"payload": {"x": {1: 2}}}, "Observed.payload.x"),
        ({"twin": ""}, "name the twin"),
        ({"valid_s": float("nan")}, "valid_s"),
        ({"known_s": float("inf")}, "known_s"),
        ({"inputs": ["1.2.840"]}, "'1.2.840' among the inputs"),
        ({"outputs": [HASH.upper()]}, "among the outputs"),
    ],
)
def test_bad_input_is_refused_and_nothing_is_written(store: Store, arguments: dict[str, object], named: str) -> None:
    store.append("p1", "Observed", {})
    head = store.head()
    with pytest.raises(InputError) as caught:
        store.append(**{"twin": "p1", "kind": "Observed", "payload": {}, **arguments})
    assert named in str(caught.value)
    assert caught.value.remedy
    assert store.head() == head


def test_a_stale_version_is_a_conflict(store: Store, url: str) -> None:
    with gemel.store.open(url) as other:
        seen = store.version("p1")
        other.append("p1", "Observed", {}, expected_version=seen)
        with pytest.raises(ConflictError, match="at version 1, not 0"):
            store.append("p1", "Observed", {}, expected_version=seen)
        assert store.append("p1", "Observed", {}, expected_version=1).version == 2


def test_the_environment_names_code_and_libraries(store: Store) -> None:
    event = store.append("p1", "Observed", {})
    held = json.loads(store.artefacts.get(event.environment))
    assert held["libraries"]["numpy"] == np.__version__
    assert len(held["code"]) == 64


def test_the_database_itself_refuses_to_change_the_past(store: Store) -> None:
    store.append("p1", "Observed", {})
    (row,) = store.rows.select("SELECT * FROM event")
    marks = "?, ?, ?, ?, ?, ?, ?, ?"
    for statement, values in [
        ("UPDATE event SET known_s = 0", ()),
        ("DELETE FROM event", ()),
        (f"INSERT INTO event VALUES ({marks})", (5, *row[1:6], "another", "body")),
        (f"INSERT INTO event VALUES ({marks})", (2, row[1], 7, *row[3:6], "another", "body")),
    ]:
        with pytest.raises(StoreError, match="append-only"), store.rows.transaction():
            store.rows.execute(statement, values)
    assert store.verify()


def test_sqlite_refuses_to_replace_the_past(path: Path) -> None:
    with gemel.store.open(path) as store:
        store.append("p1", "Observed", {})
        (row,) = store.rows.select("SELECT * FROM event")
        for values in (row, (5, *row[1:])):
            with pytest.raises(StoreError, match="append-only"), store.rows.transaction():
                store.rows.execute("INSERT OR REPLACE INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        assert store.verify()


def _pair(store: Store, value: float, expected: int) -> None:
    """Two events together, the second of which is refused."""
    with store.together():
        store.append("p1", "Forecast", {})
        store.append("p1", "Observed", {"x": value}, expected_version=expected)


def test_events_appended_together_are_committed_together_or_not_at_all(store: Store, url: str) -> None:
    with gemel.store.open(url) as other, store.together():
        forecast = store.append("p1", "Forecast", {})
        assert other.version("p1") == 0
        store.append("p1", "Observed", {}, inputs=[forecast.hash], expected_version=1)
    head = store.head()
    assert [e.kind for e in store.events("p1")] == ["Forecast", "Observed"]
    for value, expected, error in ((1.0, 2, ConflictError), (float("nan"), 3, InputError)):
        with pytest.raises(error):
            _pair(store, value, expected)
    assert (store.head(), store.version("p1")) == (head, 2)
    assert store.append("p1", "Observed", {}).version == 3
    assert store.verify(head)


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    for act in (store.head, store.verify, lambda: store.append("p1", "Observed", {})):
        with pytest.raises(StoreError, match="open the store again"):
            act()

"""A version is rebuilt hash-identical, or the first event that cannot be is named, with what differs."""

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pytest

import gemel.store
from gemel.core.errors import InputError
from gemel.store import Event, Recomputed, Store, replay

Compute = Callable[[bytes], bytes]
ONE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)


def double(content: bytes) -> bytes:
    return content * 2


def recompute(store: Store, compute: Compute = double) -> Callable[[Event], Recomputed | None]:
    """Assimilated events double their last input's bytes; all others are originals."""

    def again(event: Event) -> Recomputed | None:
        if event.kind != "Assimilated":
            return None
        made = compute(store.artefacts.get(event.inputs[-1]))
        return Recomputed((store.artefacts.put(made),), {"length": len(made)})

    return again


@pytest.fixture
def chain(store: Store) -> list[Event]:
    """A scan and two computations on it; another twin's scan and computation, on which the third computation rests."""
    events = [store.append("p1", "Ingested", {}, outputs=[store.artefacts.put(b"scan")])]
    for source, twin in ((b"scan", "p1"), (b"scanscan", "p1")):
        name = hashlib.sha256(source).hexdigest()
        payload, made = {"length": 2 * len(source)}, store.artefacts.put(2 * source)
        events.append(store.append(twin, "Assimilated", payload, inputs=[events[-1].hash, name], outputs=[made]))
    events.append(store.append("p2", "Ingested", {}, outputs=[store.artefacts.put(b"prior")]))
    prior = events[-1].outputs[0]
    outputs = [store.artefacts.put(b"priorprior")]
    events.append(store.append("p1", "Assimilated", {"length": 10}, inputs=[events[2].hash, prior], outputs=outputs))
    store.append("p3", "Assimilated", {"length": 0}, inputs=[prior], outputs=[])
    return events


def test_every_version_is_rebuilt_with_all_that_it_rests_on(store: Store, chain: list[Event]) -> None:
    found = replay(store, "p1", recompute(store))
    assert (found.identical, found.version, found.recomputed, found.originals) == (True, 4, 3, 2)
    early = replay(store, "p1", recompute(store), version=2)
    assert (early.identical, early.version, early.recomputed, early.originals) == (True, 2, 1, 1)


@ONE
def test_the_first_event_that_differs_is_named_and_not_those_after_it(store: Store, chain: list[Event]) -> None:
    found = replay(store, "p1", recompute(store, lambda content: content * 2 if content == b"scan" else content + b"!"))
    assert not found.identical
    assert found.leaf == chain[2]
    assert found.why.startswith(f"its output was {chain[2].outputs[0]} and is ")
    assert found.environment == ()


@ONE
def test_an_entry_of_the_payload_that_differs_is_named(store: Store, chain: list[Event]) -> None:
    def wrong(event: Event) -> Recomputed | None:
        return Recomputed(event.outputs, {"length": 9}) if event.kind == "Assimilated" else None

    found = replay(store, "p1", wrong)
    assert (found.leaf, found.why) == (chain[1], "its length was 8 and is 9")


@ONE
def test_an_original_that_is_gone_is_named_and_a_result_that_is_gone_is_made_again(store: Store, chain: list[Event]) -> None:
    folder = store.artefacts.folder
    result, original = chain[2].outputs[0], chain[3].outputs[0]
    (folder / result[:2] / result).unlink()
    assert replay(store, "p1", recompute(store)).identical
    assert store.artefacts.get(result)
    (folder / original[:2] / original).unlink()
    found = replay(store, "p1", recompute(store))
    assert (found.leaf, found.why) == (chain[3], f"the original {original} is missing or altered")


def test_what_changed_in_the_environment_is_told(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with gemel.store.open(path) as store:
        now = json.loads(store.artefacts.get(store.environment))
        older = {**now, "python": "3.10.1", "libraries": {**now["libraries"], "numpy": "1.0"}}
        monkeypatch.setitem(store.__dict__, "environment", store.artefacts.put(json.dumps(older).encode()))
        event = store.append("p1", "Assimilated", {}, outputs=["0" * 64])
        found = replay(store, "p1", lambda _: Recomputed(("1" * 64,)))
        assert found.leaf == event
        assert found.environment == (f"numpy 1.0, now {now['libraries']['numpy']}", f"python 3.10.1, now {now['python']}")


@ONE
@pytest.mark.parametrize("version", [0, 6])
def test_a_version_that_is_not_there_is_refused(store: Store, chain: list[Event], version: int) -> None:
    with pytest.raises(InputError, match="versions 1 to 4"):
        replay(store, "p1", recompute(store), version=version)

"""What is withdrawn stays in the record, and everything that came from it is tainted."""

from hashlib import sha256

import pytest

from gemel.core.errors import InputError
from gemel.store import Event, Store


def name(text: str) -> str:
    return sha256(text.encode()).hexdigest()


@pytest.fixture
def chain(store: Store) -> list[Event]:
    """Two scans; a belief from the first; a forecast from the belief; a belief from the second scan alone."""
    scan = store.append("p1", "Ingested", {}, valid_s=5.0, outputs=[name("scan 1")])
    belief = store.append("p1", "Assimilated", {}, inputs=[name("scan 1")], outputs=[name("belief 1")])
    forecast = store.append("p1", "Forecast", {}, inputs=[name("belief 1")], outputs=[name("forecast")])
    other = store.append("p2", "Ingested", {}, outputs=[name("scan 2")])
    alone = store.append("p2", "Assimilated", {}, inputs=[other.hash, name("scan 2")], outputs=[name("belief 2")])
    return [scan, belief, forecast, other, alone]


def test_everything_derived_is_tainted_and_nothing_else(store: Store, chain: list[Event]) -> None:
    assert store.tainted() == frozenset()
    scan, belief, forecast, *_ = chain
    store.retract(scan, "image of another patient")
    derived = {scan.hash, belief.hash, forecast.hash, name("scan 1"), name("belief 1"), name("forecast")}
    assert store.tainted() == derived


def test_a_retraction_is_an_event_about_the_time_of_what_it_withdraws(store: Store, chain: list[Event]) -> None:
    event = store.retract(chain[0].hash, "contour of the wrong organ", actor="dr b", known_s=5000)
    assert (event.kind, event.valid_s, event.known_s, event.actor) == ("Retracted", 5.0, 5000.0, "dr b")
    assert event.inputs == (chain[0].hash,)
    assert event.payload["reason"] == "contour of the wrong organ"
    assert chain[0] in store.events("p1")
    assert store.tainted(known_at=4999) == frozenset()
    assert store.tainted(known_at=5000)
    assert store.verify()


def test_a_diamond_through_two_twins_is_followed(store: Store, chain: list[Event]) -> None:
    prior = store.append("population", "Promoted", {}, inputs=[chain[1].hash, chain[4].hash], outputs=[name("prior")])
    third = store.append("p3", "Assimilated", {}, inputs=[name("prior")])
    store.retract(chain[4], "wrong scanner")
    assert {prior.hash, third.hash, chain[4].hash} <= store.tainted()
    assert not {e.hash for e in chain[:4]} & store.tainted()


def test_what_cannot_be_retracted_is_refused(store: Store, chain: list[Event]) -> None:
    gone = store.retract(chain[0], "wrong")
    head = store.head()
    for event, reason in [(chain[0], "again"), (gone, "undo"), (chain[1], "  "), (name("nothing"), "why"), ("not a hash", "why")]:
        with pytest.raises(InputError):
            store.retract(event, reason)
    assert store.head() == head

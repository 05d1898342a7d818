"""What a database would keep as something else, or not at all, is refused before it is sent: the record stays whole and in step."""

import math
from typing import Any

import pytest

from gemel.core.errors import InputError
from gemel.store import Store
from gemel.store.event import SEALED
from gemel.store.stated import limit, moment

UNKEPT = pytest.mark.parametrize("text", ["p\0q", "p\ud800q"])


@UNKEPT
def test_text_that_cannot_be_kept_is_refused_and_the_next_answer_is_that_of_its_own_question(store: Store, text: str) -> None:
    first = store.append("p1", "Observed", {"volume_mL": 180.0})
    asked = (
        lambda: store.append(text, "Observed", {}),
        lambda: store.append("p1", "Observed", {}, actor=text),
        lambda: store.events(text),
        lambda: store.version(text),
        lambda: store.retract(text, "wrong"),
        lambda: store.release(text),
        lambda: store.lease(text, "somebody").__enter__(),
    )
    for ask in asked:
        with pytest.raises(InputError, match="lone surrogates"):
            ask()
        assert store.events("p1") == [first]
        assert store.version("p1") == 1
    assert store.twins() == ["p1"]
    assert store.verify()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("twin", 5),
        ("twin", ""),
        ("twin", None),
        ("kind", 1),
        ("actor", None),
        ("environment", 3.5),
        ("payload", [1]),
        ("payload", None),
        ("payload", "text"),
        ("seed", "7"),
        ("seed", True),
        ("seed", 7.0),
    ],
)
def test_a_field_of_another_type_is_refused_and_the_record_stays_whole(store: Store, field: str, value: object) -> None:
    event = store.append("p1", "Observed", {})
    stated: dict[str, Any] = {name: getattr(event, name) for name in SEALED if name not in ("version", "previous")}
    with pytest.raises(InputError):
        store.commit({**stated, field: value})
    assert store.events("p1") == [event]
    assert store.twins() == ["p1"]
    assert store.verify()
    assert store.commit(stated).version == 2


def test_a_time_that_is_not_a_number_is_refused_not_compared(store: Store) -> None:
    store.append("p1", "Observed", {})
    for asked in ({"as_of": math.nan}, {"known_at": math.nan}):
        with pytest.raises(InputError, match="seconds since the epoch"):
            store.events("p1", **asked)
    store.retract(store.events("p1")[0], "wrong")
    with pytest.raises(InputError, match="known_at"):
        store.tainted(known_at=math.nan)
    assert len(store.events("p1", as_of=math.inf)) == 2
    assert store.events("p1", as_of=-math.inf) == []


@pytest.mark.parametrize("told", ["yesterday", b"1", [1.0], math.nan])
def test_only_numbers_are_times(told: object) -> None:
    with pytest.raises(InputError, match="seconds since the epoch"):
        limit("as_of", told)
    with pytest.raises(InputError, match="seconds since the epoch"):
        moment("known_s", told)
    assert limit("as_of", None) is None


def test_what_no_reader_of_json_takes_is_refused(store: Store) -> None:
    nested: dict[str, Any] = {}
    for _ in range(100_000):
        nested = {"a": nested}
    with pytest.raises(InputError, match="nested too deep"):
        store.append("p1", "Observed", nested)
    with pytest.raises(InputError, match="2001 bits"):
        store.append("p1", "Observed", {"count": 2**2000})
    assert store.append("p1", "Observed", {"count": 2**1000}).version == 1
    assert store.verify()

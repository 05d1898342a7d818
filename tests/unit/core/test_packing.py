"""Dataclasses to arrays and back."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pytest
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.core.packing import pack, unpack


@dataclass(frozen=True)
class Inner:
    values: Float[Array, "n"]
    label: str


@dataclass(frozen=True)
class Outer:
    parts: tuple[Inner, ...]
    pair: tuple[float, int]
    named: Mapping[str, Float[Array, "n"]]
    words: tuple[str, ...]
    flag: bool


def test_what_is_packed_comes_back_to_the_last_bit() -> None:
    value = Outer((Inner(np.array([0.1, 1 / 3]), "ä"), Inner(np.zeros(0), "")), (0.1, 7), {"a": np.ones(2)}, ("x", "y z"), True)
    back = unpack(Outer, pack(value))
    assert back.parts[0].values.tobytes() == value.parts[0].values.tobytes()
    assert (back.parts[0].label, back.pair, back.words, back.flag) == ("ä", (0.1, 7), ("x", "y z"), True)
    assert list(back.named) == ["a"]
    assert back.parts[1].values.shape == (0,)


def test_what_cannot_be_packed_or_is_missing_is_named() -> None:
    with pytest.raises(InputError, match="pack at pair"):
        pack(Outer((), (object(), 1), {}, (), False))  # type: ignore[arg-type]
    arrays = pack(Inner(np.ones(1), "x"))
    del arrays["label"]
    with pytest.raises(InputError, match="label"):
        unpack(Inner, arrays)


@dataclass(frozen=True)
class Later:
    weights: Float[Array, "n"]
    shift_s: float = 4.0
    notes: tuple[str, ...] = ("as stored before",)


def test_a_part_that_came_after_the_artefact_has_its_default_and_one_without_a_default_is_missing() -> None:
    whole = pack(Later(np.ones(2), 7.0, ("a",)))
    before = {name: part for name, part in whole.items() if name == "weights"}
    assert unpack(Later, before).shift_s == 4.0
    assert unpack(Later, before).notes == ("as stored before",)
    assert unpack(Later, whole).notes == ("a",)
    with pytest.raises(InputError, match="weights"):
        unpack(Later, {name: part for name, part in whole.items() if name != "weights"})
    with pytest.raises(InputError, match="notes/0"):
        unpack(Later, {name: part for name, part in whole.items() if name != "notes/0"})

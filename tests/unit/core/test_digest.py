"""A digest names a value: equal values share it, any other value has another, on every machine."""

import hashlib
import struct
import subprocess
import sys
from dataclasses import dataclass

import numpy as np
import pytest

from gemel.core.digest import digest
from gemel.core.errors import InputError


@dataclass(frozen=True)
class Pair:
    a: object
    b: object


@dataclass(frozen=True)
class Twosome:
    a: object
    b: object


def test_a_pinned_digest_stays_for_ever() -> None:
    value = {"state": np.arange(6, dtype=np.float32).reshape(2, 3), "t_s": 1.5, "who": "é", "list": [1, None, True]}
    assert digest(value) == "69b29f2d472a0c6b8c95b54293f97856036db6dc5de980c0e754d2fd99b8e4ef"


def test_the_bytes_are_tag_length_content() -> None:
    def node(tag: bytes, content: bytes) -> bytes:
        return tag + struct.pack("<Q", len(content)) + content

    array = node(b"a", b"<f4(2,)") + node(b"b", struct.pack("<2f", 1, 2))
    fed = b"d" + struct.pack("<Q", 1) + node(b"s", b"k") + b"l" + struct.pack("<Q", 3) + node(b"i", b"-7") + node(b"n", b"None") + array
    assert digest({"k": [-7, None, np.array([1, 2], dtype=np.float32)]}) == hashlib.sha256(fed).hexdigest()


def test_it_is_the_same_in_another_process_with_another_hash_seed() -> None:
    code = "from gemel.core.digest import digest; print(digest({'b': 1, 'a': [0.1, 'x']}))"
    runs = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": seed}
        ).stdout.strip()
        for seed in ("1", "2")
    }
    assert runs == {digest({"a": [0.1, "x"], "b": 1})}


@pytest.mark.parametrize(
    "same",
    [
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ([1, 2], (1, 2)),
        (np.float64(0.1), 0.1),
        (np.int32(3), 3),
        (np.arange(6).reshape(2, 3), np.asfortranarray(np.arange(6).reshape(2, 3))),
        (np.arange(3, dtype="<f8"), np.arange(3, dtype=">f8")),
        (np.arange(10)[::2], np.arange(0, 10, 2)),
        (Pair(1, "x"), Pair(1, "x")),
        (float("nan"), -float("nan")),
    ],
)
def test_equal_values_share_a_digest(same: tuple[object, object]) -> None:
    assert digest(same[0]) == digest(same[1])


def test_different_values_differ() -> None:
    values = [
        None, True, False, 0, 1, 1.0, "1", b"1", "", [], {}, [[]], [1, [2]], [[1], 2], [1, 2], ["ab", "c"], ["a", "bc"],
        {"a": None}, {"a": {}},
        0.1, np.nextafter(0.1, 1), 0.0, -0.0, float("inf"), float("-inf"), float("nan"), 2**70, -1, {"a": 1, "b": 2}, {"a": 2, "b": 1},
        np.zeros(2), np.zeros(2, np.float32), np.zeros((2, 1)), np.zeros((1, 2)), np.zeros(2, np.int64), np.array(0.0),
        np.zeros(0), np.zeros((0, 2)),
        Pair(1, 2), Pair(2, 1), Twosome(1, 2), {"a": 1, "b": 2.0}, np.array(["a"]), np.array([True]),
    ]  # fmt: skip
    assert len({digest(value) for value in values}) == len(values)


@pytest.mark.parametrize("odd", [{1, 2}, len, object(), np.array([object()]), {1: "a"}, Pair])
def test_what_has_no_canonical_form_is_refused_with_its_path(odd: object) -> None:
    with pytest.raises(InputError) as caught:
        digest({"belief": [0, odd]})
    assert caught.value.where == "value.belief[1]"
    assert caught.value.remedy

"""A name for a value: the SHA-256 of its canonical bytes, the same on every machine and in every process."""

import hashlib
import struct
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from gemel.core.errors import InputError

Feed = Callable[[bytes], object]


def digest(value: object) -> str:
    """SHA-256 (FIPS 180-4), in hexadecimal, of a nested value: mappings, sequences, scalars, arrays, frozen dataclasses.

    Each node is fed as tag, length, content, so no two values of different shape share bytes. Mappings are ordered by key; a tuple is a
    list; 1, 1.0, True and "1" differ; an array counts by dtype, shape and little-endian C-order bytes; a dataclass by its class name
    and fields.
    Raises InputError, with the path of the leaf, for what has no canonical form (functions, sets, objects).
    """
    state = hashlib.sha256()
    _feed(state.update, value, "value")
    return state.hexdigest()


def _feed(feed: Feed, value: Any, where: str) -> None:
    if isinstance(value, np.ndarray):
        _array(feed, value, where)
    elif isinstance(value, Mapping):
        _mapping(feed, value, where)
    elif isinstance(value, list | tuple):
        feed(b"l" + struct.pack("<Q", len(value)))
        for i, item in enumerate(value):
            _feed(feed, item, f"{where}[{i}]")
    elif is_dataclass(value) and not isinstance(value, type):
        _node(feed, b"o", type(value).__qualname__.encode())
        _mapping(feed, {f.name: getattr(value, f.name) for f in fields(value)}, where)
    else:
        _scalar(feed, value.item() if isinstance(value, np.generic) else value, where)


def _scalar(feed: Feed, value: Any, where: str) -> None:
    if value is None or isinstance(value, bool):
        _node(feed, b"n", repr(value).encode())
    elif isinstance(value, int):
        _node(feed, b"i", str(int(value)).encode())
    elif isinstance(value, float):
        _node(feed, b"f", struct.pack("<d", float("nan") if value != value else value))
    elif isinstance(value, str):
        _node(feed, b"s", value.encode("utf-8", "surrogatepass"))
    elif isinstance(value, bytes):
        _node(feed, b"b", value)
    else:
        raise InputError(f"a {type(value).__name__}, which has no canonical form", where=where, remedy="digest its data instead")


def _mapping(feed: Feed, value: Mapping[Any, Any], where: str) -> None:
    odd = [key for key in value if not isinstance(key, str)]
    if odd:
        raise InputError(f"a key {odd[0]!r} that is not text", where=where, remedy="name every entry with a string")
    feed(b"d" + struct.pack("<Q", len(value)))
    for key in sorted(value):
        _scalar(feed, key, where)
        _feed(feed, value[key], f"{where}.{key}")


def _array(feed: Feed, value: np.ndarray[Any, np.dtype[Any]], where: str) -> None:
    if value.dtype.kind not in "biufcSU":
        raise InputError(f"an array of dtype {value.dtype}", where=where, remedy="digest arrays of numbers, booleans or fixed-width text")
    ordered = np.asarray(value, dtype=value.dtype.newbyteorder("<"), order="C")
    _node(feed, b"a", f"{ordered.dtype.str}{ordered.shape}".encode())
    _node(feed, b"b", ordered.tobytes())


def _node(feed: Feed, tag: bytes, content: bytes) -> None:
    feed(tag + struct.pack("<Q", len(content)))
    feed(content)

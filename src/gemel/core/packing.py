"""Nested frozen dataclasses as flat named arrays, and back to the last bit: what a store can keep."""

from collections.abc import Iterator, Mapping
from collections.abc import Mapping as AbstractMapping
from dataclasses import MISSING, Field, fields, is_dataclass
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from gemel.core.errors import InputError
from gemel.core.image import Array

T = TypeVar("T")
SCALARS = (str, bool, int, float)
ATOMS = (np.ndarray, np.generic, *SCALARS)


def pack(value: Any) -> dict[str, Array]:
    """Arrays by path ("plans/0/weights") of a dataclass of arrays, scalars, text, tuples, string-keyed mappings and dataclasses.

    Raises InputError for anything else.
    """
    return dict(_leaves(value, ""))


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Array]]:
    if isinstance(value, ATOMS):
        yield path, np.asarray(value)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _leaves(getattr(value, field.name), _join(path, field.name))
    elif isinstance(value, tuple):
        yield _join(path, "#"), np.asarray(len(value))
        for i, item in enumerate(value):
            yield from _leaves(item, _join(path, str(i)))
    elif isinstance(value, Mapping):
        yield _join(path, "#"), np.array(list(value), dtype=str)
        for key, item in value.items():
            yield from _leaves(item, _join(path, key))
    else:
        raise InputError(
            f"a {type(value).__name__}", where=f"pack at {path or 'the top'}", remedy="pack arrays, scalars, tuples and dataclasses"
        )


def unpack(kind: type[T], arrays: Mapping[str, Array]) -> T:
    """The value of that type which `pack` took apart. A part that was stored before its field existed has the field's default.

    Raises InputError when a part without a default is missing.
    """
    value: T = _build(kind, arrays, "")
    return value


def _build(kind: Any, arrays: Mapping[str, Array], path: str) -> Any:
    origin = get_origin(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        held = [field for field in fields(kind) if not _newer(field, arrays, _join(path, field.name))]
        return kind(**{field.name: _build(hints[field.name], arrays, _join(path, field.name)) for field in held})
    if origin is tuple:
        inner = get_args(kind)
        kinds = [inner[0]] * int(_leaf(arrays, _join(path, "#"))) if len(inner) == 2 and inner[1] is Ellipsis else inner
        return tuple(_build(k, arrays, _join(path, str(i))) for i, k in enumerate(kinds))
    if origin in (Mapping, AbstractMapping, dict):
        inner = get_args(kind)[1]
        return {str(key): _build(inner, arrays, _join(path, str(key))) for key in _leaf(arrays, _join(path, "#"))}
    leaf = _leaf(arrays, path)
    return kind(leaf.item()) if kind in SCALARS else leaf


def _newer(field: "Field[Any]", arrays: Mapping[str, Array], path: str) -> bool:
    """Whether a field with a default has no part at all: it came after the artefact."""
    if field.default is MISSING and field.default_factory is MISSING:
        return False
    return path not in arrays and not any(name.startswith(f"{path}/") for name in arrays)


def _leaf(arrays: Mapping[str, Array], path: str) -> Array:
    if path not in arrays:
        raise InputError(
            f"no part {path!r} among {len(arrays)}", where="unpack", remedy="the artefact was written by another version; replay it"
        )
    return arrays[path]


def _join(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name

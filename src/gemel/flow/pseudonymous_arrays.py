"""Named arrays of which nothing tells whose they are: names and UIDs replaced, times shifted, sentences gone; numbers stay."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Shaped

from gemel.core.image import Array
from gemel.flow.pseudonymous import Change, LONG_AGO_s, name, names_object
from gemel.io.deidentify_pseudonyms import new_uid

COUNT = "#"  # core.packing: the names of a mapping, or the length of a tuple
FREE = frozenset({"notes", "note", "reason"})


def arrays(held: Mapping[str, Shaped[Array, "..."]], change: Change) -> dict[str, Array]:
    """The arrays; the names of a mapping change together with the paths of what it holds."""
    return {path(key, change): _array(key, value, change) for key, value in held.items()}


def silenced(held: Mapping[str, Shaped[Array, "..."]]) -> dict[str, Array]:
    """The arrays without sentences: what is left of them in a twin whose person was taken out."""
    return {key: np.full(value.shape, "") if _is_free(key, value) else value for key, value in held.items()}


def _is_free(key: str, value: Shaped[Array, "..."]) -> bool:
    return value.dtype.kind in "US" and bool(FREE & set(key.split("/")))


def path(key: str, change: Change) -> str:
    """A path whose parts are names."""
    return "/".join(part if part == COUNT else name(part, change) for part in key.split("/"))


def _array(key: str, value: Shaped[Array, "..."], change: Change) -> Array:
    parts = key.split("/")
    if value.dtype.kind in "US":
        texts = [_text(parts, str(text), change) for text in value.ravel()]
        return np.array(texts, dtype=str).reshape(value.shape)
    if value.dtype.kind in "fi" and parts[-1].endswith("_s"):
        late = np.abs(value) > LONG_AGO_s
        return np.where(late, value - change.shift_s, value).astype(value.dtype)
    return value


def _text(parts: list[str], text: str, change: Change) -> str:
    if FREE & set(parts):
        return ""
    if names_object(text):
        return new_uid(change.of, text)
    return name(text, change)

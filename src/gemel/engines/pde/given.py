"""Numbers and fields as a caller gives them: kept in their own precision, or refused with the argument's name."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

from gemel.core.image import Array
from gemel.core.number import numbers


def given(value: object, name: str) -> Shaped[Array, "..."]:
    """Arrays of numbers as they are, lists as float64. Raises InputError for text, dates, complex and masked values, as `numbers`."""
    plain = isinstance(value, np.ndarray) and not isinstance(value, np.ma.MaskedArray) and value.dtype.kind in "iuf"
    return np.asarray(value) if plain else numbers(value, name)


def precision(field: Shaped[Array, "..."]) -> type[Any]:
    """That in which a run from this field is computed: float64 for float64 and longer, else float32."""
    return np.float64 if field.dtype.kind == "f" and field.dtype.itemsize > 4 else np.float32

"""Numbers as a user gives them, one or one a voxel, and what is refused about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.scalar import Scalar

Numbers = Shaped[Array, "..."] | Sequence[Any] | Scalar
Result = Float[Array, "..."] | float


def at_least_zero(value: Numbers, name: str) -> Float[Array, "..."]:
    """The value in float64. Raises RangeError where it is negative or not a finite number."""
    numbers = np.asarray(value, dtype=np.float64)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise RangeError(f"{_worst(numbers)} where zero or more is meant", where=name, remedy="give finite numbers of zero or more")
    return numbers


def over_zero(value: Numbers, name: str) -> Float[Array, "..."]:
    """The value in float64. Raises RangeError where it is not a finite number over zero."""
    numbers = np.asarray(value, dtype=np.float64)
    if not np.isfinite(numbers).all() or (numbers <= 0).any():
        raise RangeError(f"{_worst(numbers)} where more than zero is meant", where=name, remedy="give finite numbers over zero")
    return numbers


def plain(value: Float[Array, "..."]) -> Result:
    """A float for a single number, the array otherwise."""
    return value if value.ndim else float(value)


def _worst(numbers: Float[Array, "..."]) -> str:
    """The first value that is refused."""
    odd = numbers[~np.isfinite(numbers)]
    return str(odd.flat[0] if odd.size else numbers.min())

"""Numbers as a user gives them, one or one a voxel, and what is refused about them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.core.number import numbers as read
from gemel.core.scalar import Scalar

Numbers = Shaped[Array, "..."] | Sequence[Any] | Scalar
Result = Float[Array, "..."] | float


def at_least_zero(value: Numbers, name: str) -> Float[Array, "..."]:
    """The value in float64. Raises RangeError where it is negative or not finite, InputError where it is no number."""
    numbers = read(value, name)
    if not np.isfinite(numbers).all() or (numbers < 0).any():
        raise RangeError(f"{_worst(numbers)} where zero or more is meant", where=name, remedy="give finite numbers of zero or more")
    return numbers


def over_zero(value: Numbers, name: str) -> Float[Array, "..."]:
    """The value in float64. Raises RangeError where it is not finite and over zero, InputError where it is no number."""
    numbers = read(value, name)
    if not np.isfinite(numbers).all() or (numbers <= 0).any():
        raise RangeError(f"{_worst(numbers)} where more than zero is meant", where=name, remedy="give finite numbers over zero")
    return numbers


def one_over_zero(value: object, name: str) -> float:
    """A single number over zero. Raises as `over_zero`, and InputError for several."""
    return float(over_zero(number(value, name), name))


def plain(value: Float[Array, "..."]) -> Result:
    """A float for a single number, the array otherwise."""
    return value if value.ndim else float(value)


def _worst(numbers: Float[Array, "..."]) -> str:
    """The first value that is refused."""
    odd = numbers[~np.isfinite(numbers)]
    return str(odd.flat[0] if odd.size else numbers.min())

"""Constant expressions as data: numbers, names, sums, products, powers and functions, evaluated for one value or many draws."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from gemel.core.errors import InputError
from gemel.core.image import Array

FUNCTIONS: Mapping[str, Callable[..., Array]] = {
    "+": np.add,
    "*": np.multiply,
    "/": np.divide,
    "^": np.power,
    "exp": np.exp,
    "ln": np.log,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "min": np.minimum,
    "max": np.maximum,
}


@dataclass(frozen=True)
class Expression:
    """A number, a name, or a function of expressions (a key of `FUNCTIONS`)."""

    head: float | str
    parts: tuple["Expression", ...] = ()


ONE = Expression(1.0)
MINUS_ONE = Expression(-1.0)


def combined(head: str, *parts: Expression) -> Expression:
    """A function of expressions; products with the number 1 are left out."""
    if head == "*":
        parts = tuple(part for part in parts if part != ONE) or (ONE,)
        if len(parts) == 1:
            return parts[0]
    return Expression(head, parts)


def evaluated(expression: Expression, value: Callable[[str], Array]) -> Array:
    """The expression's value, names looked up by `value`. Raises InputError for a function that is not known."""
    if not expression.parts:
        return np.asarray(value(expression.head) if isinstance(expression.head, str) else expression.head, dtype=np.float64)
    function = FUNCTIONS.get(str(expression.head))
    if function is None:
        raise InputError(f"the function {expression.head}", where="evaluated", remedy=f"write it with {', '.join(FUNCTIONS)}")
    numbers = [evaluated(part, value) for part in expression.parts]
    total = numbers[0] if len(numbers) > 1 else function(numbers[0])
    for number in numbers[1:]:
        total = function(total, number)
    return np.asarray(total)

"""Numbers as a caller gives them: made float64, or refused with the argument's name."""

from numbers import Real

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError
from gemel.core.image import Array

REMEDY = "give a number, or rows of numbers of one length"


def numbers(value: object, name: str) -> Float[Array, "..."]:
    """One number or an array of them, NaN and ∞ included.

    Raises InputError for nothing, text, truth values, dates, complex numbers, masked values, uneven rows, numbers beyond float64.
    """
    found = _array(value)
    if found is None or np.ma.is_masked(value) or not (found.dtype.kind in "iuf" or (found.dtype.kind == "O" and _real(found))):
        raise InputError(f"{name} = {_short(value)}", where=name, remedy=REMEDY)
    try:
        return np.asarray(found, dtype=np.float64)
    except OverflowError:
        raise InputError(f"{name} = {_short(value)}", where=name, remedy="give a number that is below 1e308") from None


def number(value: object, name: str) -> float:
    """Exactly one number. Raises InputError as `numbers`, and for none or several."""
    found = numbers(value, name)
    if found.size != 1:
        raise InputError(f"{name} = {_short(value)}, {found.size} numbers", where=name, remedy="give one number")
    return float(found.reshape(()))


def _array(value: object) -> Array | None:
    """The value as NumPy reads it, or None where its rows are of unequal length."""
    try:
        return np.asarray(value)
    except ValueError:
        return None


def _real(found: Array) -> bool:
    """Whether an array of objects holds real numbers alone: integers beyond 64 bits, fractions."""
    return all(isinstance(one, Real) and not isinstance(one, bool) for one in found.flat)


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."

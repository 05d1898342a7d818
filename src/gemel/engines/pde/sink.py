"""Consumption at rest: what a voxel takes up as a function of what is there, with its slope."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Sink:
    """`rate(u)` and `slope(u)` = d rate/du ≥ 0, of whole fields; concave, so that Newton's method finds its root from anywhere."""

    rate: Callable[[Float[Array, "x y z"]], Float[Array, "x y z"]]
    slope: Callable[[Float[Array, "x y z"]], Float[Array, "x y z"]]


def michaelis_menten(most: float | Float[Array, "x y z"], half: float) -> Sink:
    """most · u/(u + half), straight on below 0 with the slope there. Michaelis & Menten 1913, Biochem Z 49:333.

    `most`: rate of consumption at plenty, one number or a map; `half`: u of half that rate. Raises RangeError unless 0 ≤ most, 0 < half.
    """
    full = np.asarray(most, dtype=np.float64)
    if not np.isfinite(full).all() or (full < 0).any() or not (np.isfinite(half) and half > 0):
        found = f"a largest rate or a half value of {half!r} that cannot be"
        raise RangeError(found, where="michaelis_menten", remedy="give finite rates of zero or more, and a half value over zero")
    return Sink(
        rate=lambda u: np.asarray(full * np.where(u > 0, u / (np.maximum(u, 0.0) + half), u / half)),
        slope=lambda u: np.asarray(full * half / (np.maximum(u, 0.0) + half) ** 2),
    )


def linear(rate: float | Float[Array, "x y z"]) -> Sink:
    """rate · u. Raises RangeError for a rate that is negative or not finite."""
    full = np.asarray(rate, dtype=np.float64)
    if not np.isfinite(full).all() or (full < 0).any():
        raise RangeError("a rate that is negative or not finite", where="linear sink", remedy="give zero or more")
    return Sink(rate=lambda u: full * u, slope=lambda u: np.broadcast_to(full, u.shape))

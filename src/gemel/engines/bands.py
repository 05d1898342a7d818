"""Does a value or a whole curve lie in the band that draws span? Simultaneous bands: the worst level counts, once."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

TINY = 1e-6


def tail_probability(draws: Float[Array, "n ..."], value: Float[Array, "..."], floor: float = TINY) -> float:
    """Share of the draws that lie as far from the median as the value does, or farther: at most 0.05 is outside the 95 % band.

    Farthest over the levels of a curve, in units of the distance from the median to the 2.5 or 97.5 % quantile on that side (`floor`
    where the draws do not differ), so that the band holds the whole curve with the stated probability: the studentised maximum of
    Montiel Olea & Plagborg-Møller 2019, J Appl Econom 34:1, with each side's own width. Counted as (1 + k)/(1 + n): never zero.
    """
    low, middle, high = np.quantile(draws, [0.025, 0.5, 0.975], axis=0)
    above, below = np.maximum(high - middle, floor), np.maximum(middle - low, floor)

    def farthest(x: Array) -> Array:
        off = x - middle
        return np.where(off > 0, off / above, -off / below).reshape(len(x), -1).max(axis=1)

    return float((1 + np.count_nonzero(farthest(draws) >= farthest(np.asarray(value)[None])[0])) / (1 + len(draws)))


def shares(deviation: Float[Array, "..."], effects: dict[str, Float[Array, "..."]], unit: Float[Array, "..."]) -> dict[str, float]:
    """Share of a deviation d that each effect e explains, ⟨e, d⟩/⟨d, d⟩ in the metric of `unit`: 1 for all of it, negative against it.

    Shares add up to one when the effects add up to the deviation.
    """
    d = np.asarray(deviation / unit, dtype=np.float64).ravel()
    size = float(d @ d)
    return {name: float((np.asarray(e / unit, dtype=np.float64).ravel() @ d) / size) if size > 0 else 0.0 for name, e in effects.items()}

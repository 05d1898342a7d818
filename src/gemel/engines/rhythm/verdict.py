"""Was the scan still enough? The chance that too many views were taken too far from where they count."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array

DRAWS = 2000


@dataclass(frozen=True)
class Tolerance:
    """A view is good within `motion_mm`; a scan is good with at most `bad_share` of its views outside."""

    motion_mm: float
    bad_share: float

    def __post_init__(self) -> None:
        if self.motion_mm <= 0 or not 0 <= self.bad_share < 1:
            raise RangeError(f"an impossible tolerance {self!r}", where="Tolerance", remedy="motion above 0 mm, a share in [0, 1)")


@dataclass(frozen=True)
class Verdict:
    """`again`: ask for the scan once more; `probability` that it is not good enough; `bad_share`: views outside, with a 90 % interval."""

    again: bool
    probability: float
    bad_share: float
    low: float
    high: float


def judge(
    motion_mm: Float[Array, "views"], sd_mm: Float[Array, "views"], t_s: Float[Array, "views"], tolerance: Tolerance, *,
    memory_s: float = 1.0, threshold: float = 0.5, rng: np.random.Generator,
) -> Verdict:  # fmt: skip
    """Draws of the motion's error, an Ornstein–Uhlenbeck process of `memory_s` (errors of neighbouring views are alike).

    Ask again when P(share outside > bad_share) ≥ threshold; the threshold is the cost of asking over that of a scan that fails.
    Raises InputError for shapes that differ or values that are not finite.
    """
    held = [np.asarray(v, dtype=np.float64) for v in (motion_mm, sd_mm, t_s)]
    if any(v.shape != held[0].shape or not np.isfinite(v).all() for v in held) or len(held[0]) < 2:
        raise InputError("motion, spread and time of unlike shapes or not finite", where="judge", remedy="pass one finite value a view")
    error = held[1] * _wandering(held[2], memory_s, rng)
    share = np.mean(np.abs(held[0] + error) > tolerance.motion_mm, axis=1)
    probability = float(np.mean(share > tolerance.bad_share))
    low, high = np.quantile(share, [0.05, 0.95])
    return Verdict(probability >= threshold, probability, float(share.mean()), float(low), float(high))


def _wandering(t_s: Float[Array, "views"], memory_s: float, rng: np.random.Generator) -> Float[Array, "draws views"]:
    """Unit-variance Ornstein–Uhlenbeck paths at these times."""
    kept = np.exp(-np.abs(np.diff(t_s)) / memory_s)
    paths = rng.standard_normal((DRAWS, len(t_s)))
    for i, share in enumerate(kept, start=1):
        paths[:, i] = share * paths[:, i - 1] + np.sqrt(1 - share**2) * paths[:, i]
    return paths

"""Arms compared patient by patient: differences with intervals that hold for all of them at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.inference.contrasts import Interval, critical_value, skewed_interval

LEVEL = 0.95
HOW = (
    "Paired differences by patient; ends by Student's statistic corrected for skewness (Hall 1992). 'All at once' holds for every "
    "difference among the arms together (single-step max-t; Hothorn, Bretz & Westfall 2008), for each readout on its own."
)


@dataclass(frozen=True)
class Paired:
    """Mean over patients of arm `a` less arm `b` of one readout, with its 95 % interval.

    `low` to `high` holds for all differences among the trial's arms at once (with two arms: for the one); `alone_low` to `alone_high` for
    this difference alone. `better`: share of patients in whom a's is smaller; `equal`: in whom both are the same. Against hindsight,
    which is no arm, the interval is for that difference alone.
    """

    a: str
    b: str
    readout: str
    unit: str
    difference: float
    low: float
    high: float
    alone_low: float
    alone_high: float
    better: float
    equal: float
    patients: int


@dataclass(frozen=True)
class Summary:
    """One readout in one arm: mean with its 95 % interval, and the median and central 90 % of the patients."""

    arm: str
    readout: str
    unit: str
    mean: float
    low: float
    high: float
    median: float
    p05: float
    p95: float


def critical(arms: Sequence[Float[Array, "n"]]) -> float:
    """Two-sided point of the largest |t| over all pairs of arms."""
    if len(arms) < 3:
        return alone(len(arms[0]))
    return critical_value(np.stack([x - y for x, y in combinations(arms, 2)], axis=1), LEVEL)


def alone(patients: int) -> float:
    """Two-sided point of one t."""
    return critical_value(np.arange(patients, dtype=np.float64)[:, None], LEVEL)


def summary(values: Float[Array, "n"]) -> tuple[Interval, Sequence[float]]:
    """Mean with its interval, and the 5 %, 50 % and 95 % points of the patients."""
    return skewed_interval(values, alone(len(values))), [float(q) for q in np.quantile(values, [0.05, 0.5, 0.95])]


def running(difference: Float[Array, "n"], first: int = 5) -> Float[Array, "m 4"]:
    """Patients so far, mean difference and the ends of its interval (for one look alone), as the trial grows from `first` patients."""
    counts = range(min(first, len(difference)), len(difference) + 1)
    held = ((n, skewed_interval(difference[:n], alone(n))) for n in counts)
    return np.array([[n, i.mean, i.low, i.high] for n, i in held])

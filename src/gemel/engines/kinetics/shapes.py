"""Time–activity curves as sums of exponentials: A(t) = Σ_j c_j·exp(-λ_j t), each λ_j at least the rate of physical decay."""

import math
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array


@dataclass(frozen=True)
class Shape:
    """c = signsᵀ·a with amplitudes a > 0; λ_1 = λ_p + b_1 and λ_j = λ_(j-1) + b_j with all b > 0, so that T_eff <= T_phys always.

    The parameters are the logarithms of a and b. `scale` is, for each b, the median of its half-life ln2/b in physical half-lives.
    """

    name: str
    signs: Float[Array, "amplitudes terms"]
    scale: tuple[float, ...]

    @property
    def parameters(self) -> int:
        """Number of unknowns."""
        return sum(self.signs.shape)


MONO = Shape("mono", np.array([[1.0]]), (1.0,))
UPTAKE = Shape("uptake", np.array([[1.0, -1.0]]), (1.0, 1 / 30))
BI = Shape("bi", np.eye(2), (1.0, 1 / 10))
TRI = Shape("tri", np.array([[1.0, 0.0, -1.0], [0.0, 1.0, -1.0]]), (1.0, 1 / 10, 1 / 100))
SHAPES = (MONO, UPTAKE, BI, TRI)
LOG_SD = 1.5
"""Width of the default priors of ln b and ln a: a factor 20 to either side at two standard deviations."""


@dataclass(frozen=True)
class Prior:
    """Independent normal priors of the logarithms of the rates b, and of the amplitudes around the largest activity measured.

    Infinite widths are flat. Without a prior of the amplitudes a phase that is over before the first scan could hold any activity.
    """

    half_life_s: tuple[float, ...]  # medians of ln2/b
    log_sd: tuple[float, ...]
    amplitude_log_sd: float = LOG_SD


def weak_prior(shape: Shape, physical_s: float) -> Prior:
    """Medians at the shape's scale and a width of LOG_SD: they keep what the scans do not tell from running away."""
    return Prior(tuple(s * physical_s for s in shape.scale), (LOG_SD,) * len(shape.scale))


def flat_prior(shape: Shape, physical_s: float) -> Prior:
    """Maximum likelihood: the scans alone decide."""
    return Prior(tuple(s * physical_s for s in shape.scale), (math.inf,) * len(shape.scale), math.inf)


def allowed(scans: int, *, sd_known: bool) -> tuple[Shape, ...]:
    """Shapes that a number of scans can carry, with priors of what the scans do not tell.

    With known standard deviations from 2 scans on one phase, and a second of uptake or washout, which few or late scans cannot exclude
    (of late scans mono and uptake alone held the truth in 70 % of 90 % intervals); from 5 also tri. With an unknown scale of the noise
    AICc is finite only for n >= k + 3 (k + 1 unknowns; Hurvich & Tsai 1989, Biometrika 76:297): 5 mono, 6 uptake, 7 bi, 8 tri; mono alone
    is allowed from 3. Raises RangeError for fewer.
    """
    if sd_known:
        enough = [s for s in SHAPES if scans >= (5 if s is TRI else 2)]
    else:
        enough = [s for s in SHAPES if scans >= s.parameters + 3] or [MONO] * (scans >= 3)
    if not enough:
        remedy = "use single_time_point with a prior of the half-life" if scans == 1 else "add a scan, or state standard deviations"
        raise RangeError(f"{scans} time point(s)", where="time–activity fit", remedy=remedy)
    return tuple(enough)


def starting_rates(shape: Shape, t_s: Float[Array, "scans"], physical_s: float) -> Float[Array, "starts terms"]:
    """ln b of the starts of the search: slow terms on the scale of the last scan, fast ones on those of the scans."""
    slow = [f * math.log(2) / physical_s for f in (0.3, 1.5, 5.0)]
    earliest_s = max(float(t_s[0]), 1e-3 * float(t_s[-1]))
    fast = [1.0 / float(t_s[-1]), 2.0 / float(np.sqrt(earliest_s * t_s[-1])), 1.5 / earliest_s]
    chains = [(b, *rest) for b, rest in product(slow, combinations(fast, len(shape.scale) - 1))]
    return np.log(np.array(chains))

"""One shape fitted to many curves: the mode of the posterior, and what follows from it."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.kinetics.kernels import fit_kernel
from gemel.engines.kinetics.shapes import Prior, Shape, flat_prior, starting_rates

SLOWEST, FASTEST = 1e-3, 50.0  # bounds of b: in rates of physical decay, and over the time of the first scan


Effort = tuple[float, bool]
THOROUGH: Effort = (1e-9, True)
QUICK: Effort = (1e-4, False)
"""Tolerance of the logarithms, and whether each start is followed to its end or only the best one: for regions, and for voxels."""


@dataclass(frozen=True)
class Curves:
    """A(t) = Σ c_j exp(-λ_j t) for each row; leading axes are free. λ ascends: the first is the terminal one."""

    c_Bq: Float[Array, "*rows terms"]
    rate_1_s: Float[Array, "*rows terms"]

    @property
    def tia_Bq_s(self) -> Float[Array, "*rows"]:
        """Time-integrated activity ∫₀^∞ A dt = Σ c_j/λ_j. Bolch 2009, J Nucl Med 50:477 (MIRD 21)."""
        return np.asarray((self.c_Bq / self.rate_1_s).sum(axis=-1))

    @property
    def half_life_s(self) -> Float[Array, "*rows"]:
        """Effective half-life ln2/λ_1 of the terminal phase."""
        return np.asarray(math.log(2) / self.rate_1_s[..., 0])

    def at(self, t_s: Float[Array, "times"]) -> Float[Array, "*rows times"]:
        """Activity at times since the injection."""
        return np.asarray(np.einsum("...j,...jt->...t", self.c_Bq, np.exp(-self.rate_1_s[..., None] * t_s)))


@dataclass(frozen=True)
class Hypothesis:
    """A shape with the physical half-life that bounds it, and priors of its rates; no prior: the scans alone decide."""

    shape: Shape
    physical_s: float
    prior: Prior | None = None


@dataclass(frozen=True)
class Fit:
    """Logarithms of the parameters of each row, and the kernel's status (0 found, 1 slowest rate at its bound, 2 nothing to fit)."""

    hypothesis: Hypothesis
    log_parameters: Float[Array, "rows parameters"]
    status: Int[Array, "rows"]

    @property
    def curves(self) -> Curves:
        """The fitted curves."""
        return curves_of(self.hypothesis, self.log_parameters)


def fit(
    t_s: Float[Array, "scans"],
    activity_Bq: Float[Array, "rows scans"],
    *,
    sd_Bq: Float[Array, "#rows scans"],
    hypothesis: Hypothesis,
    effort: Effort = THOROUGH,
) -> Fit:
    """Largest posterior density of each row, normal errors; without a prior the weighted least-squares fit. Deterministic."""
    shape, physical_s = hypothesis.shape, hypothesis.physical_s
    problem = (np.ascontiguousarray(shape.signs), math.log(2) / physical_s, *normal_prior(hypothesis))
    rows, scale_Bq = len(activity_Bq), row_scale_Bq(activity_Bq)
    out = (np.empty((rows, shape.parameters)), np.empty(rows), np.empty(rows, np.int64))
    weights = np.ascontiguousarray((scale_Bq / np.asarray(sd_Bq, np.float64)) ** 2)
    times = np.ascontiguousarray(t_s, np.float64)
    starts = starting_rates(shape, times, physical_s)
    fit_kernel(times, np.ascontiguousarray(activity_Bq / scale_Bq), weights, problem, rate_bounds(times, physical_s), starts, effort, out)
    out[0][:, : len(shape.signs)] += np.log(scale_Bq)
    return Fit(hypothesis, out[0], out[2])


def row_scale_Bq(activity_Bq: Float[Array, "rows scans"]) -> Float[Array, "rows 1"]:
    """The largest activity of each row, on whose scale amplitudes are sought; 1 where there is none."""
    largest = np.asarray(activity_Bq, np.float64).max(axis=1, keepdims=True)
    return np.asarray(np.where(largest > 0, largest, 1.0))


def curves_of(hypothesis: Hypothesis, log_parameters: Float[Array, "*rows parameters"]) -> Curves:
    """Coefficients and rates of parameters ln(a, b)."""
    signs = hypothesis.shape.signs
    values = np.exp(log_parameters)
    decay_1_s = math.log(2) / hypothesis.physical_s
    return Curves(values[..., : len(signs)] @ signs, decay_1_s + np.cumsum(values[..., len(signs) :], axis=-1))


def normal_prior(hypothesis: Hypothesis) -> tuple[Float[Array, "parameters"], Float[Array, "parameters"]]:
    """Mean and precision of ln(a, b), a in units of the row's scale. Raises RangeError for a prior of another shape."""
    shape = hypothesis.shape
    prior = hypothesis.prior or flat_prior(shape, hypothesis.physical_s)
    if not len(prior.half_life_s) == len(prior.log_sd) == len(shape.scale):
        raise RangeError(f"a prior of {len(prior.half_life_s)} rates", where=shape.name, remedy=f"give one for each of {len(shape.scale)}")
    amplitudes = np.full(len(shape.signs), 1.0 / prior.amplitude_log_sd**2)
    mean = np.log(math.log(2) / np.array(prior.half_life_s))
    return np.concatenate([0.0 * amplitudes, mean]), np.concatenate([amplitudes, 1.0 / np.array(prior.log_sd) ** 2])


def rate_bounds(t_s: Float[Array, "scans"], physical_s: float) -> tuple[float, float]:
    """Bounds of ln b: slower is no more than physical decay, faster is over before the first scan."""
    slowest = SLOWEST * math.log(2) / physical_s
    return math.log(slowest), math.log(max(FASTEST / float(t_s[0]), 10 * slowest))

"""An emulator of slow readouts of a few inputs: exact Gaussian-process regression with an error bar for each prediction.

Prior of an output, in standardised units: s²·[a·(1 + x·x′) + exp(−½ Σ (x − x′)²/ℓ²) + ν·δ], a linear trend, a smooth departure
and noise. The outputs of a group share ℓ, a, ν; each has its own s. Rasmussen & Williams 2006, Gaussian Processes for Machine
Learning, ch. 2 and 5.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from gemel.core.errors import InputError
from gemel.core.image import Array

FEWEST_POINTS = 4
LOWEST, HIGHEST = np.log(1e-6), np.log(1e4)  # of a and ν; ν keeps the matrix well conditioned
SPREAD = 1.0  # standard deviation of the log-normal prior of ℓ about √d input standard deviations: weak, against overfit of few points


@dataclass(frozen=True)
class Hyper:
    """Shared by the outputs of one group: length scales in input standard deviations, linear share a, noise share ν."""

    lengths: Float[Array, "d"]
    linear: float
    noise: float


@dataclass(frozen=True)
class Surrogate:
    """A fitted emulator; arrays alone, so that it can be stored and hashed. Row g of the group arrays belongs to `group == g`.

    `loo_error`, `loo_sd`: left-out value minus its prediction, and its predicted standard deviation, at every design point.
    """

    design: Float[Array, "n d"]
    input_mean: Float[Array, "d"]
    input_sd: Float[Array, "d"]
    output_mean: Float[Array, "m"]
    output_sd: Float[Array, "m"]
    group: Int[Array, "m"]
    lengths: Float[Array, "groups d"]
    linear: Float[Array, "groups"]
    noise: Float[Array, "groups"]
    cholesky: Float[Array, "groups n n"]
    alpha: Float[Array, "n m"]
    scale: Float[Array, "m"]
    loo_error: Float[Array, "n m"]
    loo_sd: Float[Array, "n m"]


def fit(inputs: Float[Array, "n d"], outputs: Float[Array, "n m"], *, group: Int[Array, "m"] | None = None) -> Surrogate:
    """Emulator of `outputs` at `inputs`; outputs with the same number in `group` share hyper-parameters (None: all of them).

    Raises InputError for too few points, values that are not finite, and inputs that do not vary. An output that does not vary is
    predicted as that value with standard deviation 0: the design holds no sign of how it could vary.
    """
    group = np.zeros(outputs.shape[1], np.int64) if group is None else np.unique(group, return_inverse=True)[1].astype(np.int64)
    _require_usable(inputs, outputs, group)
    input_mean, input_sd = inputs.mean(axis=0), inputs.std(axis=0)
    output_mean, output_sd = outputs.mean(axis=0), outputs.std(axis=0)
    output_sd = np.where(output_sd > 1e-12 * np.maximum(np.abs(output_mean), 1e-300), output_sd, 0.0)
    x, y = (inputs - input_mean) / input_sd, (outputs - output_mean) / np.where(output_sd > 0, output_sd, 1.0)
    n_groups = int(group.max()) + 1
    hypers = [most_probable(x, y[:, (group == g) & (output_sd > 0)]) for g in range(n_groups)]
    factors = [np.linalg.cholesky(covariance(x, x, hyper) + hyper.noise * np.eye(len(x))) for hyper in hypers]
    alpha, scale, error, sd = np.empty_like(y), np.empty(y.shape[1]), np.empty_like(y), np.empty_like(y)
    for g, factor in enumerate(factors):
        of = group == g
        alpha[:, of] = cho_solve((factor, True), y[:, of])
        scale[of], error[:, of], sd[:, of] = leave_one_out(factor, alpha[:, of])
    return Surrogate(
        x, input_mean, input_sd, output_mean, output_sd, group,
        np.stack([h.lengths for h in hypers]), np.array([h.linear for h in hypers]), np.array([h.noise for h in hypers]),
        np.stack(factors), alpha, scale, error * output_sd, sd * output_sd,
    )  # fmt: skip


def predict(surrogate: Surrogate, inputs: Float[Array, "k d"]) -> tuple[Float[Array, "k m"], Float[Array, "k m"]]:
    """Mean and standard deviation of the readouts at new inputs, noise included. Rasmussen & Williams 2006, eq. 2.25, 2.26."""
    if inputs.shape[1] != surrogate.design.shape[1] or not np.isfinite(inputs).all():
        found = f"inputs of shape {inputs.shape} or not finite for {surrogate.design.shape[1]} inputs a point"
        raise InputError(found, where="surrogate.predict", remedy="pass the inputs in the order of the design")
    x = (inputs - surrogate.input_mean) / surrogate.input_sd
    mean, variance = np.empty((len(x), surrogate.alpha.shape[1])), np.empty((len(x), surrogate.alpha.shape[1]))
    for g in range(len(surrogate.linear)):
        of, hyper = surrogate.group == g, Hyper(surrogate.lengths[g], float(surrogate.linear[g]), float(surrogate.noise[g]))
        cross = covariance(x, surrogate.design, hyper)
        mean[:, of] = cross @ surrogate.alpha[:, of]
        explained = (solve_triangular(surrogate.cholesky[g], cross.T, lower=True) ** 2).sum(axis=0)
        prior = hyper.linear * (1.0 + (x**2).sum(axis=1)) + 1.0 + hyper.noise
        variance[:, of] = np.maximum(prior - explained, hyper.noise)[:, None] * surrogate.scale[of]
    return surrogate.output_mean + surrogate.output_sd * mean, surrogate.output_sd * np.sqrt(variance)


def covariance(a: Float[Array, "i d"], b: Float[Array, "j d"], hyper: Hyper) -> Float[Array, "i j"]:
    """a·(1 + x·x′) + exp(−½ Σ (x − x′)²/ℓ²), without noise and scale."""
    return hyper.linear * (1.0 + a @ b.T) + np.exp(-0.5 * cdist(a / hyper.lengths, b / hyper.lengths, "sqeuclidean"))


def leave_one_out(
    factor: Float[Array, "n n"], alpha: Float[Array, "n m"]
) -> tuple[Float[Array, "m"], Float[Array, "n m"], Float[Array, "n m"]]:
    """Scale s² of each output, and error and standard deviation of each point predicted from the others, without refitting.

    error = α/diag(K⁻¹), variance = s²/diag(K⁻¹) (Rasmussen & Williams 2006, eq. 5.12). s² is set so that the squared errors average
    their variance: the cross-validation estimate, robust to a wrong covariance (Bachoc 2013, Comput Stat Data Anal 66:55).
    """
    inverse = np.diag(cho_solve((factor, True), np.eye(len(factor))))[:, None]
    error = alpha / inverse
    scale = (alpha**2 / inverse).mean(axis=0)
    return scale, error, np.sqrt(scale / inverse)


def most_probable(x: Float[Array, "n d"], y: Float[Array, "n m"]) -> Hyper:
    """Hyper-parameters with the highest posterior density, the scale s of each output profiled out; best of three starts."""
    d = x.shape[1]
    centre = 0.5 * np.log(d)
    bounds = [(centre - 4.0, centre + 4.0)] * d + [(LOWEST, HIGHEST)] * 2
    found = []
    for log_length, log_noise in ((centre, -7.0), (centre + 1.0, -3.0), (centre - 0.7, -5.0)):
        start = np.concatenate([np.full(d, log_length), [0.0, log_noise]])
        with threadpool_limits(1, user_api="blas"):  # a hundred points: one thread is faster
            found.append(
                minimize(_misfit, start, args=(x, y, centre), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": 100})
            )
    best = min(found, key=lambda result: float(result.fun)).x
    return Hyper(np.exp(best[:d]), float(np.exp(best[d])), float(np.exp(best[d + 1])))


def _misfit(theta: Float[Array, "p"], x: Float[Array, "n d"], y: Float[Array, "n m"], centre: float) -> tuple[float, Float[Array, "p"]]:
    """−log posterior of θ = log(ℓ, a, ν) and its gradient: Σ over outputs of ½ n log(yᵀK⁻¹y) + ½ log|K|, and the prior of ℓ.

    Rasmussen & Williams 2006, eq. 5.8, 5.9, with s² = yᵀK⁻¹y/n put in.
    """
    (n, d), m = x.shape, y.shape[1]
    hyper = Hyper(np.exp(theta[:d]), float(np.exp(theta[d])), float(np.exp(theta[d + 1])))
    smooth = covariance(x, x, Hyper(hyper.lengths, 0.0, 0.0))
    trend = hyper.linear * (1.0 + x @ x.T)
    factor = np.linalg.cholesky(smooth + trend + hyper.noise * np.eye(n))
    alpha = cho_solve((factor, True), y)
    power = np.maximum((y * alpha).sum(axis=0), 1e-300)
    weight = 0.5 * (m * cho_solve((factor, True), np.eye(n)) - n * (alpha / power) @ alpha.T)
    by_length = [(weight * smooth * ((x[:, None, k] - x[None, :, k]) / hyper.lengths[k]) ** 2).sum() for k in range(d)]
    off = (theta[:d] - centre) / SPREAD
    value = 0.5 * n * np.log(power).sum() + m * np.log(np.diag(factor)).sum() + 0.5 * off @ off
    gradient = np.array([*by_length, (weight * trend).sum(), hyper.noise * np.trace(weight)])
    gradient[:d] += off / SPREAD
    return float(value), gradient


def _require_usable(inputs: Float[Array, "n d"], outputs: Float[Array, "n m"], group: Int[Array, "m"]) -> None:
    where = "surrogate.fit"
    if len(inputs) != len(outputs) or len(group) != outputs.shape[1]:
        found = f"{len(inputs)} inputs, {outputs.shape} outputs and {len(group)} group numbers"
        raise InputError(found, where=where, remedy="pass one row a point and one group number an output")
    if len(inputs) < FEWEST_POINTS:
        raise InputError(f"{len(inputs)} points", where=where, remedy=f"run the slow model at {FEWEST_POINTS} or more, better 10 an input")
    if not np.isfinite(inputs).all() or not np.isfinite(outputs).all():
        raise InputError("values that are not finite", where=where, remedy="leave out the runs that failed")
    still = np.flatnonzero(np.ptp(inputs, axis=0) == 0)
    if still.size:
        raise InputError(f"inputs that do not vary (columns {still.tolist()})", where=where, remedy="leave them out, or vary them")

"""G of a dose rate known at points in time: straight lines between them and an exponential tail behind the last."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.systems.theranostics.protraction import LN2
from gemel.systems.theranostics.quantities import Numbers, Result, at_least_zero, one_over_zero, over_zero, plain

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(10)
SMALL = 1.0  # μ h under which quadrature is exact to rounding, and over which the closed form no longer cancels


def protraction_of_samples(t_h: Numbers, rate_Gy_h: Numbers, T_rep_h: float | int, *, T_tail_h: float | int | None = None) -> Result:
    """G of a rate given at rising times, exact for straight lines between them; voxels may follow the axis of times.

    With `T_tail_h` the last rate decays on with that half-life; without, the rate ends. The repair pool c' = Ḋ − μc is carried from
    piece to piece, and G D² = 2 ∫ Ḋ c dt. Raises RangeError for times that do not rise, a negative rate or no dose.
    """
    times, rates, shape = _checked(t_h, rate_Gy_h)
    mu_1_h = LN2 / one_over_zero(T_rep_h, "T_rep_h")
    pool = np.zeros(rates.shape[1])
    quadratic, dose_Gy = np.zeros_like(pool), np.zeros_like(pool)
    for first, last, step_h in zip(rates[:-1], rates[1:], np.diff(times), strict=True):
        added, pool = _piece(first, (last - first) / step_h, pool, (mu_1_h, float(step_h)))
        quadratic, dose_Gy = quadratic + added, dose_Gy + 0.5 * (first + last) * step_h
    if T_tail_h is not None:
        lam = LN2 / one_over_zero(T_tail_h, "T_tail_h")
        quadratic = quadratic + rates[-1] * pool / (lam + mu_1_h) + rates[-1] ** 2 / (2 * lam * (lam + mu_1_h))
        dose_Gy = dose_Gy + rates[-1] / lam
    return plain((2.0 * quadratic / over_zero(dose_Gy, "dose_Gy") ** 2).reshape(shape))


def _checked(t_h: Numbers, rate_Gy_h: Numbers) -> tuple[Float[Array, "times"], Float[Array, "times voxels"], tuple[int, ...]]:
    """Times that rise, the rate at each with its voxels in one row, and the shape of the voxels."""
    times, rates = at_least_zero(t_h, "t_h"), at_least_zero(rate_Gy_h, "rate_Gy_h")
    if times.ndim != 1 or rates.ndim == 0 or len(times) != len(rates) or len(times) < 2 or (np.diff(times) <= 0).any():
        raise RangeError("times that do not rise, or not one a rate", where="t_h", remedy="give two or more rising times, one a rate")
    return times, rates.reshape(len(times), -1), rates.shape[1:]


def _piece(
    rate: Float[Array, "voxels"], slope: Float[Array, "voxels"], pool: Float[Array, "voxels"], over: tuple[float, float]
) -> tuple[Float[Array, "voxels"], Float[Array, "voxels"]]:
    """∫ (r + sτ) c(τ) dτ over one piece of (μ, h), and the pool at its end."""
    mu_1_h, step_h = over
    if mu_1_h * step_h > SMALL:
        return _closed(rate, slope, pool, over)
    ends = step_h * (_NODES + 1.0) / 2.0
    integral = np.zeros_like(pool)
    for tau_h, weight in zip(ends, _WEIGHTS * step_h / 2.0, strict=True):
        integral = integral + weight * (rate + slope * tau_h) * _pool(rate, slope, pool, (mu_1_h, float(tau_h)))
    return integral, _pool(rate, slope, pool, over)


def _pool(
    rate: Float[Array, "voxels"], slope: Float[Array, "voxels"], pool: Float[Array, "voxels"], over: tuple[float, float]
) -> Float[Array, "voxels"]:
    """c(τ) = c₀e^{−x} + rτ φ₁(x) + sτ² φ₂(x), x = μτ, φ₁ = (1−e^{−x})/x, φ₂ = (1−φ₁)/x; by series, x ≤ 1."""
    mu_1_h, tau_h = over
    x = mu_1_h * tau_h
    terms = np.cumprod(np.concatenate([[1.0], -x / np.arange(2.0, 22.0)]))
    phi_1, phi_2 = terms.sum(), (terms[1:] / -x).sum() if x > 0 else 0.5
    return np.asarray(pool * np.exp(-x) + rate * tau_h * phi_1 + slope * tau_h**2 * phi_2)


def _closed(
    rate: Float[Array, "voxels"], slope: Float[Array, "voxels"], pool: Float[Array, "voxels"], over: tuple[float, float]
) -> tuple[Float[Array, "voxels"], Float[Array, "voxels"]]:
    """The same in closed form, for pieces longer than the repair: c = K e^{−μτ} + m + (s/μ)τ."""
    mu, h = over
    m, decay = rate / mu - slope / mu**2, np.exp(-mu * h)
    K = pool - m
    fading = rate * (1 - decay) / mu + slope * (1 - (1 + mu * h) * decay) / mu**2
    steady = rate * m * h + (rate * slope / mu + slope * m) * h**2 / 2 + slope**2 / mu * h**3 / 3
    return np.asarray(K * fading + steady), np.asarray(K * decay + m + slope / mu * h)

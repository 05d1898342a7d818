"""What a detector reads behind materials when the beam has a spectrum: Beer and Lambert's law, summed over energies ray by ray."""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Float32
from numba import njit, prange

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array

_F = np.float32
CHUNK = 256
"""Rays to a piece of work."""

STARVED = 20.0
"""Counts below which `log_variance` is about a tenth or more too small: 3 % at 50, 9 % at 20, 20 % at 10, from sums over Poisson's law."""


@dataclass(frozen=True)
class Beam:
    """By energy: photons that reach a pixel with nothing in between, and the signal that one of them leaves (1 when photons are counted).

    Raises RangeError for numbers that are negative, not finite, or all zero.
    """

    photons: Float[Array, "e"]
    response: Float[Array, "e"]

    def __post_init__(self) -> None:
        both = np.stack([np.asarray(self.photons, dtype=np.float64), np.asarray(self.response, dtype=np.float64)])
        if not np.isfinite(both).all() or both.min(initial=0.0) < 0 or not both.prod(axis=0).sum() > 0:
            raise RangeError(
                "a beam that is negative, not finite or empty", where="Beam", remedy="give photons and signal by energy, 0 or more"
            )

    @property
    def open_signal(self) -> float:
        """Mean signal with nothing in between."""
        return float(np.dot(self.photons, self.response))


@dataclass(frozen=True)
class Detected:
    """Mean and variance of the signal of each ray (compound Poisson) and −ln(mean/open). Whiting et al. 2006, Med Phys 33:3290."""

    log_integral: Float32[Array, "*rays"]
    mean: Float32[Array, "*rays"]
    variance: Float32[Array, "*rays"]

    @property
    def counts(self) -> Float32[Array, "*rays"]:
        """Photons that would give the same relative noise: mean²/variance."""
        return self.mean**2 / self.variance


def polychromatic(lines: Float[Array, "*rays m"], beam: Beam, *, mu_1_mm: Float[Array, "materials e"]) -> Detected:
    """I = Σ_E n r e^(−Σ_m A_m μ_m), var = Σ_E n r² e^(…); one pass, nothing of size rays × energies is kept.

    A_m: `lines`, mm times the unit of the material's image; μ: 1/mm for one such unit. A filter that varies over the detector is another
    material. Raises GeometryError for materials or energies that do not match, InputError for values that are not finite or rays without
    signal.
    """
    mu = np.asarray(mu_1_mm)
    if mu.ndim != 2 or lines.shape[-1] != mu.shape[0] or mu.shape[1] != np.size(beam.photons):
        found = f"{lines.shape[-1]} line integrals a ray and {np.size(beam.photons)} energies for attenuation of {mu.shape}"
        raise GeometryError(found, where="polychromatic", remedy="put materials last in `lines` and first in `mu_1_mm`")
    if not (np.isfinite(lines).all() and np.isfinite(mu).all()):
        raise InputError(
            "line integrals or attenuation that are not finite", where="polychromatic", remedy="fill the gaps of the image first"
        )
    rays = np.ascontiguousarray(lines, dtype=np.float32).reshape(-1, mu.shape[0])
    first = np.asarray(beam.photons, dtype=np.float64) * beam.response
    weights = np.stack([first, first * beam.response]).astype(np.float32)
    out = np.empty((2, len(rays)), dtype=np.float32)
    _sum(rays, weights, np.ascontiguousarray(mu, dtype=np.float32), out)
    if len(rays) and not out.min() > 0:
        raise InputError(
            "rays that nothing comes through", where="polychromatic", remedy="check that μ is in 1/mm and the image in its unit"
        )
    mean, variance = (o.reshape(lines.shape[:-1]) for o in out)
    return Detected(np.log(_F(beam.open_signal) / mean), mean, variance)


def log_variance(counts: Float[Array, "*rays"], dark_variance: float = 0.0) -> Float[Array, "*rays"]:
    """Variance of −ln of a reading, 1/N + σ²/N², σ² of the electronics in counts². Barrett & Swindell 1981, Radiological Imaging, ch. 10.

    The next term of the series, 3/(2N²), is left out: 5 % of the standard deviation at 20 counts.
    """
    return 1.0 / counts + dark_variance / counts**2


def log_bias(counts: Float[Array, "*rays"]) -> Float[Array, "*rays"]:
    """Mean error of −ln of a Poisson reading, 1/(2N) + 5/(12N²), from the series of ln about N; for N above STARVED."""
    return 0.5 / counts + 5.0 / 12.0 / counts**2


def starved(counts: Float[Array, "*rays"]) -> Bool[Array, "*rays"]:
    """Rays whose counts are too few for `log_bias`, `log_variance` and all that is predicted from them."""
    return counts < STARVED


@njit(inline="always")
@no_type_check
def _exp(x):
    """eˣ for −87 < x < 88 in single precision (2e-7): 2^(n + f), the mantissa by Taylor's series of 2^f on |f| ≤ ½. Vectorises."""
    t = min(max(x, _F(-87.0)), _F(88.0)) * _F(1.4426950408889634)
    n = np.floor(t + _F(0.5))
    f = (t - n) * _F(0.6931471805599453)
    p = _F(1 / 720) * f + _F(1 / 120)
    p = p * f + _F(1 / 24)
    p = p * f + _F(1 / 6)
    p = p * f + _F(0.5)
    p = p * f + _F(1.0)
    p = p * f + _F(1.0)
    return p * np.int32((np.int32(n) + np.int32(127)) << np.int32(23)).view(np.float32)


@njit(parallel=True, cache=True, fastmath={"contract", "reassoc", "nsz"})
@no_type_check
def _sum(rays, weights, mu, out):
    """First and second moment of the signal of each ray; chunks of rays share a buffer of one exponent an energy."""
    n, energies = rays.shape[0], mu.shape[1]
    for chunk in prange((n + CHUNK - 1) // CHUNK):
        depth = np.empty(energies, dtype=np.float32)
        for ray in range(chunk * CHUNK, min(n, (chunk + 1) * CHUNK)):
            depth[:] = _F(0)
            for m in range(mu.shape[0]):
                length = rays[ray, m]
                for e in range(energies):
                    depth[e] -= length * mu[m, e]
            one, two = _F(0), _F(0)
            for e in range(energies):
                through = _exp(depth[e])
                one += weights[0, e] * through
                two += weights[1, e] * through
            out[0, ray], out[1, ray] = one, two

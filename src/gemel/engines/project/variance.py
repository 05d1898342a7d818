"""Variance of a filtered back-projection from the variances of its rays, without reconstructing.

f(x) = Σ_v W_v(x) Σ_k a·h_x(k) c_vk p_vk, with h_x(k) = (1 − s)h(n − k) + s·h(n + 1 − k) for a ray that passes the share s from column n to
n + 1. Rays are independent, so var f(x) = Σ_v W_v² [(1 − s)² A_v(n) + s² A_v(n + 1) + 2s(1 − s) C_v(n)] with A = (a·h)² ∗ c²var and
C the same with h(k)h(k + 1). A and C are convolved once; a point then costs one term a view.
At s = 0 and parallel rays this is (π/N_v)² a² Σ_v Σ_k h²(k)/N_vk. Kak & Slaney 1988, ch. 5; Wunderlich & Noo 2008, Phys Med Biol 53:2471.
"""

from typing import no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange
from scipy import fft

from gemel.core.errors import GeometryError, InputError
from gemel.core.image import Array
from gemel.engines.project.backprojection import seen_at
from gemel.engines.project.geometry import Cone, Geometry, source_z_mm, v_mm
from gemel.engines.project.ramp import RAM_LAK, Ramp, kernel
from gemel.engines.project.rays import axes
from gemel.engines.project.reconstruction import axial_cosine, filter_pitch, first_u_mm, is_curved, kind_of, view_weights
from gemel.engines.project.weights import beyond

Rays = Float[Array, "views u"] | Float[Array, "views v u"]


def variance(points_mm: Float[Array, "n 3"], geometry: Geometry, *, log_variance: Rays, ramp: Ramp = RAM_LAK) -> Float[Array, "n"]:
    """Variance of `fbp` or `fdk` at points from the isocentre; the square of the image's unit.

    `log_variance`: of each line integral, (views, u) of the points' plane for parallel and fan beams, (views, v, u) for cones. Points have
    no width: an image on a grid has this variance at its voxels' centres. A helix is refused.
    Raises GeometryError for variances of another shape, InputError for such that are negative or not finite.
    """
    points = np.asarray(points_mm, dtype=np.float64)
    _require_rays(log_variance, geometry)
    radius_mm = float(np.hypot(points[:, 0], points[:, 1]).max(initial=0.0))
    weights = view_weights(geometry, radius_mm)[:, None, :]
    rows = np.zeros((1, 2))
    if isinstance(geometry, Cone):
        weights = weights * axial_cosine(geometry)
        rows = np.array([[v_mm(geometry)[0], geometry.pitch_v_mm]])
    stacked = np.asarray(log_variance, dtype=np.float64).reshape(weights.shape[0], -1, geometry.n_u)
    spread = np.pad(weights**2 * stacked, ((0, 0), (0, 0), beyond(geometry)))
    own, shared = _correlated(spread, geometry, ramp)
    out = np.empty(len(points))
    frames = (*axes(geometry.angles_rad), source_z_mm(geometry))
    detector = np.array([first_u_mm(geometry, 0.0), geometry.pitch_u_mm, rows[0, 0], rows[0, 1]])
    _points(points, own, shared, frames, kind_of(geometry), detector, out)
    return out


def _correlated(
    spread: Float[Array, "views v u"], geometry: Geometry, ramp: Ramp
) -> tuple[Float[Array, "views v u"], Float[Array, "views v u"]]:
    """A and C of the module's equation."""
    n = spread.shape[-1]
    h = filter_pitch(geometry) * kernel(ramp, n, filter_pitch(geometry), curved=is_curved(geometry))
    length = int(fft.next_fast_len(3 * n, real=True))
    spectrum = fft.rfft(spread, length, axis=-1)
    pair = h * np.append(h[1:], 0.0)
    own, shared = (fft.irfft(spectrum * fft.rfft(k, length), length, axis=-1)[..., n - 1 : 2 * n - 1] for k in (h**2, pair))
    return np.ascontiguousarray(own), np.ascontiguousarray(shared)


def _require_rays(log_variance: Rays, geometry: Geometry) -> None:
    """Raises unless there is one finite variance, 0 or more, a ray of a circular path."""
    rows = (geometry.n_v,) if isinstance(geometry, Cone) else ()
    shape = (geometry.angles_rad.size, *rows, geometry.n_u)
    if isinstance(geometry, Cone) and geometry.z_mm is not None:
        raise GeometryError("a helical path", where="variance", remedy="predict the noise of one turn as a circle")
    if log_variance.shape != shape:
        raise GeometryError(f"variances of {log_variance.shape} for rays of {shape}", where="variance", remedy="give one a ray")
    if not np.isfinite(log_variance).all() or log_variance.min() < 0:
        raise InputError(
            "variances that are negative or not finite", where="variance", remedy="rays without counts have no logarithm: flag them first"
        )


@njit(parallel=True, cache=True)
@no_type_check
def _points(points, own, shared, frames, beam, detector, out):
    """Sum over views at each point; `detector`: first u, pitch u, first v, pitch v (0: planes of constant z)."""
    outward, across, source_z = frames
    nv, nu = own.shape[1], own.shape[2]
    for i in prange(points.shape[0]):
        total = 0.0
        for view in range(own.shape[0]):
            u, weight, tall = seen_at(points[i, 0], points[i, 1], outward[view], across[view], beam)
            p = (u - detector[0]) / detector[1]
            if p <= -1.0 or p >= nu:
                continue
            n = int(p + 1.0) - 1
            s = p - n
            r, g = 0, 0.0
            if detector[3] > 0:
                q = ((points[i, 2] - source_z[view]) * tall - detector[2]) / detector[3]
                if q <= -1.0 or q >= nv:
                    continue
                r = int(q + 1.0) - 1
                g = q - r
            weight *= weight
            if r >= 0:
                total += weight * (1 - g) ** 2 * _between(own[view, r], shared[view, r], n, s)
            if g > 0 and r + 1 < nv:
                total += weight * g**2 * _between(own[view, r + 1], shared[view, r + 1], n, s)
        out[i] = total


@njit(inline="always")
@no_type_check
def _between(own, shared, n, s):
    """Variance of a value interpolated from column n to n + 1."""
    nu = own.shape[0]
    low = own[n] if n >= 0 else 0.0
    high = own[n + 1] if n + 1 < nu else 0.0
    both = shared[n] if 0 <= n < nu - 1 else 0.0
    return (1 - s) ** 2 * low + s**2 * high + 2 * s * (1 - s) * both

"""Many small fields side by side: draws of an ensemble on one lattice of some thousand voxels, each with rates and motion of its own.

∂u/∂t = ∇·(D ∇u) + (k + ε) u − k u² − q(t) c(x) u in steps of equal length, each operator by itself: losses over the time between the
middles of steps and growth over half a step exactly, diffusion between (Strang 1968, SIAM J Numer Anal 5:506), error of second order. What
`solve` spends on planning a run is then most of its cost; here a run of a month on 3,000 voxels takes less than a millisecond.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped
from numba import njit, prange
from scipy import special

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array
from gemel.engines.pde.domain import domain

WHERE = "pde ensemble"
STABLE = 0.5  # of a stage: half of what keeps Heun's method monotone


@dataclass(frozen=True)
class Lattice:
    """The voxels of a mask in C order: the next one along each axis, or −1, and one over the square of the edges."""

    after: Int[Array, "n 3"]
    inverse_mm2: Float[Array, "3"]


@dataclass(frozen=True)
class Ensemble:
    """What each draw has of its own, in 1/d and mm²/d: k by voxel, D by voxel, ε; `spread`, the map c; `lost`, ∫ q dt before, between and
    after the middles of steps, (draws, steps + 1)."""

    rate_1_d: Float[Array, "draws n"]
    diffusivity_mm2_d: Float[Array, "draws n"]
    excess_1_d: Float[Array, "draws"]
    spread: Float[Array, "n"]
    lost: Float[Array, "draws edges"]


def lattice(mask: Bool[Array, "x y z"], spacing_mm: Shaped[Array, "..."] | tuple[float, ...] | float) -> Lattice:
    """Of a mask. Raises as `domain` for masks and spacings that cannot be."""
    spacing = np.broadcast_to(np.asarray(spacing_mm, dtype=np.float64).ravel(), 3)
    domain(mask, spacing)
    number = np.full(tuple(n + 1 for n in mask.shape), -1, dtype=np.int64)
    number[:-1, :-1, :-1][mask] = np.arange(np.count_nonzero(mask))
    next_ones = [np.roll(number, -1, axis=axis)[:-1, :-1, :-1][mask] for axis in range(3)]
    return Lattice(np.ascontiguousarray(np.stack(next_ones, axis=1).astype(np.int32)), 1.0 / spacing**2)


def advance(u: Float[Array, "draws n"], on: Lattice, of: Ensemble, step_d: float) -> Float[Array, "draws n"]:
    """The fields after as many steps of `step_d` as `lost` has, less one. Harmonic faces, no flux through the border; float32.

    The same whatever the number of threads and draws. Raises GeometryError for shapes that do not go together, RangeError for fields,
    rates or diffusivities that are negative or not finite.
    """
    shape = (len(u), len(on.after))
    _require_shapes(u, of, shape, step_d)
    for name, values in (("field", u), ("rate", of.rate_1_d), ("diffusivity", of.diffusivity_mm2_d), ("loss", of.lost)):
        if not np.isfinite(values).all() or (values < 0).any():
            raise RangeError(f"a {name} that is negative or not finite", where=WHERE, remedy="give zero or more")
    single = np.float32
    half_d = 0.5 * step_d
    growth = (of.rate_1_d + of.excess_1_d[:, None]) * half_d
    fuller = half_d * special.exprel(growth)
    return _advance(
        np.asarray(u, dtype=single),
        on.after,
        (of.diffusivity_mm2_d.astype(single), (on.inverse_mm2 * step_d).astype(single)),
        (np.exp(growth).astype(single), (of.rate_1_d * fuller).astype(single)),
        (of.spread.astype(single), of.lost.astype(single)),
    )


def _require_shapes(u: Array, of: Ensemble, shape: tuple[int, int], step_d: float) -> None:
    if any(values.shape != shape for values in (u, of.rate_1_d, of.diffusivity_mm2_d)) or of.spread.shape != shape[1:]:
        found = f"fields {u.shape}, rates {of.rate_1_d.shape}, diffusivities {of.diffusivity_mm2_d.shape} on {shape[1]} voxels"
        raise GeometryError(found, where=WHERE, remedy="give each by draw and voxel")
    if len(of.lost) != len(u) or of.lost.shape[1] < 2 or not step_d > 0:
        raise GeometryError(
            f"losses of shape {of.lost.shape}", where=WHERE, remedy="give one more a draw than there are steps, one or more"
        )


@njit(parallel=True, cache=True)
@no_type_check
def _advance(u, after, moving, growing, losing):
    found = u.copy()
    for d in prange(len(u)):
        _one(found[d], after, (moving[0][d], moving[1]), (growing[0][d], growing[1][d]), (losing[0], losing[1][d]))
    return found


@njit(cache=True)
@no_type_check
def _one(u, after, moving, growing, losing):
    """One draw: loss, then for each step half the growth, diffusion, half the growth, loss."""
    spread, lost = losing
    faces = np.zeros((len(u), 3), dtype=u.dtype)
    times = _faces(faces, after, moving)
    part = u.dtype.type(1.0 / times)
    one, half = u.dtype.type(1.0), u.dtype.type(0.5)
    first, second = np.empty_like(u), np.empty_like(u)
    _lose(u, spread, lost[0])
    for s in range(1, len(lost)):
        _grow(u, growing, one)
        for _ in range(times):
            _divergence(u, after, faces, first)
            for i in range(len(u)):
                first[i] = u[i] + part * first[i]
            _divergence(first, after, faces, second)
            for i in range(len(u)):
                u[i] = half * (u[i] + first[i] + part * second[i])
        _grow(u, growing, one)
        _lose(u, spread, lost[s])


@njit(cache=True)
@no_type_check
def _faces(faces, after, moving):
    """Conductances times the step towards the next voxel of each axis; how many parts of the step are stable."""
    D, scale = moving
    total = np.zeros(len(D))
    for i in range(len(D)):
        for a in range(3):
            j = after[i, a]
            if j >= 0 and D[i] > 0 and D[j] > 0:
                w = (D[i] + D[i]) / (D[i] + D[j]) * D[j] * scale[a]
                faces[i, a] = w
                total[i] += w
                total[j] += w
    return max(1, int(np.ceil(total.max() / STABLE)))


@njit(cache=True)
@no_type_check
def _divergence(u, after, faces, out):
    out[:] = u.dtype.type(0.0)
    for i in range(len(u)):
        for a in range(3):
            j = after[i, a]
            if j >= 0:
                flow = faces[i, a] * (u[j] - u[i])
                out[i] += flow
                out[j] -= flow


@njit(cache=True)
@no_type_check
def _grow(u, growing, one):
    """u e^{at}/(1 + u k (e^{at} − 1)/a), a = k + ε: the logistic curve of half a step."""
    larger, fuller = growing
    for i in range(len(u)):
        u[i] = u[i] * larger[i] / (one + u[i] * fuller[i])


@njit(cache=True)
@no_type_check
def _lose(u, spread, lost):
    if lost > lost - lost:
        for i in range(len(u)):
            u[i] *= np.exp(-lost * spread[i])

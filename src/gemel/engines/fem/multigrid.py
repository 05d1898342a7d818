"""Geometric multigrid of voxel elasticity: voxels twice as large with the mean stiffness of their parts, displacements trilinear.

Arbenz et al. 2008, Int J Numer Methods Eng 73:927 (bone on voxel grids by multigrid without matrices).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.image import Array
from gemel.engines.fem import kernels

Field = Float[Array, "..."]
SMALL = 400  # unknowns that are solved for at once
EVEN = 1.5  # an axis is joined when its voxels are up to this many times the shortest
DEGREE = 3


@dataclass(frozen=True)
class Elastic:
    """λ and μ of each voxel (0 where there is nothing), edges, which displacements are free (of nodes, three each), and
    whether λ terms are integrated in full."""

    lam: Field
    mu: Field
    spacing_mm: Float[Array, "3"]
    free: Bool[Array, "i j k 3"]
    full: bool = False


@dataclass(frozen=True)
class Grid:
    """What the kernels read of one grid; `inverse` of the diagonal, 0 where nothing is free."""

    moduli: tuple[Array, Array]
    rows: tuple[Array, ...]
    edges: tuple[np.floating, ...]
    inverse: Field
    factors: tuple[int, int, int]
    steps: tuple[tuple[np.float32, np.float32], ...]
    room: tuple[Array, Array, Array, Array]

    def times(self, u: Field, out: Field) -> Field:
        """K u, also at nodes that are not free."""
        kernels.stiffness(u, out, self.moduli, self.rows, self.edges)
        return out


@dataclass(frozen=True)
class Multigrid:
    """Grids from fine to coarse, and the inverse over the free displacements of the coarsest."""

    grids: tuple[Grid, ...]
    last: tuple[Array, Array]


def multigrid(of: Elastic) -> Multigrid:
    """Every grid of the cycle, in float32."""
    grids, now = [], of
    steepest = largest_eigenvalue(of)
    while True:
        factors = _factors(now)
        grids.append(grid(now, np.float32, factors, steepest))
        if np.count_nonzero(grids[-1].inverse) <= SMALL or factors == (1, 1, 1):
            return Multigrid(tuple(grids), _dense(grids[-1]))
        now = _joined(now, factors, grids[-1].inverse > 0)


def cycle(of: Multigrid, right: Field) -> Field:
    """About K⁻¹ b by one symmetric cycle; float64 in and out."""
    np.copyto(of.grids[0].room[0], right, casting="same_kind")
    return _down(of, 0).astype(np.float64)


def _down(of: Multigrid, level: int) -> Field:
    grid = of.grids[level]
    right, one, other, image = grid.room
    if level == len(of.grids) - 1:
        unknown, inverse = of.last
        one.ravel()[unknown] = inverse @ right.ravel()[unknown]
        return one
    one.fill(0)
    other.fill(0)
    image.fill(0)
    one, other = _smoothed(grid, (one, other), known=True)
    grid.times(one, image)
    below = of.grids[level + 1].room[0]
    kernels.restrict(right, image, grid.inverse, below, grid.factors)
    kernels.prolong(_down(of, level + 1), one, grid.inverse, grid.factors)
    return _smoothed(grid, (one, other), known=False)[0]


def _smoothed(grid: Grid, pair: tuple[Field, Field], *, known: bool) -> tuple[Field, Field]:
    """Chebyshev's fourth kind; `known`: room[3] holds K u of the first step already."""
    one, other = pair
    for n, weights in enumerate(grid.steps):
        if n or not known:
            grid.times(one, grid.room[3])
        kernels.improve(one, other, grid.room[3], grid.room[0], grid.inverse, weights)
        one, other = other, one
    return one, other


def grid(of: Elastic, dtype: type, factors: tuple[int, int, int], steepest: float) -> Grid:
    """What the kernels read, in one precision."""
    share = float(np.prod(of.spacing_mm)) / 64
    whole = diagonal(of) * of.free
    inverse = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
    steps = tuple(
        (np.float32((2 * k - 3) / (2 * k + 1) if k > 1 else 0), np.float32((8 * k - 4) / (2 * k + 1) / steepest))
        for k in range(1, DEGREE + 1)
    )
    edges = (*(dtype(2 / h) for h in of.spacing_mm), dtype(1 / 3), dtype(1 / 9), dtype(of.full))
    room: list[Array] = [np.zeros(whole.shape, dtype) for _ in range(4)]
    moduli: tuple[Array, Array] = ((of.lam * share).astype(dtype), (of.mu * share).astype(dtype))
    return Grid(moduli, _rows(of.mu), edges, inverse.astype(dtype), factors, steps, (room[0], room[1], room[2], room[3]))


def diagonal(of: Elastic) -> Float[Array, "i j k 3"]:
    """Of K, at every node."""
    squares = (2 / of.spacing_mm) ** 2
    share = float(np.prod(of.spacing_mm)) / 64
    found = np.zeros((*(n + 1 for n in of.mu.shape), 3))
    for c in range(3):
        own, rest = squares[c], squares.sum() - squares[c]
        shear = 2 * own + rest + (4 * own + rest) / 3 + rest / 3 + (2 * own + rest) / 9
        each = share * (of.lam * own * (16 / 9 if of.full else 1) + of.mu * shear)
        for corner in np.ndindex(2, 2, 2):
            found[..., c][tuple(slice(i, i + n) for i, n in zip(corner, each.shape))] += each
    return found


def largest_eigenvalue(of: Elastic) -> float:
    """Bound of D⁻¹K: the largest of any single voxel's own. Fried 1973, Int J Solids Struct 9:1013."""
    solid = of.mu > 0
    ratios = np.unique(np.quantile(of.lam[solid] / of.mu[solid], [0.0, 0.5, 1.0]))
    found = 0.0
    for ratio in ratios:
        one = Elastic(np.full((1, 1, 1), ratio), np.ones((1, 1, 1)), of.spacing_mm, np.ones((2, 2, 2, 3), dtype=bool), of.full)
        scale = 1 / np.sqrt(diagonal(one).ravel())
        found = max(found, float(np.linalg.eigvalsh(matrix(grid(one, np.float64, (1, 1, 1), 1.0)) * scale * scale[:, None]).max()))
    return found * 1.001


def matrix(of: Grid) -> Float[Array, "n n"]:
    """K of a small grid, column by column."""
    n, dtype = of.inverse.size, of.inverse.dtype
    found, out = np.zeros((n, n), dtype), np.zeros(of.inverse.shape, dtype)
    for column in range(n):
        unit = np.zeros(n, dtype)
        unit[column] = 1
        found[:, column] = of.times(unit.reshape(out.shape), out).ravel()
    return found


def _dense(of: Grid) -> tuple[Array, Array]:
    unknown = np.flatnonzero(of.inverse)
    whole = matrix(of)[np.ix_(unknown, unknown)].astype(np.float64)
    return unknown, np.linalg.pinv((whole + whole.T) / 2, rcond=1e-6, hermitian=True).astype(np.float32)


def _rows(mu: Field) -> tuple[Array, ...]:
    """Rows of voxels that have any stiffness, by slabs of one x, even ones first: slabs of one colour share no node."""
    solid = mu > 0
    x, y = np.nonzero(solid.any(axis=2))
    order = np.lexsort((y, x, x % 2))
    x, y = x[order], y[order]
    start = solid[x, y].argmax(axis=1)
    stop = mu.shape[2] - solid[x, y, ::-1].argmax(axis=1)
    slab = np.concatenate([[0], np.flatnonzero(np.diff(x)) + 1, [len(x)]])
    even = int(np.count_nonzero(x % 2 == 0))
    return slab[slab <= even], slab[slab >= even], x, y, start, stop


def _factors(of: Elastic) -> tuple[int, int, int]:
    shortest = min((h for h, n in zip(of.spacing_mm, of.mu.shape) if n > 1), default=0.0)
    found = [2 if n > 1 and h <= EVEN * shortest else 1 for h, n in zip(of.spacing_mm, of.mu.shape)]
    return found[0], found[1], found[2]


def _joined(of: Elastic, factors: tuple[int, int, int], free: Bool[Array, "i j k 3"]) -> Elastic:
    lam, mu = _mean(of.lam, factors), _mean(of.mu, factors)
    there = diagonal(of)[..., 0] > 0
    return Elastic(lam, mu, of.spacing_mm * np.array(factors), _coarse_free(there, free, factors, mu.shape), of.full)


def _mean(field: Field, factors: tuple[int, int, int]) -> Field:
    found = np.pad(field, [(0, -n % f) for n, f in zip(field.shape, factors)])
    for axis, f in enumerate(factors):
        found = np.add.reduceat(found, np.arange(0, found.shape[axis], f), axis=axis) / f
    return found


def _coarse_free(
    there: Bool[Array, "i j k"], free: Bool[Array, "i j k 3"], factors: tuple[int, int, int], voxels: tuple[int, ...]
) -> Bool[Array, "..."]:
    """As the fine node at the same place; where that is not part of the solid, held if a neighbour is held."""
    pad = [(1, f * n + 1 - m + 1) for n, m, f in zip(voxels, there.shape, factors)]
    held = np.pad(there[..., None] & ~free, [*pad, (0, 0)])
    solid = np.pad(there, pad)
    near = np.zeros_like(held)
    inner = tuple(slice(1, -1) for _ in range(3))
    for step in np.ndindex(3, 3, 3):
        near[inner] |= held[tuple(slice(s, n - 2 + s) for s, n in zip(step, held.shape))]
    found = np.where(solid[..., None], held, near)[inner]
    return np.ascontiguousarray(~found[tuple(slice(None, None, f) for f in factors)])

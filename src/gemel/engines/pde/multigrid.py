"""Geometric multigrid over the cells of a masked grid: one symmetric cycle, the preconditioner of every implicit and elliptic solution.

Coarser grids join cells in pairs along the axes that conduct best, so that grids of unequal spacing become even; conductances are joined
in series and side by side, and corrections come back by shares of resistance, so that masks and layers are seen by every grid.
Khalil & Wesseling 1992, J Comput Phys 98:1 (cells); Alcouffe et al. 1981, SIAM J Sci Stat Comput 2:430 (jumping coefficients).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int, Shaped

from gemel.core.image import Array
from gemel.engines.pde import multigrid_kernels as kernels
from gemel.engines.pde.domain import runs
from gemel.engines.pde.pseudo_inverse import pseudo_inverse

Field = Float[Array, "..."]
SMALL = 160  # cells that are solved for at once
EVEN = 0.3  # an axis is joined when it conducts this much of the best
DEGREE = 2
STEPS = [(np.float32((2 * k - 3) / (2 * k + 1)), np.float32((8 * k - 4) / (2 * k + 1) / 2.0)) for k in range(1, DEGREE + 1)]
"""Momentum and step of Chebyshev smoothing of the fourth kind for D⁻¹A ≤ 2. Lottes 2023, Numer Linear Algebra Appl 30:e2518, alg. 1."""


@dataclass(frozen=True)
class Network:
    """A u: for each cell the sum over its faces w (u − u of the neighbour), plus loss u, plus wall u by axis (to voxels that are held)."""

    faces: tuple[Array, Array, Array]
    loss: Field
    walls: tuple[Array, Array, Array]
    free: Bool[Array, "x y z"]


@dataclass(frozen=True)
class Grid:
    """One grid of the cycle: the matrix (three conductances, diagonal, its inverse), runs of cells, and how it is joined to the next."""

    matrix: tuple[Array, Array, Array, Array, Array]
    runs: Int[Array, "runs 4"]
    shares: tuple[Array, Array, Array]
    factors: tuple[int, int, int]
    room: Shaped[Array, "four x y z"]


@dataclass(frozen=True)
class Multigrid:
    """Grids from fine to coarse; on the coarsest the inverse of the matrix over the cells numbered there."""

    grids: tuple[Grid, ...]
    last: tuple[Int[Array, "cells"], Float[Array, "cells cells"]]


def multigrid(of: Network) -> Multigrid:
    """Every grid of the cycle, in float32."""
    grids, now = [], _single(of)
    while True:
        factors = _factors(now)
        grids.append(_grid(now, factors))
        if np.count_nonzero(now.free) <= SMALL or factors == (1, 1, 1):
            return Multigrid(tuple(grids), _inverse(now))
        now = _joined(now, factors)


def diagonal(of: Network) -> Field:
    """The matrix's diagonal; 0 outside."""
    found = of.loss + of.walls[0] + of.walls[1] + of.walls[2]
    for axis, w in enumerate(of.faces):
        found += w
        found[_part(axis, 0, -1)] += w[_part(axis, 1, None)]
    return np.asarray(np.where(of.free, found, 0.0))


def cycle(of: Multigrid, right: Field) -> Field:
    """About A⁻¹ b by one cycle (two smoothing steps before and after each coarser grid), symmetric; float64 in and out."""
    np.copyto(of.grids[0].room[0], right, casting="same_kind")
    return of.grids[0].room[_down(of, 0)].astype(np.float64)


def _down(of: Multigrid, level: int) -> int:
    """Solve on this grid for what lies in room[0]; which of room[1], room[2] holds the answer."""
    grid = of.grids[level]
    right, one, other, rest = grid.room
    if level == len(of.grids) - 1:
        cells, inverse = of.last
        one.ravel()[cells] = inverse @ right.ravel()[cells]
        return 1
    other.fill(0)
    kernels.begin(one, right, grid.matrix[4], STEPS[0][1])
    one, other = _smoothed(grid, (one, other), STEPS[1:])
    kernels.residual(one, rest, grid.matrix, right, grid.runs)
    below = of.grids[level + 1].room
    kernels.restrict(rest, below[0], grid.shares, grid.factors)
    kernels.prolong(below[_down(of, level + 1)], one, grid.shares, grid.runs, grid.factors)
    one, other = _smoothed(grid, (one, other), [(np.float32(0), STEPS[0][1]), *STEPS[1:]])
    return 1 if one is not other and np.shares_memory(one, grid.room[1]) else 2


def _smoothed(grid: Grid, pair: tuple[Field, Field], steps: list[tuple[np.float32, np.float32]]) -> tuple[Field, Field]:
    one, other = pair
    for weights in steps:
        kernels.smooth(one, other, grid.matrix, grid.room[0], grid.runs, weights)
        one, other = other, one
    return one, other


def _grid(of: Network, factors: tuple[int, int, int]) -> Grid:
    whole, over = diagonal(of), runs(of.free)
    inverse = np.divide(1.0, whole, out=np.zeros_like(whole), where=whole > 0)
    shares = tuple(np.zeros(of.free.shape, np.float32) for _ in range(3))
    for axis, w in enumerate(of.faces):
        if factors[axis] == 2:
            kernels.share(w, axis, shares[axis], over)
    most = np.maximum(shares[0] + shares[1] + shares[2], np.float32(1))
    for each in shares:
        each /= most
    matrix = (*of.faces, whole.astype(np.float32), inverse.astype(np.float32))
    return Grid(matrix, over, (shares[0], shares[1], shares[2]), factors, np.zeros((4, *of.free.shape), np.float32))


def _factors(of: Network) -> tuple[int, int, int]:
    """Which axes are joined in pairs: those along which things pass about as easily as along the best."""
    ease = [float(w.sum(dtype=np.float64)) / max(int(np.count_nonzero(w)), 1) for w in of.faces]
    found = [2 if n > 3 and mean > 0 and mean >= EVEN * max(ease) else 1 for n, mean in zip(of.free.shape, ease)]
    return found[0], found[1], found[2]


def _joined(of: Network, factors: tuple[int, int, int]) -> Network:
    shape = tuple((n - 2 + f - 1) // f + 2 for n, f in zip(of.free.shape, factors))
    faces = tuple(np.zeros(shape, np.float32) for _ in range(3))
    walls = tuple(np.zeros(shape, np.float32) for _ in range(3))
    for axis in range(3):
        turn = (axis, *(other for other in range(3) if other != axis))
        by = tuple(factors[a] for a in turn)
        kernels.join(of.faces[axis].transpose(turn), faces[axis].transpose(turn), by)
        kernels.join_walls(of.walls[axis].transpose(turn), of.faces[axis].transpose(turn), walls[axis].transpose(turn), by)
    loss, free = _summed(of.loss, factors, shape), _summed(of.free.astype(np.float32), factors, shape) > 0
    return Network((faces[0], faces[1], faces[2]), loss, (walls[0], walls[1], walls[2]), free)


def _summed(field: Field, factors: tuple[int, int, int], shape: tuple[int, ...]) -> Field:
    """Sums over the cells that are joined."""
    inner = field[1:-1, 1:-1, 1:-1]
    for axis, f in enumerate(factors):
        inner = np.add.reduceat(inner, np.arange(0, inner.shape[axis], f), axis=axis)
    found = np.zeros(shape, np.float32)
    found[1:-1, 1:-1, 1:-1] = inner
    return found


def _inverse(of: Network) -> tuple[Int[Array, "cells"], Float[Array, "cells cells"]]:
    """Moore and Penrose's, for parts that nothing holds have no other."""
    cells = np.flatnonzero(of.free)
    number = np.full(of.free.size, -1)
    number[cells] = np.arange(len(cells))
    matrix = np.diag(diagonal(of).ravel()[cells].astype(np.float64))
    for w, stride in zip(of.faces, (of.free.shape[1] * of.free.shape[2], of.free.shape[2], 1)):
        above = np.flatnonzero(w)
        matrix[number[above], number[above - stride]] -= w.ravel()[above]
        matrix[number[above - stride], number[above]] -= w.ravel()[above]
    return cells, pseudo_inverse(matrix).astype(np.float32)


def _single(of: Network) -> Network:
    faces, walls = ([np.ascontiguousarray(w, dtype=np.float32) for w in each] for each in (of.faces, of.walls))
    return Network((faces[0], faces[1], faces[2]), of.loss.astype(np.float32), (walls[0], walls[1], walls[2]), of.free)


def _part(axis: int, start: int, stop: int | None) -> tuple[slice, ...]:
    return tuple(slice(start, stop) if a == axis else slice(None) for a in range(3))

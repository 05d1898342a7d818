"""Many unknowns, of which data inform few directions: the most probable point by Gauss–Newton steps, and Laplace's posterior of low rank.

Unknowns are standard normal beforehand, so that the curvature is I + JᵀJ and its excess over I has as many directions as were informed.
Bui-Thanh et al. 2013, SIAM J Sci Comput 35:A2494, eq. 3.5 to 3.9.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.sparse.linalg import LinearOperator, cg, eigsh

from gemel.core.errors import RangeError
from gemel.core.image import Array

HALVINGS, WITHIN = 6, 0.1


@dataclass(frozen=True)
class Local:
    """Residuals (in their sd) at a point, their derivative along a direction, and the transpose of it."""

    residual: Float[Array, "m"]
    along: Callable[[Float[Array, "d"]], Float[Array, "m"]]
    back: Callable[[Float[Array, "m"]], Float[Array, "d"]]

    def curvature(self, direction: Float[Array, "d"]) -> Float[Array, "d"]:
        """JᵀJ times a direction."""
        return self.back(self.along(direction))

    def whole(self, direction: Float[Array, "d"]) -> Float[Array, "d"]:
        """(I + JᵀJ) times a direction."""
        return direction + self.curvature(direction)


@dataclass(frozen=True)
class LowRank:
    """Normal of covariance I − V diag(λ/(1 + λ)) Vᵀ about a point; λ the informed curvature, `vectors` of unit length."""

    at: Float[Array, "d"]
    values: Float[Array, "r"]
    vectors: Float[Array, "d r"]

    def variance(self, directions: Float[Array, "n d"]) -> Float[Array, "n"]:
        """Of linear functions of the unknowns."""
        seen = np.square(directions @ self.vectors) @ (self.values / (1 + self.values))
        return np.asarray(np.square(directions).sum(axis=1) - seen)

    def draw(self, n: int, rng: np.random.Generator) -> Float[Array, "n d"]:
        """n draws."""
        noise = rng.standard_normal((n, len(self.at)))
        shrink = 1.0 / np.sqrt(1.0 + self.values) - 1.0
        return np.asarray(self.at + noise + (noise @ self.vectors * shrink) @ self.vectors.T)


def most_probable(
    local: Callable[[Float[Array, "d"]], Local], start: Float[Array, "d"], *, steps: int = 8, inner: int = 12, close: float = 1e-4
) -> tuple[Float[Array, "d"], tuple[float, ...]]:
    """The point of least ½|ξ|² + ½|r(ξ)|² by inexact Gauss–Newton steps, halved until they gain, and the costs on the way.

    Steihaug 1983, SIAM J Numer Anal 20:626. Raises RangeError where the start is not valid.
    """
    at, here = start, local(start)
    costs = [_cost(at, here)]
    if not np.isfinite(costs[0]):
        raise RangeError("a start outside the model's range", where="most probable point", remedy="start from the prior's centre")
    for _ in range(steps):
        gradient = at + here.back(here.residual)
        whole = LinearOperator((len(at), len(at)), matvec=here.whole, dtype=np.float64)
        step, _ = cg(whole, -gradient, rtol=WITHIN, maxiter=inner)
        moved = _gained(local, at, step, costs[-1])
        if moved is None:
            break
        at, here = moved
        costs.append(_cost(at, here))
        if costs[-2] - costs[-1] < close * (1 + costs[-1]):
            break
    return at, tuple(costs)


def posterior(at: Float[Array, "d"], local: Local, rank: int, rng: np.random.Generator) -> LowRank:
    """The `rank` directions that were informed most. Lanczos 1950, J Res Natl Bur Stand 45:255."""
    whole = LinearOperator((len(at), len(at)), matvec=local.curvature, dtype=np.float64)
    values, vectors = eigsh(whole, k=rank, v0=rng.standard_normal(len(at)), tol=1e-3)
    order = np.argsort(values)[::-1]
    return LowRank(at, np.maximum(values[order], 0.0), vectors[:, order])


def _cost(at: Float[Array, "d"], local: Local) -> float:
    return 0.5 * float(np.square(at).sum() + np.square(local.residual).sum())


def _gained(
    local: Callable[[Float[Array, "d"]], Local], at: Float[Array, "d"], step: Float[Array, "d"], cost: float
) -> tuple[Float[Array, "d"], Local] | None:
    for n in range(HALVINGS):
        there = at + step / 2**n
        found = local(there)
        if _cost(there, found) < cost:
            return there, found
    return None

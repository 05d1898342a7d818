"""The most probable point of a normal prior and normal errors, by damped Gauss–Newton steps whose derivatives are taken in one batch."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array

Residuals = Callable[[Float[Array, "n d"]], Float[Array, "n m"]]  # (prediction − observation)/sd; not finite where the model is not valid
STEP = 1e-4
DAMPING, SOFTER, HARDER = 1e-2, 0.2, 5.0
CLOSE = 1e-8


@dataclass(frozen=True)
class Mode:
    """The point of least cost in a standard normal space, the curvature I + JᵀJ there, and the cost ½|z|² + ½|r|²."""

    z: Float[Array, "d"]
    curvature: Float[Array, "d d"]
    cost: float


def mode(residuals: Residuals, starts: Float[Array, "n d"], steps: int = 40) -> Mode:
    """Least cost by Levenberg–Marquardt from the best of the starts, z ~ N(0, I). Levenberg 1944; Marquardt 1963, SIAM J Appl Math 11:431.

    Central differences of all directions are one call of `residuals`.
    """
    held = costs(starts, residuals(starts))
    z, cost = starts[int(np.argmin(held))], float(held.min())
    damping, curvature, gained = DAMPING, np.eye(starts.shape[1]), np.inf
    for _ in range(steps):
        if not np.isfinite(cost) or gained < CLOSE * (1 + cost):
            break
        r, jacobian = _linear(residuals, z)
        gradient, curvature = z + jacobian.T @ r, np.eye(len(z)) + jacobian.T @ jacobian
        z, gained, damping = _step(residuals, (z, cost), (gradient, curvature), damping)
        cost -= gained
    return Mode(z, curvature, cost)


def costs(z: Float[Array, "n d"], r: Float[Array, "n m"]) -> Float[Array, "n"]:
    """½|z|² + ½|r|², infinite where a residual is not finite."""
    total = 0.5 * (np.square(z).sum(axis=1) + np.square(r).sum(axis=1))
    return np.where(np.isfinite(total), total, np.inf)


def _linear(residuals: Residuals, z: Float[Array, "d"]) -> tuple[Float[Array, "m"], Float[Array, "m d"]]:
    """Residuals at a point, and their derivatives by central differences; one-sided where a side is not valid."""
    d = len(z)
    around = np.concatenate([z[None], z + STEP * np.eye(d), z - STEP * np.eye(d)])
    r = residuals(around)
    here, up, down = r[0], r[1 : d + 1], r[d + 1 :]
    there = np.array([np.isfinite(side).all(axis=1) for side in (up, down)])
    up, down = np.where(there[0, :, None], up, here), np.where(there[1, :, None], down, here)
    width = STEP * np.maximum(there.sum(axis=0), 1)
    return here, ((up - down) / width[:, None]).T


def _step(
    residuals: Residuals, at: tuple[Float[Array, "d"], float], local: tuple[Float[Array, "d"], Float[Array, "d d"]], damping: float
) -> tuple[Float[Array, "d"], float, float]:
    """The best of several dampings tried at once: the new point, what it gained, and its damping."""
    (z, cost), (gradient, curvature) = at, local
    dampings = damping * np.array([SOFTER, 1.0, HARDER, HARDER**2, HARDER**4])
    tried = np.stack([z - np.linalg.solve(curvature + k * np.diag(np.diagonal(curvature)), gradient) for k in dampings])
    reached = costs(tried, residuals(tried))
    best = int(np.argmin(reached))
    if not reached[best] < cost:
        return z, 0.0, damping
    return tried[best], cost - float(reached[best]), float(np.clip(dampings[best], 1e-9, 1e6))

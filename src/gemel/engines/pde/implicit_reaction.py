"""What happens within voxels over a step, apart from spreading: in closed form for the standard rates, else by steps of third order."""

from functools import cache
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Float
from numba import njit, prange

from gemel.core.image import Array
from gemel.engines.pde.reaction import LOGISTIC, Reaction, standard_rate
from gemel.engines.pde.solve import require_finite
from gemel.engines.pde.stepping import forced

Field = Float[Array, "s n"]
FINE = 0.2  # the steepest reaction times the inner step


def react(u: Field, of: Reaction, p: Float[Array, "p m"], span: tuple[float, float]) -> Field:
    """u (species, voxels) at the end of the span; p of each voxel, or one that serves everywhere. Raises RangeError where it bursts."""
    found = _standard(u, of, p, span[1] - span[0]) if of.rate is standard_rate else _by_steps(u, of, p, span)
    require_finite(found)
    return found


def _by_steps(u: Field, of: Reaction, p: Float[Array, "p m"], span: tuple[float, float]) -> Field:
    start, stop = span
    steps = max(1, int(np.ceil((stop - start) * of.steepest(float(u.max(initial=0.0))) / FINE)))
    forcings = forced(of, np.linspace(start, stop, steps + 1), np.float64)
    found = u.copy()
    _flow_of(of.rate, of.species > 1)(found, p, (stop - start) / steps, forcings)
    return found


def _standard(u: Field, of: Reaction, p: Float[Array, "p m"], dt: float) -> Field:
    """Verhulst's and Gompertz's curves; what diffusion has left under 0 stays as it is."""
    k, q = p
    if of.which == LOGISTIC:
        return _verhulst(u, (k, q), dt)
    logs = np.log(np.where(u > 0, u, 1.0))
    return np.asarray(np.where(u > 0, np.exp(q + (logs - q) * np.exp(-k * dt)), u))


def _verhulst(u: Field, kq: tuple[Float[Array, "m"], Float[Array, "m"]], dt: float) -> Field:
    """u e^(kt)/(1 + qu (e^(kt) − 1)) by e^(−|k|t), which has no bound to pass; ∞ where k < 0 and u has none in that time."""
    k, q = kq
    left, gone = np.exp(-np.abs(k) * dt), -np.expm1(-np.abs(k) * dt)
    above, below = np.where(k >= 0, u, u * left), np.where(k >= 0, left + q * u * gone, np.maximum(1.0 - q * u * gone, 0.0))
    with np.errstate(divide="ignore", over="ignore"):
        return np.asarray(np.divide(above, below, out=u.copy(), where=u > 0))


@cache
def _flow_of(rate: Any, many: bool) -> Any:
    """Steps of Shu & Osher's third-order method in every voxel; compiled once a session."""

    @njit
    @no_type_check
    def one(u, p, f, change):
        change[0] = rate(u[0], p, f)

    slope = rate if many else one

    @njit(parallel=True)
    @no_type_check
    def flow(u, p, dt, f):
        species = len(u)
        for i in prange(u.shape[1]):
            given, change, stage, begun = p[:, i % p.shape[1]], np.zeros(species), np.zeros(species), np.zeros(species)
            for n in range(len(f)):
                begun[:] = u[:, i]
                stage[:] = begun
                for b in (1.0, 0.25, 2.0 / 3.0):
                    slope(stage, given, f[n], change)
                    for s in range(species):
                        stage[s] = begun[s] + b * (stage[s] - begun[s] + dt * change[s])
                u[:, i] = stage

    return flow

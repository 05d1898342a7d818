"""A tracer between vessels that is trapped in cells: the one model of which FMISO, FDG and FLT are parameters.

∂C/∂t = ∇·(D ∇C) + κ v (C_p − C) − k C + r T, ∂T/∂t = k C − r T: free C, trapped T, vessels v, plasma C_p.
Kelly & Brady 2006, Phys Med Biol 51:5859, whose oxygen-dependent k is one choice.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Shaped
from numba import njit

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.engines.pde import Reaction, solve_s, stable_step

Map = Float[Array, "x y z"]


@dataclass(frozen=True)
class Tracer:
    """What a tracer does in tissue, each one number or a map: diffusivity, exchange of a voxel full of vessel, trapping, release."""

    D_mm2_s: float | Map
    exchange_1_s: float | Map
    trap_1_s: float | Map
    release_1_s: float | Map = 0.0


@dataclass(frozen=True)
class Plasma:
    """Plasma concentration Σ aᵢ e^{−λᵢt}, any unit; its mean over a step is exact."""

    amplitudes: tuple[float, ...]
    rates_1_s: tuple[float, ...]

    def mean(self, start_s: float, stop_s: float) -> tuple[float]:
        """(1/(t₁ − t₀)) ∫ C_p dt."""
        span = stop_s - start_s
        parts = [a * np.exp(-k * start_s) * (-np.expm1(-k * span) / k if k > 0 else span) for a, k in zip(self.amplitudes, self.rates_1_s)]
        return (float(sum(parts)) / span,)

    def integral_s(self) -> float:
        """∫₀^∞ C_p dt; every rate over zero."""
        return float(sum(a / k for a, k in zip(self.amplitudes, self.rates_1_s)))


@njit(cache=True)
@no_type_check
def trapping(u, p, f, du):
    """p: exchange, trap, release; f: plasma."""
    kept = p[1] * u[0] - p[2] * u[1]
    du[0] = p[0] * (f[0] - u[0]) - kept
    du[1] = kept


def uptake(
    tracer: Tracer,
    vessels: Shaped[Array, "x y z"],
    spacing_mm: float | tuple[float, float, float],
    *,
    plasma: Plasma,
    t_s: Float[Array, "times"],
) -> Float[Array, "times 2 x y z"]:
    """Free and trapped tracer at each time, in the plasma's unit. Raises RangeError for rates or vessels under zero, and as `solve_s`."""
    amount = np.asarray(vessels, dtype=np.float64)
    exchange = np.asarray(tracer.exchange_1_s) * amount
    parameters = [np.asarray(np.broadcast_to(v, amount.shape), dtype=np.float64) for v in (exchange, tracer.trap_1_s, tracer.release_1_s)]
    if any(not np.isfinite(value).all() or (value < 0).any() for value in parameters):
        raise RangeError("vessels or rates that are negative or not finite", where="uptake", remedy="give zero or more in every voxel")
    steepest = float(np.max(parameters[0] + 2 * parameters[1] + 2 * parameters[2]))
    reaction = Reaction(trapping, tuple(parameters), lambda most: steepest, plasma.mean, species=2)
    diffusivity = np.stack([np.broadcast_to(tracer.D_mm2_s, amount.shape), np.zeros(amount.shape)])
    start, mask = np.zeros((2, *amount.shape), dtype=np.float32), np.ones(amount.shape, dtype=bool)
    step_s = 0.9 * stable_step(mask, spacing_mm, diffusivity, reaction)  # exchange may settle within a step: trapping is far slower
    return solve_s(start, mask, spacing_mm, diffusivity, reaction, t_s, step_s, order=2)

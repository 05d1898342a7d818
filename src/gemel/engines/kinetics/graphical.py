"""Graphical analysis of tracer uptake against a plasma input: Logan's distribution volume and Patlak's influx, all regions at once."""

import numpy as np
from jaxtyping import Float

from gemel.core.errors import InputError, RangeError
from gemel.core.image import Array


def integral(t_s: Float[Array, "times"], values: Float[Array, "*rows times"]) -> Float[Array, "*rows times"]:
    """∫₀^t by straight lines between the samples, from zero at t = 0."""
    t = np.concatenate([[0.0], t_s])
    padded = np.concatenate([np.zeros((*values.shape[:-1], 1)), values], axis=-1)
    return np.asarray(np.cumsum(0.5 * np.diff(t) * (padded[..., 1:] + padded[..., :-1]), axis=-1))


def logan(
    t_s: Float[Array, "times"],
    tissue_Bq_mL: Float[Array, "regions times"],
    *,
    plasma_Bq_mL: Float[Array, "times"],
    plasma_integral: Float[Array, "times"],
    start_s: float,
) -> Float[Array, "regions"]:
    """Total distribution volume V_T: slope of ∫C_T/C_T on ∫C_p/C_T for t >= start. Logan 1990, J Cereb Blood Flow Metab 10:740.

    `plasma_integral` is ∫₀^t C_p, taken on the input's own fine samples (`integral`, then interpolated). Noise biases V_T low.
    """
    late = _late(t_s, tissue_Bq_mL, plasma_Bq_mL, start_s)
    below = tissue_Bq_mL[:, late]
    return _slope(plasma_integral[late] / below, integral(t_s, tissue_Bq_mL)[:, late] / below)


def patlak(
    t_s: Float[Array, "times"],
    tissue_Bq_mL: Float[Array, "regions times"],
    *,
    plasma_Bq_mL: Float[Array, "times"],
    plasma_integral: Float[Array, "times"],
    start_s: float,
) -> Float[Array, "regions"]:
    """Net influx K_i in 1/s: slope of C_T/C_p on ∫C_p/C_p for t >= start. Patlak 1983, J Cereb Blood Flow Metab 3:1."""
    late = _late(t_s, tissue_Bq_mL, plasma_Bq_mL, start_s)
    x = np.broadcast_to(plasma_integral[late] / plasma_Bq_mL[late], (len(tissue_Bq_mL), int(late.sum())))
    return _slope(x, tissue_Bq_mL[:, late] / plasma_Bq_mL[late])


def _late(t_s: Array, tissue: Array, plasma: Array, start_s: float) -> Array:
    late = np.asarray(t_s) >= start_s
    if np.count_nonzero(late) < 3:
        found = f"{np.count_nonzero(late)} frames after {start_s / 60:.3g} min"
        raise RangeError(found, where="graphical analysis", remedy="start earlier; the line needs three points")
    if not (np.isfinite(tissue).all() and np.isfinite(plasma).all()) or (tissue[:, late] <= 0).any() or (plasma[late] <= 0).any():
        raise InputError(
            "late activities that are not positive", where="graphical analysis", remedy="check the curves of tissue and plasma"
        )
    return late


def _slope(x: Array, y: Array) -> Float[Array, "regions"]:
    """Least-squares slope of each row."""
    centred = x - x.mean(axis=1, keepdims=True)
    return np.asarray((centred * y).sum(axis=1) / (centred * x).sum(axis=1))

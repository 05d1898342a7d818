"""Standard errors of fitted rate constants and of what follows from them."""

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.image import Array
from gemel.engines.kinetics.tissue import Tissue, tissue_of
from gemel.engines.kinetics.tissue_fit import TissueFit

RATES = 4
SINGULAR = 1e-13  # least eigenvalue of the Fisher matrix scaled to a unit diagonal


def covariance(fit: TissueFit) -> Float[Array, "regions 6 6"]:
    """Covariance of (ln K₁ … ln k₄, v_B, delay) to first order. Seber & Wild 1989, Nonlinear Regression, 2.1.

    Zero for what is held, and for a blood volume or delay on its bound. See `unknown` for what the scan does not tell.
    """
    moves = _moves(fit) & ~_singular(fit)[:, None]
    both = moves[:, :, None] & moves[:, None, :]
    held = np.where(both, fit.fisher, np.eye(6))
    scale = np.sqrt(np.diagonal(held, axis1=1, axis2=2))
    scales = scale[:, :, None] * scale[:, None, :]
    return np.asarray(np.where(both, np.linalg.inv(held / scales) / scales, 0.0))


def unknown(fit: TissueFit) -> Bool[Array, "regions 6"]:
    """Fitted parameters without a finite error: rates on a bound, and all of a fit that failed or whose Fisher matrix is singular."""
    free = (fit.box.lower.rows < fit.box.upper.rows)[0]
    rates = np.arange(6) < RATES
    return np.asarray((fit.on_bound & rates) | (free & (_singular(fit) | (fit.status != 0))[:, None]))


def standard_errors(fit: TissueFit) -> Tissue:
    """Standard error of each parameter; infinite where the scan does not tell it, zero where it is held."""
    sd = np.sqrt(np.diagonal(covariance(fit), axis1=1, axis2=2)).copy()
    sd[:, :RATES] *= fit.tissue.rows[:, :RATES]
    return tissue_of(np.where(unknown(fit), np.inf, sd))


def V_T_error_mL_cm3(fit: TissueFit) -> Float[Array, "regions"]:
    """Standard error of V_T = K₁/k₂·(1 + k₃/k₄); infinite where the release is on its bound, or the tissue traps."""
    _, _, k3, k4, *_ = fit.tissue.rows.T
    bound = k3 / np.where(k3 + k4 > 0, k3 + k4, 1.0)
    zero = np.zeros_like(bound)
    relative = _relative_error(fit, np.stack([zero + 1, zero - 1, bound, -bound, zero, zero], axis=1))
    with np.errstate(invalid="ignore"):
        return np.asarray(np.where((k4 == 0) & (k3 > 0), np.inf, relative * fit.tissue.V_T_mL_cm3))


def K_i_error_mL_cm3_s(fit: TissueFit) -> Float[Array, "regions"]:
    """Standard error of K_i = K₁k₃/(k₂ + k₃), given the release where that is on its bound: then fit TRAPPING."""
    _, k2, k3, *_ = fit.tissue.rows.T
    returned = k2 / (k2 + k3)
    zero = np.zeros_like(returned)
    relative = _relative_error(fit, np.stack([zero + 1, -returned, returned, zero, zero, zero], axis=1))
    return np.asarray(np.where(k3 > 0, relative * fit.tissue.K_i_mL_cm3_s, 0.0))


def _relative_error(fit: TissueFit, slope: Float[Array, "regions 6"]) -> Float[Array, "regions"]:
    """√(gᵀCg) of ln q, g its derivatives by the parameters; infinite where one of them is unknown."""
    variance = np.einsum("ri,rij,rj->r", slope, covariance(fit), slope)
    return np.asarray(np.where((unknown(fit) & (slope != 0)).any(axis=1), np.inf, np.sqrt(np.maximum(variance, 0.0))))


def _moves(fit: TissueFit) -> Bool[Array, "regions 6"]:
    return np.asarray((fit.box.lower.rows < fit.box.upper.rows) & ~fit.on_bound & (fit.status != 2)[:, None])


def _singular(fit: TissueFit) -> Bool[Array, "regions"]:
    moves = _moves(fit)
    held = np.where(moves[:, :, None] & moves[:, None, :], fit.fisher, np.eye(6))
    size = np.diagonal(held, axis1=1, axis2=2)
    flat = np.asarray(~np.isfinite(held).all(axis=(1, 2)) | (size <= 0).any(axis=1))
    safe = np.where(flat[:, None, None], np.eye(6), held)
    scale = np.sqrt(np.diagonal(safe, axis1=1, axis2=2))
    return np.asarray(flat | (np.linalg.eigvalsh(safe / (scale[:, :, None] * scale[:, None, :]))[:, 0] < SINGULAR))

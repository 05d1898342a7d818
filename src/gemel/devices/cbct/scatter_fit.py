"""Scatter of a scan from what an earlier CT lets expect: a few kernels and a drift of the beam are fitted.

With so few numbers no organ that moved is taken for scatter.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32
from scipy import ndimage
from scipy.optimize import lsq_linear

from gemel.core.image import Array
from gemel.devices.cbct.machine import Machine
from gemel.devices.cbct.scatter import COARSE_MM, REFERENCE_CM, coarser, finer

WIDTHS_MM, POWERS = (30.0, 80.0, 200.0), (0.5, 1.5, 3.0)
DRIFTS = 3
"""Primary times 1, t and t²: output and hardness of the beam since its calibration."""
EVERY_VIEW, ROUNDS, HUBER, RIDGE = 4, 4, 1.345, 1e-9
DRIFT_LIMITS, STIFFNESS = (0.5, 2.0), 0.03
"""Factors of the beam that are believed; and how much the fit resists a drift, which thick rays cannot tell from scatter."""
SMOOTH_MM, SMOOTH_RAD = 40.0, 0.15
"""What the kernels leave is taken out when it is smooth over this much of the panel and of the turn."""
MOST_SCATTER = 0.95
"""No more than this share of a reading is taken for scatter: something came straight through."""


@dataclass(frozen=True)
class Found:
    """Scattered signal I/I₀, and the primary that the prior would give with the beam of the day."""

    scatter: Float32[Array, "views v u"]
    primary: Float32[Array, "views v u"]


def fitted(
    signal: Float32[Array, "views v u"], primary: Float32[Array, "views v u"], water_cm: Float32[Array, "views v u"], machine: Machine
) -> Found:
    """signal − P = Σ_jk a_jk G_j ⊗ (P t^k) + P Σ_l b_l t^l + changes of anatomy; a ≥ 0, errors relative to P, changes down-weighted.

    The prior's projections as the reference: Niu et al. 2010, Med Phys 37:5395; kernels as in Sun & Star-Lack 2010, Phys Med Biol 55:6695;
    weights of Huber 1964, Ann Math Stat 35:73.
    """
    every = max(int(COARSE_MM // machine.bin_mm), 1)
    P, t, D = (coarser(v, every) for v in (primary, water_cm / np.float32(REFERENCE_CM), signal - primary))
    t = np.maximum(t, 0)
    kernels = _kernels(P, t, every * machine.bin_mm)
    drifts = np.stack([t**k for k in range(DRIFTS)])
    a, b = _solved(kernels[:, ::EVERY_VIEW] / P[::EVERY_VIEW], drifts[:, ::EVERY_VIEW], (D / P)[::EVERY_VIEW])
    scatter = np.tensordot(a, kernels, 1)
    drift = np.clip(1 + np.tensordot(b, drifts, 1), *DRIFT_LIMITS)
    left = _smooth(P, D - scatter - P * (drift - 1), (SMOOTH_RAD * machine.views / (2 * np.pi), SMOOTH_MM / (every * machine.bin_mm)))
    whole = finer((scatter + left).astype(np.float32), signal.shape, every)
    of_the_day = primary * finer(drift.astype(np.float32), signal.shape, every)
    return Found(np.clip(whole, 0.0, MOST_SCATTER * signal), of_the_day)


def _kernels(P: Float32[Array, "views i j"], t: Float32[Array, "views i j"], side_mm: float) -> Float32[Array, "k views i j"]:
    sources = [P * t**power for power in POWERS]
    return np.stack([ndimage.gaussian_filter(s, (0, w / side_mm, w / side_mm), mode="nearest") for w in WIDTHS_MM for s in sources])


def _solved(
    kernels: Float[Array, "k views i j"], drifts: Float[Array, "l views i j"], apart: Float[Array, "views i j"]
) -> tuple[Float[Array, "k"], Float[Array, "l"]]:
    """Least squares of the relative difference with bounds, reweighted."""
    columns = np.concatenate([kernels, drifts]).reshape(len(kernels) + len(drifts), -1).T.astype(np.float64)
    value, weight = apart.ravel().astype(np.float64), np.ones(apart.size)
    scale = np.sqrt(np.mean(np.square(columns), axis=0))
    low = np.concatenate([np.zeros(len(kernels)), np.full(len(drifts), -np.inf)])
    found = np.zeros(len(low))
    ridge = np.concatenate([np.full(len(kernels), RIDGE), STIFFNESS / scale[len(kernels) :] ** 2])
    for _ in range(ROUNDS):
        found = _bounded(columns / scale, value, weight, (low, ridge)) / scale
        residual = np.abs(value - columns @ found)
        weight = np.minimum(1.0, HUBER * 1.4826 * np.median(residual) / np.maximum(residual, 1e-12))
    return found[: len(kernels)], found[len(kernels) :]


def _bounded(
    columns: Float[Array, "n k"], value: Float[Array, "n"], weight: Float[Array, "n"], prior: tuple[Float[Array, "k"], Float[Array, "k"]]
) -> Float[Array, "k"]:
    """min mean w (value − A x)² + Σ ridge x² for x ≥ low, through the Cholesky root of the small normal matrix."""
    low, ridge = prior
    weighted = columns * weight[:, None]
    root = np.linalg.cholesky(weighted.T @ columns / len(value) + np.diag(ridge))
    return np.asarray(lsq_linear(root.T, np.linalg.solve(root, weighted.T @ value / len(value)), bounds=(low, np.inf)).x)


def _smooth(P: Float32[Array, "views i j"], left: Float[Array, "views i j"], sigma: tuple[float, float]) -> Float[Array, "views i j"]:
    """Normalised convolution with weights 1/P: thick rays are where scatter matters."""
    widths = (sigma[0], sigma[1], sigma[1])
    total, weight = (ndimage.gaussian_filter(v, widths, mode=("wrap", "nearest", "nearest")) for v in (left / P, 1 / P))
    return np.asarray(total / weight)

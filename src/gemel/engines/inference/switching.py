"""Linear-Gaussian models that take turns: one Kalman filter a regime, mixed before each step.

Interacting multiple models, Blom & Bar-Shalom 1988, IEEE Trans Autom Control 33:780.
"""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.engines.inference.gaussian import Covariance, Mean

FLOOR = 1e-12
"""No regime is ever excluded for good."""


def mixed(
    mean: Mean, covariance: Covariance, weight: Float[Array, "n"], switch: Float[Array, "n n"]
) -> tuple[Mean, Covariance, Float[Array, "n"]]:
    """Moments and weights of the regimes that are entered, `switch[i, j]` = P(j next | i now): mixtures held as normals.

    w'_j = Σ_i switch_ij w_i, μ_ij = switch_ij w_i / w'_j, m_j = Σ_i μ_ij m_i, P_j = Σ_i μ_ij (P_i + m_i m_iᵀ) − m_j m_jᵀ.
    """
    joint = switch * weight[:, None]
    entered = joint.sum(axis=0)
    share = (joint / entered).T
    centre = share @ mean
    second = (covariance + mean[:, :, None] * mean[:, None, :]).reshape(len(mean), -1)
    whole = (share @ second).reshape(covariance.shape)
    return centre, whole - centre[:, :, None] * centre[:, None, :], entered


def transported(
    mean: Mean, covariance: Covariance, transition: Float[Array, "n d d"], added: Float[Array, "n d d"]
) -> tuple[Mean, Covariance]:
    """Moments after z ← F z + N(0, Q) of each regime. Kalman 1960, J Basic Eng 82:35."""
    moved = transition @ covariance @ transition.transpose(0, 2, 1) + added
    return (transition @ mean[:, :, None])[:, :, 0], moved


def reweighted(weight: Float[Array, "n"], log_evidence: Float[Array, "n"]) -> Float[Array, "n"]:
    """Bayes: weights times evidence, normalised, none below FLOOR."""
    raised = weight * np.exp(log_evidence - log_evidence.max())
    held = np.maximum(raised / raised.sum(), FLOOR)
    return np.asarray(held / held.sum())


def moments(value: Float[Array, "n"], variance: Float[Array, "n"], weight: Float[Array, "n"]) -> tuple[float, float]:
    """Mean and variance of a mixture of normals."""
    mean = float(weight @ value)
    return mean, float(weight @ (variance + np.square(value - mean)))

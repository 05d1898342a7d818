"""Signed distances (mm, negative inside, approximate far from the surface) of the solids that a digital pelvis is made of."""

from math import gamma

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array


def ellipsoid(
    x_mm: Float[Array, "*n 3"], centre_mm: Float[Array, "3"], semi_mm: Float[Array, "3"], *, power: float = 2.0
) -> Float[Array, "*n"]:
    """((|x|/a)^p + (|y|/b)^p + (|z|/c)^p)^(1/p) − 1, times the geometric mean of the semi-axes."""
    radius = sum(np.abs((x_mm[..., i] - centre_mm[i]) / semi_mm[i]) ** power for i in range(3)) ** (1.0 / power)
    return (radius - 1.0) * float(np.prod(semi_mm)) ** (1.0 / 3.0)


def ellipsoid_volume(power: float = 2.0) -> float:
    """Volume over the product of the semi-axes, 8·Γ(1 + 1/p)³/Γ(1 + 3/p)."""
    return 8.0 * gamma(1.0 + 1.0 / power) ** 3 / gamma(1.0 + 3.0 / power)


def capsule(x_mm: Float[Array, "*n 3"], ends_mm: Float[Array, "2 3"], radii_mm: Float[Array, "2"]) -> Float[Array, "*n"]:
    """Distance to a segment less a radius that changes linearly along it."""
    axis, arm_mm = ends_mm[1] - ends_mm[0], x_mm - ends_mm[0]
    along = sum(arm_mm[..., i] * axis[i] for i in range(3))
    t = np.clip(along / np.sum(axis**2), 0.0, 1.0)
    squared = sum(arm_mm[..., i] ** 2 for i in range(3)) - t * (2.0 * along - t * np.sum(axis**2))
    return np.sqrt(np.maximum(squared, 0.0)) - (radii_mm[0] + t * (radii_mm[1] - radii_mm[0]))


def tube(x_mm: Float[Array, "*n 3"], line_zy_mm: Float[Array, "k 2"], radii_mm: Float[Array, "k"]) -> Float[Array, "*n"]:
    """A tube along z in the mid-plane whose centre y and radius are piecewise linear in z, ended flat."""
    z_mm = x_mm[..., 2]
    centre_y_mm = np.interp(z_mm, line_zy_mm[:, 0], line_zy_mm[:, 1])
    across = np.hypot(x_mm[..., 0], x_mm[..., 1] - centre_y_mm) - np.interp(z_mm, line_zy_mm[:, 0], radii_mm)
    return np.maximum(across, np.maximum(line_zy_mm[0, 0] - z_mm, z_mm - line_zy_mm[-1, 0]))

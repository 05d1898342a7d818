"""Motion between images: fields and their algebra, rigid, model-based and free-form registration, and how far to trust them."""

from gemel.engines.registration.basis import BasisFit, fit_basis
from gemel.engines.registration.daily import Registration, mobility, register
from gemel.engines.registration.deformable import deformable
from gemel.engines.registration.field import DisplacementField, coarse_grid, combine, zero_field
from gemel.engines.registration.posterior import Deformation, mean_motion, velocity_covariance
from gemel.engines.registration.prior import Modes, Smoothness
from gemel.engines.registration.quality import Quality, folding, inverse_error_mm, quality
from gemel.engines.registration.rigid import RigidResult, displaced_mm, rigid, to_fixed, to_moving
from gemel.engines.registration.warp import (
    compose,
    exponential,
    invert,
    jacobian,
    pull,
    pull_fraction,
    pull_mask,
    resample,
    rigid_map,
    translation,
)

__all__ = [
    "BasisFit", "Deformation", "DisplacementField", "Modes", "Quality", "Registration", "RigidResult", "Smoothness",
    "coarse_grid", "combine", "compose", "deformable", "displaced_mm", "exponential", "fit_basis", "folding", "inverse_error_mm", "invert",
    "jacobian", "mean_motion", "mobility", "pull", "pull_fraction", "pull_mask", "quality", "register", "resample", "rigid", "rigid_map",
    "to_fixed", "to_moving", "translation", "velocity_covariance", "zero_field",
]  # fmt: skip

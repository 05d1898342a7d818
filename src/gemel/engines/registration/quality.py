"""Numbers that tell whether a deformation can be trusted, for one line of quality assurance."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gemel.core.image import Array, Image
from gemel.engines.registration.compare import body, metal
from gemel.engines.registration.difference import Region, residual
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.warp import compose, invert, jacobian, pull


@dataclass(frozen=True)
class Quality:
    """Figures of one registration.

    folding: fraction of nodes with Jacobian <= 0. inverse_error_mm: 99th percentile of |w(x) + u(x + w(x))| for the numerical inverse w.
    largest_mm: longest vector. similarity: correlation of the images where compared, contrast and bias removed. rest_HU: robust sd of
    what is left. compared: fraction of the moving image's body that the fixed image shows.
    """

    folding: float
    least_jacobian: float
    inverse_error_mm: float
    largest_mm: float
    similarity: float
    rest_HU: float
    compared: float


def folding(field: DisplacementField) -> float:
    """Fraction of nodes at which the map is not locally invertible."""
    return float(np.mean(jacobian(field) <= 0))


def inverse_error_mm(field: DisplacementField, *, percentile: float = 99.0) -> float:
    """How far the numerical inverse misses; large where the map is not one to one."""
    error = compose(field, invert(field)).vectors_mm
    return float(np.percentile(np.linalg.norm(error, axis=-1), percentile))


def quality(fixed: Image, moving: Image, field: DisplacementField, *, region: Bool[Array, "x y z"] | None = None) -> Quality:
    """All figures for a field between rigidly aligned images of one grid; region None is the fixed image's body without metal."""
    seen = body(fixed) & ~metal(moving) if region is None else region
    left = residual(np.asarray(fixed.array, np.float32), pull(moving, field), Region.of(seen))
    return Quality(
        folding=folding(field),
        least_jacobian=float(jacobian(field).min()),
        inverse_error_mm=inverse_error_mm(field),
        largest_mm=float(np.linalg.norm(field.vectors_mm, axis=-1).max()),
        similarity=left.similarity,
        rest_HU=1.4826 * float(np.median(np.abs(left.rest[seen]))),
        compared=float(seen.sum()) / max(float(body(moving).sum()), 1.0),
    )

"""A field of diffusivity whose faces take the arithmetic mean, as older programs do."""

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.core.number import numbers


def arithmetic_faces(diffusivity_mm2_d: Shaped[Array, "x y z"]) -> Float[Array, "x y z 6"]:
    """Tensors D·1: what `solve` then uses between two voxels is (D₁ + D₂)/2, not 2 D₁D₂/(D₁ + D₂), which is right for layers in series.

    To compare with programs that take the arithmetic mean; together with `order=1` and their `dt_days`, their forward Euler steps.
    Raises GeometryError for what is no field.
    """
    field = numbers(diffusivity_mm2_d, "diffusivity_mm2_d")
    if field.ndim != 3:
        raise GeometryError(f"a diffusivity of shape {field.shape}", where="arithmetic_faces", remedy="give a field (x, y, z)")
    found = np.zeros((*field.shape, 6))
    found[..., [0, 3, 5]] = field[..., None]
    return found

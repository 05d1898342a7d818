"""A projection image of a lying body."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array


@dataclass(frozen=True)
class Radiograph:
    """Values that rise with attenuation, in any unit; columns at `u_mm` (x where `front`, else y) and rows at `z_mm`, increasing, LPS.

    `plane_mm`: where its plane lies on the axis that is looked along. Raises GeometryError for axes that do not rise or fit.
    """

    values: Float[Array, "u z"]
    u_mm: Float[Array, "u"]
    z_mm: Float[Array, "z"]
    front: bool
    plane_mm: float

    def __post_init__(self) -> None:
        rising = all(len(axis) > 1 and bool((np.diff(axis) > 0).all()) for axis in (self.u_mm, self.z_mm))
        if not rising or self.values.shape != (len(self.u_mm), len(self.z_mm)) or not np.isfinite(self.values).all():
            found = f"values of shape {self.values.shape} on {len(self.u_mm)} x {len(self.z_mm)} places"
            raise GeometryError(found, where="Radiograph", remedy="give finite values on two axes that rise")

    @property
    def words(self) -> str:
        """Its side in one word."""
        return "frontal" if self.front else "lateral"

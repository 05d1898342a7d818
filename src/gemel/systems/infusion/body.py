"""The part of a brain that is computed: tissue, fluid, target, and how easily fluid moves in it, on one grid."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.image import Array, Image
from gemel.devices.needle import Needle, named

PARTS = ("xx", "xy", "xz", "yy", "yz", "zz")
ROWS, COLUMNS = np.array([0, 0, 0, 1, 1, 2]), np.array([0, 1, 2, 1, 2, 2])
LEAST_1 = 1e-2
"""Below which no tissue is, of the mean."""


@dataclass(frozen=True, eq=False)
class Body:
    """Masks on `grid`; `fluid` (ventricles, what lies outside) holds the pressure; `ease_1`: diffusivity of water over its mean.

    Three parts of the latter are along x, y, z; six are a tensor as PARTS.
    """

    grid: Image
    brain: Bool[Array, "x y z"]
    fluid: Bool[Array, "x y z"]
    target: Bool[Array, "x y z"]
    oedema: Bool[Array, "x y z"]
    ease_1: Float[Array, "parts x y z"]
    catheters: tuple[Needle, ...]

    @property
    def tissue(self) -> Bool[Array, "x y z"]:
        """Where fluid moves between cells."""
        return self.brain & ~self.fluid

    @cached_property
    def principal(self) -> tuple[Float[Array, "x y z three"], Float[Array, "x y z three three"]]:
        """Eigenvalues of the tensor, at least LEAST_1, and eigenvectors."""
        whole = np.stack([self.ease_1[PARTS.index(name)] for name in ("xx", "xy", "xz", "xy", "yy", "yz", "xz", "yz", "zz")], -1)
        values, vectors = np.linalg.eigh(whole.reshape(*self.grid.shape, 3, 3).astype(np.float64))
        return np.maximum(values, LEAST_1), vectors

    def eased(self, exponent: float) -> Float[Array, "..."]:
        """The tensor to a power, as Darcy's law takes it: three fields, or a tensor of six components on the last axis."""
        if len(self.ease_1) == 3:
            return np.power(np.maximum(self.ease_1, LEAST_1), exponent)
        values, vectors = self.principal
        whole = np.einsum("...ik,...k,...jk->...ij", vectors, values**exponent, vectors)
        return np.asarray(whole[..., ROWS, COLUMNS])

    def catheter(self, name: str) -> Needle:
        """The catheter of that name. Raises InputError where there is none."""
        return named(self.catheters, name, "catheter")

"""The part of a brain that is computed: tissue, fluid, target, and how easily fluid moves in it, on one grid."""

from dataclasses import dataclass

from jaxtyping import Bool, Float

from gemel.core.image import Array, Image
from gemel.devices.needle import Needle


@dataclass(frozen=True, eq=False)
class Body:
    """Masks on `grid`; `fluid` (ventricles, what lies outside) holds the pressure; `ease_1`: diffusivity of water over its mean."""

    grid: Image
    brain: Bool[Array, "x y z"]
    fluid: Bool[Array, "x y z"]
    target: Bool[Array, "x y z"]
    oedema: Bool[Array, "x y z"]
    ease_1: Float[Array, "three x y z"]
    catheters: tuple[Needle, ...]

    @property
    def tissue(self) -> Bool[Array, "x y z"]:
        """Where fluid moves between cells."""
        return self.brain & ~self.fluid

    def catheter(self, name: str) -> Needle:
        """The catheter of that name, which must be there."""
        return next(one for one in self.catheters if one.name == name)

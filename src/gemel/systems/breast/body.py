"""What the model needs of one patient: the grid about the tumour, cells and drug supply on it, and what was given already."""

from dataclasses import dataclass

from jaxtyping import Bool, Float, Int, Shaped

from gemel.core.image import Array
from gemel.systems.breast.drugs import Dose


@dataclass(frozen=True)
class Body:
    """Voxels that are computed (`mask`), and by these n voxels in their order: what is known of each.

    density: share of capacity at `start_s`; supply: drug that arrives, 1 the tumour's mean; modes: of ln k; part: region, from 0;
    stress_basis, stress_kPa: densities that stress was computed for, orthonormal, and the stress of each (xx yy zz xy yz zx); none when
    growth is not coupled to mechanics. `given`: doses known or planned when the twin began.
    """

    mask: Bool[Array, "x y z"]
    spacing_mm: Float[Array, "3"]
    density: Float[Array, "n"]
    supply: Float[Array, "n"]
    modes: Float[Array, "modes n"]
    part: Int[Array, "n"]
    parts: int
    stress_basis: Shaped[Array, "r n"]
    stress_kPa: Shaped[Array, "r six n"]
    start_s: float
    given: tuple[Dose, ...]

    @property
    def voxel_mm3(self) -> float:
        """Volume of a voxel."""
        return float(self.spacing_mm.prod())

    @property
    def coupled(self) -> bool:
        """Whether stress damps the motion of cells."""
        return len(self.stress_basis) > 0

"""Named regions of one image: masks on its grid."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from gemel.core.errors import StructureError
from gemel.core.image import Array, Image, world_mm


@dataclass(frozen=True)
class Structures:
    """Masks by name on the grid of `grid` (an Image whose values are not used). Structures may overlap."""

    grid: Image
    masks: Mapping[str, Bool[Array, "x y z"]]

    def __post_init__(self) -> None:
        for name, mask in self.masks.items():
            if mask.shape != self.grid.array.shape:
                raise StructureError(
                    f"a mask of shape {mask.shape} on a grid of {self.grid.shape}", where=name, remedy="rasterise it on this grid"
                )

    def __getitem__(self, name: str) -> Bool[Array, "x y z"]:
        if name not in self.masks:
            raise StructureError(f"no structure {name!r}; there are {', '.join(sorted(self.masks))}", remedy="name it with --map")
        return np.asarray(self.masks[name])


def volume_mL(structures: Structures, name: str) -> float:
    """Voxel count times voxel volume; thin structures differ from sub-voxel volumes by some per cent."""
    return float(np.count_nonzero(structures[name])) * structures.grid.voxel_mL


def centroid_mm(structures: Structures, name: str) -> Float[Array, "3"]:
    """Mean LPS position of the structure's voxel centres. Raises StructureError when it is empty."""
    index = np.argwhere(structures[name])
    if len(index) == 0:
        raise StructureError("an empty structure", where=name, remedy="contour it again or leave it out")
    return np.asarray(world_mm(structures.grid, index.mean(axis=0, keepdims=True))[0])


def dice(a: Bool[Array, "x y z"], b: Bool[Array, "x y z"]) -> float:
    """2|a∩b|/(|a|+|b|), 1 for two empty masks. Dice 1945, Ecology 26:297."""
    total = np.count_nonzero(a) + np.count_nonzero(b)
    return 2.0 * np.count_nonzero(a & b) / total if total else 1.0


def labelled(structures: Structures) -> tuple[Float[Array, "x y z"], dict[str, str]]:
    """Regions as one label map, later ones over earlier ones, and the names of its labels."""
    names = dict(enumerate(structures.masks, start=1))
    labels = np.zeros(structures.grid.shape, dtype=np.float32)
    for number, name in names.items():
        labels[structures[name]] = number
    return labels, {str(number): name for number, name in names.items()}

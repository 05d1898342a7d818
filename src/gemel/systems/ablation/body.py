"""The part of a patient that is computed: organ, tumour, target and what must stay cool, on one grid of millimetres."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.image import Array, Image
from gemel.devices.needle import Needle, named
from gemel.systems.ablation.names import MICROWAVE
from gemel.systems.ablation.tissue import Maps, maps

MARGIN_mm = 5.0
"""Around the tumour, to be ablated with it: Kim 2010, Korean J Radiol 11:259; Laimer et al. 2020, Eur Radiol 30:2463."""


@dataclass(frozen=True, eq=False)
class Body:
    """Masks and share of fat on `grid` (voxels along LPS); `critical` may be empty. `informed`: the tumour has properties of its own.

    `energies`: what is at hand; electrodes of radiofrequency are bare over `tip_mm` about their point.
    """

    grid: Image
    organ: Bool[Array, "x y z"]
    tumour: Bool[Array, "x y z"]
    critical: Bool[Array, "x y z"]
    fat_1: Float[Array, "x y z"]
    entries: tuple[Needle, ...]
    MHz: int = 2450
    informed: bool = True
    energies: tuple[str, ...] = (MICROWAVE,)
    tip_mm: float = 30.0

    @cached_property
    def maps(self) -> Maps:
        """Properties everywhere."""
        return maps(self.fat_1, self.tumour, self.MHz, informed=self.informed)

    @cached_property
    def target(self) -> Bool[Array, "x y z"]:
        """Tumour and margin, within the organ."""
        away_mm = ndimage.distance_transform_edt(~self.tumour, sampling=self.grid.spacing_mm)
        return np.asarray((away_mm <= MARGIN_mm) & self.organ & ~self.critical)

    @property
    def voxel_mm3(self) -> float:
        """Volume of one voxel."""
        return self.grid.voxel_mL * 1000.0

    def entry(self, name: str) -> Needle:
        """The entry of that name. Raises InputError where there is none."""
        return named(self.entries, name, "antenna")

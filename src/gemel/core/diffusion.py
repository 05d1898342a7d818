"""One MRI visit of a tumour: the map of water's apparent diffusion, its outline, and what drug supply and tissue looked like."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gemel.core.errors import InputError, RangeError, StructureError
from gemel.core.image import Array, Image, require_same_grid

LEAST_mm2_s, MOST_mm2_s = 2e-4, 4e-3
"""Tissue lies between; free water at 37 degC has 3.0e-3 mm2/s (Mills 1973, J Phys Chem 77:685; Holz et al. 2000, PCCP 2:4740)."""


@dataclass(frozen=True)
class DiffusionVisit:
    """Maps of one time on one grid: `adc_mm2_s`; `tumour`, its outline; `supply`, contrast taken up in arbitrary units (area under the
    curve, Ktrans) and `tissue`, labels of TISSUES, where there are any. `acquired_s` since the epoch. `nothing_left`: somebody looked and
    saw no tumour any more; only then may the outline be empty.

    Raises GeometryError for maps on several grids, StructureError for an outline that is empty or touches the border of the image,
    InputError for maps that are negative or not finite, RangeError for a median ADC in the outline that no tissue has.
    """

    adc_mm2_s: Image
    tumour: Bool[Array, "x y z"]
    acquired_s: float
    supply: Image | None = None
    tissue: Image | None = None
    source: str = ""
    nothing_left: bool = False

    def __post_init__(self) -> None:
        where = f"visit {self.source[:64]}".rstrip()
        for name, image in (("ADC", self.adc_mm2_s), ("supply", self.supply), ("tissue", self.tissue)):
            if image is not None:
                require_same_grid(self.adc_mm2_s, image, f"{where}: {name}")
                _require_values(image, f"{where}: {name}")
        if not np.isfinite(self.acquired_s):
            raise InputError("no time", where=where, remedy="state when the images were acquired")
        if self.nothing_left and self.tumour.shape == self.adc_mm2_s.shape and not self.tumour.any():
            return
        if self.nothing_left:
            raise StructureError("an outline where nothing is left", where=where, remedy="leave one of them out of visit.json")
        _require_outline(self.tumour, self.adc_mm2_s, where)
        median = float(np.median(self.adc_mm2_s.array[self.tumour]))
        if not LEAST_mm2_s <= median <= MOST_mm2_s:
            found = f"a median ADC of {median:.3g} mm2/s in the tumour"
            remedy = f"tissue has {LEAST_mm2_s:g} to {MOST_mm2_s:g}: state the unit that the map is really in"
            raise RangeError(found, where=where, remedy=remedy)


TISSUES = {1: "adipose", 2: "fibroglandular"}
"""Labels of a tissue map; 0 is outside the breast. The tumour is where the outline says so."""


def _require_values(image: Image, where: str) -> None:
    bad = int(np.count_nonzero(~np.isfinite(image.array)))
    if bad:
        raise InputError(f"{bad} voxels that are not finite", where=where, remedy="repair or export the map again")
    least = float(image.array.min(initial=0.0))
    if least < 0:
        raise InputError(f"negative values (to {least:.3g})", where=where, remedy="set voxels without signal to zero knowingly before")


def _require_outline(mask: Bool[Array, "x y z"], grid: Image, where: str) -> None:
    if mask.shape != grid.shape:
        raise StructureError(f"an outline of shape {mask.shape} on {grid.shape}", where=where, remedy="draw it on the ADC's grid")
    if not mask.any():
        raise StructureError("an empty outline of the tumour", where=where, remedy="draw it; or state that nothing is left to see")
    ends = [np.take(mask, (0, -1), axis=axis).any() for axis in range(3) if mask.shape[axis] > 1]
    if any(ends):
        raise StructureError("an outline that touches the border of the image", where=where, remedy="use images that hold all of it")
    unseen = int(np.count_nonzero(grid.array[mask] <= 0))
    if unseen:
        raise StructureError(f"{unseen} voxels of the outline without ADC", where=where, remedy="the map must cover the outline")

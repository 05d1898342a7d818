"""What the segmentation of one visit shows: two volumes, and to the field member where they reach, with what an outline is worth."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from gemel.core.errors import GeometryError
from gemel.core.image import Array
from gemel.core.record import Observation
from gemel.core.structures import Structures
from gemel.core.system import Progress
from gemel.core.visit import Segmented
from gemel.systems.glioma import shape
from gemel.systems.glioma.case import Case
from gemel.systems.glioma.ground import laid
from gemel.systems.glioma.names import volumes

OUTLINE_mm = {"enhancing": 0.4, "flair": 1.0}
"""How far an outline may lie in or out as a whole. Assumed: inter-observer errors of ln volume near 7 % for 18 mL and 13 % for 53 mL."""
LEAST_SD = 0.05
WITHOUT = {
    "enhancing": "nothing enhances in a visit: its T2/FLAIR volume alone is used",
    "flair": "no oedema or FLAIR outlined: the enhancing volume alone is used",
}
KINDS = {"enhancing": "ln_enhancing_mL", "flair": "ln_flair_mL"}


@dataclass(frozen=True)
class Day:
    """Volumes of a visit and the standard deviation of their logarithm, by name; the outlines themselves, and where they reach."""

    volume_mL: Mapping[str, float]
    ln_sd: Mapping[str, float]
    structures: Structures
    quality: Mapping[str, float]
    notes: tuple[str, ...]
    shape_mm: Mapping[str, Float[Array, "parts"]] = field(default_factory=dict)


def observe(case: Case, scan: Segmented, progress: Progress) -> Day:
    """Volumes of what was outlined. Raises StructureError for what is empty or cut off, GeometryError for voxels beyond all use."""
    found, grid = volumes(scan.structures), scan.structures.grid
    if max(grid.spacing_mm) > 10.0:
        raise GeometryError(f"voxels of {max(grid.spacing_mm):g} mm", where=scan.source[:64], remedy="segment on thinner slices")
    mL = {name: float(np.count_nonzero(mask)) * grid.voxel_mL for name, mask in found.items()}
    sd = {name: _ln_sd(volume, OUTLINE_mm[name]) for name, volume in mL.items()}
    notes = tuple(said for name, said in WITHOUT.items() if name not in mL)
    return Day(mL, sd, scan.structures, {f"{name}_mL": volume for name, volume in mL.items()}, notes, _shapes(case, scan))


def _shapes(case: Case, scan: Segmented) -> Mapping[str, Float[Array, "parts"]]:
    """On the field's grid; nothing for the averaged member."""
    on = case.field
    if on is None:
        return {}
    of = shape.parts(on)
    return {name: shape.radii_mm(on, of, mask.astype(np.float32)) for name, mask in laid(on, scan.structures).items()}


def observations(day: Day, t_s: float, source: str) -> tuple[Observation, ...]:
    """Logarithms of the volumes, and shapes."""
    volumes = [(KINDS[name], np.array([np.log(mL)]), np.array([day.ln_sd[name]])) for name, mL in day.volume_mL.items()]
    shapes = [(shape.KINDS[name], mm, np.full(len(mm), shape.SD_mm)) for name, mm in day.shape_mm.items()]
    return tuple(Observation(kind, t_s, value, sd, source) for kind, value, sd in (*volumes, *shapes))


def _ln_sd(volume_mL: float, outline_mm: float) -> float:
    """An outline moved by so much changes a sphere by 3δ/r of its volume."""
    radius_mm = (volume_mL * 750.0 / np.pi) ** (1.0 / 3.0)
    return float(np.hypot(LEAST_SD, 3.0 * outline_mm / radius_mm))

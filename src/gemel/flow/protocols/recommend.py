"""From a CT that exists to the protocol of the next one."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image
from gemel.core.system import Progress, silent
from gemel.devices.ct.anatomy import Anatomy
from gemel.devices.ct.choice import Choice, Curve, Doubt, OffCentre, choose, dose_curve, ln_draws, off_centre
from gemel.devices.ct.organs import OrganDose
from gemel.devices.ct.scanner import Scanner, field_radius_mm
from gemel.devices.ct.slice_model import MISCENTRED_MM, noise_map_HU
from gemel.flow.protocols.asked import Asked
from gemel.flow.protocols.slice_of_task import slice_of_task

CALIBRATED = Doubt()
EARLIER_CT = "the earlier CT"
EDGE = 1.42  # a map's square may reach beyond the field of view by its corners
METAL_HU = 3000.0
GROUND_HU = (-200.0, 200.0)
"""Outside, a lesion lies in lung or gas, or in bone or contrast agent."""


@dataclass(frozen=True)
class Recommended:
    """The settings as judged, dose against d' at the first of them, its noise over the slice (HU), and what it was all computed on.

    `ground_HU`: mean of the earlier CT where the lesion is; `metal_mm2`: area above 3000 HU; `off`: cost of lying off centre, None where it
    is centred; `source`: what the slice was made from; `organs`: doses at the first setting, where organs were outlined.
    """

    choice: Choice
    curve: Curve
    noise_HU: Float[Array, "x y"]
    map_mm: float
    image: Image
    slice_index: int
    anatomy: Anatomy
    scanner: Scanner
    asked: Asked
    ground_HU: float = 0.0
    metal_mm2: float = 0.0
    off: OffCentre | None = None
    source: str = EARLIER_CT
    organs: tuple[OrganDose, ...] = ()

    @property
    def length_mm(self) -> float:
        """Of the scan: as asked, else that of the earlier CT; 0: not known."""
        own = self.image.shape[2] * float(self.image.spacing_mm[2])
        return self.asked.length_mm or (own if self.source == EARLIER_CT else 0.0)


def recommend(
    prior: Image,
    asked: Asked,
    *,
    scanner: Scanner,
    doubt: Doubt = CALIBRATED,
    source: str = EARLIER_CT,
    progress: Progress = silent,
) -> Recommended:
    """Judge every allowed protocol on the slice of the task; the middle of the image is taken for the isocentre.

    Raises UnitError for numbers that are no HU, InputError without a body, GeometryError for a place outside the image or the body.
    """
    progress("rays", 0, 1)
    seen = slice_of_task(prior, asked, scanner)
    progress("rays", 1, 1)
    anatomy, hu, spacing = seen.anatomy, seen.hu, seen.spacing_mm
    task = replace(asked.task, place_mm=seen.place_mm)
    draws = ln_draws(doubt, asked.draws, rng=np.random.default_rng(asked.seed))
    found = choose(
        anatomy, scanner, task=task, target=asked.target, allowed=asked.allowed, ln_draws=draws, sure=asked.sure, progress=progress
    )
    first = found.judged[0]
    curve = dose_curve(anatomy, scanner, judged=first, target=asked.target, allowed=asked.allowed, ln_draws=draws)
    extent = min(float(max(np.array(hu.shape) * spacing)), EDGE * field_radius_mm(scanner))
    noise = noise_map_HU(anatomy, scanner, protocol=first.forecast.protocol, extent_mm=extent)
    metal = float((hu > METAL_HU).sum()) * spacing[0] * spacing[1]
    off = None
    if np.hypot(*anatomy.centre_mm) > MISCENTRED_MM:
        off = off_centre(hu, spacing, scanner, as_lies=anatomy, protocol=first.forecast.protocol, task=first.task)
    return Recommended(found, curve, noise, extent, prior, seen.index, anatomy, scanner, asked, seen.ground_HU, metal, off, source)

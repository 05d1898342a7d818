"""A visit brought onto the first one by rigid motion of the breast, found on the ADC maps."""

from dataclasses import replace

import numpy as np

from gemel.core.diffusion import DiffusionVisit
from gemel.core.image import Image, with_array
from gemel.engines.registration import pull, rigid, to_moving, zero_field
from gemel.systems.breast.cellularity import ADC_WATER_mm2_s

TOP = 1000.0
"""Free water on the scale that registration compares images on."""
SHIFT_SD_mm = 8.0


def aligned(visit: DiffusionVisit, first: Image) -> tuple[DiffusionVisit, float, float]:
    """The visit in the frame of the first one, how far it was moved (mm), and the correlation of the two maps there (1 where not moved).

    Visits that state the first one's frame of reference, or lie on a grid with the same axes and origin, are left where they are.
    """
    image = visit.adc_mm2_s
    if (image.frame and image.frame == first.frame) or not image.frame:
        return visit, 0.0, 1.0
    found = rigid(_scaled(first), _scaled(image), mask=visit.tumour, translation_sd_mm=SHIFT_SD_mm)
    field = to_moving(found, zero_field(image, max(image.shape)))

    def brought(one: Image) -> Image:
        return replace(pull(one, field, onto=image, outside=0.0), frame=first.frame)

    outlined = brought(with_array(image, visit.tumour.astype(np.float32))).array >= 0.5
    moved = replace(visit, adc_mm2_s=brought(image), tumour=outlined, supply=None, tissue=None)
    return moved, float(np.linalg.norm(found.translation_mm)), float(found.similarity)


def _scaled(image: Image) -> Image:
    """ADC on a scale of 0 to TOP, nothing outside the body."""
    share = np.minimum(np.asarray(image.array, dtype=np.float32) / ADC_WATER_mm2_s, 1.2)
    return with_array(image, np.where(share > 0.05, TOP * share, -1000.0).astype(np.float32))

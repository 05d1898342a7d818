"""A visit brought onto the first one: the breast as a rigid body, then its smooth deformation, both found on the ADC outside the tumour.

What changes within the outlines is left out of the comparison, so that a tumour that shrinks is not stretched back; the field within
follows from what surrounds it, which leaves its volume nearly as it was (Li et al. 2009, Magn Reson Imaging 27:1258, constrain it).
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from gemel.core.diffusion import DiffusionVisit
from gemel.core.image import Array, Image, with_array
from gemel.engines.registration import DisplacementField, Smoothness, compose, deformable, pull, resample, rigid, to_moving, zero_field
from gemel.engines.registration.compare import smooth_within, within, workable
from gemel.systems.breast.cellularity import ADC_WATER_mm2_s

TOP, NOTHING = 1000.0, -1000.0
"""Free water on the scale that registration compares images on, and what lies outside the body."""
SHIFT_SD_mm, DEFORMED = 8.0, Smoothness(3.0, 25.0)
BESIDE_mm, FILL_mm = 3.0, 8.0
"""About an outline what is left out too; sd of the mean that stands in for the inside."""


@dataclass(frozen=True)
class Placed:
    """Where each point of the first visit lies in this one (None: in the same place); how far it was moved (translation) and deformed
    (most, in the outline), and the correlation of the two maps after the first of these (1 where nothing was moved)."""

    field: DisplacementField | None = None
    moved_mm: float = 0.0
    deformed_mm: float = 0.0
    similarity: float = 1.0


def aligned(visit: DiffusionVisit, first: Image, outline: Image) -> Placed:
    """Where the visit lies on the anatomy of `first`, the ADC about the tumour, where `outline` was the tumour (1 inside).

    Visits that state the first one's frame of reference, or none, are left where they are, and those in which nothing is left.
    """
    image = visit.adc_mm2_s
    if not image.frame or image.frame == first.frame or not visit.tumour.any():
        return Placed()
    moving = workable(_scaled(image), float(first.spacing_mm.max()))
    inside = resample(with_array(image, visit.tumour.astype(np.float32)), moving, outside=0.0).array >= 0.5
    found = rigid(_scaled(first), moving, mask=(moving.array > NOTHING / 2) & ~_near(inside, moving), translation_sd_mm=SHIFT_SD_mm)
    field = to_moving(found, zero_field(first, max(first.shape)))
    bent = _deformation(visit, first, outline, field)
    whole = compose(field, bent)
    there = pull(with_array(image, visit.tumour.astype(np.float32)), whole, onto=first, outside=0.0).array >= 0.5
    deformed_mm = float(np.linalg.norm(compose(bent, zero_field(first)).vectors_mm, axis=-1)[there].max(initial=0.0))
    return Placed(whole, float(np.linalg.norm(found.translation_mm)), deformed_mm, float(found.similarity))


def _deformation(visit: DiffusionVisit, first: Image, outline: Image, field: DisplacementField) -> DisplacementField:
    """What is left between the two after the rigid motion `field`, on the first one's grid."""
    moved = pull(visit.adc_mm2_s, field, onto=first, outside=0.0)
    here = pull(with_array(visit.adc_mm2_s, visit.tumour.astype(np.float32)), field, onto=first, outside=0.0).array
    before = resample(outline, first, outside=0.0).array
    either = _near((here >= 0.5) | (before >= 0.5), first)
    return deformable(_filled(_scaled(first), either), _filled(_scaled(moved), either), smoothness=DEFORMED)


def _near(region: Bool[Array, "x y z"], grid: Image) -> Bool[Array, "x y z"]:
    return within(region, grid, BESIDE_mm)


def _filled(image: Image, region: Bool[Array, "x y z"]) -> Image:
    """A region continued from what surrounds it."""
    seen = (image.array > NOTHING / 2) & ~region
    return with_array(image, np.where(region, smooth_within(image, seen, FILL_mm), image.array).astype(np.float32))


def _scaled(image: Image) -> Image:
    """ADC on a scale of 0 to TOP, NOTHING outside the body."""
    share = np.minimum(np.asarray(image.array, dtype=np.float32) / ADC_WATER_mm2_s, 1.2)
    return with_array(image, np.where(share > 0.05, TOP * share, NOTHING).astype(np.float32))

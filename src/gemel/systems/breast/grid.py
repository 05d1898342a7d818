"""The working grid about a tumour: voxels of 2.5 mm or what the image has, cropped to where cells can come."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy import ndimage

from gemel.core.diffusion import TISSUES, DiffusionVisit
from gemel.core.errors import RangeError
from gemel.core.image import Array, Image, with_array
from gemel.engines.registration import DisplacementField, jacobian, pull, resample
from gemel.engines.registration.compare import smooth_within, within
from gemel.systems.breast.cellularity import packing

VOXEL_mm = 2.5
FINER = 0.75
MARGIN_mm = 10.0
"""Beyond the outline: a front of 2√(D k) at the priors' medians needs five months for it."""
AROUND_mm = 40.0
HALF = 0.5
SMOOTH_mm = 2.0
"""sd of the mean: of a voxel's noise a quarter is left, of structures of 6 mm nine tenths."""


@dataclass(frozen=True)
class Working:
    """The grid, the voxels that are computed, the outline, density (share of capacity), supply (1: the tumour's mean), tissue labels."""

    grid: Image
    mask: Bool[Array, "x y z"]
    tumour: Bool[Array, "x y z"]
    density: Float[Array, "x y z"]
    supply: Float[Array, "x y z"]
    tissue: Float[Array, "x y z"]


def working(visit: DiffusionVisit, lowest_mm2_s: float) -> Working:
    """The first visit on a grid of its own. Raises RangeError for tissue labels that are not known, or a tumour without any supply."""
    grid = _grid(visit)
    tumour = onto(visit.adc_mm2_s, visit.tumour, grid) >= HALF
    tissue = _tissue(visit, grid)
    mask = within(tumour, grid, MARGIN_mm) & ((tissue > 0) | tumour)
    density = density_on(visit, grid, lowest_mm2_s) * mask
    return Working(grid, mask, tumour, density, _supply(visit, grid, tumour), tissue)


def density_on(visit: DiffusionVisit, grid: Image, lowest_mm2_s: float, field: DisplacementField | None = None) -> Float[Array, "x y z"]:
    """Cells within a visit's outline as shares of capacity, averaged to another grid, through a field where the visit lies elsewhere."""
    held = packing(smooth_adc_mm2_s(visit), lowest_mm2_s) * visit.tumour
    return onto(visit.adc_mm2_s, held, grid, field)


def smooth_adc_mm2_s(visit: DiffusionVisit) -> Float[Array, "x y z"]:
    """ADC with a Gaussian mean over the outline alone: noise of single voxels would else be taken for cells that lie close together."""
    return smooth_within(visit.adc_mm2_s, visit.tumour, SMOOTH_mm) if visit.tumour.any() else visit.adc_mm2_s.array


def surroundings(visit: DiffusionVisit) -> Image:
    """ADC on the working grid's voxels farther about the outline, where later visits find their place."""
    return resample(visit.adc_mm2_s, _grid(visit, AROUND_mm), outside=0.0)


def _grid(visit: DiffusionVisit, margin_mm: float = MARGIN_mm) -> Image:
    """The image's own grid, coarser along axes that are much finer than VOXEL_mm, cropped to the outline with a margin."""
    image = visit.adc_mm2_s
    step = np.where(image.spacing_mm < FINER * VOXEL_mm, VOXEL_mm / image.spacing_mm, 1.0)
    margin = margin_mm / image.spacing_mm + step
    found = np.argwhere(visit.tumour)
    low = np.maximum(np.floor(found.min(axis=0) - margin), 0.0)
    high = np.minimum(np.ceil(found.max(axis=0) + margin), np.array(image.shape) - 1.0)
    shape = (1 + np.floor((high - low) / step + 1e-6)).astype(int)
    affine_mm = image.affine_mm @ np.diag([*step, 1.0])
    affine_mm[:3, 3] = image.affine_mm[:3, :3] @ low + image.origin_mm
    return Image(np.zeros(shape, np.float32), affine_mm, image.frame)


def onto(image: Image, values: Array, grid: Image, field: DisplacementField | None = None) -> Float[Array, "x y z"]:
    """Averaged (sd half the new voxel) along axes where the grid is coarser, then linear; zero outside.

    Through a field: times its Jacobian, so that what is there is moved and neither made nor lost.
    """
    ratio = grid.spacing_mm / image.spacing_mm
    held = np.asarray(values, dtype=np.float32)
    if (ratio > 1.0 + 1e-6).any():
        held = ndimage.gaussian_filter(held, np.where(ratio > 1.0 + 1e-6, 0.5 * ratio, 0.0), mode="constant")
    if field is None:
        return resample(with_array(image, held), grid, outside=0.0).array
    growth = resample(Image(jacobian(field), field.affine_mm), grid, outside=None).array
    return pull(with_array(image, held), field, onto=grid, outside=0.0).array * growth


def _tissue(visit: DiffusionVisit, grid: Image) -> Float[Array, "x y z"]:
    """Labels, nearest; where there is no map all is breast, as soft as fat."""
    if visit.tissue is None:
        return np.ones(grid.shape, dtype=np.float32)
    strange = sorted(set(np.unique(visit.tissue.array).tolist()) - {0, *TISSUES})
    if strange:
        found = f"tissue labels {strange[:3]}"
        raise RangeError(found, where=visit.source, remedy=f"use 0 outside and {', '.join(f'{k} {v}' for k, v in TISSUES.items())}")
    labels = resample(visit.tissue, grid, outside=0.0, nearest=True).array
    if not labels.any():
        raise RangeError("tissue labels that say outside everywhere", where=visit.source, remedy="leave the map out, or draw it again")
    return labels


def _supply(visit: DiffusionVisit, grid: Image, tumour: Bool[Array, "x y z"]) -> Float[Array, "x y z"]:
    if visit.supply is None:
        return np.ones(grid.shape, dtype=np.float32)
    found = onto(visit.supply, visit.supply.array, grid)
    mean = float(found[tumour].mean())
    if mean <= 0:
        raise RangeError("no drug supply in the tumour", where=visit.source, remedy="the supply map must cover the outline")
    return np.clip(found / mean, 0.0, MOST_SUPPLY).astype(np.float32)


MOST_SUPPLY = 4.0
"""Beyond it a voxel holds a vessel."""

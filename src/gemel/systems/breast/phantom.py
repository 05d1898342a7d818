"""A breast made by gemel: skin, fat, fibroglandular tissue and a lobed tumour, on a voxel grid."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import ndimage

from gemel.core.image import Array, Image

FIBROGLANDULAR, ADIPOSE = 2, 1


@dataclass(frozen=True)
class Phantom:
    """Tissue labels, outline, packing of cells (share of capacity) and drug supply on one grid."""

    grid: Image
    tissue: Int[Array, "x y z"]
    tumour: Bool[Array, "x y z"]
    packing: Float[Array, "x y z"]
    supply: Float[Array, "x y z"]


def phantom(
    rng: np.random.Generator, *, shape: tuple[int, int, int] = (40, 40, 20), spacing_mm: float = 2.5, radius_mm: float = 14.0
) -> Phantom:
    """A half-ellipsoid of a breast with a tumour of about that radius in its middle; lobes, packing and supply differ from one to the next.

    Supply falls towards the middle of the tumour and varies by about a quarter, as enhancement does.
    """
    spacing = np.full(3, spacing_mm)
    affine_mm = np.diag([*spacing, 1.0])
    x = np.moveaxis(np.indices(shape), 0, -1) * spacing
    centre = (np.array(shape) - 1) / 2 * spacing
    breast = np.square((x - centre) / (0.49 * np.array(shape) * spacing)).sum(axis=-1) <= 1.0
    gland = np.square((x - centre) / (0.30 * np.array(shape) * spacing)).sum(axis=-1) <= 1.0
    distance = np.linalg.norm((x - centre) / rng.uniform(0.85, 1.15, 3), axis=-1)
    edge_mm = radius_mm * (1 + 0.5 * _noise(rng, shape, 0.8 * radius_mm / spacing_mm, 0.35))
    inside_mm = edge_mm - distance
    tumour = (inside_mm > 0) & breast
    packing = np.clip(0.92 * np.clip(inside_mm / (0.4 * radius_mm), 0.35, 1.0) + _noise(rng, shape, 6.0 / spacing_mm, 0.06), 0.15, 0.98)
    rim = 1.15 - 0.5 * np.clip(inside_mm / radius_mm, 0.0, 1.0)
    supply = np.clip(rim * (1 + _noise(rng, shape, 8.0 / spacing_mm, 0.2)), 0.2, 2.5)
    tissue = np.where(gland | tumour, FIBROGLANDULAR, ADIPOSE) * breast
    return Phantom(
        Image(np.zeros(shape, np.float32), affine_mm),
        tissue.astype(np.int64),
        tumour,
        (packing * tumour).astype(np.float32),
        (supply * breast).astype(np.float32),
    )


def _noise(rng: np.random.Generator, shape: tuple[int, int, int], sd_voxels: float, size: float) -> Float[Array, "x y z"]:
    """A smooth random field of that sd."""
    field = ndimage.gaussian_filter(rng.standard_normal(shape), sd_voxels, mode="reflect")
    return np.asarray(size * field / max(float(field.std()), 1e-12))

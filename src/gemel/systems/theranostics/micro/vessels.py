"""Maps of vessels: from the stain of a section, or drawn at random with a given density."""

import numpy as np
from jaxtyping import Bool, Float, Shaped

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array

TRIES = 200  # places tried for a vessel that keeps its distance


def stained(stain: Shaped[Array, "x y"], threshold: float) -> Bool[Array, "x y 1"]:
    """Pixels of a section stained for endothelium (CD31) over a threshold, one slice thick.

    Raises RangeError where the stain is not finite, or nothing is over the threshold.
    """
    found = np.asarray(stain, dtype=np.float64)
    if found.ndim != 2 or not np.isfinite(found).all() or not (found > threshold).any():
        raise RangeError(f"no vessel over {threshold!r}, or pixels that are not finite", where="stained", remedy="lower the threshold")
    return np.ascontiguousarray((found > threshold)[:, :, None])


def generated(
    shape: tuple[int, int],
    spacing_mm: float,
    density_1_mm2: float | Float[Array, "x y"],
    *,
    distance_mm: float = 0.0,
    rng: np.random.Generator,
) -> Bool[Array, "x y 1"]:
    """Vessels of one pixel in a section: a Poisson number at independent places, or no two nearer than `distance_mm` (hard core).

    The density is one number or a map. Random sequential placement, Diggle 2013, Statistical analysis of spatial point patterns, ch. 6.
    Raises RangeError for a density or distance under zero, or when so many do not fit; GeometryError for a grid that is none.
    """
    if min(shape) < 1 or not spacing_mm > 0:
        raise GeometryError(f"a section of {shape} pixels of {spacing_mm!r} mm", where="generated", remedy="give pixels and edge over zero")
    density = np.asarray(density_1_mm2, dtype=np.float64)
    if density.ndim and density.shape != shape:
        raise GeometryError(f"a density of shape {density.shape} on {shape}", where="generated", remedy="give both on one grid")
    if not (np.isfinite(density).all() and density.min() >= 0 and distance_mm >= 0):
        raise RangeError("a density or distance under zero or not finite", where="generated", remedy="give zero or more")
    expected = np.broadcast_to(density, shape) * spacing_mm**2
    return _placed(expected, distance_mm / spacing_mm, rng)


def _placed(expected: Float[Array, "x y"], apart: float, rng: np.random.Generator) -> Bool[Array, "x y 1"]:
    """Vessels one after another, each at a pixel drawn in proportion to what is expected there and `apart` pixels from the others."""
    shape, mean = expected.shape, float(expected.sum())
    places: Float[Array, "n 2"] = np.empty((0, 2))
    for _ in range(int(rng.poisson(mean))):
        pixel = rng.choice(expected.size, TRIES, p=(expected / mean).ravel())
        tried = np.column_stack(np.unravel_index(pixel, shape)) + rng.random((TRIES, 2))
        fits = np.flatnonzero(np.linalg.norm(tried[:, None] - places[None], axis=2).min(axis=1, initial=np.inf) >= apart)
        if not fits.size:
            raise RangeError(f"no room for {mean:.0f} vessels", where="generated", remedy="lower density or distance")
        places = np.vstack([places, tried[fits[:1]]])
    found = np.zeros((*shape, 1), dtype=bool)
    pixels = places.astype(int)
    found[pixels[:, 0], pixels[:, 1], 0] = True
    return found

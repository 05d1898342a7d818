"""How easily things pass the faces between voxels: harmonic means, and nothing through the border of the mask."""

from collections.abc import Mapping
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Shaped
from numba import njit, prange

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array
from gemel.core.number import number
from gemel.engines.pde.domain import WHERE, Domain
from gemel.engines.pde.given import given

Faces = tuple[Array, Array, Array]
"""Conductances D_face/h² (one over the unit of time) along each axis; element n is the face between voxels n − 1 and n."""
Diffusivity = Shaped[Array, "..."] | float | int


def by_region(labels: Shaped[Array, "x y z"], diffusivity_mm2_d: Mapping[int, float]) -> Float[Array, "x y z"]:
    """A field of diffusivity from labels, one value a region. Raises RangeError for a label without a value, or one under 0."""
    if not isinstance(diffusivity_mm2_d, Mapping):
        raise InputError(f"diffusivities {diffusivity_mm2_d!r}", where="by_region", remedy="give a dictionary: one number for each label")
    missing = sorted(set(np.unique(labels).tolist()) - set(diffusivity_mm2_d))
    if missing:
        raise RangeError(f"no diffusivity for the labels {missing}", where=WHERE, remedy="give one for each label, 0 where nothing moves")
    found = np.zeros(labels.shape)
    for label, value in diffusivity_mm2_d.items():
        found[labels == label] = checked_number(value)
    return found


def faces(diffusivity: Diffusivity, of: Domain, dtype: type) -> Faces:
    """Conductances of one species: D = 2 D₁D₂/(D₁ + D₂) between two voxels of the mask, in series as in any layered medium; 0 elsewhere.

    Patankar 1980, Numerical heat transfer and fluid flow, eq. 4.9. Raises RangeError for a negative or not finite diffusivity in the
    mask, GeometryError for a field of another shape.
    """
    values = np.asarray(given(diffusivity, "diffusivity"), dtype=np.float64)
    if values.ndim and values.shape != of.shape:
        raise GeometryError(f"a diffusivity of shape {values.shape} on a grid of {of.shape}", where=WHERE, remedy="give both on one grid")
    field = of.enter(np.broadcast_to(values.astype(dtype), of.shape))
    if not np.isfinite(field).all() or (field < 0).any():
        raise RangeError("a diffusivity that is negative or not finite", where=WHERE, remedy="give zero or more in every voxel of the mask")
    found: Faces = (np.zeros(field.shape, dtype), np.zeros(field.shape, dtype), np.zeros(field.shape, dtype))
    _fill(field, found, of.runs, (1.0 / of.spacing_mm**2).astype(dtype))
    return found


def checked_number(diffusivity: Diffusivity) -> float:
    """One number. Raises RangeError for one that is negative or not finite."""
    value = number(diffusivity, "diffusivity")
    if not 0 <= value < np.inf:
        raise RangeError("a diffusivity that is negative or not finite", where=WHERE, remedy="give zero or more")
    return value


@njit(parallel=True, cache=True)
@no_type_check
def _fill(field, found, runs, scale):
    """The faces below each voxel; those at the border stay 0, for the field is 0 beyond it."""
    wx, wy, wz = found
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        for z in range(start, stop):
            here = field[x, y, z]
            wx[x, y, z] = _between(field[x - 1, y, z], here) * scale[0]
            wy[x, y, z] = _between(field[x, y - 1, z], here) * scale[1]
            wz[x, y, z] = _between(field[x, y, z - 1], here) * scale[2]


@njit(cache=True)
@no_type_check
def _between(one, other):
    """2 one other/(one + other), 0 where either is."""
    smaller, larger = min(one, other), max(one, other)
    if smaller <= 0:
        return smaller - smaller
    ratio = smaller / larger
    return (smaller + smaller) / (ratio / ratio + ratio)


def largest_loss(of: Faces, runs: Shaped[Array, "runs 4"]) -> float:
    """max over voxels of the sum of its six conductances: a diffusion step is monotone up to its inverse (Gershgorin)."""
    return float(_losses(of, runs).max())


@njit(parallel=True, cache=True)
@no_type_check
def _losses(of, runs):
    wx, wy, wz = of
    found = np.zeros(len(runs))
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        most = 0.0
        for z in range(start, stop):
            most = max(most, wx[x, y, z] + wx[x + 1, y, z] + wy[x, y, z] + wy[x, y + 1, z] + wz[x, y, z] + wz[x, y, z + 1])
        found[r] = most
    return found


def by_diffusivity(field: Shaped[Array, "x y z"], found: Faces, on: Domain) -> Float[Array, "x y z"]:
    """Derivative by D of each voxel from those by conductances, all padded: ∂/∂D₁ of 2 D₁D₂/(D₁ + D₂) is 2 (D₂/(D₁ + D₂))²."""
    total = np.zeros_like(field)
    _gather(field, found, on.runs, ((2.0 / on.spacing_mm**2).astype(field.dtype), total))
    return total


@njit(parallel=True, cache=True)
@no_type_check
def _gather(field, found, runs, into):
    gx, gy, gz = found
    scale, total = into
    for r in prange(len(runs)):
        x, y, start, stop = runs[r]
        for z in range(start, stop):
            d = field[x, y, z]
            along_x = _share(field[x - 1, y, z], d) * gx[x, y, z] + _share(field[x + 1, y, z], d) * gx[x + 1, y, z]
            along_y = _share(field[x, y - 1, z], d) * gy[x, y, z] + _share(field[x, y + 1, z], d) * gy[x, y + 1, z]
            along_z = _share(field[x, y, z - 1], d) * gz[x, y, z] + _share(field[x, y, z + 1], d) * gz[x, y, z + 1]
            total[x, y, z] = scale[0] * along_x + scale[1] * along_y + scale[2] * along_z


@njit(cache=True)
@no_type_check
def _share(other, one):
    """(other/(one + other))², 0 where both are 0."""
    both = one + other
    return (other / both) ** 2 if both > 0 else both

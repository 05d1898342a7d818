"""Where the central rays of spots enter the grid and meet the body."""

from collections.abc import Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Shaped
from numba import njit, prange

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array, Image
from gemel.engines.dose.path import beam_axes

TISSUE_RSP = 0.2  # above this is body: air is 0.001, inflated lung 0.25 (Schneider 1996, Phys Med Biol 41:111)
STEP_MM = 1.0  # along a ray, nearest voxel
INWARD = 5  # voxels from the edge at which the body's chord is measured again
MISSING_MM = 6.0  # tissue that may be missing at the edge: 3.5 % of a depth of 170 mm, what the margins of a pelvis' plan cover


def skin_mm(rsp: Image, gantry_deg: float, places_mm: Float[Array, "s 2"], isocentre_mm: Float[Array, "3"]) -> Float[Array, "s"]:
    """Where each ray (x_bev, z_bev) first meets RSP > 0.2, along the beam from the isocentre (upstream negative); 0 where it never does."""
    return np.asarray(_entries(rsp, gantry_deg, places_mm, isocentre_mm)[0])


def require_whole_body(rsp: Image, spots: Shaped[Array, "n 4"], isocentre_mm: Shaped[Array, "3"] | Sequence[float | int]) -> None:
    """Raises GeometryError where spots' rays enter the grid inside tissue and more than MISSING_MM of the body seems to be missing.

    The body has a chord c at the edge and c' where h further in: of the circle with these chords √(b² + c²/4) − b is missing,
    b = (c'² − c²)/8h + h/2, less half a voxel, and at most c/2. A grid whose entrance faces are tissue all over, or a flat face with
    parallel sides (the same chord further in), is taken for a block of a phantom, not for a body that was cut.
    """
    plan, centre_mm = np.asarray(spots, dtype=np.float64), np.asarray(isocentre_mm, dtype=np.float64)
    for gantry_deg in np.unique(plan[:, 0]):
        places_mm = plan[plan[:, 0] == gantry_deg, 1:3]
        missing_mm = _entries(rsp, float(gantry_deg), places_mm, centre_mm)[1]
        cut = missing_mm > MISSING_MM
        if cut.any() and not _is_block(rsp, float(gantry_deg)):
            found = f"{np.count_nonzero(cut)} of {len(cut)} spots of gantry {gantry_deg:g}° enter the image inside tissue, of which "
            remedy = "the image cuts the body off on the beam's way: use a larger field of view or another angle"
            raise GeometryError(f"{found}about {missing_mm.max():.0f} mm are missing", where="rsp", remedy=remedy)


def require_tissue(rsp: Image) -> None:
    """Raises RangeError where the image holds nothing but air."""
    most = float(rsp.array.max())
    if not most > TISSUE_RSP:
        remedy = "is this the stopping power of the patient? Check the HU table and the rescale slope and intercept"
        raise RangeError(f"no tissue: the largest stopping power is {most:g}", where="rsp", remedy=remedy)


def _is_block(rsp: Image, gantry_deg: float) -> bool:
    sine, cosine = beam_axes(gantry_deg)
    faces = []
    if sine:
        faces.append(rsp.array[-1 if sine > 0 else 0])
    if cosine:
        faces.append(rsp.array[:, 0 if cosine > 0 else -1])
    return all(bool((face > TISSUE_RSP).all()) for face in faces)


def _entries(
    rsp: Image, gantry_deg: float, places_mm: Float[Array, "s 2"], isocentre_mm: Float[Array, "3"]
) -> tuple[Float[Array, "s"], Float[Array, "s"]]:
    """Where each ray meets tissue, and how much tissue is missing where it enters."""
    grid = np.stack([rsp.origin_mm - isocentre_mm, rsp.spacing_mm], axis=1)
    reach_mm = float(np.abs(grid[:2, 0]).sum() + (rsp.spacing_mm * rsp.shape)[:2].sum())
    return _march(rsp.array, grid, beam_axes(gantry_deg), np.ascontiguousarray(places_mm), reach_mm)


@njit(parallel=True, cache=True)
@no_type_check
def _march(values, grid, beam, places, reach):
    """Per ray: where it first meets tissue, and the tissue missing when that is the first voxel of the grid on its way."""
    nx, ny, nz = values.shape
    sine, cosine = beam
    skin, missing = np.zeros(len(places)), np.zeros(len(places))
    for s in prange(len(places)):
        k = min(max(int(np.rint((places[s, 1] - grid[2, 0]) / grid[2, 1])), 0), nz - 1)
        inside = False
        for step in range(int(2 * reach / STEP_MM)):
            along = step * STEP_MM - reach
            i = int(np.rint((places[s, 0] * cosine - along * sine - grid[0, 0]) / grid[0, 1]))
            j = int(np.rint((places[s, 0] * sine + along * cosine - grid[1, 0]) / grid[1, 1]))
            if 0 <= i < nx and 0 <= j < ny:
                if values[i, j, k] > TISSUE_RSP:
                    skin[s] = along
                    if not inside:
                        missing[s] = _missing(values[:, :, k], grid, i, j, -sine)
                    break
                inside = True
    return skin, missing


@njit(cache=True)
@no_type_check
def _missing(plane, grid, i, j, ux):
    """Tissue missing before voxel (i, j) at the edge, from the body's chord along that edge and further in."""
    nx, ny = plane.shape
    if (i == 0 and ux > 0) or (i == nx - 1 and ux < 0):
        inner, deep = _inwards(i, INWARD, nx), _inwards(i, 2 * INWARD, nx)
        here, further, last = _chord(plane[i], j), _chord(plane[inner], j), _chord(plane[deep], j)
        way, voxel, size = abs(inner - i) * grid[0, 1], 0.5 * grid[0, 1], grid[1, 1]
    else:
        inner, deep = _inwards(j, INWARD, ny), _inwards(j, 2 * INWARD, ny)
        here, further, last = _chord(plane[:, j], i), _chord(plane[:, inner], i), _chord(plane[:, deep], i)
        way, voxel, size = abs(inner - j) * grid[1, 1], 0.5 * grid[1, 1], grid[0, 1]
    if here == further == last:
        return 0.0
    here, further = here * size, further * size
    half = 0.5 * ((further * further - here * here) / (4 * way) + way)
    return max(min(0.5 * here, np.sqrt(half * half + 0.25 * here * here) - half) - voxel, 0.0)


@njit(cache=True)
@no_type_check
def _inwards(at, steps, count):
    """The voxel so many steps from one end towards the other."""
    return min(steps, count - 1) if at == 0 else max(count - 1 - steps, 0)


@njit(cache=True)
@no_type_check
def _chord(line, at):
    """Voxels of tissue in a row around one of them."""
    if line[at] <= TISSUE_RSP:
        return 0
    a, b = at, at
    while a > 0 and line[a - 1] > TISSUE_RSP:
        a -= 1
    while b < len(line) - 1 and line[b + 1] > TISSUE_RSP:
        b += 1
    return b - a + 1

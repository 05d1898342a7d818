"""Yesterday's weights on today's spots: where a search starts when the list of spots has changed."""

import numpy as np
from jaxtyping import Float, Int, Shaped
from scipy.spatial import cKDTree

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array

ANGLE_deg = 5.0  # beams further apart than this are different beams
REACH_mm = 15.0  # three usual spot spacings: weight further than this from any new spot is spread over its beam


def carry_over(spots_from: Shaped[Array, "n 4"], weights: Float[Array, "n"], spots_to: Shaped[Array, "m 4"]) -> Float[Array, "m"]:
    """Weights of the spots `spots_to` that go on from a plan on `spots_from`; the sum of each beam is conserved.

    Spots are (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV). Each weight goes to the nearest spot of the same beam, across in mm and in
    depth by the range in water, 0.022·E^1.77 mm (Bortfeld 1997, Med Phys 24:2024); equal lists keep their weights. What lies further
    than REACH_mm from any new spot is spread over its beam in proportion, so that it does not pile up at the edge.
    Raises InputError, RangeError for lists or weights that cannot be meant, GeometryError for a beam that the new list lacks.
    """
    old, new = _checked(spots_from, "spots_from"), _checked(spots_to, "spots_to")
    if weights.shape != (len(old),):
        raise InputError(f"weights of shape {weights.shape} for {len(old)} spots", where="carry_over", remedy="pass one weight a spot")
    if not np.isfinite(weights).all() or (weights < 0).any():
        raise RangeError("weights that are negative or not finite", where="carry_over", remedy="pass finite weights ≥ 0 in 1e6 protons")
    carried = np.zeros(len(new))
    beams = np.unique(new[:, 0])
    of_beam = _nearest_beam(old[:, 0], beams, weights)
    for b, gantry_deg in enumerate(beams):
        mine, here = np.flatnonzero(of_beam == b), np.flatnonzero(new[:, 0] == gantry_deg)
        carried[here] = _within_beam(old[mine], weights[mine], new[here])
    return carried


def _within_beam(old: Float[Array, "k 4"], weights: Float[Array, "k"], new: Float[Array, "h 4"]) -> Float[Array, "h"]:
    """Each weight to its nearest spot; the far ones in proportion to what has arrived, or evenly where nothing has."""
    if weights.sum() <= 0:
        return np.zeros(len(new))
    distance_mm, nearest = map(np.asarray, cKDTree(_place_mm(new)).query(_place_mm(old)))
    near = distance_mm <= REACH_mm
    arrived = np.bincount(nearest[near], weights[near], minlength=len(new))
    if arrived.sum() <= 0:
        return np.full(len(new), float(weights.sum()) / len(new))
    return np.asarray(arrived * (float(weights.sum()) / float(arrived.sum())))


def _place_mm(spots: Float[Array, "k 4"]) -> Float[Array, "k 3"]:
    return np.column_stack([spots[:, 1:3], 0.022 * spots[:, 3] ** 1.77])


def _nearest_beam(gantry_deg: Float[Array, "n"], beams_deg: Float[Array, "b"], weights: Float[Array, "n"]) -> Int[Array, "n"]:
    apart = np.abs((gantry_deg[:, None] - beams_deg + 180.0) % 360.0 - 180.0)
    lost = (apart.min(axis=1) > ANGLE_deg) & (weights > 0)
    if lost.any():
        found = f"weight on a beam at {gantry_deg[lost][0]:g}° that the new spots lack (theirs: {', '.join(f'{b:g}°' for b in beams_deg)})"
        raise GeometryError(found, where="carry_over", remedy="place spots for every beam of the plan, or start without it")
    return np.asarray(apart.argmin(axis=1))


def _checked(spots: Shaped[Array, "k 4"], where: str) -> Float[Array, "k 4"]:
    found = np.asarray(spots, dtype=np.float64)
    if found.ndim != 2 or found.shape[1] != 4 or len(found) == 0:
        remedy = "pass rows of (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV)"
        raise InputError(f"spots of shape {found.shape}", where=where, remedy=remedy)
    if not np.isfinite(found).all() or found[:, 3].min() <= 0:
        raise RangeError("spots that are not finite or have no energy", where=where, remedy="place the spots again")
    return found

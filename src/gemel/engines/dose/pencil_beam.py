"""Dose-influence matrix of proton spots: analytic pencil beams on ray-traced water-equivalent depth."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int, Shaped
from numba import parallel_chunksize
from scipy.sparse import csc_matrix

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array, Image
from gemel.engines.dose import kernels
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.range_shifter import ShiftedBeam
from gemel.engines.dose.traced import KEPT, Traced, View, trace

CHUNK = 8  # spots that a thread takes at a time


def influence(
    rsp: Image,
    spots: Shaped[Array, "..."],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    voxels: Bool[Array, "..."] | None = None,
    kept: float = KEPT,
) -> csc_matrix:
    """Dose in Gy per 1e6 protons, float32 CSC (voxels in C order of (x, y, z), spots), row indices sorted.

    Z(d)[(1−w) G(r; √(s0²+σ1²)) + w G(r; √(s0²+σ2²))], d the water-equivalent depth of the voxel on its own ray; Hong et al. 1996,
    Phys Med Biol 41:1305; halo as Pedroni et al. 2005, Phys Med Biol 50:541. Beams are parallel. `spots`: (gantry_deg, x_bev_mm,
    z_bev_mm, energy_MeV), beam along (−sin g, cos g, 0), x_bev along (cos g, sin g, 0), z_bev along z, from the isocentre.
    At each depth the share `kept` across the beam is computed and scaled so that its integral is Z; the rest is dropped.
    `voxels` restricts the rows that are filled. Behind the edge of an inhomogeneity that is narrower than the pencil it is approximate.
    Raises GeometryError, InputError, RangeError; a spot that gives no dose at all is an error.
    """
    return matrix(trace(rsp, spots, machine, isocentre_mm, kept=kept), voxels)


def influence_with_let(
    rsp: Image,
    spots: Shaped[Array, "..."],
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    voxels: Bool[Array, "..."] | None = None,
    kept: float = KEPT,
) -> tuple[csc_matrix, csc_matrix]:
    """`influence`, and with the same indices (shared) dose × LETd in Gy keV/µm, LETd that of the spot's layer at the voxel's depth.

    The LETd of a plan is (second @ w) / (first @ w), see `let_of_plan_keV_um`; Wilkens & Oelfke 2004, Phys Med Biol
    49:2811.
    """
    traced = trace(rsp, spots, machine, isocentre_mm, kept=kept)
    dose = matrix(traced, voxels)
    return dose, _with_data(dose, _let_weighted(traced, dose))


def matrix(traced: Traced, voxels: Bool[Array, "..."] | None, *, checked: bool = True) -> csc_matrix:
    """The influence matrix of spots already traced; with `checked=False` spots that give no dose are not looked for."""
    shape = traced.rsp.shape
    wanted = np.ones(shape, dtype=np.bool_) if voxels is None else np.ascontiguousarray(voxels)
    if wanted.shape != shape:
        raise GeometryError(f"voxels of shape {wanted.shape} on a grid of {shape}", where="influence", remedy="use the grid of rsp")
    extremes = [kernels.column_extremes(view.depth_mm, wanted) for view in traced.views]
    with parallel_chunksize(CHUNK):
        counts = np.zeros(len(traced.plan), dtype=np.int64)
        for view, ends in zip(traced.views, extremes):
            counts[view.spots] = _counts(traced, view, wanted, ends)
        if checked:
            _require_reached(traced, counts, everywhere=voxels is None)
        return _filled(traced, counts, wanted, extremes)


def _counts(traced: Traced, view: View, wanted: Bool[Array, "x y z"], extremes: Array, some: Array | None = None) -> Int[Array, "s"]:
    """Entries of the view's spots, or of some of them."""
    places, rows = traced.places(view)
    if some is not None:
        places, rows = places[some], rows[some]
    return kernels.count(view.depth_mm, extremes, wanted, traced.grid, view.axes, places, rows, traced.tables)


def _require_reached(traced: Traced, counts: Int[Array, "s"], *, everywhere: bool) -> None:
    """Raises RangeError for spots without dose. With restricted rows, those that are empty are looked for on the whole grid."""
    missed = int(np.count_nonzero(counts == 0))
    if missed and not everywhere:
        anywhere = np.ones(traced.rsp.shape, dtype=np.bool_)
        missed = 0
        for view in traced.views:
            empty = np.flatnonzero(counts[view.spots] == 0)
            found = _counts(traced, view, anywhere, kernels.column_extremes(view.depth_mm, anywhere), empty)
            missed += int(np.count_nonzero(found == 0))
    if missed:
        remedy = "check isocentre, gantry angles and spot positions against the image, or enlarge the grid"
        raise RangeError(f"{missed} of {len(counts)} spots give no dose on the grid", where="influence", remedy=remedy)


def _filled(traced: Traced, counts: Int[Array, "s"], wanted: Bool[Array, "x y z"], extremes: Sequence[Array]) -> csc_matrix:
    starts = np.concatenate([[0], np.cumsum(counts)])
    index = np.int32 if max(int(starts[-1]), wanted.size) < 2**31 else np.int64
    values, indices = np.empty(starts[-1], dtype=np.float32), np.empty(starts[-1], dtype=index)
    for view, ends in zip(traced.views, extremes):
        seen, (places, rows) = (view.depth_mm, ends, wanted), traced.places(view)
        kernels.fill(*seen, traced.grid, view.axes, places, rows, traced.tables, starts[view.spots], values, indices)
    first_of_column: Array = starts.astype(index)
    return _sorted(csc_matrix((values, indices, first_of_column), shape=(wanted.size, len(counts))))


def _sorted(filled: csc_matrix) -> csc_matrix:
    filled.has_sorted_indices = True
    filled.has_canonical_format = True
    return filled


def _with_data(like: csc_matrix, values: Array) -> csc_matrix:
    """Other values at the same places; the index arrays are shared, not copied."""
    return _sorted(csc_matrix((values, like.indices, like.indptr), shape=like.shape, copy=False))


def _let_weighted(traced: Traced, dose: csc_matrix) -> Array:
    out = np.empty_like(dose.data)
    parts = (dose.indptr, dose.indices, dose.data)
    for view in traced.views:
        rows = traced.rows[view.spots]
        kernels.weigh(view.depth_mm, view.spots, rows, traced.lookup.steps_1_mm, traced.lookup.let_keV_um, parts, out)
    return out

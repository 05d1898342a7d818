"""Dose-influence matrix of proton spots: analytic pencil beams on ray-traced water-equivalent depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Shaped
from numba import parallel_chunksize
from scipy.sparse import csc_matrix

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.core.image import Array, Image
from gemel.engines.dose import kernels
from gemel.engines.dose.beam_data import BeamData, layer
from gemel.engines.dose.lookup import tabulate
from gemel.engines.dose.path import beam_axes, path_length, require_rsp

KEPT = 0.995  # share of the dose across each pencil that lies within the lateral cut-off
FAR_MM = 100.0  # an isocentre further than this outside the grid is taken for a mistake
CHUNK = 8  # spots that a thread takes at a time


@dataclass(frozen=True)
class _Task:
    """Grid as rows of (first centre from the isocentre, spacing, count), spots, and each spot's row of the look-up tables."""

    grid: Float[Array, "3 3"]
    plan: Float[Array, "s 4"]
    rows: Int[Array, "s"]
    tables: tuple[Array, Array, Array, Array]


@dataclass(frozen=True)
class _Beam:
    """Spots of one gantry angle (`columns` of the matrix), and the grid as this angle sees it."""

    columns: Int[Array, "s"]
    axes: tuple[float, float]
    depth_mm: Float32[Array, "x y z"]
    extremes_mm: Float32[Array, "x y 2"]


def influence(
    rsp: Image,
    spots: Shaped[Array, "..."],
    machine: BeamData,
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
    require_rsp(rsp)
    centre_mm = np.asarray(isocentre_mm, dtype=np.float64)
    plan = _checked(rsp, spots, centre_mm, kept)
    wanted = np.ones(rsp.array.shape, dtype=np.bool_) if voxels is None else np.ascontiguousarray(voxels)
    if wanted.shape != rsp.array.shape:
        raise GeometryError(f"voxels of shape {wanted.shape} on a grid of {rsp.shape}", where="influence", remedy="use the grid of rsp")
    energies, rows = np.unique(plan[:, 3], return_inverse=True)
    lookup = tabulate([layer(machine, float(energy)) for energy in energies], kept)
    grid = np.stack([rsp.origin_mm - centre_mm, rsp.spacing_mm, np.array(rsp.shape, dtype=np.float64)], axis=1)
    task = _Task(grid, plan, rows, (lookup.steps_1_mm, lookup.end_mm, lookup.coefficients, lookup.cut_mm2))
    beams = [_beam(rsp, plan, float(angle)) for angle in np.unique(plan[:, 0])]
    with parallel_chunksize(CHUNK):
        counts = _counts(task, beams, wanted)
        _require_reached(counts, task, beams, None if voxels is None else np.ones_like(wanted))
        return _filled(counts, task, beams, wanted)


def _checked(rsp: Image, spots: Shaped[Array, "..."], isocentre_mm: Float[Array, "3"], kept: float) -> Float[Array, "n 4"]:
    """The spots as float64; raises for what cannot be calculated."""
    plan = np.asarray(spots, dtype=np.float64)
    if plan.ndim != 2 or plan.shape[1] != 4 or len(plan) == 0 or not np.isfinite(plan).all():
        remedy = "pass finite rows of (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV)"
        raise InputError(f"spots of shape {plan.shape}, or not finite", where="influence", remedy=remedy)
    if not 0.5 <= kept < 1:
        raise RangeError(f"a lateral cut-off that keeps {kept:g}", where="influence", remedy="keep between 0.5 and 1 (not 1)")
    low = rsp.origin_mm - rsp.spacing_mm / 2
    outside = np.maximum(low - isocentre_mm, isocentre_mm - (low + rsp.spacing_mm * rsp.shape)).max()
    if not outside <= FAR_MM:
        remedy = "give the isocentre in LPS mm of the image's frame"
        raise GeometryError(f"an isocentre {outside:.0f} mm outside the grid", where="influence", remedy=remedy)
    return plan


def _beam(rsp: Image, plan: Float[Array, "s 4"], gantry_deg: float) -> _Beam:
    depth_mm = path_length(rsp, rsp.array, gantry_deg)
    return _Beam(np.flatnonzero(plan[:, 0] == gantry_deg), beam_axes(gantry_deg), depth_mm, kernels.column_extremes(depth_mm))


def _counts(task: _Task, beams: list[_Beam], wanted: Bool[Array, "x y z"]) -> Int[Array, "s"]:
    counts = np.zeros(len(task.plan), dtype=np.int64)
    for beam in beams:
        places, rows = task.plan[beam.columns, 1:3], task.rows[beam.columns]
        counts[beam.columns] = kernels.count(beam.depth_mm, beam.extremes_mm, wanted, task.grid, beam.axes, places, rows, task.tables)
    return counts


def _require_reached(counts: Int[Array, "s"], task: _Task, beams: list[_Beam], everywhere: Bool[Array, "x y z"] | None) -> None:
    """Raises RangeError for spots without dose. With restricted rows, those that are empty are looked for on the whole grid."""
    if counts.all():
        return
    if everywhere is not None:
        counts = np.where(counts == 0, _counts(task, beams, everywhere), counts)
    missed = int(np.count_nonzero(counts == 0))
    if missed:
        remedy = "check isocentre, gantry angles and spot positions against the image, or enlarge the grid"
        raise RangeError(f"{missed} of {len(counts)} spots give no dose on the grid", where="influence", remedy=remedy)


def _filled(counts: Int[Array, "s"], task: _Task, beams: list[_Beam], wanted: Bool[Array, "x y z"]) -> csc_matrix:
    starts = np.concatenate([[0], np.cumsum(counts)])
    voxels = wanted.size
    index = np.int32 if max(int(starts[-1]), voxels) < 2**31 else np.int64
    values, indices = np.empty(starts[-1], dtype=np.float32), np.empty(starts[-1], dtype=index)
    for beam in beams:
        places, rows, first = task.plan[beam.columns, 1:3], task.rows[beam.columns], starts[beam.columns]
        seen = (beam.depth_mm, beam.extremes_mm, wanted)
        kernels.fill(*seen, task.grid, beam.axes, places, rows, task.tables, first, values, indices)
    first_of_column: Array = starts.astype(index)
    matrix = csc_matrix((values, indices, first_of_column), shape=(voxels, len(counts)))
    matrix.has_sorted_indices = True
    matrix.has_canonical_format = True
    return matrix

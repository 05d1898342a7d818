"""Where a beam's spots go: a grid in beam's eye view and the layers whose Bragg peaks lie in the target."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, no_type_check

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numba import njit, prange

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array, Image, world_mm
from gemel.engines.dose.beam_data import BeamData, thinned
from gemel.engines.dose.entry import require_tissue, require_whole_body
from gemel.engines.dose.path import beam_axes, path_length, require_rsp
from gemel.engines.dose.range_shifter import ShiftedBeam, beam_of, wet_mm


@dataclass(frozen=True)
class SpotGrid:
    """Distances of spots across the beam and of layers in range (0: all of the machine's), and how far they go beyond the target.

    `range_pct` of the depth is what ranges may be wrong by: 3.5 %, Paganetti 2012, Phys Med Biol 57:R99. `cut_body` accepts an image
    that cuts the body off where the beam enters.
    """

    spacing_mm: float = 5.0
    layer_mm: float = 0.0
    margin_mm: float = 5.0
    range_pct: float = 3.5
    cut_body: bool = False

    def __post_init__(self) -> None:
        sizes = (self.spacing_mm, self.layer_mm, self.margin_mm, self.range_pct)
        if not (np.isfinite(sizes).all() and self.spacing_mm > 0 and min(sizes) >= 0):
            remedy = "pass finite values, spacing above 0, the others 0 or more"
            raise RangeError(f"distances of {sizes}", where="SpotGrid", remedy=remedy)


def place_spots(
    rsp: Image,
    target_mask: Bool[Array, "..."],
    gantry_deg: float | int,
    machine: BeamData | ShiftedBeam,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    grid: SpotGrid | None = None,
    **distances: Any,
) -> Float[Array, "n 4"]:
    """Spots (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV) of one beam, by energy downwards, then z, then x.

    A spot lies on the square grid through the isocentre, within the margin across the beam of a target voxel's corner; its layers are
    those whose R80 behind the range shifter lies between the least and the largest water-equivalent depth of these voxels, widened by
    the range error and by half the distance of neighbouring layers, so that a thin target has one. `distances` are fields of SpotGrid
    that differ from those of `grid`.
    Raises StructureError for an empty target, RangeError for one that no energy reaches, GeometryError for a body that is cut off.
    """
    target_mask = np.asarray(target_mask, dtype=np.bool_)
    if target_mask.shape != rsp.array.shape or not target_mask.any():
        raise StructureError("an empty target or one on another grid", where="place_spots", remedy="rasterise it on the grid of rsp")
    grid = replace(grid or SpotGrid(), **distances)
    require_rsp(rsp)
    require_tissue(rsp)
    beam = thinned(beam_of(machine), grid.layer_mm)
    depth_mm = path_length(rsp, rsp.array, gantry_deg)[target_mask].astype(np.float64)
    sine, cosine = beam_axes(gantry_deg)
    offset = world_mm(rsp, np.argwhere(target_mask).astype(np.float64)) - np.asarray(isocentre_mm, dtype=np.float64)
    across = np.stack([cosine * offset[:, 0] + sine * offset[:, 1], offset[:, 2]], axis=1)
    reach_mm = grid.margin_mm + float(rsp.spacing_mm.max()) / np.sqrt(2)
    candidates = _square_grid(across, grid.spacing_mm, reach_mm)
    extent_mm = _depth_extent(across, depth_mm, candidates, reach_mm**2)
    if not np.isfinite(extent_mm[0]).any():
        found = f"no spot of the {grid.spacing_mm:g} mm grid within {reach_mm:.1f} mm of the target"
        raise RangeError(found, where="place_spots", remedy="take a smaller spacing or a larger margin")
    reached = _reached(beam.range_mm, extent_mm, grid.range_pct / 100, wet_mm(machine))
    _require_energies(depth_mm, beam, reached, wet_mm(machine))
    place, row = np.nonzero(reached)
    order = np.lexsort((candidates[place, 0], candidates[place, 1], -beam.energy_MeV[row]))
    place, row = place[order], row[order]
    spots = np.column_stack([np.full(len(row), float(gantry_deg)), candidates[place], beam.energy_MeV[row]])
    if not grid.cut_body:
        require_whole_body(rsp, spots, isocentre_mm)
    return spots


def _reached(range_mm: Float[Array, "e"], extent_mm: tuple[Array, Array], error: float, W_mm: float) -> Bool[Array, "c e"]:
    """Which energies end within each candidate's depths; none that the range shifter stops."""
    half_mm = np.gradient(range_mm) / 2 if len(range_mm) > 1 else np.zeros(1)
    nearest, farthest = (depth_mm[:, None] for depth_mm in extent_mm)
    left_mm = range_mm - W_mm
    return np.asarray((left_mm + half_mm >= nearest * (1 - error)) & (left_mm - half_mm <= farthest * (1 + error)) & (left_mm > 0))


def _square_grid(across_mm: Float[Array, "v 2"], spacing_mm: float | int, margin_mm: float | int) -> Float[Array, "c 2"]:
    low = np.ceil((across_mm.min(axis=0) - margin_mm) / spacing_mm)
    high = np.floor((across_mm.max(axis=0) + margin_mm) / spacing_mm)
    x, z = (np.arange(a, b + 1) * spacing_mm for a, b in zip(low, high))
    return np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1).reshape(-1, 2)


def _require_energies(depth_mm: Float[Array, "v"], beam: BeamData, reached: Bool[Array, "c e"], W_mm: float) -> None:
    shortest, longest = max(float(beam.range_mm[0]) - W_mm, 0.0), float(beam.range_mm[-1]) - W_mm
    least, most = float(depth_mm.min()), float(depth_mm.max())
    if most <= longest and reached.any():
        return
    shifted = f" behind {W_mm:g} mm of range shifter" if W_mm else ""
    shorter = "a thinner range shifter" if W_mm else "a machine of higher energy"
    advice = f"choose an angle with less on the way or {shorter}" if most > longest else f"put a range shifter of {shortest:.0f} mm in"
    found = f"a target at {least:.0f} to {most:.0f} mm of water"
    raise RangeError(found, where="place_spots", remedy=f"ranges are {shortest:.0f} to {longest:.0f} mm{shifted}: {advice}")


@njit(parallel=True, cache=True)
@no_type_check
def _depth_extent(across, depth, candidates, margin2):
    """Least and largest depth of the target voxels within the margin of each candidate; (inf, -inf) where there is none."""
    nearest, farthest = np.full(len(candidates), np.inf), np.full(len(candidates), -np.inf)
    for c in prange(len(candidates)):
        for v in range(len(depth)):
            dx, dz = across[v, 0] - candidates[c, 0], across[v, 1] - candidates[c, 1]
            if dx * dx + dz * dz <= margin2:
                nearest[c] = min(nearest[c], depth[v])
                farthest[c] = max(farthest[c], depth[v])
    return nearest, farthest

"""Where a beam's spots go: a grid in beam's eye view and the layers whose Bragg peaks lie in the target."""

from collections.abc import Sequence
from typing import no_type_check

import numpy as np
from jaxtyping import Bool, Float, Shaped
from numba import njit, prange

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array, Image, world_mm
from gemel.engines.dose.beam_data import BeamData
from gemel.engines.dose.path import beam_axes, water_equivalent_depth


def place_spots(
    rsp: Image,
    target_mask: Bool[Array, "..."],
    gantry_deg: float | int,
    machine: BeamData,
    isocentre_mm: Shaped[Array, "3"] | Sequence[float | int],
    *,
    spacing_mm: float | int = 5.0,
    margin_mm: float | int = 5.0,
    range_pct: float | int = 3.5,
) -> Float[Array, "n 4"]:
    """Spots (gantry_deg, x_bev_mm, z_bev_mm, energy_MeV) of one beam, by energy downwards, then z, then x.

    A spot lies on the square grid of `spacing_mm` through the isocentre, within `margin_mm` across the beam of a target voxel's corner;
    its layers are those whose R80 lies between the least and the largest water-equivalent depth of these voxels, widened by `range_pct`
    of the depth (3.5 %: Paganetti 2012, Phys Med Biol 57:R99) and by half the distance of neighbouring layers, so that a thin target has
    one.
    Raises StructureError for an empty target and RangeError for one that no energy reaches.
    """
    if target_mask.shape != rsp.array.shape or not target_mask.any():
        raise StructureError("an empty target or one on another grid", where="place_spots", remedy="rasterise it on the grid of rsp")
    depth_mm = water_equivalent_depth(rsp, gantry_deg)[target_mask].astype(np.float64)
    sine, cosine = beam_axes(gantry_deg)
    offset = world_mm(rsp, np.argwhere(target_mask).astype(np.float64)) - np.asarray(isocentre_mm, dtype=np.float64)
    across = np.stack([cosine * offset[:, 0] + sine * offset[:, 1], offset[:, 2]], axis=1)
    reach_mm = margin_mm + float(rsp.spacing_mm.max()) / np.sqrt(2)
    candidates = _square_grid(across, spacing_mm, reach_mm)
    nearest, farthest = _depth_extent(across, depth_mm, candidates, reach_mm**2)
    half_mm = np.gradient(machine.range_mm) / 2
    reached = machine.range_mm + half_mm >= nearest[:, None] * (1 - range_pct / 100)
    reached &= machine.range_mm - half_mm <= farthest[:, None] * (1 + range_pct / 100)
    _require_energies(depth_mm, machine, reached)
    place, row = np.nonzero(reached)
    order = np.lexsort((candidates[place, 0], candidates[place, 1], -machine.energy_MeV[row]))
    place, row = place[order], row[order]
    return np.column_stack([np.full(len(row), float(gantry_deg)), candidates[place], machine.energy_MeV[row]])


def _square_grid(across_mm: Float[Array, "v 2"], spacing_mm: float | int, margin_mm: float | int) -> Float[Array, "c 2"]:
    low = np.ceil((across_mm.min(axis=0) - margin_mm) / spacing_mm)
    high = np.floor((across_mm.max(axis=0) + margin_mm) / spacing_mm)
    x, z = (np.arange(a, b + 1) * spacing_mm for a, b in zip(low, high))
    return np.stack(np.meshgrid(x, z, indexing="ij"), axis=-1).reshape(-1, 2)


def _require_energies(depth_mm: Float[Array, "v"], machine: BeamData, reached: Bool[Array, "c e"]) -> None:
    shortest, longest = float(machine.range_mm[0]), float(machine.range_mm[-1])
    if depth_mm.max() > longest or not reached.any():
        found = f"a target at {depth_mm.min():.0f} to {depth_mm.max():.0f} mm of water"
        remedy = f"ranges are {shortest:.0f} to {longest:.0f} mm: choose another angle or a range shifter"
        raise RangeError(found, where="place_spots", remedy=remedy)


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

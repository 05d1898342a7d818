"""Dose of one cycle voxel by voxel: curves of every voxel, their kernel's convolution, and what regions get of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float32, Int8

from gemel.core.errors import InputError
from gemel.core.image import Array, Image, same_grid, with_array
from gemel.core.structures import Structures
from gemel.devices.nuclear.outlines import onto_image
from gemel.engines import dvh
from gemel.engines.dose.convolve import LEAST_G_CM3, MOST_G_CM3, dose_map, source_mean_Gy
from gemel.engines.dose.kernel import point_kernel, voxel_kernel
from gemel.engines.kinetics import MONO, UPTAKE, Shape, fit_voxels, hanscheid_tia_Bq_s
from gemel.engines.registration import resample
from gemel.systems.theranostics.case import Case, decay_half_life_s
from gemel.systems.theranostics.observe import Day

ENERGY = 0.99
"""Of what is absorbed within `FARTHEST_mm`: how much the kernel holds, where the image and `MOST_HALF` allow."""
FARTHEST_mm = 300.0
MOST_HALF = 25
FAINT = 0.01
"""Of the mean of the outlined voxels, in every scan: what shines less has no curve of its own."""
VOXEL_REL = 0.1
"""Noise of a voxel, to the mean of the outlined ones in the same scan: all scans count alike in a voxel's fit."""


@dataclass(frozen=True)
class VoxelDoses:
    """Maps of one cycle on the first scan's grid: decays (Bq s in 1 mL), dose (Gy), status of each fit, and what the kernel holds.

    `fraction` of each voxel that lies in a region, by name; `kept_1`: part of the energy absorbed within 300 mm that the kernel spans;
    `density_g_cm3` that doses were scaled by, None for soft tissue everywhere.
    """

    decays_Bq_s_mL: Image
    dose_Gy: Image
    structures: Structures
    fraction: Mapping[str, Float32[Array, "x y z"]]
    status: Int8[Array, "x y z"]
    half_width: int
    kept_1: float
    density_g_cm3: Float32[Array, "x y z"] | None = None


def voxel_doses(case: Case, days: Sequence[tuple[float, Day]], given_s: float, *, density_g_cm3: Image | None = None) -> VoxelDoses:
    """A curve through the scans of one cycle for each voxel, convolved with the kernel of the nuclide in soft tissue.

    Scans lie in the frame of the first one. One scan alone: the rule of Hänscheid et al. 2018 (J Nucl Med 59:75). With densities (those
    of the case's CT, or others on any grid of the same frame) the energy of the kernel is shared by each voxel's own mass; limits in
    `dose_map`. Raises InputError without a scan.
    """
    if not days:
        raise InputError("no scan of the cycle", where="voxel doses", remedy="observe a scan first")
    grid = case.reference
    structures = onto_image(case.structures, grid)
    fraction = {name: covered(case.structures, name, grid) for name in case.structures.masks}
    outlined = np.any(list(structures.masks.values()), axis=0)
    tia, status = time_integrated(days, given_s, grid, outlined=outlined, nuclide=case.nuclide)
    half, kept = half_width(case.nuclide, grid)
    kernel = voxel_kernel(case.nuclide, grid.spacing_mm, half)
    held = density_g_cm3 or next(iter(case.density_g_cm3), None)
    density = None if held is None else np.clip(_onto(held, grid, outside=1e-3), LEAST_G_CM3, MOST_G_CM3).astype(np.float32)
    dose = dose_map(tia * np.float32(grid.voxel_mL), kernel, density_g_cm3=density)
    return VoxelDoses(with_array(grid, tia), with_array(grid, dose), structures, fraction, status, half, kept, density)


def time_integrated(
    days: Sequence[tuple[float, Day]], given_s: float, grid: Image, *, outlined: Array, nuclide: str
) -> tuple[Float32[Array, "x y z"], Int8[Array, "x y z"]]:
    """Time-integrated activity concentration (Bq s/mL) of each voxel, and the status of its fit."""
    t_s = np.array([at_s - given_s for at_s, _ in days])
    stacked = np.stack([np.maximum(_onto(day.image, grid, outside=0.0), 0.0) for _, day in days]).astype(np.float32)
    if len(days) == 1:
        return hanscheid_tia_Bq_s(stacked[0], float(t_s[0])).astype(np.float32), np.zeros(grid.shape, np.int8)
    sd = np.array([max(VOXEL_REL * float(one[outlined].mean()), 1e-9) for one in stacked])
    physical_s, shape = decay_half_life_s(nuclide), shape_of(days)
    bright = (stacked >= FAINT * sd[:, None, None, None] / VOXEL_REL).any(axis=0)
    found = fit_voxels(t_s, stacked[:, bright], sd_Bq=sd, physical_s=physical_s, shape=shape)
    tia, status = np.zeros(grid.shape, np.float32), np.zeros(grid.shape, np.int8)
    tia[bright], status[bright] = found.tia_Bq_s, found.status
    tia[~bright] = _alike(t_s, stacked[:, ~bright], sd, physical_s)
    return tia, status


def _alike(t_s: Float[Array, "scans"], activity: Float32[Array, "scans n"], sd: Float[Array, "scans"], physical_s: float) -> Array:
    """Voxels of noise and thin background share the curve of their sum, in proportion to their own weighted sum: decays are kept."""
    total, own = activity.sum(axis=1, dtype=np.float64), (activity / sd[:, None]).sum(axis=0)
    if not own.sum() > 0:
        return np.zeros(activity.shape[1], np.float32)
    one = fit_voxels(t_s, total[:, None].astype(np.float32), sd_Bq=np.maximum(VOXEL_REL * total, 1e-9), physical_s=physical_s)
    return np.asarray(own / own.sum() * one.tia_Bq_s[0], dtype=np.float32)


def shape_of(days: Sequence[tuple[float, Day]]) -> Shape:
    """One exponential; with an uptake phase where three scans or more show a region that still rises after the first of them.

    A single exponential through a curve that rises reads 20 to 25 % low (kidney and liver of a PSMA ligand seen from 4 h on).
    """
    first, second = (day.regions_MBq for _, day in days[:2])
    rises = any(second[name] > first[name] for name in first if name in second)
    return UPTAKE if len(days) >= 3 and rises else MONO


def half_width(nuclide: str, grid: Image) -> tuple[int, float]:
    """Voxels from the middle of the kernel to its edge, and the part of the energy that a ball of that radius holds."""
    kernel = point_kernel(nuclide)
    near = kernel.radius_mm <= FARTHEST_mm
    part = kernel.within_keV[near] / kernel.within_keV[near][-1]
    need_mm = float(np.interp(ENERGY, part, kernel.radius_mm[near]))
    half = min(int(np.ceil(need_mm / float(grid.spacing_mm.max()))), MOST_HALF, max(grid.shape) - 1)
    return half, float(np.interp((half + 0.5) * float(grid.spacing_mm.min()), kernel.radius_mm[near], part))


def covered(structures: Structures, name: str, grid: Image) -> Float32[Array, "x y z"]:
    """Part of each voxel of the grid that lies in a region."""
    mask = with_array(structures.grid, structures[name].astype(np.float32))
    return np.asarray(np.clip(_onto(mask, grid, outside=0.0), 0.0, 1.0), dtype=np.float32)


def mean_Gy(doses: VoxelDoses, names: Sequence[str]) -> float:
    """Mean dose to the mass of regions taken together; edge voxels count by their part."""
    part = np.minimum(sum(doses.fraction[name] for name in names), 1.0)
    return source_mean_Gy(doses.dose_Gy.array, part, density_g_cm3=doses.density_g_cm3)


def decays_MBq_h(doses: VoxelDoses, names: Sequence[str]) -> float:
    """Time-integrated activity of regions taken together."""
    part = np.minimum(sum(doses.fraction[name] for name in names), 1.0)
    return float((doses.decays_Bq_s_mL.array * part).sum(dtype=np.float64)) * doses.dose_Gy.voxel_mL / 3.6e9


def histogram(doses: VoxelDoses, name: str, levels: int = 200) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Doses from 0 to the region's largest, and the fraction of its volume that gets each or more; edges of voxels exceed their middle."""
    mask = doses.structures[name]
    level_Gy = np.linspace(0.0, max(2.0 * float(doses.dose_Gy.array[mask].max()), 1e-6), 2 * levels)
    part = dvh.cumulative(doses.dose_Gy.array, mask, level_Gy)
    used = int(np.count_nonzero(part > 0)) + 1
    return level_Gy[:used], part[:used]


def onto_grid(image: Image, grid: Image) -> Image:
    """The image on the grid, zero beyond it."""
    return with_array(grid, _onto(image, grid, outside=0.0))


def _onto(image: Image, grid: Image, *, outside: float) -> Array:
    """Values on the grid; untouched where they lie on it already."""
    return image.array if same_grid(image, grid) else resample(image, grid, outside=outside).array

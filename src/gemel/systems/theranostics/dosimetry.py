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
from gemel.engines.dose.convolve import dose_map, source_mean_Gy
from gemel.engines.dose.kernel import point_kernel, voxel_kernel
from gemel.engines.kinetics import fit_voxels, hanscheid_tia_Bq_s
from gemel.engines.registration import resample
from gemel.systems.theranostics.case import Case, decay_half_life_s
from gemel.systems.theranostics.observe import Day

ENERGY = 0.99
"""Of what is absorbed within `FARTHEST_mm`: how much the kernel holds, where the image and `MOST_HALF` allow."""
FARTHEST_mm = 300.0
MOST_HALF = 25
VOXEL_REL = 0.1
"""Noise of a voxel, to the mean of the outlined ones in the same scan: all scans count alike in a voxel's fit."""


@dataclass(frozen=True)
class VoxelDoses:
    """Maps of one cycle on the first scan's grid: decays (Bq s in 1 mL), dose (Gy), status of each fit, and what the kernel holds.

    `fraction` of each voxel that lies in a region, by name; `kept_1`: part of the energy absorbed within 300 mm that the kernel spans.
    """

    decays_Bq_s_mL: Image
    dose_Gy: Image
    structures: Structures
    fraction: Mapping[str, Float32[Array, "x y z"]]
    status: Int8[Array, "x y z"]
    half_width: int
    kept_1: float


def voxel_doses(case: Case, days: Sequence[tuple[float, Day]], given_s: float, *, density_g_cm3: Image | None = None) -> VoxelDoses:
    """Mono-exponential curve of each voxel through the scans of one cycle, convolved with the kernel of the nuclide in soft tissue.

    Scans lie in the frame of the first one. One scan alone: the rule of Hänscheid et al. 2018 (J Nucl Med 59:75). With densities on any
    grid of the same frame, the energy of the kernel is shared by each voxel's own mass; limits in `dose_map`. Raises InputError without a scan.
    """
    if not days:
        raise InputError("no scan of the cycle", where="voxel doses", remedy="observe a scan first")
    grid = case.reference
    structures = onto_image(case.structures, grid)
    fraction = {name: covered(case.structures, name, grid) for name in case.structures.masks}
    tia, status = time_integrated(days, given_s, grid, outlined=np.any(list(structures.masks.values()), axis=0), nuclide=case.nuclide)
    half, kept = half_width(case.nuclide, grid)
    kernel = voxel_kernel(case.nuclide, grid.spacing_mm, half)
    density = None if density_g_cm3 is None else np.clip(_onto(density_g_cm3, grid, outside=1e-3), 0.05, 3.5)
    dose = dose_map(tia * np.float32(grid.voxel_mL), kernel, density_g_cm3=density)
    return VoxelDoses(with_array(grid, tia), with_array(grid, dose), structures, fraction, status, half, kept)


def time_integrated(
    days: Sequence[tuple[float, Day]], given_s: float, grid: Image, *, outlined: Array, nuclide: str
) -> tuple[Float32[Array, "x y z"], Int8[Array, "x y z"]]:
    """Time-integrated activity concentration (Bq s/mL) of each voxel, and the status of its fit."""
    t_s = np.array([at_s - given_s for at_s, _ in days])
    stacked = np.stack([np.maximum(_onto(day.image, grid, outside=0.0), 0.0) for _, day in days]).astype(np.float32)
    if len(days) == 1:
        return hanscheid_tia_Bq_s(stacked[0], float(t_s[0])).astype(np.float32), np.zeros(grid.shape, np.int8)
    sd = np.array([max(VOXEL_REL * float(one[outlined].mean()), 1e-9) for one in stacked])
    found = fit_voxels(t_s, stacked, sd_Bq=sd, physical_s=decay_half_life_s(nuclide))
    return found.tia_Bq_s, found.status


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
    """Mean dose to the mass of regions taken together, in uniform tissue; edge voxels count by their part."""
    return source_mean_Gy(doses.dose_Gy.array, np.minimum(sum(doses.fraction[name] for name in names), 1.0))


def decays_MBq_h(doses: VoxelDoses, names: Sequence[str]) -> float:
    """Time-integrated activity of regions taken together."""
    part = np.minimum(sum(doses.fraction[name] for name in names), 1.0)
    return float((doses.decays_Bq_s_mL.array * part).sum(dtype=np.float64)) * doses.dose_Gy.voxel_mL / 3.6e9


def histogram(doses: VoxelDoses, name: str, levels: int = 200) -> tuple[Float[Array, "n"], Float[Array, "n"]]:
    """Doses from 0 to just above the region's largest, and the fraction of its volume that gets each or more."""
    mask = doses.structures[name]
    top = 1.05 * float(doses.dose_Gy.array[mask].max())
    level_Gy = np.linspace(0.0, max(top, 1e-6), levels)
    return level_Gy, dvh.cumulative(doses.dose_Gy.array, mask, level_Gy)


def _onto(image: Image, grid: Image, *, outside: float) -> Array:
    """Values on the grid; untouched where they lie on it already."""
    return image.array if same_grid(image, grid) else resample(image, grid, outside=outside).array

"""Bodies that gemel draws itself: ellipsoids with reference masses, to stand where licensed phantoms would."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Array, Image
from gemel.core.structures import Structures

SOFT_g_mL, AIR_g_mL = 1.03, 0.0012
MARGIN = 2
LEAST_VOXELS = 8


@dataclass(frozen=True)
class Ellipsoid:
    """A region of a given mass around a centre (LPS mm); semi-axes in these proportions."""

    name: str
    centre_mm: tuple[float, float, float]
    mass_g: float
    proportions: tuple[float, float, float] = (1.0, 1.0, 1.0)
    density_g_mL: float = 1.05


@dataclass(frozen=True)
class Phantom:
    """Density (g/mL) of every voxel, and regions: `body` is all of it, the others lie in it and do not overlap."""

    name: str
    density_g_mL: Image
    structures: Structures
    reference: str

    def mass_g(self, region: str) -> float:
        """Mass of a region's voxels."""
        held = self.density_g_mL.array[self.structures[region]]
        return float(held.sum(dtype=np.float64)) * self.density_g_mL.voxel_mL


def phantom(
    name: str,
    *,
    spacing_mm: float,
    lesions: Sequence[Ellipsoid] = (),
    absent: Sequence[str] = (),
    shape: tuple[int, int, int] | None = None,
) -> Phantom:
    """`male`, `female` (trunk and head) or `mouse`, with lesions, and without the organs named in `absent` (a single kidney).

    Each region is the voxels nearest to its centre, in the ellipsoid's measure, that nothing before it took: its mass is that of the table
    to half a voxel. `shape` sets the number of voxels; else the grid holds the body and two voxels around it. Raises RangeError for
    an unknown phantom, StructureError for voxels too coarse for a region, a region outside the body, and an organ that is not there.
    """
    table = _table()
    if name not in table["phantoms"]:
        raise RangeError(f"a phantom named {name!r}", where="phantom", remedy=f"choose from {', '.join(table['phantoms'])}")
    own = table["phantoms"][name]
    layout, scale = table[own["layout"]], float(own["scale"])
    unknown = sorted(set(absent) - set(own["mass_g"]))
    if unknown:
        raise StructureError(f"no organ {unknown[0]!r}", where=name, remedy=f"choose from {', '.join(own['mass_g'])}")
    organs = [_organ(organ, layout["organs"][organ], mass, scale) for organ, mass in own["mass_g"].items() if organ not in absent]
    grid = _grid(layout["body"], scale, spacing_mm, shape)
    body = _body(grid, layout["body"], scale)
    return _filled(name, grid, body, (*lesions, *organs), str(own["reference"]))


def painted(made: Phantom, MBq: Mapping[str, float], *, rest_MBq: float = 0.0) -> Image:
    """Activity concentration (Bq/mL): each region's activity spread evenly in it, `rest_MBq` in what of the body is no region."""
    grid = made.density_g_mL
    field = np.zeros(grid.shape, np.float32)
    elsewhere = made.structures["body"].copy()
    for region, mask in made.structures.masks.items():
        if region != "body":
            elsewhere &= ~mask
    for region, amount_MBq in MBq.items():
        field[made.structures[region]] += amount_MBq * 1e6 / (np.count_nonzero(made.structures[region]) * grid.voxel_mL)
    field[elsewhere] += rest_MBq * 1e6 / (np.count_nonzero(elsewhere) * grid.voxel_mL)
    return Image(field, grid.affine_mm, grid.frame)


def hounsfield(made: Phantom) -> Image:
    """A CT of it: HU = 1000·(ρ - 1), air outside. Right for water and soft tissue, near enough for lung; there is no bone."""
    values = np.rint(1000.0 * (np.asarray(made.density_g_mL.array, np.float64) - 1.0))
    return Image(np.maximum(values, -1000.0).astype(np.float32), made.density_g_mL.affine_mm, made.density_g_mL.frame)


@cache
def _table() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(files(__package__).joinpath("phantom.json").read_text(encoding="utf-8"))
    return found


def _organ(name: str, row: Mapping[str, Any], mass_g: float, scale: float) -> Ellipsoid:
    x, y, z = (scale * float(v) for v in row["centre_mm"])
    a, b, c = (float(v) for v in row["proportions"])
    return Ellipsoid(name, (x, y, z), float(mass_g), (a, b, c), float(row["density_g_mL"]))


def _grid(body: Sequence[Mapping[str, Any]], scale: float, spacing_mm: float, shape: tuple[int, int, int] | None) -> Image:
    """Voxels of air, centred on the body."""
    if not (math.isfinite(spacing_mm) and spacing_mm > 0):
        raise RangeError(f"voxels of {spacing_mm} mm", where="phantom", remedy="give a size above 0")
    centres, semi = (np.array([part[key] for part in body], float) * scale for key in ("centre_mm", "semi_axes_mm"))
    low, high = (centres - semi).min(axis=0), (centres + semi).max(axis=0)
    counts = np.array(shape) if shape else np.ceil((high - low) / spacing_mm).astype(int) + 2 * MARGIN
    affine = np.diag([spacing_mm, spacing_mm, spacing_mm, 1.0])
    affine[:3, 3] = (low + high) / 2 - (counts - 1) / 2 * spacing_mm
    return Image(np.full(tuple(int(n) for n in counts), AIR_g_mL, np.float32), affine)


def _body(grid: Image, body: Sequence[Mapping[str, Any]], scale: float) -> Bool[Array, "x y z"]:
    held = np.zeros(grid.shape, bool)
    for part in body:
        centre, semi = (tuple(scale * float(v) for v in part[key]) for key in ("centre_mm", "semi_axes_mm"))
        held |= _measure(grid, centre, semi) <= 1.0
    return held


def _measure(grid: Image, centre_mm: Sequence[float], semi_mm: Sequence[float]) -> Float32[Array, "x y z"]:
    """Σ ((x - c)/a)² of every voxel centre."""
    axes = [((grid.origin_mm[i] + grid.spacing_mm[i] * np.arange(grid.shape[i]) - centre_mm[i]) / semi_mm[i]) ** 2 for i in range(3)]
    return np.asarray(axes[0][:, None, None] + axes[1][None, :, None] + axes[2][None, None, :], dtype=np.float32)


def _filled(name: str, grid: Image, body: Bool[Array, "x y z"], regions: Sequence[Ellipsoid], reference: str) -> Phantom:
    density = np.where(body, np.float32(SOFT_g_mL), grid.array)
    free, masks = body.copy(), {"body": body}
    for region in regions:
        mask = _nearest(grid, free, region)
        density[mask] = region.density_g_mL
        free &= ~mask
        masks[region.name] = mask
    image = Image(density, grid.affine_mm)
    return Phantom(name, image, Structures(image, masks), reference)


def _nearest(grid: Image, free: Bool[Array, "x y z"], region: Ellipsoid) -> Bool[Array, "x y z"]:
    """As many free voxels as the region's mass asks for, the nearest in its measure."""
    count = round(region.mass_g / region.density_g_mL / grid.voxel_mL)
    far = np.where(free, _measure(grid, region.centre_mm, region.proportions), np.inf).ravel()
    if count < LEAST_VOXELS:
        raise StructureError(f"{count} voxels for {region.mass_g:g} g", where=region.name, remedy="use smaller voxels: spacing_mm")
    chosen = np.argpartition(far, count)[:count]
    reach_mm = (3000.0 * region.mass_g / region.density_g_mL / (4 * math.pi * math.prod(region.proportions))) ** (1 / 3)
    if not far[chosen].max() <= (2 * reach_mm) ** 2:
        raise StructureError("a region that does not fit", where=region.name, remedy="move it into the body, away from what is there")
    mask = np.zeros(free.size, bool)
    mask[chosen] = True
    return mask.reshape(free.shape)

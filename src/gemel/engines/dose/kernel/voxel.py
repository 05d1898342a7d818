"""Voxel kernels: mean dose to a voxel per decay in another, for voxels of any size."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float, Shaped

from gemel.core.errors import RangeError
from gemel.core.image import Array
from gemel.core.number import number, numbers
from gemel.core.scalar import Scalar
from gemel.engines.dose.kernel.point import KEV_J, PointKernel, point_kernel

MOST_VOXELS = 60_000_000  # of a kernel, 480 MB
LEAST_MM, MOST_MM = 1e-4, 1000.0
FACE, NEAR, MIDDLE, FAR = 24, 16, 8, 3
"""Nodes of Gauss along an edge: on the faces of the first cell, and in cells up to 2, up to 6 and further away."""


def voxel_kernel(
    nuclide: str,
    voxel_mm: Scalar | Sequence[float] | Shaped[Array, "3"],
    half_width: Scalar,
    tissue: str = "soft",
    *,
    daughters: bool = False,
    relocated: float | Mapping[str, float] = 0.0,
) -> Float[Array, "x y z"]:
    """Mean dose (Gy) to each voxel of a block (2 half_width + 1)³ per decay spread evenly over its middle voxel, in an infinite tissue.

    K(n) = (1/m) ∫ k(|d|) Π max(0, 1 − |dₐ/hₐ − nₐ|) d³d, k = ψ(r) / 4πr² the point kernel (see `point_kernel`): the average over source
    and target voxel is exact, by the overlap of the two, and the self-voxel is integrated along rays, where nothing is singular.
    `voxel_mm`: edge, or edges along x, y, z, 0.1 µm to 1 m. Of this nuclide alone unless `daughters=True`. float64.
    Raises InputError for an unknown nuclide, RangeError for anything else that has no kernel.
    """
    edges_mm, half = checked(voxel_mm, half_width)
    kernel = point_kernel(nuclide, tissue, daughters=daughters, relocated=relocated)
    return _mirrored(octant_keV(kernel, edges_mm, half)) * KEV_J / voxel_kg(edges_mm, kernel.density_g_cm3)


def checked(voxel_mm: Scalar | Sequence[float] | Shaped[Array, "3"], half_width: Scalar) -> tuple[Float[Array, "3"], int]:
    """Edges along x, y, z and the half width; raises RangeError for what is no block of voxels."""
    given, half = numbers(voxel_mm, "voxel_mm").ravel(), number(half_width, "half_width")
    edges_mm = np.broadcast_to(given, (3,)) if given.size in (1, 3) else np.zeros(3)
    if not (np.isfinite(edges_mm).all() and edges_mm.min() >= LEAST_MM and edges_mm.max() <= MOST_MM):
        remedy = f"give one edge, or three, of {LEAST_MM:g} to {MOST_MM:g} mm"
        raise RangeError(f"voxels of {voxel_mm!r} mm", where="voxel kernel", remedy=remedy)
    if half < 0 or not half.is_integer():
        raise RangeError(f"a half width of {half_width!r} voxels", where="voxel kernel", remedy="give a whole number, 0 or more")
    if (2 * half + 1) ** 3 > MOST_VOXELS:
        found = f"a kernel of {2 * half + 1:g} voxels a side"
        raise RangeError(found, where="voxel kernel", remedy=f"use a half width of {(round(MOST_VOXELS ** (1 / 3)) - 1) // 2} or less")
    return edges_mm, int(half)


def voxel_kg(edges_mm: Float[Array, "3"], density_g_cm3: float) -> float:
    """Mass of a voxel."""
    return float(np.prod(edges_mm)) * density_g_cm3 * 1e-6


def octant_keV(kernel: PointKernel, edges_mm: Float[Array, "3"], half: int) -> Float[Array, "h h h"]:
    """Energy per decay in the voxels whose indices are 0 to `half` along each axis."""
    found = np.zeros((half + 2, half + 2, half + 2))
    found[:2, :2, :2] += _first_cell(kernel, edges_mm)
    radius_mm, density = _density_1_mm3(kernel)
    for x in range(half + 1):
        for cells, nodes in _cells(x, half):
            if len(cells):
                np.add.at(found, _corners(cells), _moments(cells, edges_mm, nodes, (radius_mm, density)))
    counted = np.where(np.arange(half + 1) == 0, 2.0, 1.0)
    return found[:-1, :-1, :-1] * counted[:, None, None] * counted[:, None] * counted


def _density_1_mm3(kernel: PointKernel) -> tuple[Float[Array, "r"], Float[Array, "r"]]:
    """Radii between those of the kernel and k = ψ/4πr² (keV/mm³) there."""
    r, within = kernel.radius_mm, kernel.within_keV
    middle = np.sqrt(r[1:-1] * r[2:])
    return middle, np.diff(within)[1:] / np.diff(r)[1:] / (4 * np.pi * middle**2)


def _cells(x: int, half: int) -> list[tuple[Float[Array, "c 3"], int]]:
    """Cells [x, x+1] × [y, y+1] × [z, z+1] of the octant other than the first, by the number of nodes they need."""
    y, z = np.meshgrid(np.arange(half + 1), np.arange(half + 1), indexing="ij")
    cells = np.stack([np.full(y.size, x), y.ravel(), z.ravel()], axis=1).astype(np.float64)
    farthest = cells.max(axis=1)
    groups = ((farthest > 0) & (farthest <= 2), NEAR), ((farthest > 2) & (farthest <= 6), MIDDLE), (farthest > 6, FAR)
    return [(cells[which], nodes) for which, nodes in groups]


def _corners(cells: Float[Array, "c 3"]) -> tuple[Array, Array, Array]:
    """Indices of the voxels at the eight corners of each cell."""
    low = cells.astype(np.int64)[:, :, None] + np.array([0, 1])
    shape = (len(cells), 2, 2, 2)
    return (
        np.broadcast_to(low[:, 0, :, None, None], shape),
        np.broadcast_to(low[:, 1, None, :, None], shape),
        np.broadcast_to(low[:, 2, None, None, :], shape),
    )


def _moments(
    cells: Float[Array, "c 3"], edges_mm: Float[Array, "3"], nodes: int, density: tuple[Float[Array, "r"], Float[Array, "r"]]
) -> Float[Array, "c 2 2 2"]:
    """∫ k Π (1 − f or f) over each cell by Gauss, f the place within the cell along each axis."""
    node, weight = np.polynomial.legendre.leggauss(nodes)
    f, weight = (node + 1) / 2, weight / 2
    square = [((cells[:, axis, None] + f) * edges_mm[axis]) ** 2 for axis in range(3)]
    r = np.sqrt(square[0][:, :, None, None] + square[1][:, None, :, None] + square[2][:, None, None, :])
    values = np.interp(np.log(r), np.log(density[0]), density[1])
    shares = np.stack([(1 - f) * weight, f * weight])
    return np.einsum("cxyz,ax,by,dz->cabd", values, shares, shares, shares, optimize=True) * float(np.prod(edges_mm))


def _first_cell(kernel: PointKernel, edges_mm: Float[Array, "3"]) -> Float[Array, "2 2 2"]:
    """∫ k Π (1 − f or f) over the cell at the source: along rays to its three far faces, exact in the radius.

    With d = t p, p on the face and t from 0 to 1, each share is a polynomial of t; ∫ tᵐ dΨ(t|p|) is read from the moments of Ψ.
    """
    node, weight = np.polynomial.legendre.leggauss(FACE)
    u, weight = (node + 1) / 2, weight / 2
    found = np.zeros((2, 2, 2))
    for axis in range(3):
        a, b = np.meshgrid(u, u, indexing="ij")
        place = np.insert(np.stack([a.ravel(), b.ravel()]), axis, 1.0, axis=0)
        far = np.sqrt(((place * edges_mm[:, None]) ** 2).sum(axis=0))
        solid = float(np.prod(edges_mm)) / far**3 * np.outer(weight, weight).ravel() / (4 * np.pi)
        along = _radial_moments(kernel, far)
        found += np.einsum("n,nm,abcnm->abc", solid, along, _polynomials(place))
    return found


def _polynomials(place: Float[Array, "3 n"]) -> Float[Array, "2 2 2 n 4"]:
    """Coefficients in t of Π (1 − t pₐ or t pₐ)."""
    found = np.zeros((2, 2, 2, place.shape[1], 4))
    for corner in np.ndindex(2, 2, 2):
        product = np.zeros((place.shape[1], 4))
        product[:, 0] = 1.0
        for axis, upper in enumerate(corner):
            shifted = np.pad(product[:, :-1], ((0, 0), (1, 0))) * place[axis][:, None]
            product = shifted if upper else product - shifted
        found[corner] = product
    return found


def _radial_moments(kernel: PointKernel, far_mm: Float[Array, "n"]) -> Float[Array, "n 4"]:
    """∫₀¹ tᵐ dΨ(t R) for m = 0 to 3 and each R; Ψ straight between its radii, what is at 0 counts at t = 0."""
    r, within = kernel.radius_mm, kernel.within_keV
    slope = np.diff(within) / np.diff(r)
    index = np.searchsorted(r, far_mm, side="right") - 1
    columns = []
    for m in range(4):
        whole = np.concatenate([[0.0], np.cumsum(slope * np.diff(r ** (m + 1)) / (m + 1))]) + (within[0] if m == 0 else 0.0)
        rest = slope[index] * (far_mm ** (m + 1) - r[index] ** (m + 1)) / (m + 1)
        columns.append((whole[index] + rest) / far_mm**m)
    return np.stack(columns, axis=1)


def _mirrored(octant: Float[Array, "h h h"]) -> Float[Array, "x y z"]:
    """The whole block from its octant, the same to the last bit in all eight."""
    half = len(octant) - 1
    index = np.abs(np.arange(-half, half + 1))
    return np.ascontiguousarray(octant[np.ix_(index, index, index)])

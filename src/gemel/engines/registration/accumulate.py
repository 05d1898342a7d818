"""Dose carried from the image in which it was given to another one, so that the doses of several days can be added.

Two maps are given. By value: D(p) = D_day(p + w(p)), w the push field. By energy and mass (`carry_Gy`, the default): each part of a
day's voxel takes its energy and its mass along, shared among the voxels it overlaps, and dose is the energy over the mass that land in
a voxel (the energy transfer method, Siebers & Zhong 2008, Med Phys 35:4096). Where tissue is squeezed together the second is the dose
of all the tissue that is there, and the energy of a region is that given to it; the first samples one point of it.
"""

from dataclasses import dataclass
from typing import no_type_check

import numpy as np
from jaxtyping import Float, Float32
from numba import njit

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Array, Image
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.kernels import affine, moved
from gemel.engines.registration.warp import pull

PARTS = 3  # of a day's voxel along each axis
TOUCH = 1e-4  # share of a part below which it only touches a voxel: rounding of the position, not motion


@dataclass(frozen=True)
class Motion:
    """A displacement and its inverse: day(x) = planning(x + u(x)) with u in `pull`; planning's p lies at p + w(p), w in `push`."""

    pull: DisplacementField
    push: DisplacementField


@dataclass(frozen=True)
class Landed:
    """Energy (Gy·mL) and mass (mL of water) in each voxel of the receiving grid."""

    energy_Gy_mL: Float[Array, "x y z"]
    mass_mL: Float[Array, "x y z"]


def carry_Gy(dose: Image, density: Float[Array, "x y z"], motion: Motion, onto: Image) -> Float32[Array, "i j k"]:
    """Dose on the grid of `onto` by energy and mass; by value in voxels where no mass lands (a stretch of more than PARTS + 1, or air).

    `density` relative to water on the dose's grid; stopping power relative to water stands in for it to a few per cent in soft tissue.
    Raises GeometryError for a density on another grid, RangeError when it or the dose is negative or not finite.
    """
    landed = land(dose, density, motion.pull, onto)
    by_value = carry_by_value_Gy(dose, motion.push, onto)
    there = landed.mass_mL > 0
    return np.where(there, landed.energy_Gy_mL / np.where(there, landed.mass_mL, 1.0), by_value).astype(np.float32)


def carry_by_value_Gy(dose: Image, push: DisplacementField, onto: Image) -> Float32[Array, "i j k"]:
    """D(p + w(p)), linear between the dose's voxels, zero outside them."""
    return pull(dose, push, onto=onto, outside=0.0).array


def land(dose: Image, density: Float[Array, "x y z"], pull_field: DisplacementField, onto: Image) -> Landed:
    """Where the energy and the mass of each voxel go under x -> x + u(x).

    A voxel is cut into PARTS³ of equal mass; the dose within it is linear with the smaller of the two one-sided slopes (zero at extrema;
    Roe 1986, Annu Rev Fluid Mech 18:337), which keeps its mean and no part below zero. A part moves as a box of unchanged size, along
    the axes of `onto` and at most one of its voxels wide, and is shared by overlap. So energy and mass that stay on the grid are kept to
    rounding, a motion of any size is followed, and no motion changes nothing.
    """
    if density.shape != dose.shape:
        raise GeometryError(f"a density of {density.shape} for a dose of {dose.shape}", where="carry", remedy="use the dose's grid")
    for what, values in (("dose", dose.array), ("density", density)):
        if not (np.isfinite(values).all() and values.min() >= 0):
            raise RangeError(f"a {what} that is negative or not finite", where="carry", remedy="check the CT and the dose of the day")
    energy, mass = np.zeros(onto.shape), np.zeros(onto.shape)
    maps = (np.linalg.inv(pull_field.affine_mm) @ dose.affine_mm, dose.affine_mm, np.linalg.inv(onto.affine_mm))
    to_onto = np.linalg.inv(onto.affine_mm) @ dose.affine_mm
    half = np.clip(np.abs(to_onto[:3, :3]).sum(axis=1) / (2 * PARTS), 1e-6, 0.5)
    held = (np.ascontiguousarray(a, dtype=np.float32) for a in (dose.array, density))
    _land(*held, pull_field.vectors_mm, (*(np.ascontiguousarray(m[:3]) for m in maps), half), energy, mass)
    return Landed(energy * dose.voxel_mL, mass * dose.voxel_mL)


@njit(cache=True)
@no_type_check
def _land(dose, density, vectors, maps, energy, mass):
    """One thread: the order of summation is the same on any machine."""
    to_field, to_mm, mm_to_index, half = maps
    share = 1.0 / PARTS**3
    for i in range(dose.shape[0]):
        for j in range(dose.shape[1]):
            for k in range(dose.shape[2]):
                held = share * density[i, j, k]
                if held > 0:
                    gx, gy, gz = _slope(dose, i, j, k, 0), _slope(dose, i, j, k, 1), _slope(dose, i, j, k, 2)
                    for part in range(PARTS**3):
                        a, b, c = _place(part // PARTS**2), _place(part // PARTS % PARTS), _place(part % PARTS)
                        x, y, z = moved(vectors, to_field, to_mm, i + a, j + b, k + c)
                        given = held * (dose[i, j, k] + gx * a + gy * b + gz * c)
                        _share_out(energy, mass, given, held, affine(mm_to_index, x, y, z), half)


@njit(inline="always")
@no_type_check
def _share_out(energy, mass, given, held, at, half):
    """Adds a part's energy and mass to each of the 8 voxels round its centre, by the product of its overlaps along the axes."""
    p, x = _upper(at[0], half[0])
    q, y = _upper(at[1], half[1])
    r, z = _upper(at[2], half[2])
    for corner in range(8):
        di, dj, dk = corner // 4, corner // 2 % 2, corner % 2
        share = (x if di else 1.0 - x) * (y if dj else 1.0 - y) * (z if dk else 1.0 - z)
        i, j, k = p + di, q + dj, r + dk
        if share > 0 and 0 <= i < mass.shape[0] and 0 <= j < mass.shape[1] and 0 <= k < mass.shape[2]:
            mass[i, j, k] += share * held
            energy[i, j, k] += share * given


@njit(inline="always")
@no_type_check
def _upper(f, h):
    """Voxel n = floor(f) and the share s = (f + h - n - 1/2) / 2h, within 0 and 1, of the interval f ± h that lies in voxel n + 1."""
    n = np.floor(f)
    share = (f + h - n - 0.5) / (2 * h)
    if share < TOUCH:
        share = 0.0
    elif share > 1 - TOUCH:
        share = 1.0
    return int(n), share


@njit(inline="always")
@no_type_check
def _place(part):
    """Centre of a part from the voxel's centre, in voxels."""
    return (part + 0.5) / PARTS - 0.5


@njit(inline="always")
@no_type_check
def _slope(dose, i, j, k, axis):
    """The smaller one-sided difference, zero where they differ in sign and at the edge of the grid."""
    di, dj, dk = (1, 0, 0) if axis == 0 else ((0, 1, 0) if axis == 1 else (0, 0, 1))
    index, n = (i, j, k)[axis], dose.shape[axis]
    if index == 0 or index == n - 1:
        return np.float32(0.0)
    before = dose[i, j, k] - dose[i - di, j - dj, k - dk]
    after = dose[i + di, j + dj, k + dk] - dose[i, j, k]
    if before * after <= 0:
        return np.float32(0.0)
    return before if abs(before) < abs(after) else after

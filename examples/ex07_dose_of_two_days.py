"""Dose of two days added on the planning anatomy, by energy and mass: the organ moved and swelled, the sum follows it.

A ball of tissue lies beside a steep dose. On day one it lies as planned; on day two it is pushed 6 mm into the dose and swollen.
Adding the doses where they were given tells less than the ball received; carried along the displacement, its energy is all there.
"""

import numpy as np

from gemel.core.image import Image
from gemel.engines.registration import DisplacementField, exponential
from gemel.engines.registration.accumulate import Motion, carry_Gy, land

SPACING_mm = 3.0
SHAPE = (40, 32, 32)


def centres_mm() -> np.ndarray:
    """Voxel centres, (x, y, z, 3), the origin in the middle of the grid."""
    index = np.stack(np.meshgrid(*(np.arange(n) for n in SHAPE), indexing="ij"), axis=-1)
    return (index - (np.array(SHAPE) - 1) / 2) * SPACING_mm


def main() -> float:
    """Mean dose of the ball over two days in Gy."""
    x_mm = centres_mm()
    affine_mm = np.diag([SPACING_mm, SPACING_mm, SPACING_mm, 1.0])
    affine_mm[:3, 3] = x_mm[0, 0, 0]
    dose = Image((2.0 / (1.0 + np.exp(-x_mm[..., 0] / 4.0))).astype(np.float32), affine_mm)  # Gy, rises along +x
    ball = np.linalg.norm(x_mm + np.array([15.0, 0.0, 0.0]), axis=-1) < 14.0
    near = np.exp(-np.square(x_mm + np.array([15.0, 0.0, 0.0])).sum(axis=-1) / (2 * 18.0**2))[..., None]
    swell_mm = near * (0.15 * (x_mm + np.array([15.0, 0.0, 0.0])) + np.array([6.0, 0.0, 0.0]))
    push, pull = (exponential(DisplacementField((sign * swell_mm).astype(np.float32), affine_mm)) for sign in (1.0, -1.0))
    water = np.ones(SHAPE, np.float32)
    second_Gy = carry_Gy(dose, water, Motion(pull, push), dose)
    there = float(dose.array[ball].mean() * 2)
    carried = float((dose.array + second_Gy)[ball].mean())
    landed = land(dose, water, pull, dose)
    given = float(dose.array.sum(dtype=float)) * dose.voxel_mL
    print(f"mean dose of the ball over two days: {there:.3f} Gy where it was planned, {carried:.3f} Gy where it was")
    print(f"energy that came along: {100 * landed.energy_Gy_mL.sum() / given:.4f} %")
    return carried


if __name__ == "__main__":
    main()

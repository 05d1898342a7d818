"""A plan in water: two opposed beams whose spot weights are optimised for 26 Gy to a ball and little around it.

Shows the three steps of every plan: `place_spots`, `influence`, `plan`; then D98 and D2 of the target.
"""

import numpy as np

from gemel.core.image import Image, world_mm
from gemel.devices.proton import Machine
from gemel.engines.dose import influence, place_spots
from gemel.engines.dvh import dose_at_fraction_Gy
from gemel.engines.optimise import Search, SquaredDeviation, SquaredOverdose, plan

PRESCRIBED_GY = 26.0


def phantom() -> tuple[Image, np.ndarray]:
    """200 x 120 x 100 mm of water in 4 mm voxels about the origin, and the distance of each voxel from it."""
    shape, affine_mm = (50, 30, 25), np.diag([4.0, 4.0, 4.0, 1.0])
    affine_mm[:3, 3] = [-2.0 * (n - 1) for n in shape]
    water = Image(np.ones(shape, np.float32), affine_mm)
    places_mm = world_mm(water, np.argwhere(np.ones(shape, bool)).astype(float))
    return water, np.linalg.norm(places_mm, axis=1).reshape(shape)


def main() -> float:
    """D98 of the target in Gy."""
    water, distance_mm = phantom()
    target, around = distance_mm <= 20, distance_mm > 28
    machine, isocentre_mm = Machine.generic(), np.zeros(3)
    aims = [place_spots(water, target, gantry, machine, isocentre_mm, spacing_mm=8.0, margin_mm=8.0) for gantry in (90.0, 270.0)]
    spots = np.concatenate(aims)
    matrix = influence(water, spots, machine, isocentre_mm)
    objectives = [
        SquaredDeviation(np.flatnonzero(target), PRESCRIBED_GY, 300.0),
        SquaredOverdose(np.flatnonzero(around), 0.6 * PRESCRIBED_GY, 20.0),
    ]
    result = plan(matrix, objectives, search=Search(decrease=1e-3, cosine=0.03))
    dose_Gy = (matrix @ result.weights).reshape(water.shape)
    d98_Gy, d2_Gy = (dose_at_fraction_Gy(dose_Gy, target, share) for share in (0.98, 0.02))
    print(f"{len(spots)} spots, {matrix.nnz / 1e6:.1f} million doses, {result.status} after {result.iterations} iterations")
    print(f"target D98 {d98_Gy:.2f} Gy, D2 {d2_Gy:.2f} Gy; mean outside {dose_Gy[around].mean():.2f} Gy")
    return d98_Gy


if __name__ == "__main__":
    print(main())

"""An image knows where its voxels lie: a ball drawn in patient millimetres has the volume and centre of the ball, on any grid.

Shows `Image`, `Structures`, `world_mm`, `volume_mL`, `centroid_mm`, `dice`, and an error that says what to do.
"""

import numpy as np

from gemel.core.errors import GemelError
from gemel.core.image import Image, world_mm
from gemel.core.structures import Structures, centroid_mm, dice, volume_mL

CENTRE_MM, RADIUS_MM = np.array([12.0, -30.0, 7.5]), 18.0


def ball(spacing_mm: tuple[float, float, float]) -> Structures:
    """A grid of 80 mm around the centre, and the voxels whose centres lie in the ball."""
    affine_mm = np.diag([*spacing_mm, 1.0])
    affine_mm[:3, 3] = CENTRE_MM - 40.0
    shape = tuple(int(80 / s) + 1 for s in spacing_mm)
    grid = Image(np.zeros(shape, np.float32), affine_mm)
    places_mm = world_mm(grid, np.argwhere(np.ones(shape, bool)).astype(float)).reshape(*shape, 3)
    inside = np.linalg.norm(places_mm - CENTRE_MM, axis=-1) <= RADIUS_MM
    shifted = np.linalg.norm(places_mm - CENTRE_MM - [3.0, 0.0, 0.0], axis=-1) <= RADIUS_MM
    return Structures(grid, {"BALL": inside, "MOVED": shifted})


def main() -> float:
    """Volume in mL of the ball on the fine grid; 4/3·π·18³ mm³ is 24.43 mL."""
    for spacing_mm in ((1.0, 1.0, 1.0), (2.0, 2.0, 3.0)):
        found = ball(spacing_mm)
        print(f"{spacing_mm} mm: {volume_mL(found, 'BALL'):.2f} mL around {np.round(centroid_mm(found, 'BALL'), 2)} mm")
    fine = ball((1.0, 1.0, 1.0))
    print(f"Dice with the ball 3 mm to the left: {dice(fine['BALL'], fine['MOVED']):.3f}")
    try:
        fine["BLADDER"]
    except GemelError as error:
        print(f"refused: {error}")
    return volume_mL(fine, "BALL")


if __name__ == "__main__":
    print(main())

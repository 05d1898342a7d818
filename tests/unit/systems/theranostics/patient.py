"""A small patient for tests of dosimetry and its page: two kidneys and a tumour on a coarse grid, scans that follow known curves."""

import numpy as np

from gemel.core import twin as twins
from gemel.core.activity import ActivityImage
from gemel.core.image import Image, with_array
from gemel.core.page import Told
from gemel.core.structures import Structures
from gemel.core.system import silent
from gemel.systems.theranostics.case import Case, begin
from gemel.systems.theranostics.model import model_of
from gemel.systems.theranostics.observe import Day, observe

HOUR_S = 3600.0
INJECTED_s = 1.0e6
TIMES_h = (4.0, 24.0, 96.0)
HALF_LIFE_h = {"kidney_left": 50.0, "kidney_right": 40.0, "tumour_1": 70.0}
START_Bq_mL = {"kidney_left": 8e5, "kidney_right": 6e5, "tumour_1": 2e6}
CENTRE = {"kidney_left": (15, 10, 9), "kidney_right": (5, 10, 9), "tumour_1": (10, 5, 4)}
RADIUS = {"kidney_left": 3.4, "kidney_right": 3.4, "tumour_1": 2.2}
SPACING_mm = 8.0


def grid() -> Image:
    """21 × 16 × 16 voxels of 8 mm."""
    affine = np.diag([SPACING_mm] * 3 + [1.0])
    return Image(np.zeros((21, 16, 16), dtype=np.float32), affine, "1.2.840.99")


def regions() -> Structures:
    """Balls of voxels."""
    held = grid()
    index = np.stack(np.meshgrid(*[np.arange(n) for n in held.shape], indexing="ij"), axis=-1)
    masks = {name: np.linalg.norm(index - np.array(CENTRE[name]), axis=-1) <= RADIUS[name] for name in CENTRE}
    return Structures(held, masks)


def scan(hours: float, *, uptake_h: float = 0.0) -> ActivityImage:
    """What is there at a time: mono-exponential, or from the rest of the body taken up with that half time (not 0)."""
    around = 5e4 * 2.0 ** (-hours / 8) if uptake_h else 2e3 * 2.0 ** (-hours / 30)
    held, values = regions(), np.full(grid().shape, around, dtype=np.float32)
    for name, mask in held.masks.items():
        rise = 1 - 2.0 ** (-hours / uptake_h) if uptake_h else 1.0
        values[mask] = START_Bq_mL[name] * 2.0 ** (-hours / HALF_LIFE_h[name]) * rise
    image = with_array(held.grid, values)
    return ActivityImage(image, "Bq/mL", "Lu-177", INJECTED_s + hours * HOUR_S, 1200.0, INJECTED_s, 7400.0, "start", f"scan {hours:g}")


def case(*, uptake_h: float = 0.0) -> Case:
    """The patient at the beginning."""
    scans = [scan(hours, uptake_h=uptake_h) for hours in TIMES_h]
    return begin(scans, None, regions(), {"platelets": 200.0, "psa": 10.0})


def days(of: Case, *, times_h: tuple[float, ...] = TIMES_h, uptake_h: float = 0.0) -> tuple[tuple[float, Day], ...]:
    """What the scans show."""
    found = [(INJECTED_s + hours * HOUR_S, observe(of, scan(hours, uptake_h=uptake_h), silent)) for hours in times_h]
    return tuple(found)


def told(of: Case, seen: tuple[tuple[float, Day], ...], **more: object) -> Told:
    """The record of a patient whose belief is still that of the population: fast, and what a page shows does not depend on it."""
    twin = twins.new(model_of(of.body), of.body.given[0][0], 1)
    return Told(twin, of, None, seen, **more)  # type: ignore[arg-type]

"""Time points of one series in one frame: what is still stays, though its activity moves from organ to organ; what moved comes back."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.activity import ActivityImage
from gemel.core.errors import GeometryError
from gemel.core.image import Image
from gemel.devices.nuclear import Calibration, Camera, acquire, align, calibrated
from gemel.devices.nuclear.align import on_grid
from gemel.devices.nuclear.phantom import Ellipsoid, hounsfield, painted, phantom

H = 3600.0
Q = Calibration(10.0, 0.3, "Lu-177")
CAMERA = Camera(11.0, 6.0, Q)
HALF_h = {"kidney": 55.0, "liver": 40.0, "spleen": 50.0, "salivary": 35.0}
PART = {"kidney": 0.03, "liver": 0.08, "spleen": 0.02, "salivary": 0.01}
LESIONS = (Ellipsoid("lesion_1", (35.0, -20.0, -120.0), 40.0), Ellipsoid("lesion_2", (-20.0, -30.0, 40.0), 15.0))
SHIFT_mm = np.array([6.0, -5.0, 6.2])
"""10 mm."""


def body(hours: float, *, rest: tuple[float, float], lesion: float, shift_mm: np.ndarray | None = None, seed: int = 0) -> ActivityImage:
    """A patient on 8 mm voxels: the rest of the body empties while organs hold and lesions take up; the body lies `shift_mm` farther."""
    made = phantom("male", spacing_mm=8.0, lesions=LESIONS)
    MBq = {}
    for name in made.structures.masks:
        organ = next((o for o in HALF_h if name.startswith(o)), "")
        if name.startswith("lesion"):
            MBq[name] = lesion * 7400 * 2 ** (-hours / 80) * (1 - 2 ** (-hours / 6))
        elif organ:
            MBq[name] = PART[organ] * 7400 * 2 ** (-hours / HALF_h[organ]) * (1 - 2 ** (-hours / 1.5))
    around = 7400 * (rest[0] * 2 ** (-hours / rest[1]) + 0.05 * 2 ** (-hours / 60))
    image = painted(made, MBq, rest_MBq=around)
    if shift_mm is not None:
        affine_mm = image.affine_mm.copy()
        affine_mm[:3, 3] += shift_mm
        image = Image(image.array, affine_mm, image.frame)
    truth = ActivityImage(image, "Bq/mL", "Lu-177", hours * H, 1200.0, 0.0, 7400.0, "start")
    return calibrated(acquire(truth, CAMERA, np.random.default_rng(seed)), Q)


KINDS = [((0.6, 8.0), 0.02), ((0.8, 8.0), 0.0005), ((0.3, 20.0), 0.2)]


@pytest.mark.parametrize(("rest", "lesion"), KINDS)
def test_a_series_that_did_not_move_is_not_moved(rest: tuple[float, float], lesion: float) -> None:
    scans = [body(hours, rest=rest, lesion=lesion, seed=int(hours)) for hours in (4.0, 24.0, 168.0)]
    found = align(scans)
    assert found.motion == (None, None, None)
    assert all(a is b for a, b in zip(found.scans, scans))


@pytest.mark.parametrize(("rest", "lesion"), KINDS)
def test_what_moved_by_a_centimetre_is_found(rest: tuple[float, float], lesion: float) -> None:
    first, early, late = (
        body(hours, rest=rest, lesion=lesion, seed=int(hours), shift_mm=SHIFT_mm if hours > 4 else None) for hours in (4.0, 24.0, 168.0)
    )
    found = align((first, early, late))
    for motion in found.motion[1:]:
        assert motion is not None
        assert np.linalg.norm(motion.translation_mm + SHIFT_mm) < 0.8
        assert np.degrees(np.linalg.norm(motion.rotation_rad)) < 0.6
    there = body(24.0, rest=rest, lesion=lesion, seed=24).image.array
    unmoved = replace(early, image=on_grid(early.image, first.image))
    before, after = (float(np.abs(scan.image.array - there).mean()) for scan in (unmoved, found.scans[1]))
    assert after < 0.4 * before


def test_on_their_cts_activity_does_not_matter() -> None:
    """Bones in the CTs are enough: the activity is noise."""
    made = phantom("male", spacing_mm=5.0)
    ct = hounsfield(made)
    bone = np.zeros(ct.shape, bool)
    bone[32:44, 24:36, 20:170] = np.arange(150) % 12 < 6
    ct = replace(ct, array=np.where(bone, 700.0, ct.array).astype(np.float32))
    affine_mm = ct.affine_mm.copy()
    affine_mm[:3, 3] += SHIFT_mm
    rng = np.random.default_rng(5)
    noise = [Image(rng.random(ct.shape).astype(np.float32), a) for a in (ct.affine_mm, affine_mm)]
    scans = [ActivityImage(i, "Bq/mL", "Lu-177", h * H, 1200.0, 0.0, 7400.0, "start") for i, h in zip(noise, (4.0, 24.0))]
    motion = align(scans, ct=[ct, replace(ct, affine_mm=affine_mm)]).motion[1]
    assert motion is not None
    np.testing.assert_allclose(motion.translation_mm, -SHIFT_mm, atol=0.5)


def test_scans_of_two_places_are_refused() -> None:
    first, later = body(4.0, rest=KINDS[0][0], lesion=0.02), body(24.0, rest=KINDS[0][0], lesion=0.02, shift_mm=np.array([3000.0, 0, 0]))
    with pytest.raises(GeometryError, match="do not overlap"):
        align((first, later))

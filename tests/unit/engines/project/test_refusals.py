"""What the engine refuses, and that it says why."""

import numpy as np
import pytest

from gemel.core.errors import GemelError, GeometryError, InputError, RangeError
from gemel.core.image import Image
from gemel.engines.project import Beam, Cone, Fan, Grid, Parallel, Ramp, fbp, fdk, forward, grid_of, polychromatic, transposed, variance
from gemel.engines.project.joseph import cone_kernel, stack_kernel

TURN = np.arange(40) * 2 * np.pi / 40
GRID = Grid((10, 10, 4), (2.0, 2.0, 2.0))
IMAGE = np.ones(GRID.shape, dtype=np.float32)
CONE = Cone(100.0, 150.0, 30, 12, 2.0, 2.0, TURN)
FAN = Fan(100.0, 150.0, 30, 2.0, TURN)
SHOTS = np.zeros((40, 12, 30), dtype=np.float32)
HELIX = Cone(100.0, 150.0, 30, 12, 2.0, 2.0, np.arange(120) * 2 * np.pi / 40, z_mm=np.linspace(-12, 12, 120))


def with_hole(array):
    holed = array.copy()
    holed.flat[7] = np.nan
    return holed


REFUSED = {
    "no voxels": (GeometryError, "a box of", lambda: Grid((0, 4, 4), (1.0, 1.0, 1.0))),
    "angles in degrees": (GeometryError, "degrees", lambda: Fan(100.0, 150.0, 30, 2.0, np.arange(360.0))),
    "a helix in degrees": (
        GeometryError,
        "degrees",
        lambda: Cone(100.0, 150.0, 3, 3, 1.0, 1.0, np.arange(0, 720.0, 2), z_mm=np.arange(360.0)),
    ),
    "an image beyond single precision": (InputError, "not finite", lambda: forward(1e300 * IMAGE.astype(np.float64), CONE, grid=GRID)),
    "no spacing": (GeometryError, "0.0", lambda: Grid((4, 4, 4), (1.0, 0.0, 1.0))),
    "a turned image": (GeometryError, "axes", lambda: grid_of(Image(IMAGE, np.diag([2.0, 2, 2, 1])[[1, 0, 2, 3]]), np.zeros(3))),
    "no angles": (GeometryError, "no angles", lambda: Parallel(np.zeros(0), 3, 1.0)),
    "an angle that is not a number": (GeometryError, "not finite", lambda: Parallel(np.array([0.0, np.nan]), 3, 1.0)),
    "no pixels": (GeometryError, "detector of", lambda: Fan(100.0, 150.0, 0, 1.0, TURN)),
    "a negative pitch": (GeometryError, "-1.0", lambda: Parallel(TURN, 3, -1.0)),
    "a detector before the isocentre": (GeometryError, "90", lambda: Fan(100.0, 90.0, 30, 1.0, TURN)),
    "a path of another length": (GeometryError, "3 places", lambda: Cone(100.0, 150.0, 3, 3, 1.0, 1.0, TURN, z_mm=np.zeros(3))),
    "an image of another shape": (GeometryError, "(9, 10, 4)", lambda: forward(IMAGE[1:], CONE, grid=GRID)),
    "an image with a hole": (InputError, "not finite", lambda: forward(with_hole(IMAGE), CONE, grid=GRID)),
    "a source inside": (GeometryError, "inside", lambda: forward(IMAGE, Fan(8.0, 150.0, 30, 2.0, TURN), grid=GRID)),
    "a detector beside": (GeometryError, "sees nothing", lambda: forward(IMAGE, Parallel(TURN, 30, 2.0, 400.0), grid=GRID)),
    "a detector above": (
        GeometryError,
        "sees nothing",
        lambda: forward(IMAGE, Cone(100.0, 150.0, 30, 4, 2.0, 2.0, TURN, 0.0, 90.0), grid=GRID),
    ),
    "projections of another shape": (GeometryError, "(40, 12, 29)", lambda: fdk(SHOTS[..., 1:], CONE, grid=GRID)),
    "projections with a hole": (InputError, "not finite", lambda: fdk(with_hole(SHOTS), CONE, grid=GRID)),
    "rows for other slices": (GeometryError, "(40, 4, 30)", lambda: fbp(SHOTS, FAN, grid=GRID)),
    "a third of a turn": (RangeError, "°", lambda: fdk(SHOTS, Cone(100.0, 150.0, 30, 12, 2.0, 2.0, TURN / 3), grid=GRID)),
    "parallel views of a quarter turn": (RangeError, "180", lambda: fbp(SHOTS[:, :4], Parallel(TURN / 4, 30, 2.0), grid=GRID)),
    "a taper below nothing": (RangeError, "-3", lambda: fdk(SHOTS, CONE, grid=GRID, taper_mm=-3.0)),
    "a half fan over half a turn": (
        RangeError,
        "whole turn",
        lambda: fdk(SHOTS, Cone(100.0, 150.0, 30, 12, 2.0, 2.0, TURN * 0.7, 20.0), grid=GRID),
    ),
    "a panel past the axis": (RangeError, "past the axis", lambda: fdk(SHOTS, Cone(100.0, 150.0, 30, 12, 1.0, 2.0, TURN, 15.0), grid=GRID)),
    "a path that ends too soon": (
        RangeError,
        "mm beyond",
        lambda: fdk(np.zeros((120, 12, 30)), HELIX, grid=Grid((10, 10, 30), (2.0, 2.0, 1.0))),
    ),
    "a feed past the rows": (
        RangeError,
        "feed",
        lambda: fdk(
            np.zeros((120, 2, 30)), Cone(100.0, 150.0, 30, 2, 2.0, 2.0, HELIX.angles_rad, z_mm=HELIX.z_mm), grid=Grid((9, 9, 1), (2.0,) * 3)
        ),
    ),
    "a path by jumps": (
        RangeError,
        "straight",
        lambda: fdk(np.zeros((120, 12, 30)), Cone(100.0, 150.0, 30, 12, 2.0, 2.0, HELIX.angles_rad % 6, z_mm=HELIX.z_mm), grid=GRID),
    ),
    "an unknown window": (RangeError, "hamming", lambda: Ramp("hamming")),
    "a cut-off beyond Nyquist": (RangeError, "1.2", lambda: Ramp("hann", 1.2)),
    "lines of another shape": (GeometryError, "(39, 12, 30)", lambda: transposed(SHOTS[1:], CONE, grid=GRID)),
    "lines with a hole": (InputError, "not finite", lambda: transposed(with_hole(SHOTS), CONE, grid=GRID)),
    "a beam without photons": (RangeError, "empty", lambda: Beam(np.zeros(3), np.ones(3))),
    "a negative beam": (RangeError, "negative", lambda: Beam(-np.ones(3), np.ones(3))),
    "materials without attenuation": (
        GeometryError,
        "(2, 3)",
        lambda: polychromatic(np.ones((5, 1)), Beam(np.ones(3), np.ones(3)), mu_1_mm=np.ones((2, 3))),
    ),
    "rays that nothing comes through": (
        InputError,
        "nothing",
        lambda: polychromatic(np.full((5, 1), 9e4), Beam(np.full(3, 1e-30), np.ones(3)), mu_1_mm=np.ones((1, 3))),
    ),
    "negative variances": (InputError, "negative", lambda: variance(np.zeros((1, 3)), FAN, log_variance=np.full((40, 30), -1.0))),
    "variances of other rays": (GeometryError, "(40, 29)", lambda: variance(np.zeros((1, 3)), FAN, log_variance=np.ones((40, 29)))),
    "variance along a helix": (GeometryError, "helical", lambda: variance(np.zeros((1, 3)), HELIX, log_variance=np.ones((120, 12, 30)))),
}


@pytest.mark.parametrize("what", list(REFUSED))
def test_refuses_and_names_what_was_found(what):
    kind, words, call = REFUSED[what]
    with pytest.raises(GemelError) as caught:
        call()
    assert isinstance(caught.value, kind)
    assert words in caught.value.found + caught.value.remedy
    assert caught.value.where
    assert caught.value.remedy


def test_frozen_and_writable_images_share_one_compiled_loop():
    frozen = IMAGE.copy()
    frozen.flags.writeable = False
    for geometry, kernel in ((CONE, cone_kernel), (FAN, stack_kernel)):
        seen = forward(IMAGE, geometry, grid=GRID)
        before = len(kernel.signatures)
        np.testing.assert_array_equal(forward(frozen, geometry, grid=GRID), seen)
        assert len(kernel.signatures) == before


def test_several_turns_and_helices_of_many_views_are_taken():
    assert Fan(100.0, 150.0, 30, 2.0, np.arange(400) * 0.05).angles_rad.size == 400
    assert Cone(100.0, 150.0, 3, 3, 1.0, 1.0, np.arange(100) * 0.7, z_mm=np.arange(100.0)).angles_rad.size == 100


def test_a_grid_is_placed_from_the_isocentre():
    affine = np.diag([2.0, 3.0, 4.0, 1.0])
    affine[:3, 3] = 10, 20, 30
    grid = grid_of(Image(np.zeros((5, 4, 3)), affine), np.array([10.0, 20.0, 30.0]))
    np.testing.assert_allclose(grid.first_mm, 0)
    assert grid.spacing_mm == (2.0, 3.0, 4.0)
    assert grid.radius_mm == pytest.approx(np.hypot(9, 10.5))

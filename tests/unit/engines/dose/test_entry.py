"""The skin on a spot's ray; a body that the image cuts off is refused, a phantom that fills the image is not."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import SpotGrid, forward, influence, place_spots, require_whole_body, trace
from gemel.engines.dose.entry import skin_mm
from gemel.engines.dose.monte_carlo import simulate

RADIUS_MM = 80.0
SPOTS = np.array([[g, x, 0.0, 80.0] for g in (0.0, 90.0, 180.0, 270.0, 50.0) for x in (-10.0, 0.0, 10.0)])


def cylinder(cut_mm: float = -12.0, spacing_mm: float = 3.0) -> Image:
    """A cylinder of water about the origin along z; the image ends `cut_mm` below its top at +x and reaches 12 mm beyond elsewhere."""
    low, high = -RADIUS_MM - 12.0, RADIUS_MM - cut_mm
    x = np.arange(low + spacing_mm / 2, high, spacing_mm)
    y = np.arange(low + spacing_mm / 2, -low, spacing_mm)
    values = np.where(x[:, None] ** 2 + y[None, :] ** 2 <= RADIUS_MM**2, 1.0, 0.001).astype(np.float32)
    affine = np.diag([spacing_mm, spacing_mm, 5.0, 1.0])
    affine[:3, 3] = [x[0], y[0], -10.0]
    return Image(np.repeat(values[:, :, None], 5, axis=2), affine)


@pytest.mark.parametrize("gantry_deg", [0.0, 33.0, 90.0, 250.0])
def test_the_skin_of_a_cylinder_is_where_geometry_says(gantry_deg: float) -> None:
    places = np.array([[0.0, 0.0], [40.0, 0.0], [-60.0, 100.0]])
    found = skin_mm(cylinder(spacing_mm=1.0), gantry_deg, places, np.zeros(3))
    assert found == pytest.approx(-np.sqrt(RADIUS_MM**2 - places[:, 0] ** 2), abs=2.0)


def test_a_ray_that_meets_nothing_has_its_skin_at_the_isocentre() -> None:
    assert skin_mm(cylinder(), 0.0, np.array([[500.0, 0.0], [85.0, 0.0]]), np.zeros(3)).tolist() == [0.0, 0.0]


@pytest.mark.parametrize(("cut_mm", "gantry_deg"), [(10.0, 90.0), (25.0, 90.0), (25.0, 50.0)])
def test_a_body_cut_off_on_the_beams_way_is_refused(cut_mm: float, gantry_deg: float) -> None:
    """Gantry 90 enters at +x, gantry 50 at a corner there."""
    spots = SPOTS[SPOTS[:, 0] == gantry_deg] if gantry_deg == 90 else np.array([[50.0, 45.0, 0.0, 80.0], [50.0, 20.0, 0.0, 80.0]])
    with pytest.raises(GeometryError, match=rf"gantry {gantry_deg:g}° enter the image inside tissue, of which about \d+ mm are missing"):
        require_whole_body(cylinder(cut_mm), spots, np.zeros(3))


def test_what_is_missing_is_estimated_from_the_outline() -> None:
    with pytest.raises(GeometryError, match=r"about (10|11|12|13|14|15) mm are missing"):
        require_whole_body(cylinder(12.5), SPOTS[SPOTS[:, 0] == 90.0], np.zeros(3))


def test_little_missing_other_sides_and_whole_bodies_pass() -> None:
    require_whole_body(cylinder(), SPOTS, np.zeros(3))
    require_whole_body(cylinder(1.0), SPOTS, np.zeros(3))
    require_whole_body(cylinder(25.0), SPOTS[np.isin(SPOTS[:, 0], (0.0, 180.0, 270.0))], np.zeros(3))


def test_a_block_that_fills_the_image_is_a_phantom() -> None:
    block = Image(np.ones((20, 20, 5), dtype=np.float32), cylinder().affine_mm)
    require_whole_body(block, np.array([[g, 0.0, 0.0, 70.0] for g in (0.0, 90.0, 45.0)]), np.array([-60.0, -60.0, 0.0]))


def test_spots_are_placed_in_a_body_cut_off_only_when_that_is_accepted() -> None:
    rsp = cylinder(20.0)
    target = np.zeros(rsp.shape, dtype=bool)
    target[28:33, 28:33, 1:4] = True
    with pytest.raises(GeometryError, match="cuts the body off"):
        place_spots(rsp, target, 90.0, Machine.generic(), np.zeros(3))
    accepted = place_spots(rsp, target, 90.0, Machine.generic(), np.zeros(3), grid=SpotGrid(cut_body=True))
    assert len(accepted) > 0
    assert len(place_spots(rsp, target, 270.0, Machine.generic(), np.zeros(3))) > 0


def test_an_image_of_air_is_refused() -> None:
    air = Image(np.full((20, 20, 5), 0.001, dtype=np.float32), cylinder().affine_mm)
    target = np.ones(air.shape, dtype=bool)
    with pytest.raises(RangeError, match="no tissue"):
        influence(air, SPOTS, Machine.generic(), np.zeros(3))
    with pytest.raises(RangeError, match="no tissue"):
        place_spots(air, target, 0.0, Machine.generic(), np.zeros(3))


def test_no_engine_gives_a_dose_in_a_body_cut_off() -> None:
    """Spots placed on the whole image and taken over to a smaller one: without an error the dose would be deeper and higher in silence."""
    rsp = cylinder(cut_mm=20.0)
    spots, iso = np.array([[90.0, 0.0, 0.0, 100.0]]), np.zeros(3)
    with pytest.raises(GeometryError, match="cut"):
        influence(rsp, spots, Machine.generic(), iso)
    with pytest.raises(GeometryError, match="cut"):
        forward.dose(rsp, spots, np.ones(1), Machine.generic(), iso)
    with pytest.raises(GeometryError, match="cut"):
        simulate(rsp, spots, np.ones(1), Machine.generic(), iso, 64, 1)
    assert trace(rsp, spots, Machine.generic(), iso, cut_body=True).views


def test_a_box_with_its_face_at_the_edge_is_a_phantom() -> None:
    values = np.full((40, 40, 10), 0.001, dtype=np.float32)
    values[8:32, :30] = 1.0
    box = Image(values, np.diag([3.0, 3.0, 5.0, 1.0]))
    require_whole_body(box, np.array([[0.0, 0.0, 0.0, 80.0], [0.0, 20.0, 0.0, 80.0]]), np.array([60.0, 45.0, 25.0]))

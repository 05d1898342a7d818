"""Mask ↔ polygon by the voxel-centre rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from gemel.io.contours import trace
from gemel.io.rasterise import between, fill, gaps

SQUARE = np.array([(-0.5, -0.5), (3.5, -0.5), (3.5, 3.5), (-0.5, 3.5)])


def area(polygon: np.ndarray) -> float:
    """Shoelace formula."""
    x, y = polygon.T
    return float(x @ np.roll(y, -1) - y @ np.roll(x, -1)) / 2


@settings(max_examples=150, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(1, 9), st.integers(1, 9))))
def test_any_mask_comes_back_exactly_with_its_area(mask: np.ndarray) -> None:
    polygons = trace(mask)
    assert np.array_equal(fill(polygons, mask.shape), mask)
    assert sum(area(polygon) for polygon in polygons) == pytest.approx(np.count_nonzero(mask), abs=1e-9)
    assert all(area(polygon) > 0 for polygon in polygons), "a hole is a keyhole of its solid, never a polygon of its own"


@settings(max_examples=100, deadline=None)
@given(arrays(np.bool_, st.tuples(st.integers(2, 8), st.integers(2, 8))), st.floats(-1e-4, 1e-4), st.floats(-1e-4, 1e-4))
def test_rounding_of_coordinates_changes_nothing(mask: np.ndarray, dx: float, dy: float) -> None:
    assert np.array_equal(fill([polygon + np.array([dx, dy]) for polygon in trace(mask)], mask.shape), mask)


@pytest.mark.parametrize("noise", [-4e-4, 0.0, 4e-4])
def test_rounding_of_vertices_on_voxel_centres_changes_nothing(noise: float) -> None:
    mask = fill([np.array([(2.0, 1), (6, 1), (6, 5), (2, 5)]) + noise], (9, 9))
    assert np.array_equal(np.argwhere(mask).min(axis=0), (2, 1))
    assert np.array_equal(np.argwhere(mask).max(axis=0), (5, 4))


def test_the_channel_of_a_keyhole_crosses_the_wall_at_its_hole_off_every_centre() -> None:
    mask = np.ones((3, 3), dtype=bool)
    mask[1, 1] = False
    (polygon,) = trace(mask)
    channel = [tuple(v) for v in polygon.tolist() if v[1] % 1 != 0.5]
    assert sorted(channel) == [(-0.5, 0.75), (-0.5, 0.75), (0.5, 0.75), (0.5, 0.75)]


def test_a_rectangle_is_four_corners_on_pixel_edges() -> None:
    mask = np.zeros((6, 5), dtype=bool)
    mask[1:4, 2:4] = True
    (polygon,) = trace(mask)
    assert {tuple(v) for v in polygon.tolist()} == {(0.5, 1.5), (3.5, 1.5), (3.5, 3.5), (0.5, 3.5)}
    assert len(polygon) == 4


def test_pixels_that_touch_at_a_corner_are_two_islands() -> None:
    assert len(trace(np.eye(2, dtype=bool))) == 2


def test_polygons_by_exclusive_or_make_holes_and_islands() -> None:
    hole, island = SQUARE * 0.5 + 0.75, SQUARE + np.array([6, 0])
    mask = fill([SQUARE, hole, island], (11, 4))
    assert np.count_nonzero(mask) == 16 - 4 + 16
    assert not mask[1, 1]
    assert mask[6, 0]


def test_a_keyhole_polygon_makes_a_hole() -> None:
    outer, inner = [(0, 0), (8, 0), (8, 8), (0, 8)], [(2, 2), (2, 6), (6, 6), (6, 2)]
    keyhole = np.array([*outer, outer[0], *inner, inner[0]], dtype=float) + 0.5
    mask = fill([keyhole], (10, 10))
    assert np.count_nonzero(mask) == 64 - 16
    assert np.array_equal(mask, fill([np.array(outer) + 0.5, np.array(inner) + 0.5], (10, 10)))


def test_a_common_edge_through_voxel_centres_leaves_no_voxel_out_and_shares_none() -> None:
    left, right = np.array([(0.0, 0), (4, 0), (4, 6), (0, 6)]), np.array([(4.0, 0), (9, 0), (9, 6), (4, 6)])
    both = fill([left], (12, 8)).astype(int) + fill([right], (12, 8))
    assert both.max() == 1
    assert np.array_equal(both == 1, fill([np.array([(0.0, 0), (9, 0), (9, 6), (0, 6)])], (12, 8)))
    assert np.count_nonzero(both) == 9 * 6


@pytest.mark.parametrize("radius", [3.3, 7.9, 20.2])
def test_a_circle_holds_the_voxels_within_its_radius(radius: float) -> None:
    angle = np.linspace(0, 2 * np.pi, 4000, endpoint=False)
    mask = fill([np.column_stack([25.1 + radius * np.cos(angle), 24.7 + radius * np.sin(angle)])], (51, 50))
    x, y = np.meshgrid(np.arange(51), np.arange(50), indexing="ij")
    assert np.array_equal(mask, np.hypot(x - 25.1, y - 24.7) < radius)


def test_parts_beyond_the_grid_are_cut_off() -> None:
    assert fill([np.array([(-9.0, -9), (30, -9), (30, 30), (-9, 30)])], (5, 4)).all()
    assert not fill([SQUARE - 50, SQUARE + 50], (5, 4)).any()


def test_vertex_order_start_and_repeated_last_vertex_do_not_matter() -> None:
    polygon = np.array([(1.2, 0.7), (8.4, 2.2), (6.6, 7.8), (2.1, 5.5)])
    mask = fill([polygon], (10, 10))
    assert mask.any()
    for other in (polygon[::-1], np.roll(polygon, 2, axis=0), np.vstack([polygon, polygon[:1]])):
        assert np.array_equal(fill([other], (10, 10)), mask)


def test_the_shape_between_two_discs_has_the_radius_between() -> None:
    x, y = np.meshgrid(np.arange(60), np.arange(60), indexing="ij")
    radius = np.hypot(x - 30, y - 30)
    middle = between(radius < 10, radius < 20, 0.5, (1.0, 1.0))
    assert np.sqrt(np.count_nonzero(middle) / np.pi) == pytest.approx(15, abs=0.3)
    assert np.array_equal(between(radius < 10, radius < 20, 0.0, (1.0, 1.0)), radius < 10)
    assert np.array_equal(between(radius < 10, radius < 20, 1.0, (1.0, 1.0)), radius < 20)


@pytest.mark.parametrize(
    "depths, expected",
    [
        ([0, 1, 2, 3], []),
        ([0, 1, 2, 5, 6, 7], []),  # contoured on every slice: the gap is as drawn
        ([0, 2, 4, 6], [(0, 2), (2, 4), (4, 6)]),
        ([0, 1.5, 3, 4.5], [(0, 2), (3, 5)]),  # 3 mm contours on 2 mm slices
        ([0, 2, 4, 14, 16], [(0, 2), (2, 4), (14, 16)]),
        ([0, 9], []),  # further apart than is interpolated
        ([4], []),
    ],
)
def test_only_gaps_that_the_contouring_spacing_explains_are_filled(depths: list[float], expected: list[tuple[int, int]]) -> None:
    assert gaps({int(np.floor(depth + 0.5)): float(depth) for depth in depths}, 5.0) == expected

"""Grids about regions, and outlines and maps brought onto them: what fits, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.core.image import Array, Image, with_array, world_mm
from gemel.core.structures import Structures
from gemel.core.visit import Segmented
from gemel.engines.registration.surroundings import Reach, map_onto, outlined, seen_onto, share_onto, surroundings

TURN = np.array([[0.8, -0.6, 0.0, 10.0], [0.6, 0.8, 0.0, -20.0], [0.0, 0.0, 1.0, 5.0], [0.0, 0.0, 0.0, 1.0]])
IMAGES = Image(np.zeros((40, 36, 30), np.float32), TURN @ np.diag([1.0, 1.2, 1.5, 1.0]), "1.2.3")
REACH = Reach(1.0, 3.0, 8.0, 60.0)


def ball(radius_mm: float, off_mm: float = 0.0) -> Array:
    index = np.indices(IMAGES.shape).reshape(3, -1).T.astype(float)
    middle = world_mm(IMAGES, np.array([[19.5, 17.5, 14.5]]))[0] + [off_mm, 0.0, 0.0]
    return np.asarray(np.linalg.norm(world_mm(IMAGES, index) - middle, axis=1) <= radius_mm).reshape(IMAGES.shape)


GRID = surroundings(IMAGES, ball(9.0), 2.0, REACH, called="lump")


def test_a_grid_lies_along_the_patient_and_keeps_volume_and_place() -> None:
    """Of a turned image: axes along LPS, 8 mm beyond on each side; the volume to 2 %, the middle to a tenth of a voxel."""
    assert np.allclose(GRID.affine_mm[:3, :3], 2.0 * np.eye(3))
    assert GRID.frame == "1.2.3"
    on = share_onto(IMAGES, ball(9.0), GRID)
    assert on.sum() * GRID.voxel_mL == pytest.approx(ball(9.0).sum() * IMAGES.voxel_mL, rel=0.02)
    places = world_mm(GRID, np.indices(GRID.shape).reshape(3, -1).T.astype(float))
    middle = (places * on.reshape(-1, 1)).sum(axis=0) / on.sum()
    assert middle == pytest.approx(world_mm(IMAGES, np.array([[19.5, 17.5, 14.5]]))[0], abs=0.2)
    ends = np.argwhere(on > 0.5)
    assert (ends.min(axis=0) * 2.0 >= 7.0).all()
    assert ((np.array(GRID.shape) - 1 - ends.max(axis=0)) * 2.0 >= 7.0).all()


def test_a_straight_map_stays_straight() -> None:
    index = np.indices(IMAGES.shape).reshape(3, -1).T.astype(float)
    ramp = (world_mm(IMAGES, index) @ [0.3, -0.2, 0.1]).reshape(IMAGES.shape).astype(np.float32)
    needed = share_onto(IMAGES, ball(9.0), GRID) > 0.5
    found = map_onto(with_array(IMAGES, ramp), GRID, needed, called="ramp", signed=True)
    places = world_mm(GRID, np.argwhere(needed).astype(float))
    assert found[needed] == pytest.approx(places @ [0.3, -0.2, 0.1], abs=1e-3)


def test_grids_that_cannot_be_are_refused() -> None:
    with pytest.raises(RangeError, match="a grid of 5 mm"):
        surroundings(IMAGES, ball(9.0), 5.0, REACH, called="lump")
    with pytest.raises(RangeError, match="a lump of 1"):
        surroundings(IMAGES, ball(9.0), 2.0, replace(REACH, most_mm=30.0), called="lump")


def test_maps_that_cannot_be_used_are_refused() -> None:
    needed, flat = share_onto(IMAGES, ball(9.0), GRID) > 0.5, with_array(IMAGES, np.ones(IMAGES.shape, np.float32))
    with pytest.raises(GeometryError, match="of frame 9"):
        map_onto(replace(flat, frame="9"), GRID, needed, called="map")
    with pytest.raises(GeometryError, match="does not cover"):
        map_onto(Image(np.ones((40, 20, 30), np.float32), IMAGES.affine_mm), GRID, needed, called="map")
    for bad in (-1.0, np.nan):
        array = flat.array.copy()
        array[2, 2, 2] = bad
        with pytest.raises(RangeError, match="negative or not finite"):
            map_onto(with_array(flat, array), GRID, needed, called="map")


def visit(masks: dict[str, Array]) -> Segmented:
    return Segmented(Structures(IMAGES, masks), 0.0, "one.nii.gz")


def test_outlines_that_cannot_be_used_are_refused() -> None:
    everywhere = np.ones(IMAGES.shape, dtype=bool)
    assert set(outlined(visit({"organ": everywhere, "lump": ball(9.0)}), ("organ", "lump"))) == {"organ", "lump"}
    for masks, match in (
        ({"organ": everywhere}, "no outline of the lump"),
        ({"organ": everywhere, "lump": ~everywhere}, "no outline of the lump"),
        ({"organ": everywhere, "lump": everywhere}, "a lump that touches the border"),
    ):
        with pytest.raises(StructureError, match=match):
            outlined(visit(masks), ("organ", "lump"))


def test_what_is_seen_later_must_lie_in_the_surroundings() -> None:
    on, volume_mL = seen_onto(Structures(IMAGES, {"zone": ball(7.0)}), "zone", GRID, source="two.nii.gz")
    assert on.sum() * GRID.voxel_mL == pytest.approx(volume_mL, rel=0.03)
    for mask, match in ((ball(7.0, 16.0), "beyond the part that is computed"), (np.zeros(IMAGES.shape, dtype=bool), "an empty zone")):
        with pytest.raises(StructureError, match=match):
            seen_onto(Structures(IMAGES, {"zone": mask}), "zone", GRID, source="two.nii.gz")

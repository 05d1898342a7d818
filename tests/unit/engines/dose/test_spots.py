"""Spots cover the target across the beam and in depth, and nothing else."""

import numpy as np
import pytest

from gemel.core.errors import RangeError, StructureError
from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import SpotGrid, influence, place_spots

AFFINE = np.diag([3.0, 3.0, 3.0, 1.0])
AFFINE[:3, 3] = -91.5


def phantom(radius_mm: float = 20.0) -> tuple[Image, np.ndarray]:
    x = np.arange(62) * 3.0 - 91.5
    r2 = x[:, None, None] ** 2 + x[None, :, None] ** 2 + x[None, None, :] ** 2
    return Image(np.ones(r2.shape, dtype=np.float32), AFFINE), r2 <= radius_mm**2


def test_layers_reach_from_the_near_to_the_far_side_of_the_target() -> None:
    rsp, target = phantom()
    machine = Machine.generic()
    spots = place_spots(rsp, target, 90.0, machine, np.zeros(3), range_pct=0.0, margin_mm=0.1)
    ranges = np.array([machine.layer(e).range_mm for e in spots[:, 3]])
    assert ranges.min() == pytest.approx(93 - 20, abs=3)
    assert ranges.max() == pytest.approx(93 + 20, abs=3)
    wider = place_spots(rsp, target, 90.0, machine, np.zeros(3), range_pct=3.5, margin_mm=0.1)
    assert machine.layer(wider[:, 3].max()).range_mm == pytest.approx(113 * 1.035, abs=3)
    widest = place_spots(rsp, target, 90.0, machine, np.zeros(3), range_pct=10.0, margin_mm=0.1)
    ends = [machine.layer(e).range_mm for e in (widest[:, 3].min(), widest[:, 3].max())]
    assert ends == pytest.approx([73 * 0.9, 113 * 1.1], abs=3)


def test_spots_lie_on_the_grid_through_the_isocentre_within_the_margin() -> None:
    rsp, target = phantom()
    spots = place_spots(rsp, target, 0.0, Machine.generic(), np.zeros(3), spacing_mm=4.0, margin_mm=6.0)
    assert spots[:, 1:3] / 4 == pytest.approx(np.round(spots[:, 1:3] / 4))
    assert np.hypot(spots[:, 1], spots[:, 2]).max() <= 20 + 6 + 3 / np.sqrt(2)
    assert np.hypot(spots[:, 1], spots[:, 2]).max() > 22.0
    assert (np.diff(spots[:, 3]) <= 0).all()


def test_equal_weights_leave_the_dose_outside_the_target_lower_than_inside() -> None:
    rsp, target = phantom()
    spots = np.concatenate([place_spots(rsp, target, g, Machine.generic(), np.zeros(3)) for g in (0.0, 90.0, 180.0, 270.0)])
    dose = (influence(rsp, spots, Machine.generic(), np.zeros(3)) @ np.ones(len(spots), dtype=np.float32)).reshape(rsp.shape)
    assert dose[target].min() > 3 * dose[~target].mean()


def test_a_thin_target_still_gets_a_layer() -> None:
    rsp, _ = phantom()
    thin = np.zeros(rsp.shape, dtype=bool)
    thin[31, 31, 31] = True
    assert len(place_spots(rsp, thin, 0.0, Machine.generic(), np.zeros(3), range_pct=0.0)) >= 1


def test_empty_or_unreachable_targets_are_refused() -> None:
    rsp, target = phantom()
    with pytest.raises(StructureError, match="empty target"):
        place_spots(rsp, np.zeros_like(target), 0.0, Machine.generic(), np.zeros(3))
    with pytest.raises(RangeError, match=r"a target at 4\d\d to 6\d\d mm of water.*ranges are 31 to 379 mm: choose an angle with less"):
        place_spots(Image(rsp.array * 6, AFFINE), target, 0.0, Machine.generic(), np.zeros(3))


def test_layers_are_as_far_apart_as_asked() -> None:
    rsp, target = phantom()
    machine = Machine.generic()
    all_layers, sparse = (place_spots(rsp, target, 0.0, machine, np.zeros(3), grid=SpotGrid(layer_mm=d)) for d in (0.0, 6.0))
    ranges = np.sort([machine.layer(e).range_mm for e in np.unique(sparse[:, 3])])
    assert np.diff(ranges).min() >= 6.0
    assert np.diff(ranges).max() < 9.0
    assert len(np.unique(all_layers[:, 3])) > 2 * len(ranges)


def test_distances_given_by_name_are_those_of_a_grid() -> None:
    rsp, target = phantom()
    named = place_spots(rsp, target, 90.0, Machine.generic(), np.zeros(3), spacing_mm=6.0, layer_mm=5.0)
    assert np.array_equal(named, place_spots(rsp, target, 90.0, Machine.generic(), np.zeros(3), grid=SpotGrid(6.0, 5.0)))


@pytest.mark.parametrize("wrong", [{"spacing_mm": 0.0}, {"layer_mm": -1.0}, {"margin_mm": np.nan}])
def test_impossible_distances_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(RangeError, match="distances of"):
        SpotGrid(**wrong)

"""Beams through metal are refused with a reason, clear ones are proposed, and a scan that ends too soon is extended and says so."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import with_array
from gemel.core.structures import Structures, centroid_mm, volume_mL
from gemel.systems.prostate_radiotherapy.beams import choose_beams, extend_scan, metal_mask, streak_mask
from gemel.systems.prostate_radiotherapy.phantom import digital_pelvis


@pytest.fixture(scope="module")
def pelvis():
    return digital_pelvis(np.random.default_rng(2), spacing_mm=4.0)


@pytest.fixture(scope="module")
def with_metal(pelvis):
    """A hip prosthesis in the left femur at the height of the CTV, and a streak in front of it."""
    ct, s = pelvis
    hu = ct.array.copy()
    x_mm = np.argwhere(np.ones(ct.shape, bool)).reshape(*ct.shape, 3) * ct.spacing_mm + ct.origin_mm
    hu[np.linalg.norm(x_mm - (110.0, 0.0, 0.0), axis=-1) < 15] = 3000.0
    hu[np.linalg.norm(x_mm - (75.0, -40.0, 0.0), axis=-1) < 8] = -500.0
    ct = with_array(ct, hu)
    return ct, Structures(ct, s.masks)


def test_without_metal_every_wanted_beam_is_kept_without_a_word(pelvis):
    choice = choose_beams(*pelvis)
    assert choice.kept_deg == (90.0, 270.0, 50.0, 310.0)
    assert choice.refused == ()
    assert choice.notes == ()


def test_a_beam_from_the_left_through_metal_in_the_left_hip_is_refused(with_metal):
    choice = choose_beams(*with_metal, step_deg=180.0)
    assert [check.gantry_deg for check in choice.refused] == [90.0]
    assert "cross metal" in choice.refused[0].reason
    assert any("gantry 90°" in note for note in choice.notes)
    assert {270.0, 310.0} <= set(choice.kept_deg)


def test_a_beam_that_only_leaves_through_the_metal_is_kept(with_metal):
    check = next(c for c in choose_beams(*with_metal, step_deg=180.0).kept if c.gantry_deg == 270.0)
    assert check.through_metal == 0


def test_a_streak_is_told_but_not_refused(with_metal):
    choice = choose_beams(*with_metal, wanted_deg=(60.0,), step_deg=60.0)
    assert choice.kept_deg == (60.0,)
    assert "streaks" in choice.kept[0].reason
    assert 60.0 not in choice.proposed_deg


def test_proposals_meet_neither_metal_nor_streaks(with_metal):
    proposed = choose_beams(*with_metal).proposed_deg
    assert 90.0 not in proposed
    assert {180.0, 270.0, 310.0} <= set(proposed)
    assert choose_beams(*with_metal, wanted_deg=proposed, step_deg=180.0).notes[1:] == ()


def test_the_margin_counts(with_metal):
    """Metal beside the target's own shadow is missed without a margin."""
    wide = choose_beams(*with_metal, wanted_deg=(90.0,), margin_mm=30.0, step_deg=180.0).refused[0].through_metal
    none = choose_beams(*with_metal, wanted_deg=(90.0,), margin_mm=0.0, step_deg=180.0).refused[0].through_metal
    assert none > wide > 0  # the wider target also has rays above and below the metal
    assert not choose_beams(*with_metal, wanted_deg=(60.0,), margin_mm=0.0, step_deg=180.0).refused
    assert choose_beams(*with_metal, wanted_deg=(70.0,), margin_mm=25.0, step_deg=180.0).refused


def test_bone_is_not_metal_and_the_skin_is_not_a_streak(pelvis, with_metal):
    assert not metal_mask(pelvis[0]).any()
    assert not streak_mask(*pelvis).any()
    assert 0 < np.count_nonzero(streak_mask(*with_metal)) * with_metal[0].voxel_mL < 5


def cut(pelvis, below: int):
    """The scan with only some slices left below the CTV."""
    ct, s = pelvis
    first = int(np.flatnonzero(s["CTV"].any(axis=(0, 1)))[0]) - below
    affine = ct.affine_mm.copy()
    affine[2, 3] += first * ct.spacing_mm[2]
    short = replace(ct, array=ct.array[:, :, first:], affine_mm=affine)
    return short, Structures(short, {n: m[:, :, first:] for n, m in s.masks.items()})


def test_a_scan_with_room_is_left_alone(pelvis):
    ct, s, note = extend_scan(*pelvis, 20.0)
    assert ct is pelvis[0]
    assert s is pelvis[1]
    assert note == ""


def test_a_short_scan_is_extended_downwards_in_place(pelvis):
    short = cut(pelvis, 2)
    ct, s, note = extend_scan(*short, 20.0)
    assert ct.shape[2] - short[0].shape[2] == 3  # 8 mm there, 12 mm of 4 mm slices invented
    assert "ends 8 mm below" in note
    assert "invent 12 mm" in note
    np.testing.assert_allclose(centroid_mm(s, "CTV"), centroid_mm(short[1], "CTV"), atol=1e-6)
    np.testing.assert_array_equal(ct.array[:, :, 0], short[0].array[:, :, 0])
    np.testing.assert_array_equal(ct.array[:, :, 3:], short[0].array)


def test_no_volume_is_added_to_an_organ(pelvis):
    short = cut(pelvis, 2)
    _, s, _ = extend_scan(*short, 20.0)
    for name in set(s.masks) - {"BODY"}:
        assert volume_mL(s, name) == pytest.approx(volume_mL(short[1], name))
    assert s["BODY"][:, :, 0].any()


@pytest.mark.parametrize("margin_mm", [-1.0, np.nan])
def test_a_margin_below_zero_is_refused(pelvis, margin_mm):
    with pytest.raises(RangeError, match="margin"):
        extend_scan(*pelvis, margin_mm)

"""The digital pelvis: sizes, places and HU that anatomy allows, for every seed."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import is_axis_aligned
from gemel.core.structures import centroid_mm, volume_mL
from gemel.systems.prostate_radiotherapy.modes import bone_mask
from gemel.systems.prostate_radiotherapy.phantom import digital_pelvis

SEEDS = range(3)
NAMES = {"BODY", "CTV", "DIL", "URETHRA", "BLADDER", "BLADDER_NECK", "RECTUM", "FEMUR_L", "FEMUR_R"}


@pytest.fixture(scope="module", params=SEEDS)
def pelvis(request):
    return digital_pelvis(np.random.default_rng(request.param), spacing_mm=4.0 if request.param else 3.0)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("CTV", 35, 50), ("BLADDER", 150, 300), ("RECTUM", 50, 90), ("DIL", 0.5, 3), ("URETHRA", 0.8, 3), ("FEMUR_L", 40, 65)],
)
def test_sizes_are_those_of_adult_men(pelvis, name, low, high):
    assert low <= volume_mL(pelvis[1], name) <= high


def test_the_scan_is_axis_aligned_long_enough_and_holds_nine_structures(pelvis):
    ct, structures = pelvis
    assert is_axis_aligned(ct)
    assert ct.shape[2] * ct.spacing_mm[2] >= 150
    assert set(structures.masks) == NAMES
    slices = np.flatnonzero(structures["CTV"].any(axis=(0, 1))) * ct.spacing_mm[2]
    assert min(slices[0], (ct.shape[2] - 1) * ct.spacing_mm[2] - slices[-1]) >= 30


def test_organs_lie_where_head_first_supine_puts_them(pelvis):
    _, s = pelvis
    place = {name: centroid_mm(s, name) for name in NAMES}
    assert place["FEMUR_L"][0] > 60  # LPS: left is +x
    assert place["FEMUR_R"][0] < -60
    assert place["RECTUM"][1] > place["CTV"][1] + 20  # posterior is +y
    assert place["BLADDER"][2] > place["CTV"][2] + 30  # superior is +z
    assert np.abs(place["CTV"]).max() < 3


def test_organs_do_not_overlap_and_parts_lie_inside(pelvis):
    ct, s = pelvis
    bone = bone_mask(ct, s)
    for a, b in (("CTV", "BLADDER"), ("CTV", "RECTUM"), ("BLADDER", "RECTUM"), ("DIL", "URETHRA")):
        assert not (s[a] & s[b]).any()
    for part, whole in (("DIL", "CTV"), ("URETHRA", "CTV"), ("BLADDER_NECK", "BLADDER"), ("CTV", "BODY"), ("FEMUR_L", "BODY")):
        assert not (s[part] & ~s[whole]).any()
    assert s["BLADDER_NECK"].any()
    assert not (bone & (s["CTV"] | s["BLADDER"] | s["RECTUM"])).any()


def test_hu_are_those_of_tissue(pelvis):
    ct, s = pelvis
    assert ct.array[s["CTV"]].mean() == pytest.approx(40, abs=8)
    assert ct.array[s["BLADDER"]].mean() == pytest.approx(8, abs=12)
    assert ct.array[~s["BODY"]].max() < -250
    assert 250 < np.median(ct.array[bone_mask(ct, s)]) < 900
    assert ct.array.max() < 1200  # no metal
    assert -110 < np.percentile(ct.array[s["BODY"]], 10) < -60  # fat


def test_a_seed_gives_one_pelvis_and_another_seed_another():
    first, again, other = (digital_pelvis(np.random.default_rng(seed), spacing_mm=5.0)[0].array for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert np.abs(first - other).mean() > 20


def test_gas_can_be_asked_for():
    ct, s = digital_pelvis(np.random.default_rng(0), gas_mL=4.0)
    assert 1.5 < np.count_nonzero(ct.array[s["RECTUM"]] < -400) * ct.voxel_mL < 6


@pytest.mark.full
def test_fifty_seeds_keep_the_sizes():
    for seed in range(50):
        _, s = digital_pelvis(np.random.default_rng(seed), spacing_mm=4.0)
        assert 35 <= volume_mL(s, "CTV") <= 50.5
        assert 150 <= volume_mL(s, "BLADDER") <= 300
        assert 48 <= volume_mL(s, "RECTUM") <= 92


@pytest.mark.parametrize("spacing_mm", [0.1, 8.0, np.nan])
def test_voxels_that_lose_the_urethra_are_refused(spacing_mm):
    with pytest.raises(RangeError, match="voxels"):
        digital_pelvis(np.random.default_rng(0), spacing_mm=spacing_mm)

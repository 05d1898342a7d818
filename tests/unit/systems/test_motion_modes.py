"""The motion of a pelvis: states are realised as asked, measured as made, and what must not move does not."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from gemel.core.errors import RangeError, StructureError
from gemel.core.structures import Structures, centroid_mm, volume_mL
from gemel.devices.cbct import ConeBeam
from gemel.engines.registration.field import DisplacementField, zero_field
from gemel.engines.registration.warp import compose, jacobian, rigid_map
from gemel.systems.prostate_radiotherapy.anatomy import anatomy_of, coefficients, field, flow, push, with_setup
from gemel.systems.prostate_radiotherapy.day import simulate_day
from gemel.systems.prostate_radiotherapy.modes import bone_mask, motion_modes
from gemel.systems.prostate_radiotherapy.phantom import digital_pelvis
from gemel.systems.prostate_radiotherapy.state import COORDINATES, DayState, from_vector, measure, sample, to_vector

TOLERANCE = np.array([0.03, 0.03, 0.3, 0.3, 0.3, 0.3])
EMPTY_BLADDER = DayState(float(np.log(0.4)))
FULL_RECTUM = DayState(0.0, float(np.log(1.6)))
MIXED = DayState(-0.6, 0.35, (0.5, -3.0, 2.5), 4.0)
STATES = (
    EMPTY_BLADDER,
    DayState(float(np.log(1.3))),
    DayState(0.0, float(np.log(0.6))),
    FULL_RECTUM,
    DayState(prostate_mm=(4.0, 0.0, 0.0)),
    DayState(prostate_mm=(0.0, -6.0, 0.0)),
    DayState(prostate_mm=(0.0, 0.0, 5.0)),
    DayState(rotation_deg=10.0),
    MIXED,
)


@pytest.fixture(scope="module")
def pelvis():
    return digital_pelvis(np.random.default_rng(1))


@pytest.fixture(scope="module")
def modes(pelvis):
    return motion_modes(pelvis[1], bone_mask(*pelvis))


@pytest.fixture(scope="module")
def days(modes):
    """(pull, push) of every state, found once."""
    found = {state: coefficients(modes, state) for state in STATES}
    return {state: (flow(modes, -amplitude), flow(modes, amplitude)) for state, amplitude in found.items()}


def points(structures: Structures, mask: np.ndarray) -> np.ndarray:
    return np.argwhere(mask) @ structures.grid.affine_mm[:3, :3].T + structures.grid.affine_mm[:3, 3]


def test_at_rest_nothing_moves(pelvis, modes):
    assert to_vector(measure(pelvis[1], field(modes, DayState()))) == pytest.approx(np.zeros(6), abs=1e-6)
    day, _ = anatomy_of(*pelvis, modes, DayState())
    np.testing.assert_allclose(day.array, pelvis[0].array, atol=1e-3)


@pytest.mark.parametrize("state", STATES, ids=str)
def test_the_day_has_the_volumes_and_the_shift_that_were_asked_for(pelvis, days, state):
    """Measured afresh from the pull field alone (its inverse is found numerically)."""
    error = to_vector(measure(pelvis[1], days[state][0])) - to_vector(state)
    assert (np.abs(error) <= TOLERANCE).all(), dict(zip(COORDINATES, error))


@pytest.mark.parametrize("state", STATES, ids=str)
def test_space_does_not_fold(days, state):
    assert min(jacobian(u).min() for u in days[state]) > 0.1


def test_field_and_push_are_the_flows_of_the_found_amplitude(modes, days):
    np.testing.assert_allclose(field(modes, MIXED).vectors_mm, days[MIXED][0].vectors_mm, atol=1e-4)
    np.testing.assert_allclose(push(modes, MIXED).vectors_mm, days[MIXED][1].vectors_mm, atol=1e-4)


def test_a_small_amplitude_changes_its_own_coordinate_alone(pelvis, modes):
    for k, step in enumerate((0.05, 0.05, 0.5, 0.5, 0.5, 0.5)):
        there, back = flow(modes, np.eye(6)[k] * step), flow(modes, -np.eye(6)[k] * step)
        plus, minus = measure(pelvis[1], back, push=there), measure(pelvis[1], there, push=back)
        slope = (to_vector(plus) - to_vector(minus)) / (2 * step)
        assert slope == pytest.approx(np.eye(6)[k], abs=0.02)


def test_masks_follow(pelvis, modes):
    _, s = pelvis
    _, day = anatomy_of(*pelvis, modes, MIXED)
    assert volume_mL(day, "BLADDER") / volume_mL(s, "BLADDER") == pytest.approx(np.exp(-0.6), rel=0.03)
    assert volume_mL(day, "RECTUM") / volume_mL(s, "RECTUM") == pytest.approx(np.exp(0.35), rel=0.05)
    assert volume_mL(day, "CTV") / volume_mL(s, "CTV") == pytest.approx(1.0, abs=0.04)
    assert centroid_mm(day, "CTV") - centroid_mm(s, "CTV") == pytest.approx(MIXED.prostate_mm, abs=0.5)
    assert set(day.masks) == set(s.masks)


def test_hu_move_with_the_tissue(pelvis, modes):
    ct, s = pelvis
    day, structures = anatomy_of(ct, s, modes, MIXED)
    for name in ("BLADDER", "CTV"):
        inside, before = (ndimage.binary_erosion(mask, iterations=2) for mask in (structures[name], s[name]))
        assert day.array[inside].mean() == pytest.approx(ct.array[before].mean(), abs=4.0)


def test_the_prostate_is_rigid(pelvis, days):
    where = points(pelvis[1], pelvis[1]["CTV"])
    moved = where + sample(days[MIXED][1], where)
    a, b = where - where.mean(axis=0), moved - moved.mean(axis=0)
    u, _, vt = np.linalg.svd(a.T @ b)
    assert np.linalg.norm(b - a @ u @ vt, axis=1).mean() < 0.2


def test_bone_and_skin_hold(pelvis, days):
    _, s = pelvis
    bones, air = points(s, bone_mask(*pelvis)), points(s, ~s["BODY"])[::7]
    for _, u in days.values():
        bone, skin = (np.linalg.norm(sample(u, where), axis=1) for where in (bones, air))
        assert np.percentile(bone, 99) < 1.0
        assert skin.max() < 0.5


def test_push_undoes_pull(days):
    there_and_back = compose(*days[MIXED]).vectors_mm
    length = np.linalg.norm(there_and_back, axis=-1)
    assert np.percentile(length, 99) < 0.3
    assert length.max() < 2.0


def test_the_bladder_empties_towards_its_neck(pelvis, days):
    _, s = pelvis
    u = days[EMPTY_BLADDER][1]
    z = points(s, s["BLADDER"])[:, 2]
    dome, neck = points(s, s["BLADDER"])[z > np.percentile(z, 99)], points(s, s["BLADDER_NECK"])
    assert sample(u, dome)[:, 2].mean() < -10
    assert np.linalg.norm(sample(u, neck), axis=1).mean() < 4


def test_the_anal_canal_does_not_fill(pelvis, days):
    u = days[FULL_RECTUM][1]
    where = points(pelvis[1], pelvis[1]["RECTUM"])
    low = where[where[:, 2] < where[:, 2].min() + 8]
    assert np.linalg.norm(sample(u, low), axis=1).max() < 1.0


def test_a_rigid_motion_is_measured_with_its_sign(pelvis):
    """Turning about +x (left) by a positive angle brings the base (superior) forwards, to −y."""
    ct, s = pelvis
    angle = np.radians(6.0)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    shift_mm = np.array([1.0, -2.0, 3.0])
    forward = rigid_map(zero_field(ct, 2), turn, centroid_mm(s, "CTV"), shift_mm)
    state = measure(s, rigid_map(zero_field(ct, 2), turn.T, centroid_mm(s, "CTV") + shift_mm, -shift_mm), push=forward)
    assert to_vector(state) == pytest.approx([0, 0, 1, -2, 3, 6], abs=0.02)
    base = centroid_mm(s, "CTV") + np.array([0.0, 0.0, 20.0])
    assert sample(forward, base[None])[0, 1] - shift_mm[1] < -1.5


def test_the_measured_inverse_is_the_push(pelvis, days):
    given = measure(pelvis[1], days[MIXED][0], push=days[MIXED][1])
    assert to_vector(measure(pelvis[1], days[MIXED][0])) == pytest.approx(to_vector(given), abs=0.1)


def test_vectors_and_states_are_the_same_six_numbers():
    assert from_vector(to_vector(MIXED)) == MIXED
    assert len(COORDINATES) == len(to_vector(MIXED)) == 6


def test_setup_shifts_the_image_in_the_room(pelvis):
    """x_room = x_bony + setup: what was at p is seen at p + setup."""
    ct, _ = pelvis
    setup_mm = np.array([6.0, -3.0, 9.0])
    room = with_setup(ct, setup_mm)
    np.testing.assert_allclose(room.array[2:, :-1, 3:], ct.array[:-2, 1:, :-3], atol=1e-2)
    assert (room.array[0] == -1024).all()


def test_a_made_up_day_is_the_same_for_the_same_seed(pelvis, modes):
    def scan(seed: int) -> np.ndarray:
        rng = np.random.default_rng(seed)
        return simulate_day(pelvis[0], modes, MIXED, setup_mm=np.array([2.0, 0.0, -1.0]), scanner=ConeBeam(), rng=rng).array

    first = scan(1)
    np.testing.assert_array_equal(first, scan(1))
    assert (first == -1024).mean() > 0.2  # truncated
    assert np.abs(first - scan(2)).mean() > 5


def test_a_state_out_of_reach_is_refused(modes):
    for state in (DayState(-2.0), DayState(0.0, 1.5), DayState(prostate_mm=(0.0, 16.0, 0.0)), DayState(rotation_deg=25.0)):
        with pytest.raises(RangeError, match="beyond the motion modes"):
            field(modes, state)


def test_a_state_within_limits_whose_field_nearly_folds_is_refused(modes):
    with pytest.raises(RangeError, match="folds"):
        field(modes, DayState(1.0))


@pytest.mark.parametrize("bad", [{"rotation_deg": np.nan}, {"ln_bladder_ratio": np.inf}, {"prostate_mm": (0.0, np.nan, 0.0)}])
def test_a_state_that_is_not_finite_is_refused(bad):
    with pytest.raises(RangeError, match="not finite"):
        DayState(**bad)


@pytest.mark.parametrize("name", ["CTV", "BLADDER", "RECTUM"])
def test_an_empty_organ_is_refused(pelvis, name):
    _, s = pelvis
    empty = replace(s, masks={**s.masks, name: np.zeros_like(s[name])})
    with pytest.raises(StructureError, match=name):
        motion_modes(empty, bone_mask(*pelvis))


def test_a_field_that_empties_the_scan_of_an_organ_is_refused(pelvis):
    away = DisplacementField(np.full((2, 2, 2, 3), 500.0, np.float32), np.diag([300.0, 300.0, 300.0, 1.0]))
    with pytest.raises(RangeError, match="BLADDER"):
        measure(pelvis[1], away, push=away)

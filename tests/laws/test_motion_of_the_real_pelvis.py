"""Six numbers explain most of a day: the motion modes against ten simulated days of a real pelvis with known fields."""

import nibabel
import numpy as np
import pytest

from gemel.core.image import Image
from gemel.core.structures import Structures, centroid_mm, dice
from gemel.engines.registration.field import DisplacementField
from gemel.engines.registration.warp import jacobian
from gemel.systems.prostate_radiotherapy.anatomy import coefficients, flow, warped
from gemel.systems.prostate_radiotherapy.beams import choose_beams, extend_scan
from gemel.systems.prostate_radiotherapy.modes import bone_mask, motion_modes
from gemel.systems.prostate_radiotherapy.state import from_vector, measure, sample, to_vector

NAMES = ("BODY", "PROSTATE", "BLADDER", "BLADDER_NECK", "RECTUM", "DIL", "URETHRA", "FEMUR_L", "FEMUR_R")


def to_lps(affine_ras: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Affine of the array reversed along x and y."""
    flip = np.diag([-1.0, -1.0, 1.0, 1.0])
    flip[:2, 3] = np.array(shape[:2]) - 1
    return np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine_ras @ flip


@pytest.fixture(scope="module")
def pelvis(shared_data):
    def read(name: str) -> tuple[np.ndarray, np.ndarray]:
        file = nibabel.load(shared_data / "pelvis" / f"{name}.nii.gz")
        return np.asarray(file.dataobj)[::-1, ::-1], to_lps(file.affine, file.shape)

    hu, affine = read("ct")
    ct = Image(hu.astype(np.float32), affine)
    return ct, Structures(ct, {("CTV" if n == "PROSTATE" else n): np.ascontiguousarray(read(n)[0] > 0) for n in NAMES})


@pytest.fixture(scope="module")
def modes(pelvis):
    return motion_modes(pelvis[1], bone_mask(*pelvis))


def truth(shared_data, day: int, grid: Image) -> tuple[DisplacementField, DisplacementField, Structures]:
    file = np.load(shared_data / "pelvis_days" / f"day_{day:02d}.npz")
    pull, push = (
        DisplacementField((file[key].astype(np.float32)[::-1, ::-1] * np.float32([-1, -1, 1])), to_lps(file["affine_6mm"], file[key].shape))
        for key in ("disp_pull_mm", "disp_push_mm")
    )
    bits = (np.unpackbits(row, count=grid.array.size).reshape(grid.shape)[::-1, ::-1] for row in file["masks_packed"])
    masks = {("CTV" if n == "PROSTATE" else str(n)): np.ascontiguousarray(b.astype(bool)) for n, b in zip(file["mask_names"], bits)}
    return pull, push, Structures(grid, masks)


def test_the_measured_state_is_the_one_on_file(shared_data, pelvis):
    """Day 5: bladder 158.0 of 423.7 mL, rectum 65.9 of 40.1 mL, prostate (-0.30, 3.54, 3.51) mm and -4.49 degrees in RAS."""
    pull, push, _ = truth(shared_data, 5, pelvis[0])
    state = to_vector(measure(pelvis[1], pull, push=push))
    assert state == pytest.approx([np.log(158.0 / 423.7), np.log(65.9 / 40.1), 0.30, -3.54, 3.51, 4.49], abs=0.02)


@pytest.mark.parametrize("day", [4, 8, *(pytest.param(d, marks=pytest.mark.full) for d in (1, 2, 3, 5, 6, 7, 9, 10))])
def test_the_modes_explain_a_day_from_its_six_numbers(shared_data, pelvis, modes, day):
    ct, s = pelvis
    pull, push, true = truth(shared_data, day, ct)
    amplitude = coefficients(modes, measure(s, pull, push=push))
    _, made = warped(ct, s, flow(modes, -amplitude))
    assert dice(made["BLADDER"], true["BLADDER"]) >= 0.88
    assert dice(made["RECTUM"], true["RECTUM"]) >= 0.85
    assert dice(made["CTV"], true["CTV"]) >= 0.95
    assert np.linalg.norm(centroid_mm(made, "CTV") - centroid_mm(true, "CTV")) < 1.0
    where = np.argwhere(s["CTV"]) @ ct.affine_mm[:3, :3].T + ct.affine_mm[:3, 3]
    assert np.linalg.norm(sample(flow(modes, amplitude), where) - sample(push, where), axis=1).mean() < 0.6


@pytest.mark.full
def test_plausible_states_are_all_reached_without_folding(pelvis, modes):
    rng = np.random.default_rng(0)
    low, high = np.array([(-1.0, 0.4), (-0.45, 0.45), (-5, 5), (-8, 8), (-8, 8), (-12, 12)]).T
    for vector in rng.uniform(low, high, (40, 6)):
        amplitude = coefficients(modes, from_vector(vector))
        assert min(jacobian(flow(modes, sign * amplitude)).min() for sign in (1, -1)) > 0.05


def test_the_beam_through_the_metal_hip_is_refused(pelvis):
    choice = choose_beams(*pelvis, step_deg=45.0)
    assert [check.gantry_deg for check in choice.refused] == [90.0]
    assert {270.0, 310.0} <= set(choice.kept_deg)
    assert "metal" in choice.notes[0]


def test_the_scan_that_ends_below_the_prostate_is_extended(pelvis):
    ct, _, note = extend_scan(*pelvis, 21.0)
    assert ct.shape[2] == pelvis[0].shape[2] + 5
    assert "ends 6 mm below" in note
    assert "invent 15 mm" in note

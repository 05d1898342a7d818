"""Phantoms hold the masses of their references, whatever the voxels; regions lie in the body and do not overlap."""

import numpy as np
import pytest

from gemel.core.errors import RangeError, StructureError
from gemel.devices.nuclear.phantom import Ellipsoid, hounsfield, painted, phantom

MASSES_g = {
    "male": {"kidney_left": 155, "liver": 1800, "spleen": 150, "brain": 1450, "lung_right": 642, "salivary_parotid_left": 25},
    "female": {"kidney_left": 138, "liver": 1400, "spleen": 130, "brain": 1300, "uterus": 80},
    "mouse": {"kidney_left": 0.20875, "liver": 1.3725, "spleen": 0.0875, "brain": 0.4125},
}
SPACING_mm = {"male": 8.0, "female": 8.0, "mouse": 0.6}


@pytest.mark.parametrize("name", MASSES_g)
def test_organs_have_the_masses_of_the_reference_to_half_a_voxel(name: str) -> None:
    made = phantom(name, spacing_mm=SPACING_mm[name])
    half_g = 0.5001 * made.density_g_mL.voxel_mL * 1.06
    for organ, mass_g in MASSES_g[name].items():
        assert made.mass_g(organ) == pytest.approx(mass_g, abs=half_g), organ


def test_a_mouse_has_no_uterus_and_a_man_neither() -> None:
    assert "uterus" not in phantom("male", spacing_mm=10.0, absent=("salivary_submandibular_left",)).structures.masks
    assert "prostate" not in phantom("mouse", spacing_mm=0.8).structures.masks


def test_regions_lie_in_the_body_and_do_not_overlap() -> None:
    masks = phantom("female", spacing_mm=9.0).structures.masks
    inside = sum(mask.astype(int) for name, mask in masks.items() if name != "body")
    assert inside.max() == 1
    assert not (inside.astype(bool) & ~masks["body"]).any()


def test_kidneys_lie_left_and_right_and_below_the_lungs_in_lps() -> None:
    made = phantom("male", spacing_mm=9.0)

    def centre(name: str) -> np.ndarray:
        index = np.argwhere(made.structures[name]).mean(axis=0)
        return np.asarray(made.density_g_mL.affine_mm[:3, :3] @ index + made.density_g_mL.origin_mm)

    assert centre("kidney_left")[0] > 40 > -40 > centre("kidney_right")[0]
    assert centre("lung_left")[2] > centre("kidney_left")[2] + 150
    assert centre("liver")[0] < 0 < centre("spleen")[0]


def test_a_lesion_comes_first_and_a_kidney_may_be_absent() -> None:
    lesion = Ellipsoid("tumour_1", (65.0, 55.0, 10.0), 30.0)
    made = phantom("male", spacing_mm=8.0, lesions=(lesion,), absent=("kidney_right",))
    assert made.mass_g("tumour_1") == pytest.approx(30.0, abs=0.3)
    assert made.mass_g("kidney_left") == pytest.approx(155.0, abs=0.3)
    assert "kidney_right" not in made.structures.masks


def test_what_is_painted_is_all_there() -> None:
    made = phantom("male", spacing_mm=9.0)
    field = painted(made, {"kidney_left": 20.0, "liver": 100.0}, rest_MBq=300.0)
    total_MBq = float(field.array.sum(dtype=np.float64)) * field.voxel_mL * 1e-6
    assert total_MBq == pytest.approx(420.0, rel=1e-5)
    assert float(field.array[made.structures["kidney_left"]].sum(dtype=np.float64)) * field.voxel_mL * 1e-6 == pytest.approx(20.0, rel=1e-5)
    assert (field.array[~made.structures["body"]] == 0).all()


def test_its_ct_is_air_lung_and_soft_tissue() -> None:
    made = phantom("male", spacing_mm=10.0, absent=("salivary_submandibular_left", "salivary_submandibular_right"))
    ct = hounsfield(made).array
    assert set(np.unique(ct)) <= {-999.0, -615.0, 30.0, 40.0, 50.0, 60.0}
    assert (ct[made.structures["lung_left"]] == -615.0).all()


def test_the_grid_can_be_asked_for() -> None:
    made = phantom("mouse", spacing_mm=0.7, shape=(64, 64, 128))
    assert made.density_g_mL.shape == (64, 64, 128)
    assert made.mass_g("liver") == pytest.approx(1.3725, abs=0.0003)


@pytest.mark.parametrize(
    ("error", "match", "call"),
    [
        (RangeError, "'rat'.*mouse", lambda: phantom("rat", spacing_mm=1.0)),
        (RangeError, "voxels of 0", lambda: phantom("male", spacing_mm=0.0)),
        (RangeError, "voxels of nan", lambda: phantom("male", spacing_mm=float("nan"))),
        (StructureError, "smaller voxels", lambda: phantom("mouse", spacing_mm=4.0)),
        (StructureError, "no organ 'tail'", lambda: phantom("mouse", spacing_mm=0.7, absent=("tail",))),
        (StructureError, "does not fit", lambda: phantom("male", spacing_mm=9.0, lesions=(Ellipsoid("t", (400.0, 0.0, 0.0), 30.0),))),
    ],
)
def test_bad_phantoms_are_refused(error: type[Exception], match: str, call: object) -> None:
    with pytest.raises(error, match=match):
        call()  # type: ignore[operator]

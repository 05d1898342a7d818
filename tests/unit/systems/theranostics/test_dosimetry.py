"""Dose by voxel: what is known of curves, masses and energy comes out of the maps."""

import math

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.core.image import Image, with_array
from gemel.core.packing import pack, unpack
from gemel.engines.dose.kernel import sphere_S
from gemel.engines.kinetics import MONO, UPTAKE
from gemel.systems.theranostics import dosimetry
from gemel.systems.theranostics.case import Case, begin
from tests.unit.systems.theranostics import patient
from tests.unit.systems.theranostics.patient import HOUR_S, HALF_LIFE_h, INJECTED_s, START_Bq_mL


@pytest.fixture(scope="module")
def case() -> Case:
    return patient.case()


@pytest.fixture(scope="module")
def doses(case: Case) -> dosimetry.VoxelDoses:
    return dosimetry.voxel_doses(case, patient.days(case), INJECTED_s)


@pytest.mark.parametrize("name", list(START_Bq_mL))
def test_time_integrated_activity_of_a_region_is_that_of_its_curve(doses: dosimetry.VoxelDoses, name: str) -> None:
    volume_mL = np.count_nonzero(doses.structures[name]) * doses.dose_Gy.voxel_mL
    exact_MBq_h = START_Bq_mL[name] * volume_mL * HALF_LIFE_h[name] / math.log(2) * 1e-6
    assert dosimetry.decays_MBq_h(doses, [name]) == pytest.approx(exact_MBq_h, rel=0.01)


def test_an_uptake_phase_is_seen_and_followed() -> None:
    rising = patient.case(uptake_h=8.0)
    seen = patient.days(rising, uptake_h=8.0)
    assert (dosimetry.shape_of(seen), dosimetry.shape_of(seen[:2])) == (UPTAKE, MONO)
    assert dosimetry.shape_of(patient.days(rising)) == MONO
    found = dosimetry.voxel_doses(rising, seen, INJECTED_s)
    name, both = "kidney_left", 1 / (1 / 50.0 + 1 / 8.0)
    volume_mL = np.count_nonzero(found.structures[name]) * found.dose_Gy.voxel_mL
    exact_MBq_h = START_Bq_mL[name] * volume_mL * (50.0 - both) / math.log(2) * 1e-6
    assert dosimetry.decays_MBq_h(found, [name]) == pytest.approx(exact_MBq_h, rel=0.02)


def test_the_dose_map_gives_a_ball_the_dose_of_a_sphere_of_its_mass(doses: dosimetry.VoxelDoses) -> None:
    """Within 6 %: a ball of 8 mm voxels is no sphere, and the others shine on it. Self-dose of whole voxels against `sphere_S`."""
    for name in ("kidney_left", "kidney_right"):
        mass_g = np.count_nonzero(doses.structures[name]) * doses.dose_Gy.voxel_mL * 1.03
        alone_Gy = sphere_S("Lu-177", mass_g) * dosimetry.decays_MBq_h(doses, [name]) * 3.6e9
        assert 0.99 < dosimetry.mean_Gy(doses, [name]) / alone_Gy < 1.06


def test_energy_is_kept_by_the_map(doses: dosimetry.VoxelDoses) -> None:
    """Charged energy of Lu-177 stays: 147 keV a decay, and photons (35 keV) that are absorbed near by on top; less than 160 in all."""
    mass_kg = doses.dose_Gy.voxel_mL * 1.03e-3
    decays = float(doses.decays_Bq_s_mL.array.sum(dtype=np.float64)) * doses.dose_Gy.voxel_mL
    keV = float(doses.dose_Gy.array.sum(dtype=np.float64)) * mass_kg / decays / 1.602176634e-16
    assert 147.0 < keV < 160.0


def test_a_denser_organ_gets_less_dose_by_its_density(case: Case) -> None:
    seen = patient.days(case)
    dense = with_array(patient.grid(), np.full(patient.grid().shape, 1.03 * 1.2, dtype=np.float32))
    plain, heavy = (dosimetry.voxel_doses(case, seen, INJECTED_s, density_g_cm3=d) for d in (None, dense))
    np.testing.assert_allclose(heavy.dose_Gy.array * 1.2, plain.dose_Gy.array, rtol=2e-6)


def test_one_scan_alone_is_taken_by_the_rule_of_haenscheid(case: Case) -> None:
    one = dosimetry.voxel_doses(case, patient.days(case, times_h=(96.0,)), INJECTED_s)
    name = "kidney_left"
    volume_mL = np.count_nonzero(one.structures[name]) * one.dose_Gy.voxel_mL
    by_rule = START_Bq_mL[name] * 2.0 ** (-96.0 / 50.0) * volume_mL * 2 * 96.0 / math.log(2) * 1e-6
    assert dosimetry.decays_MBq_h(one, [name]) == pytest.approx(by_rule, rel=1e-4)


def test_no_scan_is_refused(case: Case) -> None:
    with pytest.raises(InputError, match="no scan"):
        dosimetry.voxel_doses(case, (), INJECTED_s)


def test_the_kernel_is_as_wide_as_its_energy_asks(doses: dosimetry.VoxelDoses) -> None:
    """Y-90 needs 11 mm and no more; photons of Lu-177 reach across the image."""
    half, kept = dosimetry.half_width("Y-90", patient.grid())
    assert half == 1
    assert kept >= 0.99
    assert doses.half_width == max(patient.grid().shape) - 1
    assert 0.9 < doses.kept_1 < 1.0


def test_a_histogram_falls_from_all_to_nothing_and_its_area_is_the_mean(doses: dosimetry.VoxelDoses) -> None:
    level_Gy, part = dosimetry.histogram(doses, "tumour_1")
    assert (part[0], part[-1]) == (1.0, 0.0)
    assert (np.diff(part) <= 0).all()
    mean_Gy = float(doses.dose_Gy.array[doses.structures["tumour_1"]].mean())
    assert float(np.trapezoid(part, level_Gy)) == pytest.approx(mean_Gy, rel=0.02)


def test_times_are_in_hours_after_the_injection(case: Case) -> None:
    """The same scans counted from six hours earlier give other decays: the time of the injection is used."""
    seen = patient.days(case)
    early = dosimetry.voxel_doses(case, seen, INJECTED_s - 6 * HOUR_S)
    factor = 2.0 ** (6.0 / HALF_LIFE_h["kidney_left"])
    now = dosimetry.voxel_doses(case, seen, INJECTED_s)
    ratio = dosimetry.decays_MBq_h(early, ["kidney_left"]) / dosimetry.decays_MBq_h(now, ["kidney_left"])
    assert ratio == pytest.approx(factor, rel=0.005)


def test_faint_voxels_share_one_curve_and_keep_their_decays(case: Case) -> None:
    """The background of 0.2 % of the organs has no curves of its own; its decays are those of its curve."""
    found = dosimetry.voxel_doses(case, patient.days(case), INJECTED_s)
    outside = ~np.any(list(found.structures.masks.values()), axis=0)
    exact_Bq_s_mL = 2e3 * 30 * HOUR_S / math.log(2)
    np.testing.assert_allclose(found.decays_Bq_s_mL.array[outside], exact_Bq_s_mL, rtol=0.01)


def ct_of(frame: str = "") -> Image:
    """A CT of 4 mm, half as far along z as the scan: soft tissue, but the left kidney in bone of 1.6 g/cm³ and air at the sides."""
    fine = np.full((42, 32, 16), 14.0, dtype=np.float32)
    fine[26:36, 14:28, 10:] = 985.0
    fine[:2] = -1000.0
    affine = np.diag([4.0, 4.0, 4.0, 1.0])
    affine[:3, 3] = -2.0
    return Image(fine, affine, frame)


def test_the_cases_ct_gives_each_voxel_its_own_mass() -> None:
    scans = [patient.scan(hours) for hours in patient.TIMES_h]
    plain, dense = (begin(scans, ct, patient.regions(), {}) for ct in (None, ct_of()))
    assert "no CT: doses by voxel are to soft tissue everywhere" in plain.notes
    (density,) = dense.density_g_cm3
    assert density.array[15, 10, 7] == pytest.approx(1.6, abs=0.01)
    assert density.array[5, 10, 4] == pytest.approx(1.03, abs=0.005)
    assert density.array[0, 10, 4] == pytest.approx(1.03)  # air: a dose to soft tissue
    assert density.array[15, 10, 12] == pytest.approx(1.03)  # beyond the CT
    assert density.array[14, 10, 7] < 1.6
    without, within = (dosimetry.voxel_doses(case, patient.days(case), INJECTED_s) for case in (plain, dense))
    ratio = within.dose_Gy.array / without.dose_Gy.array
    assert ratio[15, 10, 7] == pytest.approx(1.03 / 1.6, rel=0.01)
    assert ratio[5, 10, 4] == pytest.approx(1.0, abs=0.005)
    assert unpack(Case, pack(dense)).density_g_cm3[0].array[15, 10, 7] == density.array[15, 10, 7]


def test_the_mean_is_over_the_mass_of_the_source(case: Case) -> None:
    """Half of an organ twice as dense: each half gets energy/mass, and the mean dose is all energy over all mass."""
    grid = patient.grid()
    density = np.full(grid.shape, 1.03, dtype=np.float32)
    density[15:] = 2.06
    found = dosimetry.voxel_doses(case, patient.days(case), INJECTED_s, density_g_cm3=with_array(grid, density))
    mask = found.structures["kidney_left"]
    exact = float((found.dose_Gy.array * density)[mask].sum(dtype=np.float64) / density[mask].sum(dtype=np.float64))
    assert dosimetry.mean_Gy(found, ["kidney_left"]) == pytest.approx(exact, rel=1e-5)
    assert exact < 0.97 * float(found.dose_Gy.array[mask].mean())


def test_a_ct_of_another_frame_is_not_used_and_that_is_said() -> None:
    case = begin([patient.scan(24.0)], ct_of("1.2.3.4"), patient.regions(), {})
    assert case.density_g_cm3 == ()
    assert any("another frame of reference" in note for note in case.notes)

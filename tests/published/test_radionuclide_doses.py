"""Electrons in water, spheres and organs with radionuclides against published numbers."""

import json
from pathlib import Path

import numpy as np
import pytest

from gemel.engines.dose.electron import collision_MeV_cm2_g, csda_range_g_cm2, radiation_yield
from gemel.engines.dose.kernel import organ_S, point_kernel, sphere_S, voxel_kernel
from gemel.engines.dose.kernel.alpha import alpha_range_mm
from gemel.engines.dose.kernel.sphere import inside
from gemel.engines.dose.photon.attenuation import attenuation

ALL_ABSORBED_GY = 160.2  # 1 MeV per µm³ of water
OLGUIN = {
    "soft": "soft_tissue_100pct",
    "bone": "cortical_bone_100pct",
}


@pytest.fixture(scope="module")
def spheres(shared_data: Path) -> dict[str, dict[str, object]]:
    """Published sphere doses; the file names the papers."""
    found: dict[str, dict[str, object]] = json.loads((shared_data / "nuclear/reference_values/sphere_s_values.json").read_text())
    return found


def of_water(nuclide: str, diameter_um: float) -> float:
    """Gy to a water sphere from electrons when 1 MeV of them is set free per µm³."""
    kernel = point_kernel(nuclide, "water")
    return ALL_ABSORBED_GY * inside(kernel.electron_keV, diameter_um / 2000) / kernel.emitted_keV[0]


@pytest.mark.parametrize(
    ("energy_MeV", "stopping", "range_g_cm2"),
    [(0.02, 13.17, 8.57e-4), (0.1, 4.115, 0.01431), (0.5, 2.034, 0.1766), (1.0, 1.849, 0.4367), (2.0, 1.824, 0.9785)],
)
def test_stopping_power_and_range_of_electrons_in_water(energy_MeV: float, stopping: float, range_g_cm2: float) -> None:
    """ESTAR, NIST Standard Reference Database 124 (ICRU Report 37), within 1 %."""
    assert collision_MeV_cm2_g(energy_MeV) == pytest.approx(stopping, abs=0, rel=0.01)
    assert csda_range_g_cm2(energy_MeV) == pytest.approx(range_g_cm2, abs=0, rel=0.01)


def test_radiation_yield_in_water() -> None:
    """ESTAR: 3.6e-3 at 1 MeV, within 3 %."""
    assert radiation_yield(1.0) == pytest.approx(3.58e-3, abs=0, rel=0.03)


@pytest.mark.parametrize(
    ("tissue", "energy_MeV", "coefficient"), [("water", 0.1, 0.02546), ("water", 1.0, 0.03103), ("bone", 0.5, 0.03073)]
)
def test_photon_energy_absorption(tissue: str, energy_MeV: float, coefficient: float) -> None:
    """Above the table's photoelectric part, the sum of the processes is μ_en of NISTIR 5632 (Hubbell & Seltzer 1995) within 0.5 %."""
    found = attenuation(np.array(energy_MeV), tissue)
    assert found.photo_cm2_g + found.compton_absorbed_cm2_g == pytest.approx(coefficient, abs=0, rel=0.005)


@pytest.mark.parametrize(("energy_MeV", "range_um"), [(5.0, 37.0), (6.0, 48.6), (8.0, 77.0)])
def test_range_of_alphas_in_water(energy_MeV: float, range_um: float) -> None:
    """ASTAR, NIST Standard Reference Database 124 (ICRU Report 49), within 3 %."""
    assert 1000 * alpha_range_mm(energy_MeV, tissue="water") == pytest.approx(range_um, abs=0, rel=0.03)


@pytest.mark.parametrize("tissue", ["soft", "bone"])
def test_lutetium_spheres_of_olguin(spheres: dict[str, dict[str, dict[str, list[float]]]], tissue: str) -> None:
    """Olguin et al. 2020, Phys Med Biol 65(23), doi 10.1088/1361-6560/abbc7e, MCNPX, 4 mg to 1.7 kg: asked within 5 %, found within 2 %."""
    published = spheres["lu177_sphere_S_Olguin2020_Gy_per_Bq_s"][OLGUIN[tissue]]
    ratio = np.array([sphere_S("Lu-177", m, tissue) for m in published["mass_g"]]) / published["S"]
    assert np.abs(ratio - 1).max() < 0.02


def test_lutetium_spheres_of_hindie(spheres: dict[str, dict[str, list[float]]]) -> None:
    """Hindié et al. 2016, J Nucl Med 57:759: 10 µm to 10 mm of water, track structure, asked within 8 %; all are within 4 %."""
    published = spheres["lu177_water_sphere_Gy_per_decay_Hindie2016"]
    masses = [np.pi / 6 * (1e-4 * d) ** 3 for d in published["diameter_um"]]
    ratio = np.array([sphere_S("Lu-177", m, "water") for m in masses]) / published["dose"]
    assert np.abs(ratio - 1).max() < 0.04


def test_actinium_spheres_of_olguin(spheres: dict[str, dict[str, list[float]]]) -> None:
    """Olguin et al. 2020, within 2 %: they tabulate alpha emitters and their progeny apart, and this is Ac-225 itself (5.9 MeV)."""
    published = spheres["ac225_chain_sphere_S_Olguin2020_Gy_per_Bq_s"]
    ratio = np.array([sphere_S("Ac-225", m) for m in published["mass_g"]]) / published["S"]
    assert np.abs(ratio - 1).max() < 0.02


def test_actinium_with_its_daughters() -> None:
    """27.9 MeV of alphas with recoil per decay at equilibrium (Q of the four alpha steps, ENSDF), all in a large sphere; within 2 %."""
    absorbed_MeV = sphere_S("Ac-225", 100.0, daughters=True) * 0.1 / 1.602176634e-13
    assert absorbed_MeV == pytest.approx(28.7, abs=0, rel=0.02)


@pytest.mark.parametrize(("nuclide", "diameter_um", "dose_Gy"), [("Cu-67", 100, 24.1), ("Tb-161", 100, 44.5), ("Lu-177", 100, 24.5)])
def test_small_spheres_of_other_nuclides(nuclide: str, diameter_um: float, dose_Gy: float) -> None:
    """Champion et al. 2016, Theranostics 6:1611, and Hindié et al. 2016 (Lu-177), 1 MeV of electrons per µm³; within 4 %."""
    assert of_water(nuclide, diameter_um) == pytest.approx(dose_Gy, abs=0, rel=0.04)


@pytest.mark.parametrize("nuclide", ["Cu-67", "Sc-47", "Tb-161"])
def test_spheres_of_five_millimetres(nuclide: str) -> None:
    """Champion et al. 2016: 146 to 149 Gy of 160.2 for the three nuclides; a margin of 1 %."""
    assert 146 * 0.99 < of_water(nuclide, 5000) < 149 * 1.01


def test_dose_of_yttrium_where_all_is_absorbed() -> None:
    """49.7 Gy kg/GBq: 0.933 MeV per decay, half-life 64.1 h. MIRD, Gulec et al. 2006, J Nucl Med 47:1209; within 1.5 %."""
    lifetime_s = 64.1 * 3600 / np.log(2)
    assert sphere_S("Y-90", 1e6) * 1e3 * lifetime_s * 1e9 == pytest.approx(49.7, abs=0, rel=0.015)


@pytest.mark.parametrize(
    ("organ", "S_mGy_MBq_s"),
    [
        ("kidneys", 7.76e-5),
        ("liver", 1.37e-5),
        ("spleen", 1.60e-4),
        ("salivary_glands", 2.78e-4),
        ("prostate", 1.39e-3),
        ("adrenals", 1.68e-3),
        ("brain", 1.70e-5),
    ],
)
def test_self_dose_of_organs(organ: str, S_mGy_MBq_s: float) -> None:
    """Adult male, Lu-177, OLINDA/EXM 2 (Stabin & Farmer 2012, J Nucl Med 53 Suppl 1:585), within 2 %."""
    assert organ_S("Lu-177", organ) * 1e9 == pytest.approx(S_mGy_MBq_s, abs=0, rel=0.02)


def test_voxels_of_lutetium() -> None:
    """Voxel S of 2.21 mm in soft tissue in wide use (Lanconelli et al. 2012, Phys Med Biol 57:517): photon tail within 8 %.

    Its self-voxel is 1.66e-9 Gy, but its sum is 0.139 MeV, less than the 0.148 MeV of electrons: ours is 6 to 9 % above, as energy asks.
    """
    kernel = voxel_kernel("Lu-177", 2.21, 5)
    for offset, published in {
        (0, 0, 1): 4.83e-11,
        (0, 1, 1): 2.52e-12,
        (0, 0, 3): 3.24e-14,
        (0, 0, 5): 1.18e-14,
        (0, 3, 3): 1.62e-14,
    }.items():
        assert kernel[tuple(5 + np.array(offset))] == pytest.approx(published, abs=0, rel=0.08)
    assert 1.06 < kernel[5, 5, 5] / 1.66e-9 < 1.09

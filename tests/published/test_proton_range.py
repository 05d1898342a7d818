"""Ranges and stopping powers of protons in water: NIST PSTAR (Berger et al., ICRU Report 49, 1993)."""

import numpy as np
import pytest

from gemel.core.image import Image
from gemel.devices.proton import Machine
from gemel.engines.dose import influence
from gemel.engines.dose.bragg import MEV_CM2_G_TO_GY_MM2_PER_1E6, depth_dose_Gy_mm2
from gemel.engines.dose.scattering import halo_sigma_mm, halo_weight, sigma_water_mm
from gemel.engines.dose.stopping_power import Material, csda_range_mm, stopping_power_MeV_cm2_g

PSTAR_RANGE_CM = {70.0: 4.080, 100.0: 7.718, 150.0: 15.77, 200.0: 25.96, 225.0: 31.74, 230.0: 32.95, 250.0: 37.94}
PSTAR_STOPPING_MEV_CM2_G = {10.0: 45.67, 50.0: 12.45, 100.0: 7.289, 150.0: 5.445, 200.0: 4.492, 250.0: 3.911}


@pytest.mark.parametrize(("energy_MeV", "range_cm"), PSTAR_RANGE_CM.items())
def test_csda_range(energy_MeV: float, range_cm: float) -> None:
    assert float(csda_range_mm(energy_MeV)) == pytest.approx(10 * range_cm, abs=0.3)


@pytest.mark.parametrize(("energy_MeV", "stopping"), PSTAR_STOPPING_MEV_CM2_G.items())
def test_stopping_power(energy_MeV: float, stopping: float) -> None:
    assert float(stopping_power_MeV_cm2_g(np.array(energy_MeV))) == pytest.approx(stopping, rel=0.002)


def test_the_range_tolerance_bites_on_the_excitation_energy() -> None:
    """5 % on I moves the range at 200 MeV by more than three times the tolerance."""
    changed = Material(Z_A_mol_g=10 / 18.0153, Z=10.0, I_eV=75.0 * 1.05)
    ratio = float(stopping_power_MeV_cm2_g(np.array(120.0)) / stopping_power_MeV_cm2_g(np.array(120.0), changed))
    assert (ratio - 1) * 259.6 > 0.9


@pytest.mark.parametrize(("energy_MeV", "range_cm"), PSTAR_RANGE_CM.items())
def test_r80_of_the_dose_in_a_water_phantom_is_the_csda_range(energy_MeV: float, range_cm: float) -> None:
    affine = np.diag([3.0, 1.0, 3.0, 1.0])
    water = Image(np.ones((41, int(10 * range_cm) + 25, 41), dtype=np.float32), affine)
    spot = np.array([[0.0, 0.0, 0.0, energy_MeV]])
    dose = influence(water, spot, Machine.generic(), np.array([60.0, 10.0, 60.0])).toarray().reshape(water.shape).sum(axis=(0, 2))
    depth, peak = np.arange(len(dose)) + 0.5, int(dose.argmax())
    assert np.interp(-0.8, -dose[peak:] / dose[peak], depth[peak:]) == pytest.approx(10 * range_cm, abs=0.3)


def test_plateau_of_the_bragg_curve() -> None:
    """Bortfeld 1997, Med Phys 24:2024, eq. 30: (17.93 r^-0.435 + 0.444 r^0.565)/(1 + 0.012 R) MeV/g per cm², R = 0.0022 E^1.77."""
    energy = 150.0
    R = 0.0022 * energy**1.77
    depth_cm = np.array([0.0, 3.0, 8.0, 12.0])
    r = R - depth_cm
    published = (17.93 * r**-0.435 + 0.444 * r**0.565) / (1 + 0.012 * R)
    curve = depth_dose_Gy_mm2(10 * depth_cm, energy, 10 * R, sigma_mm=0.1) / MEV_CM2_G_TO_GY_MM2_PER_1E6
    assert curve == pytest.approx(published, rel=0.003)


def test_both_forms_of_the_bragg_curve_meet() -> None:
    depth = np.array([157.7 - 10.001 * 2.7, 157.7 - 9.999 * 2.7])
    far, near = depth_dose_Gy_mm2(depth, 150.0, 157.7, 2.7)
    assert far == pytest.approx(near, rel=5e-4)


@pytest.mark.parametrize("range_mm", [80.0, 160.0, 260.0])
def test_beam_width_at_the_end_of_the_range_is_about_2_3_percent_of_it(range_mm: float) -> None:
    """Kanematsu 2009, Nucl Instrum Methods B 267 and Preston & Koehler 1968: the end-point spread in water is 2.3 % of the range."""
    assert float(sigma_water_mm(np.array([range_mm]), range_mm)[0]) == pytest.approx(0.0233 * range_mm, rel=0.04)


@pytest.mark.parametrize("energy_MeV", [100.0, 150.0, 200.0])
def test_let_at_the_surface_is_the_stopping_power(energy_MeV: float) -> None:
    """Dose-averaged LET of a beam that has not straggled yet: PSTAR's stopping power, 1 MeV cm²/g = 0.1 keV/µm in water."""
    row = Machine.generic().layer(energy_MeV)
    assert row.let_keV_um[0] == pytest.approx(0.1 * PSTAR_STOPPING_MEV_CM2_G[energy_MeV], rel=0.005)
    assert np.interp(row.range_mm, row.depth_mm, row.let_keV_um) > 8 * row.let_keV_um[0]


def test_nuclear_halo_at_mid_range() -> None:
    """Soukup et al. 2005, Phys Med Biol 50:5089, worked out by hand for R = 280 mm, z = 141 mm."""
    at = np.array([141.0])
    assert float(halo_sigma_mm(at, 280.0)[0]) == pytest.approx(11.784, abs=0.01)
    assert float(halo_weight(at, 280.0)[0]) == pytest.approx(0.1591, abs=0.0005)


def test_halo_and_core_add_in_quadrature() -> None:
    row = Machine.generic().layer(200.0)
    depth = row.depth_mm[60:70]
    expected = np.sqrt(sigma_water_mm(depth, row.range_mm) ** 2 + halo_sigma_mm(depth, row.range_mm) ** 2)
    assert row.sigma2_mm[60:70] == pytest.approx(expected, rel=1e-9)

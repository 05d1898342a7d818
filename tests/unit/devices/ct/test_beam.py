"""Attenuation, materials, spectra, bowtie, detector: laws and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.devices.ct.attenuation import energy_transfer_cm2_g, mass_attenuation_cm2_g, scattering_cm2_g
from gemel.devices.ct.bowtie import Bowtie, cylinder_bowtie, thickness_mm
from gemel.devices.ct.detector import IDEAL, Detector, absorbed_share, drawn, moments
from gemel.devices.ct.hu import calibrated, ct_number_HU, water_calibration, water_cm, water_cm_slope
from gemel.devices.ct.materials import attenuation_1_cm, iodinated, material, materials
from gemel.devices.ct.spectrum import Spectrum, air_kerma_uGy_mAs, filtered, half_value_layer_mm, mean_energy_keV
from gemel.devices.ct.tube import k_lines, tungsten

KEV = np.arange(20.0, 121.0)
BEAM = tungsten(120.0, filters_mm=(("aluminium", 6.0),))


def test_fractions_of_every_material_sum_to_one() -> None:
    for name in materials():
        assert sum(material(name).weights.values()) == pytest.approx(1.0, abs=1e-12)


def test_transfer_and_scatter_are_parts_of_the_whole() -> None:
    water = material("water").weights
    whole, transfer = mass_attenuation_cm2_g(water, KEV), energy_transfer_cm2_g(water, KEV)
    coherent, incoherent = scattering_cm2_g(water, KEV)
    assert (transfer < whole).all()
    assert (coherent + incoherent < whole).all()
    np.testing.assert_allclose(energy_transfer_cm2_g(water, np.array([60.0, 100.0])), (0.03190, 0.02546), rtol=0.012)  # NISTIR 5632


def test_one_energy_has_one_value_at_an_edge() -> None:
    at = mass_attenuation_cm2_g({"I": 1.0}, np.array([33.168, 33.169, 33.170]))
    assert (np.diff(at) >= 0).all()
    assert at[0] < at[1] < at[2]


def test_filters_add_up_and_harden() -> None:
    twice = filtered(filtered(BEAM, (("aluminium", 2.0),)), (("aluminium", 3.0),))
    once = filtered(BEAM, (("aluminium", 5.0),))
    np.testing.assert_allclose(twice.photons_cm2_mAs, once.photons_cm2_mAs, rtol=1e-12)
    assert mean_energy_keV(once) > mean_energy_keV(BEAM)
    assert air_kerma_uGy_mAs(filtered(BEAM, (("aluminium", half_value_layer_mm(BEAM)),))) == pytest.approx(air_kerma_uGy_mAs(BEAM) / 2)
    assert half_value_layer_mm(BEAM, share=0.25) > 2 * half_value_layer_mm(BEAM)


def test_lines_of_tungsten_need_the_edge() -> None:
    """K edge 69.525 keV; between a tenth and a fiftieth of the photons at 120 kVp are Kα and Kβ."""
    assert k_lines(69.0, 7.0) == ()
    bare = tungsten(120.0)
    share = sum(count for _, count in k_lines(120.0, 7.0)) / bare.photons_cm2_mAs[bare.energy_keV > 20].sum()
    assert 0.02 < share < 0.1
    steep = tungsten(120.0, angle_deg=12.0, filters_mm=(("aluminium", 6.0),))
    assert mean_energy_keV(steep) < mean_energy_keV(BEAM)


def test_a_spectrum_of_another_program_will_do() -> None:
    line = Spectrum(np.array([60.0]), np.array([1e6]))
    assert half_value_layer_mm(line) == pytest.approx(10 * np.log(2) / float(attenuation_1_cm(material("aluminium"), np.array([60.0]))[0]))
    assert ct_number_HU(material("water"), line.energy_keV, line.photons_cm2_mAs) == 0.0
    assert ct_number_HU(material("air"), line.energy_keV, line.photons_cm2_mAs) == pytest.approx(-1000.0)


def test_the_bowtie_evens_out_a_water_cylinder() -> None:
    """30 cm of water and its whole bowtie: the signal at 0 and 12 degrees within 10 % at 60 keV, without it 3 times apart."""
    bowtie, gamma = cylinder_bowtie(30.0, 570.0), np.radians(np.array([0.0, 12.0]))
    chord_cm = 2 * np.sqrt(15.0**2 - (57.0 * np.sin(gamma)) ** 2)
    water, metal = (float(attenuation_1_cm(material(n), np.array([60.0]))[0]) for n in ("water", "aluminium"))
    bare = np.exp(-water * chord_cm)
    both = bare * np.exp(-metal * thickness_mm(bowtie, gamma) / 10)
    assert bare[1] / bare[0] > 3
    assert both[1] == pytest.approx(both[0], rel=0.10)
    np.testing.assert_allclose(thickness_mm(bowtie, -gamma), thickness_mm(bowtie, gamma))


def test_readings_have_the_moments_that_are_predicted() -> None:
    """40,000 readings: mean within 4 standard errors, variance within 3 %, more than Poisson of the mean energy by the spectrum's width."""
    detector, photons = Detector(electronic_keV=300.0), BEAM.photons_cm2_mAs / BEAM.photons_cm2_mAs.sum() * 200
    mean, variance = moments(detector, photons, BEAM.energy_keV)
    found = drawn(detector, np.broadcast_to(photons, (40_000, len(photons))), BEAM.energy_keV, rng=np.random.default_rng(3))
    assert found.mean() == pytest.approx(float(mean), abs=4 * np.sqrt(float(variance) / 40_000))
    assert found.var() == pytest.approx(float(variance), rel=0.03)
    counted = photons @ absorbed_share(detector, BEAM.energy_keV)
    assert float(variance) - 300.0**2 > 1.03 * float(mean) ** 2 / counted
    no_gain, gain = (
        moments(IDEAL, photons, BEAM.energy_keV),
        moments(Detector(thickness_mm=50.0, fill=1.0, electronic_keV=0.0, gain=3.0), photons, BEAM.energy_keV),
    )
    assert float(gain[0] ** 2 / gain[1]) == pytest.approx(float(no_gain[0] ** 2 / no_gain[1]))


def test_water_scans_calibrate_themselves() -> None:
    """1 to 50 cm come back within 0.1 mm of water; the slope is the derivative."""
    weight = BEAM.photons_cm2_mAs * BEAM.energy_keV
    calibration = water_calibration(BEAM.energy_keV, weight)
    t = np.linspace(1.0, 50.0, 30)
    p = -np.log(np.exp(-t[:, None] * attenuation_1_cm(material("water"), BEAM.energy_keV)) @ weight / weight.sum())
    np.testing.assert_allclose(water_cm(calibration, p), t, atol=0.01)
    step = 1e-5
    np.testing.assert_allclose(
        water_cm_slope(calibration, p), (water_cm(calibration, p + step) - water_cm(calibration, p - step)) / 2 / step, rtol=1e-6
    )


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: mass_attenuation_cm2_g({"H": 1.0}, np.array([60_000.0])),
        lambda: mass_attenuation_cm2_g({"Kr": 1.0}, KEV),
        lambda: material("unobtainium"),
        lambda: iodinated(material("water"), -1.0),
        lambda: iodinated(material("water"), 5000.0),
        lambda: tungsten(12.0),
        lambda: tungsten(120_000.0),
        lambda: tungsten(120.0, angle_deg=0.0),
        lambda: filtered(BEAM, (("aluminium", -1.0),)),
        lambda: Spectrum(np.array([60.0]), np.array([-1.0])),
        lambda: Detector(fill=2.0),
        lambda: Bowtie("aluminium", (0.0, 0.0), (1.0, 2.0)),
        lambda: cylinder_bowtie(0.0, 570.0),
        lambda: calibrated(np.arange(1.0, 9.0), np.ones(8)),
        lambda: calibrated(np.array([1.0, 2.0]), np.array([0.2, 0.4])),
        lambda: ct_number_HU(material("water"), KEV, np.ones_like(KEV), behind_water_cm=-2.0),
    ],
)
def test_what_is_not_physical_is_refused(wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(RangeError):
        wrong()

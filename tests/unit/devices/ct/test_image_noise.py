"""Noise spectra, noise that has them, lowered doses, black boxes, dose of a scan."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, InputError, RangeError, UnitError
from gemel.devices.ct.black_box import Edge, NoiseScan, fitted, noise_power, task_transfer
from gemel.devices.ct.dose import Output, ctdivol_mGy, dose_length_product_mGy_cm, effective_dose_mSv, ssde, water_equivalent_diameter_cm
from gemel.devices.ct.insertion import lower_dose
from gemel.devices.ct.modulation import modulated
from gemel.devices.ct.noise_power import RadialPower, correlated_noise, measured, power_at, scaled_to, variance_HU2

F = np.linspace(0.0, 0.7, 71)
RAMP = scaled_to(RadialPower(F, F * np.exp(-((F / 0.4) ** 4))), 20.0)


def test_noise_has_the_spectrum_it_was_made_with() -> None:
    """σ within 1 % over 40 images of 128², spectrum within 6 % in every fifth of the band."""
    rng = np.random.default_rng(0)
    made = np.stack([correlated_noise((128, 128), (0.7, 0.7), RAMP, rng=rng) for _ in range(40)])
    assert made.std() == pytest.approx(20.0, rel=0.01)
    f = np.linspace(0.03, 0.6, 50)
    found, true = power_at(measured(made, 0.7, bins=48), f), power_at(RAMP, f)
    for part in np.array_split(np.arange(50), 5):
        assert found[part].sum() == pytest.approx(true[part].sum(), rel=0.06)


def test_a_spectrum_integrates_to_the_variance() -> None:
    assert variance_HU2(RAMP) == pytest.approx(400.0)
    images = np.random.default_rng(1).normal(0.0, 7.0, (5, 64, 64))
    white = measured(images, 0.5)
    assert power_at(white, np.array(0.5)) == pytest.approx(49.0 * 0.25, rel=0.1)


@pytest.mark.parametrize("fraction", [0.6, 0.4, 0.2, 0.1])
def test_a_lowered_dose_has_the_variance_of_that_dose(fraction: float) -> None:
    rng = np.random.default_rng(2)
    full = np.stack([correlated_noise((96, 96), (0.7, 0.7), RAMP, rng=rng) for _ in range(12)], axis=2)
    low = lower_dose(full, (0.7, 0.7), fraction=fraction, power=RAMP, rng=rng)
    assert low.std() == pytest.approx(20.0 / np.sqrt(fraction), rel=0.02)
    assert lower_dose(full, (0.7, 0.7), fraction=1.0, power=RAMP, rng=rng) == pytest.approx(full)


def test_local_noise_follows_its_map() -> None:
    flat, ratio = np.zeros((96, 96, 20)), np.ones((96, 96, 20))
    ratio[:48] = 0.5
    made = lower_dose(flat, (0.7, 0.7), fraction=0.5, power=RAMP, sd_ratio=ratio, rng=np.random.default_rng(3))
    assert made[:40].std() / made[56:].std() == pytest.approx(0.5, rel=0.04)


def box_scans() -> tuple[list[Edge], list[NoiseScan]]:
    """A reconstruction that blurs faint contrasts and whose noise moves to low frequencies at low dose: f₅₀ = 0.2 C^0.15, σ = 30 D^−0.4."""
    edges = [Edge(c, F, np.exp(-np.log(2) * (F / (0.2 * c**0.15)) ** 1.8)) for c in (20.0, 120.0, 900.0)]
    noises = [NoiseScan(d, scaled_to(RadialPower(F * d**0.1, RAMP.power_HU2_mm2), 30 * d**-0.4), 30 * d**-0.4) for d in (2.0, 8.0, 24.0)]
    return edges, noises


def test_a_black_box_gives_back_what_it_was_fitted_to() -> None:
    box = fitted("body, strength 3", *box_scans())
    assert box.label.startswith("black box")
    np.testing.assert_allclose(task_transfer(box, F, contrast_HU=-60.0), np.exp(-np.log(2) * (F / (0.2 * 60**0.15)) ** 1.8), atol=2e-3)
    at_12 = noise_power(box, ctdivol_mGy=12.0)
    assert np.sqrt(variance_HU2(at_12)) == pytest.approx(30 * 12**-0.4, rel=1e-3)
    assert at_12.f_1_mm[np.argmax(at_12.power_HU2_mm2)] == pytest.approx(F[np.argmax(RAMP.power_HU2_mm2)] * 12**0.1, rel=0.05)


def test_a_black_box_does_not_guess_beyond_its_scans() -> None:
    box = fitted("body", *box_scans())
    with pytest.raises(RangeError, match="20 to 900 HU"):
        task_transfer(box, F, contrast_HU=5.0)
    with pytest.raises(RangeError, match="2 to 24 mGy"):
        noise_power(box, ctdivol_mGy=50.0)
    edges, noises = box_scans()
    with pytest.raises(RangeError, match="two inserts and two doses"):
        fitted("body", edges[:1], noises)
    with pytest.raises(RangeError, match="useful points"):
        fitted("body", [Edge(10.0, F, np.ones_like(F)), edges[1]], noises)


def test_water_equivalent_diameter_of_water_lung_and_bone() -> None:
    axis = np.arange(-199.5, 200) * 1.0
    inside = np.hypot(axis[:, None], axis) <= 150
    for value, wide in ((0.0, 30.0), (-750.0, 15.0), (210.0, 33.0)):
        assert water_equivalent_diameter_cm(np.where(inside, value, -1000.0), (1.0, 1.0)) == pytest.approx(wide, rel=1e-3)
    half = water_equivalent_diameter_cm(np.where(inside, 0.0, -1000.0), (0.5, 1.0))
    assert half == pytest.approx(30 / np.sqrt(2), rel=1e-3)


def test_dose_by_technique() -> None:
    """300 mAs at 120 kVp: 26.5 mGy; 10 cm of it 265 mGy cm; a chest of that 3.7 mSv (AAPM Report 96)."""
    given = ctdivol_mGy(Output(), kVp=120.0, mAs=300.0, pitch=1.0)
    assert given == pytest.approx(26.5, abs=0.02)
    assert ctdivol_mGy(Output(), kVp=120.0, mAs=300.0, pitch=1.5) == pytest.approx(given / 1.5)
    assert ctdivol_mGy(Output(), kVp=80.0, mAs=300.0, pitch=1.0) / given == pytest.approx((80 / 120) ** 2.5)
    assert effective_dose_mSv(dose_length_product_mGy_cm(given, 100.0), "chest") == pytest.approx(3.71, abs=0.01)


@pytest.mark.parametrize(
    ("error", "wrong"),
    [
        (RangeError, lambda: ssde(-1.0, 30.0)),
        (RangeError, lambda: ssde(10.0, 30.0, 20)),
        (RangeError, lambda: ctdivol_mGy(Output(), kVp=120.0, mAs=50_000.0, pitch=1.0)),
        (RangeError, lambda: effective_dose_mSv(100.0, "tail")),
        (RangeError, lambda: dose_length_product_mGy_cm(5.0, 0.0)),
        (UnitError, lambda: water_equivalent_diameter_cm(np.full((9, 9), -2000.0), (1.0, 1.0))),
        (InputError, lambda: water_equivalent_diameter_cm(np.full((9, 9), -1000.0), (1.0, 1.0))),
        (InputError, lambda: water_equivalent_diameter_cm(np.full((9, 9), np.nan), (1.0, 1.0))),
        (RangeError, lambda: lower_dose(np.zeros((8, 8, 1)), (1.0, 1.0), fraction=1.5, power=RAMP, rng=np.random.default_rng(0))),
        (RangeError, lambda: measured(np.zeros((1, 4, 4)), 1.0)),
        (RangeError, lambda: RadialPower(np.array([0.1, 0.05]), np.ones(2))),
        (RangeError, lambda: modulated(np.ones(4), strength=2.0)),
        (RangeError, lambda: modulated(np.array([1.0, np.nan]), strength=2.0)),
    ],
)
def test_what_cannot_be_is_refused(error: type[Exception], wrong: object) -> None:
    assert callable(wrong)
    with pytest.raises(error):
        wrong()


def test_a_map_of_another_shape_is_refused() -> None:
    with pytest.raises(GeometryError, match="resample"):
        lower_dose(np.zeros((8, 8, 1)), (1.0, 1.0), fraction=0.5, power=RAMP, sd_ratio=np.ones((4, 4, 1)), rng=np.random.default_rng(0))

"""Phantoms of daily checks: what is found and measured on slices with known truth, and on four real ones."""

from pathlib import Path

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.quality import Exposure, QualityDay
from gemel.devices.ct.phantom.measured import Measured, measure
from gemel.devices.ct.phantom.plane import plane_of
from gemel.devices.ct.phantom.recognise import recognise
from gemel.devices.ct.phantom.sharpness import edge_mtf50_1_mm, ramp_slice_mm
from gemel.devices.ct.phantom.synthetic import Look, phantom_slice
from gemel.devices.ct.phantom.texture import noise_HU, noise_power, regions, texture
from gemel.io import read_quality

REAL = Path(__file__).resolve().parents[4].parent / "shared" / "data" / "scanner" / "catphan404_dicom"
REAL_ONLY = pytest.mark.skipif(not REAL.is_dir(), reason=f"the CatPhan slices are not at {REAL}")


def measured(*slices: Image) -> Measured:
    exposure = Exposure(120.0, 300.0, 5.0, "", np.nan)
    return measure(QualityDay(slices, exposure, np.array([[120.6, 297.0]]), 0.0, "made", "made"))


def a_slice(kind: str, look: Look | None = None, seed: int = 1) -> Image:
    return phantom_slice(kind, look or Look(), rng=np.random.default_rng(seed))


def test_rods_of_a_shifted_catphan_are_read() -> None:
    found = measured(a_slice("CatPhan", Look(body_HU=5.0, shift_mm=(7.3, -4.1))))
    assert found.words == "rods (CatPhan)"
    assert found.rods[:, 0] == pytest.approx(np.full(len(found.rods), 58.4), abs=0.15)
    assert sorted(found.rods[:, 1])[2:] == pytest.approx([-185.0, -85.0, 113.0, 342.0, 948.0], abs=3.0)
    assert found.values["dense_HU"] == pytest.approx(948.0, abs=2.0)
    assert found.values["light_HU"] == pytest.approx(np.mean([-85.0, -185.0]), abs=2.0)


def test_rods_of_the_acr_phantom_are_read() -> None:
    found = measured(a_slice("ACR 464", Look(noise_HU=(10.0, 8.0))))
    assert found.words == "rods (ACR 464)"
    assert found.values["dense_HU"] == pytest.approx(955.0, abs=2.0)
    assert found.values["light_HU"] == pytest.approx(-85.0, abs=2.0)


@pytest.mark.parametrize("shape", [0.0, 6.0, -4.0])
def test_noise_uniformity_and_rings_of_water(shape: float) -> None:
    look = Look(body_HU=2.0, noise_HU=(3.0, 2.0), uniformity_HU=shape)
    found = texture(plane_of(a_slice("water", look), "made"))
    assert found["water_HU"] == pytest.approx(2.0, abs=0.4)
    assert np.exp(found["ln_noise_centre_1"]) == pytest.approx(2.87, rel=0.07)  # 3 in the very middle
    assert np.exp(found["ln_noise_edge_1"]) == pytest.approx(2.0, rel=0.06)
    assert found["uniformity_HU"] == pytest.approx(shape, abs=0.4)


def test_rings_are_seen_and_shading_is_not_taken_for_them() -> None:
    quiet, ringed, shaded = (
        texture(plane_of(a_slice("water", look), "made"))["ring_HU"] for look in (Look(), Look(ring_HU=5.0), Look(uniformity_HU=20.0))
    )
    assert ringed == pytest.approx(5.0 * np.sqrt(5.0 / 6.0), rel=0.25)
    assert quiet < 0.8
    assert shaded == pytest.approx(quiet, abs=0.2)


@pytest.mark.parametrize("blur_mm", [0.5, 0.8, 1.2])
def test_mtf50_of_a_gaussian_blur(blur_mm: float) -> None:
    image = a_slice("CatPhan", Look(blur_mm=blur_mm, noise_HU=(2.0, 2.0)))
    plane = plane_of(image, "made")
    rod = recognise(plane, "made").rods[0]
    found = edge_mtf50_1_mm(plane, rod.x_mm, rod.y_mm, rod.diameter_mm / 2)
    blur_and_pixel_mm2 = blur_mm**2 + 0.5**2 / 12  # the edge is a ramp one pixel wide
    assert found == pytest.approx(np.sqrt(2 * np.log(2) / blur_and_pixel_mm2) / (2 * np.pi), rel=0.04)


@pytest.mark.parametrize(("off_mm", "sharpness"), [(6.0, True), (11.0, False)])
def test_a_phantom_near_the_images_border_is_measured_without_its_edge(off_mm: float, sharpness: bool) -> None:
    found = measured(a_slice("water", Look(body_HU=3.0, shift_mm=(off_mm, 0.0)))).values
    assert found["water_HU"] == pytest.approx(3.0, abs=0.6)
    assert ("ln_mtf50_1" in found) is sharpness


def test_a_larger_scale_moves_the_rods() -> None:
    small, large = (measured(a_slice("CatPhan", Look(scale=scale))).values["scale_pct"] for scale in (1.0, 1.01))
    assert large - small == pytest.approx(1.0, abs=0.1)


def test_the_integral_of_the_noise_power_is_the_variance() -> None:
    plane = plane_of(a_slice("water", Look(noise_HU=(6.0, 6.0))), "made")
    f_1_mm, power = noise_power(plane)
    whole = np.sum(2 * np.pi * f_1_mm * power) * np.diff(f_1_mm).mean()
    assert whole == pytest.approx(noise_HU(plane, regions(plane)[0]) ** 2, rel=0.12)


@pytest.mark.parametrize("slice_mm", [1.5, 5.0])
def test_the_slice_is_as_wide_as_the_ramp_says(slice_mm: float) -> None:
    s = np.arange(-18.0, 18.0, 0.25)
    trace = 80.0 + 400.0 * np.exp(-0.5 * (s * np.tan(np.radians(23.0)) / (slice_mm / 2.3548)) ** 2)
    assert ramp_slice_mm(trace, 0.25) == pytest.approx(slice_mm, rel=0.01)
    with pytest.raises(InputError, match="ramp"):
        ramp_slice_mm(np.full(100, 80.0), 0.25)


def test_the_tubes_log_is_told_in_per_cent() -> None:
    found = measured(a_slice("water")).values
    assert found["tube_kV_pct"] == pytest.approx(0.5)
    assert found["tube_mAs_pct"] == pytest.approx(-1.0)


def broken(name: str) -> Image:
    image = a_slice("CatPhan" if name == "odd rods" else "water")
    HU = image.array.copy()
    x, y = np.meshgrid(*(np.arange(n) - n / 2 for n in HU.shape[:2]), indexing="ij")
    if name == "not calibrated":
        HU += 400.0
    if name == "not rescaled":
        HU += 1024.0
    if name == "half the slope":
        HU *= 0.52
    if name == "steep":
        HU *= 1.2
    if name == "empty":
        HU[:] = -1000.0
    if name == "square":
        HU[:, :, 0] = np.where((np.abs(x) < 150) & (np.abs(y) < 90), 0.0, -1000.0)
    if name == "cut off":
        HU = HU[60:]
    if name == "odd rods":
        HU[:, :, 0] = np.where(np.hypot(x - 60, y - 20) < 20, 500.0, a_slice("water").array[:, :, 0])
    return Image(HU, image.affine_mm)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("not calibrated", "not calibrated"),
        ("not rescaled", "rescale"),
        ("half the slope", "air around the phantom of -520 HU"),
        ("steep", "air around the phantom of -1200 HU"),
        ("empty", "nothing above"),
        ("square", "not recognised"),
        ("cut off", "cut off"),
        ("odd rods", "not recognised"),
    ],
)
def test_what_is_no_phantom_is_refused_and_says_what_was_looked_for(name: str, words: str) -> None:
    with pytest.raises(InputError) as error:
        measured(broken(name))
    assert words in str(error.value)
    assert "made" in error.value.where
    assert "CatPhan" in error.value.remedy or "rescale" in error.value.remedy


@pytest.fixture(scope="module")
def xvi(tmp_path_factory: pytest.TempPathFactory) -> QualityDay:
    folder = tmp_path_factory.mktemp("xvi")
    for name in ("linearity", "linepairs", "uniformity"):
        (folder / f"{name}.dcm").write_bytes((REAL / f"{name}.dcm").read_bytes())
    return read_quality(folder).day


@REAL_ONLY
def test_four_rods_of_the_real_catphan_read_what_a_person_reads(xvi: QualityDay) -> None:
    """About −185, −123, −85 and +206 HU at 58 mm on this uncalibrated cone beam, spread 6 to 9 HU."""
    plane = plane_of(xvi.slices[0], "linearity")
    held = recognise(plane, "linearity").rods
    HU = sorted(rod.HU for rod in held if -400 < rod.HU < 400)
    assert np.array(HU) == pytest.approx([-185.0, -123.0, -85.0, 206.0], abs=2.0)
    assert all(5.0 < rod.sd_HU < 10.0 for rod in held if -400 < rod.HU < 400)
    assert np.mean([rod.radius_mm for rod in held]) == pytest.approx(58.4, abs=0.3)


@REAL_ONLY
def test_centres_of_the_real_slices(xvi: QualityDay) -> None:
    """Means of a box of 15 mm in the image's middle: −30, −11 and −76 HU."""
    for image, expected in zip(xvi.slices, (-30.0, -11.0, -76.0)):
        plane = plane_of(image, "real")
        assert float(plane.HU[plane.disc(0.0, 0.0, 7.5)].mean()) == pytest.approx(expected, abs=2.5)


@REAL_ONLY
def test_geometry_and_slice_of_the_real_catphan(xvi: QualityDay) -> None:
    found = measure(xvi)
    assert found.words == "rods (CatPhan), line pairs (CatPhan), uniform (water)"
    assert found.values["scale_pct"] == pytest.approx(0.0, abs=0.4)  # marks 50 mm apart
    assert found.figures["slice_mm"] == pytest.approx(1.5, abs=0.15)  # SliceThickness in its header
    assert found.values["uniformity_HU"] > 25.0  # the cupping of a cone beam without correction


@REAL_ONLY
def test_the_real_low_contrast_slice_without_preamble_is_read(tmp_path: Path) -> None:
    (tmp_path / "slice.dcm").write_bytes((REAL / "low_contrast.dcm").read_bytes())
    day = read_quality(tmp_path).day
    assert day.exposure.words == "120 kV, 300 mAs, 1 mm, FC26"
    assert day.exposure.CTDIvol_mGy == pytest.approx(26.5)
    assert measure(day).words == "low contrast (CatPhan)"

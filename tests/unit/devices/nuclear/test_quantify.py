"""Counts to activity: calibration, dead time, recovery, regions, outlines, alignment, and the whole series at the end."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import erf

from gemel.core.activity import ActivityImage, require_series, uncorrected
from gemel.core.errors import InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.devices.nuclear import (
    Blur,
    Calibration,
    Camera,
    acquire,
    align,
    blurred,
    by_label,
    calibrated,
    edge_slope,
    fit_recovery,
    follow,
    from_phantom,
    measure,
    nonparalysable_rate_1_s,
    nonparalysable_true_1_s,
    onto_image,
    paralysable_rate_1_s,
    paralysable_true_1_s,
    quantify,
    sphere_recovery,
    stacked,
    time_integrated,
    volume_relative_sd,
)

H = 3600.0
LU_s = 574300.8
CAMERA = Calibration(10.0, 0.3, "Lu-177")


def grid(values: np.ndarray, spacing_mm: float = 4.0) -> Image:
    """Centred on the origin."""
    affine_mm = np.diag([spacing_mm] * 3 + [1.0])
    affine_mm[:3, 3] = [-(n - 1) / 2 * spacing_mm for n in values.shape]
    return Image(values.astype(np.float32), affine_mm, "1.2.3")


def ball(shape: tuple[int, int, int], centre_mm: tuple[float, float, float], radius_mm: float, spacing_mm: float = 4.0) -> np.ndarray:
    """Mask of a ball on such a grid."""
    axes = [(np.arange(n) - (n - 1) / 2) * spacing_mm for n in shape]
    x, y, z = np.meshgrid(*axes, indexing="ij")
    return (x - centre_mm[0]) ** 2 + (y - centre_mm[1]) ** 2 + (z - centre_mm[2]) ** 2 < radius_mm**2


def scan(image: Image, *, hours: float = 24.0, **changes: object) -> ActivityImage:
    """Lu-177, 7.4 GBq at time zero, 20 min."""
    return replace(ActivityImage(image, "Bq/mL", "Lu-177", hours * H, 1200.0, 0.0, 7400.0, "none"), **changes)


def test_counts_over_factor_time_and_volume_are_a_concentration() -> None:
    found = calibrated(scan(grid(np.full((3, 3, 3), 640.0)), unit="counts"), CAMERA)
    assert found.image.array[1, 1, 1] == pytest.approx(640 / (10.0 * 1200 * 0.064) * 1e6)
    with pytest.raises(InputError, match="a factor for Lu-177 and an image of I-131"):
        calibrated(scan(grid(np.ones((3, 3, 3))), unit="counts", nuclide="I-131"), CAMERA)
    with pytest.raises(InputError, match="an image in Bq/mL"):
        calibrated(found, CAMERA)


def test_a_factor_from_a_phantom_keeps_the_meters_error() -> None:
    found = from_phantom(np.array([98.0, 102.0, 100.0]), np.full(3, 10.0), "Lu-177", activity_relative_sd=0.03)
    assert pytest.approx(10.0) == found.Q_1_MBq_s
    assert found.relative_sd == pytest.approx(math.hypot(0.02 / math.sqrt(3), 0.03))


def test_dead_time_is_undone() -> None:
    true = np.array([0.0, 1e3, 5e4, 1.5e5])
    for there, back in ((paralysable_rate_1_s, paralysable_true_1_s), (nonparalysable_rate_1_s, nonparalysable_true_1_s)):
        np.testing.assert_allclose(back(there(true, 5e-6), 5e-6), true, rtol=1e-9)
    assert paralysable_rate_1_s(np.array(2e5), 5e-6) == pytest.approx(1 / (math.e * 5e-6))
    with pytest.raises(RangeError, match="above the largest"):
        paralysable_true_1_s(np.array([8e4]), 5e-6)
    with pytest.raises(RangeError, match="5e-06 s dead"):
        nonparalysable_true_1_s(np.array([2e5]), 5e-6)


def test_decay_within_the_scan_and_to_the_injection() -> None:
    decay_1_s, image = math.log(2) / 6586.2, grid(np.ones((3, 3, 3)))
    start, length = 7000.0, 3000.0
    mean = quad(lambda t: math.exp(-decay_1_s * t), start, start + length)[0] / length
    held = scan(image, nuclide="F-18", duration_s=length, acquired_s=start)
    for word, value in (("none", mean), ("start", math.exp(-decay_1_s * start)), ("injection", 1.0)):
        measured = replace(held, decay_corrected_to=word, image=grid(np.full((3, 3, 3), value)))
        assert uncorrected(measured, 6586.2).image.array[0, 0, 0] == pytest.approx(math.exp(-decay_1_s * start), rel=1e-6)


def blurred_sphere(r: float, radius: float, sigma: float) -> float:
    """Kessler 1984: uniform sphere through a Gaussian."""
    a, b = (r + radius) / (math.sqrt(2) * sigma), (r - radius) / (math.sqrt(2) * sigma)
    return 0.5 * (erf(a) - erf(b)) - sigma / (r * math.sqrt(2 * math.pi)) * (math.exp(-(b**2)) - math.exp(-(a**2)))


@pytest.mark.parametrize("radius_mm", [3.0, 8.0, 20.0, 60.0])
def test_recovery_and_edge_of_a_sphere_are_the_integrals_of_its_profile(radius_mm: float) -> None:
    sigma = 10.0 / math.sqrt(8 * math.log(2))
    inside = quad(lambda r: 3 * r**2 / radius_mm**3 * blurred_sphere(r, radius_mm, sigma), 1e-9, radius_mm)[0]
    assert sphere_recovery(radius_mm, 10.0) == pytest.approx(inside, rel=1e-9)
    assert edge_slope(radius_mm, 10.0) == pytest.approx(blurred_sphere(radius_mm, radius_mm, sigma) / inside, rel=1e-9)


def test_a_recovery_curve_is_found_with_its_uncertainty() -> None:
    rng = np.random.default_rng(0)
    volume = np.array([0.5, 1.2, 2.6, 5.6, 11.5, 26.5, 60.0])
    truth = 1 / (1 + (volume / 3.0) ** -0.9)
    exact = fit_recovery(volume, truth, np.full(7, 0.03))
    assert (exact.half_mL, exact.c) == (pytest.approx(3.0, rel=1e-6), pytest.approx(0.9, rel=1e-6))
    at = np.array([1.0, 8.0, 40.0])
    fits = np.array([fit_recovery(volume, truth + 0.03 * rng.standard_normal(7), np.full(7, 0.03)).at(at) for _ in range(300)])
    np.testing.assert_allclose(fits.std(axis=0) / fits.mean(axis=0), exact.relative_sd(at), rtol=0.15)
    step = 1e-5
    slope = (np.log(exact.at(at * (1 + step))) - np.log(exact.at(at))) / math.log(1 + step)
    np.testing.assert_allclose(exact.slope(at), slope, rtol=1e-4)
    with pytest.raises(RangeError, match="a volume"):
        exact.at(np.array([0.0]))
    with pytest.raises(InputError, match="2 recovery"):
        fit_recovery(volume[:2], truth[:2], np.full(2, 0.03))


def test_activity_and_volume_move_together_as_redrawn_outlines_say() -> None:
    """The same blurred sphere measured in outlines of many sizes: d ln A/d ln v of the whole chain, recovery included."""
    fwhm_mm, radius_mm, spacing_mm = 12.0, 15.0, 1.0
    shape = (70, 70, 70)
    truth = grid(1e4 * ball(shape, (0, 0, 0), radius_mm, spacing_mm), spacing_mm)
    seen = scan(replace(truth, array=blurred(truth, fwhm_mm)))
    radii = np.linspace(5.0, 40.0, 30)
    curve = fit_recovery(4 / 3000 * math.pi * radii**3, sphere_recovery(radii, fwhm_mm), np.full(30, 0.02))
    found = []
    for r in (14.5, 15.0, 15.5):
        masks = Structures(seen.image, {"node": ball(shape, (0, 0, 0), r, spacing_mm)})
        found.append(measure(seen, masks, Blur(fwhm_mm, curve))[0])
    small, here, large = found
    slope = math.log(large.activity_Bq / small.activity_Bq) / math.log(large.volume_mL / small.volume_mL)
    assert here.activity_by_volume == pytest.approx(slope, abs=0.03)
    assert here.activity_Bq == pytest.approx(1e4 * here.volume_mL, rel=0.05)
    assert here.relative_covariance[0, 1] == pytest.approx(here.activity_by_volume * here.volume_rel**2)
    assert np.linalg.eigvalsh(here.relative_covariance).min() >= 0


def test_the_stated_noise_of_a_region_is_that_of_repeated_scans() -> None:
    shape, rng = (30, 30, 30), np.random.default_rng(1)
    truth = scan(grid(np.full(shape, 2e4)))
    camera = Camera(0.0, 12.0, CAMERA)
    masks = Structures(truth.image, {"organ": ball(shape, (0, 0, 0), 24.0)})
    scans = [calibrated(acquire(truth, camera, rng), CAMERA) for _ in range(40)]
    inside = ball(shape, (0, 0, 0), 40.0)
    voxel_rel = float(np.mean([s.image.array[inside].std() / s.image.array[inside].mean() for s in scans]))
    sums = np.array([measure(s, masks, Blur(12.0, voxel_rel=voxel_rel))[0].activity_Bq for s in scans])
    stated = measure(scans[0], masks, Blur(12.0, voxel_rel=voxel_rel))[0].noise_rel
    assert sums.std(ddof=1) / sums.mean() == pytest.approx(stated, rel=0.4)
    assert sums.mean() == pytest.approx(2e4 * masks["organ"].sum() * 0.064, rel=0.01)


def test_an_outline_is_as_uncertain_as_its_two_edges() -> None:
    """A 43 mm sphere on 4 mm voxels at 12 mm FWHM: u(d)² = 16/6 + 144/(4 ln 2) mm², three times u(d)/d."""
    volume_mL = math.pi / 6 * 43.0**3 / 1000
    assert volume_relative_sd(volume_mL, 4.0, 12.0) == pytest.approx(3 * math.sqrt(16 / 6 + 51.937) / 43.0, rel=1e-4)


def test_a_voi_outside_the_field_is_refused() -> None:
    shape = (20, 20, 20)
    held = scan(grid(np.ones(shape)))
    wide = grid(np.ones((40, 20, 20)))
    masks = Structures(wide, {"in": ball((40, 20, 20), (0, 0, 0), 20.0), "out": ball((40, 20, 20), (50, 0, 0), 20.0)})
    with pytest.raises(StructureError, match="outside the field of view") as error:
        onto_image(masks, held.image)
    assert error.value.where == "out"
    assert onto_image(Structures(wide, {"in": masks["in"]}), held.image)["in"].sum() == masks["in"].sum()
    with pytest.raises(StructureError, match="outside the field of view"):
        measure(held, masks, Blur(10.0))
    with pytest.raises(StructureError, match="an empty VOI"):
        measure(held, Structures(held.image, {"none": np.zeros(shape, bool)}), Blur(10.0))
    with pytest.raises(InputError, match="an image in counts"):
        measure(replace(held, unit="counts"), Structures(held.image, {}), Blur(10.0))


def test_label_maps_name_every_label() -> None:
    labels = np.zeros((4, 4, 4), int)
    labels[0], labels[1] = 1, 2
    assert by_label(labels, {1: "kidney_left", 2: "liver"})["liver"].sum() == 16
    with pytest.raises(StructureError, match=r"labels \[2\]"):
        by_label(labels, {1: "kidney_left"})
    with pytest.raises(StructureError, match="same name"):
        by_label(labels, {1: "kidney", 2: "kidney"})


def test_regions_are_followed_over_cycles() -> None:
    shape = (40, 40, 40)
    image = grid(np.zeros(shape))

    def masks(**centres: tuple[float, float, float]) -> Structures:
        return Structures(image, {name: ball(shape, centre, 10.0) for name, centre in centres.items()})

    before = masks(kidney_left=(40.0, 0.0, 0.0), lesion_1=(0.0, 0.0, 40.0), lesion_2=(0.0, 40.0, 0.0), lesion_3=(-50.0, -50.0, 0.0))
    now = masks(kidney_left=(38.0, 0.0, 0.0), a=(0.0, 43.0, 4.0), b=(2.0, 0.0, 38.0), c=(0.0, 0.0, -60.0))
    found = follow(before, now, within_mm=20.0)
    assert found.same == {"kidney_left": "kidney_left", "lesion_1": "b", "lesion_2": "a"}
    assert (found.new, found.vanished) == (("c",), ("lesion_3",))


def test_a_moved_time_point_is_brought_back() -> None:
    shape = (40, 36, 40)

    def body(shift: tuple[float, float, float]) -> np.ndarray:
        values = np.full(shape, 20.0)
        for centre, radius, level in (((30, 0, 10), 18, 900), ((-30, 5, 15), 16, 700), ((0, -20, -30), 25, 300), ((10, 25, 30), 12, 1500)):
            values += level * ball(shape, tuple(np.add(centre, shift)), radius)
        return values

    shift = (8.0, -6.0, 4.0)
    first = scan(grid(body((0, 0, 0))), hours=4)
    later = scan(grid(0.5 * body(shift)), hours=24)
    first, later = (replace(s, image=replace(s.image, array=blurred(s.image, 12.0))) for s in (first, later))
    held = align([first, later])
    motion = held.motion[1]
    assert motion is not None
    np.testing.assert_allclose(motion.translation_mm, [-8, 6, -4], atol=1.0)
    inside = body((0, 0, 0)) > 100
    before, after = (np.abs(s.image.array - 0.5 * first.image.array)[inside].mean() for s in (later, held.scans[1]))
    assert after < 0.25 * before
    assert stacked(held).shape == (2, *shape)
    with pytest.raises(InputError, match="1 CTs for 2 scans"):
        align([first, later], ct=[first.image])


def test_scans_of_one_series_only() -> None:
    held = scan(grid(np.ones((3, 3, 3))))
    with pytest.raises(InputError, match="times do not increase"):
        require_series((held, held))
    with pytest.raises(InputError, match="another nuclide or injection"):
        require_series((held, replace(held, acquired_s=2e6, injected_MBq=7000.0)))


def test_the_whole_chain_holds_the_truth() -> None:
    """Two organs and a lesion, four noisy scans of a camera: each integral in its 99 % interval, as wide as its causes."""
    shape, rng = (32, 28, 32), np.random.default_rng(3)
    organs = {"kidney": ((28, 0, 0), 22.0, 60.0, 4e5), "liver": ((-26, 0, 10), 30.0, 75.0, 2e5), "lesion": ((0, -20, -35), 14.0, 90.0, 6e5)}
    masks = Structures(grid(np.zeros(shape)), {name: ball(shape, c, r) for name, (c, r, _, _) in organs.items()})
    camera = Camera(10.0, 6.0, CAMERA)
    radii = np.linspace(6.0, 45.0, 25)
    total_mm = math.hypot(10.0, 6.0)
    curve = fit_recovery(4 / 3000 * math.pi * radii**3, sphere_recovery(radii, total_mm), np.full(25, 0.03))
    scans = []
    for hours in (4.0, 24.0, 72.0, 168.0):
        values = sum(level * 2 ** (-hours / half) * masks[name] for name, (_, _, half, level) in organs.items())
        counts = acquire(scan(grid(values), hours=hours), camera, rng)
        scans.append(replace(calibrated(counts, CAMERA), decay_corrected_to="start"))
    series = quantify(scans, masks, Blur(total_mm, curve, voxel_rel=0.08), half_life_s=LU_s, calibration_rel=CAMERA.relative_sd)
    held = time_integrated(series, half_life_s=LU_s, draws=2000, rng=rng)
    truth = np.array([level * half * H / math.log(2) * 0.064 * masks[n].sum() for n, (_, _, half, level) in organs.items()])
    low, high = np.percentile(held.tia_Bq_s, [0.5, 99.5], axis=0)
    assert ((low < truth) & (truth < high)).all()
    shared = np.array([math.hypot(CAMERA.relative_sd, region.own_rel) for region in series.regions[0]])
    relative = np.sqrt(np.diag(held.covariance)) / held.mean_Bq_s
    assert ((shared * 0.9 < relative) & (relative < 1.25 * shared)).all()
    spoiled = [replace(s, image=replace(s.image, array=s.image.array * (1 + 3 * i))) for i, s in enumerate(scans)]
    with pytest.raises(RangeError, match="effective half-life longer than physical"):
        quantify(spoiled, masks, Blur(total_mm, curve), half_life_s=LU_s, calibration_rel=0.03)

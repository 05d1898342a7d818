"""The cone-beam scan by its physics: HU of water, scatter, noise, field, and what is refused."""

from dataclasses import replace
from importlib import import_module

import numpy as np
import pytest

from gemel.core.errors import GeometryError, IdentityError, RangeError, UnitError
from gemel.devices.cbct import GENERIC, ConeBeam, Machine, Scatter, acquire, reconstruct
from gemel.devices.cbct.machine import field_radius_mm, seen
from gemel.devices.cbct.scatter import scattered
from gemel.engines.project import Grid
from gemel.systems.prostate_radiotherapy.day import simulate_day, virtual_patient

from .phantom import SMALL, ISOCENTRE_mm, cylinder, pelvis, places_mm, without_noise

CLEAN = without_noise(SMALL, scatter=Scatter(ratio_30cm=0.0))


def scan(image, machine=CLEAN, seed=0):
    return acquire(image, ISOCENTRE_mm, np.random.default_rng(seed), machine=machine)


def middle(image):
    return image.array[:, :, image.shape[2] // 2]


@pytest.fixture(scope="module")
def water():
    return cylinder(110.0)


@pytest.fixture(scope="module")
def clean(water):
    return reconstruct(scan(water), water)


def test_water_is_zero_and_flat(clean):
    r = np.hypot(*np.moveaxis(places_mm(clean), -1, 0)[:2])[:, :, 12]
    inner, outer = middle(clean)[r < 40], middle(clean)[(r > 70) & (r < 95)]
    assert abs(inner.mean()) < 5
    assert abs(outer.mean() - inner.mean()) < 6
    assert middle(clean)[(r > 125) & (r < 170)].mean() == pytest.approx(-1000, abs=8)


def test_without_the_water_calibration_it_would_cup(water, monkeypatch):
    module = import_module("gemel.devices.cbct.acquire")
    straight = tuple((row[0], *(0.0 for _ in row[1:])) for row in module.calibration(CLEAN))
    monkeypatch.setattr(module, "calibration", lambda machine: straight)
    cupped = reconstruct(scan(water), water)
    r = np.hypot(*np.moveaxis(places_mm(cupped), -1, 0)[:2])[:, :, 12]
    assert middle(cupped)[r < 40].mean() < -30


def test_scatter_darkens_and_cups(water, clean):
    seen = reconstruct(scan(water, replace(CLEAN, scatter=Scatter(ratio_30cm=1.0))), water)
    r = np.hypot(*np.moveaxis(places_mm(seen), -1, 0)[:2])[:, :, 12]
    assert middle(seen)[r < 40].mean() < middle(clean)[r < 40].mean() - 80
    assert middle(seen)[r < 40].mean() < middle(seen)[(r > 80) & (r < 95)].mean() - 10


def test_scatter_is_its_stated_ratio_and_grows_with_it():
    flat = np.full((2, 20, 24), 0.5, np.float32)
    machine = replace(SMALL, scatter=Scatter(ratio_30cm=0.7, power=1.5))
    assert scattered(flat, np.full_like(flat, 30.0), machine) == pytest.approx(0.35, rel=1e-4)
    assert scattered(flat, np.full_like(flat, 15.0), machine) == pytest.approx(0.35 / 2**1.5, rel=1e-4)
    body = pelvis()
    once, twice = (scan(body, replace(CLEAN, scatter=Scatter(ratio_30cm=k))).scatter_to_primary for k in (0.5, 1.0))
    assert twice == pytest.approx(2 * once, rel=1e-4)
    assert 0.3 < twice < 4


def test_noise_falls_with_the_root_of_the_exposure(water):
    spread = []
    for mAs in (200.0, 800.0):
        one, other = (reconstruct(scan(water, replace(SMALL, mAs=mAs), seed), water) for seed in (1, 2))
        spread.append((one.array - other.array)[25:47, 15:37, 8:17].std())
    assert spread[0] / spread[1] == pytest.approx(2.0, rel=0.06)


def test_bone_and_fat_are_seen_where_they_are():
    body = pelvis()
    seen = reconstruct(scan(body), body)
    x, y, z = np.moveaxis(places_mm(body), -1, 0)
    near = np.abs(z) < 30
    bone, fat = near & (np.hypot(x - 95, y - 5) < 12), near & (np.abs(x) < 8) & (np.abs(np.abs(y) - 105) < 5)
    assert 450 < seen.array[bone].mean() < 900
    assert -160 < seen.array[fat].mean() < -40


def test_the_field_is_a_cylinder_that_a_displaced_panel_widens(clean):
    assert field_radius_mm(GENERIC) == pytest.approx(1000 * np.sin(np.arctan(358 / 1500)))
    assert field_radius_mm(replace(GENERIC, offset_mm=0.0)) < 0.6 * field_radius_mm(GENERIC)
    r = np.hypot(*np.moveaxis(places_mm(clean), -1, 0)[:2])
    assert (clean.array[r < 170] > -1024).all()
    tall = seen(Grid((41, 1, 101), (10.0, 10.0, 2.0)), GENERIC)[:, 0]
    heights_mm = tall.sum(axis=1) + 1.0  # half of 2 mm times the count
    assert heights_mm[20] == pytest.approx(98.0, abs=2)
    assert heights_mm[0] == pytest.approx(98.0 * (1 - 0.2), abs=2)


def test_a_body_cut_off_in_every_view_is_refused():
    body = pelvis()
    narrow = replace(CLEAN, offset_mm=0.0, panel_mm=(150.0, 297.0))
    with pytest.raises(RangeError, match="beyond the field of 100 mm in 100 % of views"):
        reconstruct(scan(body, narrow), body)


@pytest.mark.parametrize(
    "wrong", [lambda hu: hu + 1024, lambda hu: hu - 1024, lambda hu: np.where(hu > 600, np.nan, hu), lambda hu: hu / 1000]
)
def test_images_that_are_not_in_HU_are_refused(wrong):
    body = pelvis()
    with pytest.raises(UnitError, match="HU"):
        scan(replace(body, array=wrong(body.array).astype(np.float32)))


def test_places_outside_are_refused():
    body = pelvis()
    with pytest.raises(GeometryError, match="beyond the image along z"):
        acquire(body, ISOCENTRE_mm + np.array([0, 0, 300.0]), np.random.default_rng(0), machine=CLEAN)
    with pytest.raises(GeometryError):
        acquire(body, ISOCENTRE_mm + np.array([5000.0, 0, 0]), np.random.default_rng(0), machine=CLEAN)
    with pytest.raises(IdentityError):
        reconstruct(scan(replace(body, frame="1.2")), replace(body, frame="1.3"))
    with pytest.raises(RangeError, match="impossible machine"):
        Machine(mAs=0.0)
    with pytest.raises(RangeError, match="impossible scatter"):
        Scatter(ratio_30cm=-1.0)


@pytest.mark.full
def test_a_day_of_the_prostate_twin_can_be_scanned_by_a_machine():
    patient = virtual_patient(1, np.random.default_rng(4))
    setup_mm = np.array([2.0, -1.0, 3.0])
    args = (patient.ct, patient.modes, patient.states[0])
    seen, degraded = (
        simulate_day(*args, setup_mm=setup_mm, scanner=scanner, rng=np.random.default_rng(1)) for scanner in (SMALL, ConeBeam(noise_HU=5.0))
    )
    both = (seen.array > -300) & (degraded.array > -300)
    assert both.mean() > 0.2
    assert np.corrcoef(seen.array[both], degraded.array[both])[0, 1] > 0.7

"""CT numbers made right: depths on a corrected scan of a changed body, gas that is kept, a couch shift that is found."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.core.image import Image
from gemel.core.structures import centroid_mm
from gemel.devices.cbct import GENERIC, Scatter, acquire, aligned, corrected, reconstruct
from gemel.devices.cbct.shading import unshaded
from gemel.devices.ct import default_hu_rsp_table
from gemel.engines.dose import hu_to_rsp, water_equivalent_depth
from gemel.engines.registration import resample, rigid
from gemel.systems.prostate_radiotherapy.phantom import digital_pelvis

from .phantom import SMALL, ISOCENTRE_mm, cylinder, empty, pelvis, places_mm

OTHER = replace(SMALL, kVp=122.5, scatter=Scatter(1.1, 1.3, 55.0, 150.0, 0.4))  # what the correction does not know


def depths_mm(image, mask, angles_deg=(0.0, 90.0, 180.0, 270.0)):
    rsp = np.where(image.array > -500, hu_to_rsp(np.clip(image.array, -1024, 3071), default_hu_rsp_table()), 0.0).astype(np.float32)
    return np.concatenate([water_equivalent_depth(Image(rsp, image.affine_mm), g)[mask] for g in angles_deg])


@pytest.fixture(scope="module")
def day():
    plan, truth = pelvis(), pelvis(gas_mm=17.0, organ_HU=0.0)
    scan = replace(acquire(truth, ISOCENTRE_mm, np.random.default_rng(3), machine=OTHER), machine=SMALL)
    return plan, truth, scan, corrected(scan, plan)


def target(image):
    x, y, z = np.moveaxis(places_mm(image), -1, 0)
    return np.hypot(x, y, z) < 20


def test_depths_on_the_corrected_image_are_within_two_millimetres(day):
    plan, truth, scan, found = day
    right = depths_mm(truth, target(truth))
    raw, mended = (np.abs(depths_mm(image, target(truth)) - right).mean() for image in (reconstruct(scan, truth), found.image))
    assert raw > 8
    assert mended < 2
    assert mended < 0.6 * np.abs(depths_mm(plan, target(truth)) - right).mean()


@pytest.mark.full
def test_scatter_of_another_form_is_taken_out_too():
    plan, truth = pelvis(), pelvis(organ_HU=0.0)
    clean = acquire(truth, ISOCENTRE_mm, np.random.default_rng(4), machine=replace(OTHER, scatter=Scatter(ratio_30cm=0.0)))
    v, u = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) * SMALL.bin_mm for n in clean.signal.shape[1:]), indexing="ij")
    kernel = np.exp(-np.hypot(v, u) / 60) * (1 + 0.3 * np.sign(u))  # pointed, lopsided
    source = clean.signal * np.log1p(-np.log(clean.signal))
    spread = np.fft.irfft2(np.fft.rfft2(source, axes=(1, 2)) * np.fft.rfft2(kernel / kernel.sum()), s=source.shape[1:], axes=(1, 2))
    turn = 1 + 0.1 * np.cos(np.linspace(0, 2 * np.pi, SMALL.views))[:, None, None]
    scan = replace(clean, signal=(clean.signal + 0.6 * turn * spread + 0.002).astype(np.float32), machine=SMALL)
    right = depths_mm(truth, target(truth))
    raw, mended = (depths_mm(image, target(truth)) - right for image in (reconstruct(scan, truth), corrected(scan, plan).image))
    assert np.abs(raw).mean() > 8
    assert np.abs(mended).mean() < 2


def test_gas_that_the_prior_lacks_is_kept(day):
    plan, truth, _, found = day
    x, y, z = np.moveaxis(places_mm(truth), -1, 0)
    core = np.sqrt(x**2 + (y - 50) ** 2 + z**2) < 9
    assert plan.array[core].mean() == 45
    assert found.image.array[core].mean() == pytest.approx(-900, abs=130)


def test_the_scatter_that_was_there_is_found(day):
    *_, scan, found = day
    assert found.scatter_to_primary == pytest.approx(scan.scatter_to_primary, rel=0.25)


def test_the_same_body_comes_back_as_it_was():
    plan = pelvis()
    scan = acquire(plan, ISOCENTRE_mm, np.random.default_rng(5), machine=replace(SMALL, mAs=1e6))
    image = corrected(scan, plan).image
    inside = plan.array > -200
    assert abs((image.array - plan.array)[inside].mean()) < 6
    assert (image.array - plan.array)[inside].std() < 25


@pytest.mark.full
def test_a_couch_shift_is_recovered():
    plan, structures = digital_pelvis(np.random.default_rng(1), spacing_mm=4.0)
    centre_mm, shift_mm = centroid_mm(structures, "CTV"), np.array([4.0, -3.0, 5.0])
    affine = plan.affine_mm.copy()
    affine[:3, 3] += shift_mm
    there = replace(plan, affine_mm=affine)
    scan = acquire(there, centre_mm, np.random.default_rng(7), machine=replace(SMALL, bin_mm=4.0))
    assert np.abs(rigid(reconstruct(scan, plan), plan).translation_mm - shift_mm).max() < 1.0
    error = (aligned(scan, plan).array - resample(there, plan, outside=None).array)[structures["BODY"]]
    assert np.abs(error).mean() < 20


def test_another_body_is_refused(day):
    *_, scan, _ = day
    with pytest.raises(RangeError, match="same person"):
        corrected(scan, cylinder(60.0))


def test_shading_of_a_known_form_is_taken_out_and_other_tissue_is_left():
    plan = pelvis()
    x, y, _ = np.moveaxis(places_mm(plan), -1, 0)
    slow = (60 * np.cos(x / 90) - 40 * np.cos(y / 80)).astype(np.float32)
    shaded = replace(plan, array=np.where(plan.array > -900, plan.array + slow, plan.array).astype(np.float32))
    shaded.array[36:38, 26:28, 12] = 900.0
    mended = unshaded(shaded, plan, np.ones(plan.shape, bool))
    inside = (plan.array > -50) & (shaded.array != 900.0)
    assert np.abs(mended.array - plan.array)[inside].mean() < 0.35 * np.abs(slow[inside]).mean()
    assert (mended.array[36:38, 26:28, 12] > 800).all()
    with pytest.raises(RangeError, match="same tissue"):
        unshaded(empty(), plan, np.ones(plan.shape, bool))


def test_machines_are_compared_by_what_they_are():
    assert replace(GENERIC) == GENERIC
    assert hash(replace(GENERIC, kVp=120.0)) != hash(GENERIC)

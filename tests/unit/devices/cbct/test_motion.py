"""Views of a moving body: the sum over phases undoes a known motion, and is the plain image when nothing moves."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.devices.cbct import Scatter, acquire, acquire_moving, compensated, reconstruct
from gemel.engines.registration import pull, translation, zero_field
from gemel.engines.rhythm import sort_views

from .phantom import SMALL, ISOCENTRE_mm, cylinder, places_mm, without_noise

MACHINE = without_noise(replace(SMALL, views=144), scatter=Scatter(ratio_30cm=0.0))
SHIFTS_mm = (-9.0, -3.0, 3.0, 9.0)


def ball():
    body = cylinder(105.0)
    apart_mm = np.linalg.norm(places_mm(body) - (20.0, 10.0, 0.0), axis=-1)
    return replace(body, array=np.where(apart_mm < 22, 400.0, body.array).astype(np.float32))


@pytest.fixture(scope="module")
def moving():
    still = ball()
    turn_rad = 2 * np.pi * np.arange(MACHINE.views) / MACHINE.views
    phase_of = sort_views(np.mod(np.arange(MACHINE.views) / 12.0, 1.0), turn_rad, bins=4).bin
    whole = zero_field(still, max(still.shape))
    fields = [translation(whole, np.array([0.0, 0.0, z])) for z in SHIFTS_mm]
    phases = [pull(still, translation(whole, np.array([0.0, 0.0, -z]))) for z in SHIFTS_mm]
    return still, phase_of, fields, acquire_moving(phases, phase_of, ISOCENTRE_mm, np.random.default_rng(0), machine=MACHINE)


def test_compensation_undoes_most_of_the_blur(moving):
    still, phase_of, fields, scan = moving
    reference = reconstruct(acquire(still, ISOCENTRE_mm, np.random.default_rng(0), machine=MACHINE), still)
    near = np.linalg.norm(places_mm(still) - (20.0, 10.0, 0.0), axis=-1) < 40
    blurred, sharp = (
        np.sqrt(np.mean(np.square(image.array - reference.array)[near]))
        for image in (reconstruct(scan, still), compensated(scan, still, phase_of, fields))
    )
    assert blurred > 25
    assert sharp < 0.45 * blurred


def test_without_motion_the_parts_add_up_to_the_whole(moving):
    still, phase_of, _, scan = moving
    parts = compensated(scan, still, phase_of, [zero_field(still, max(still.shape))] * 4)
    assert np.abs(parts.array - reconstruct(scan, still).array).max() < 0.5


def test_phases_that_do_not_fit_are_refused(moving):
    still, phase_of, fields, scan = moving
    with pytest.raises(InputError, match="phases"):
        compensated(scan, still, phase_of[:10], fields)
    with pytest.raises(InputError, match=r"phases \[0, 1, 2, 3\]"):
        compensated(scan, still, phase_of, fields[:3])

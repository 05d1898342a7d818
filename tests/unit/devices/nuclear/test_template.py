"""Regions fitted as the camera blurs them: partial volume, spill-in and shifts that a sum inside the outline would not survive."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError
from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.devices.nuclear import Blur, blurred, measure
from gemel.devices.nuclear.template import fitted

SPACING_mm, FWHM_mm = 4.0, 10.0


def ball(centre: tuple[float, float, float], radius_mm: float) -> NDArray[np.bool_]:
    x = np.stack(np.meshgrid(*(np.arange(48.0),) * 3, indexing="ij"), axis=-1)
    return np.asarray(np.linalg.norm((x - np.array(centre)) * SPACING_mm, axis=-1) <= radius_mm)


MASKS = {"small": ball((15, 24, 24), 13.0), "large": ball((28, 24, 24), 26.0), "beside": ball((28, 36, 24), 15.0)}
CONCENTRATION = {"small": 9e4, "large": 3e4, "beside": 6e4}
GROUND = 4e3


def scan(shift: tuple[float, float, float] = (0.0, 0.0, 0.0)) -> tuple[ActivityImage, Structures]:
    """A blurred image of the three balls in a warm ground, lying `shift` voxels from where they are thought to be."""
    field = np.full((48, 48, 48), GROUND, np.float32)
    for name, mask in MASKS.items():
        field[mask] = CONCENTRATION[name]
    affine = np.diag([SPACING_mm] * 3 + [1.0])
    truth = Image(field, affine)
    seen = np.roll(blurred(truth, FWHM_mm), tuple(int(s) for s in shift), axis=(0, 1, 2))
    image = ActivityImage(Image(seen, affine), "Bq/mL", "Lu-177", 86400.0, 1200.0, 0.0, 7400.0, "start")
    return image, Structures(truth, MASKS)


def true_Bq(name: str) -> float:
    return CONCENTRATION[name] * np.count_nonzero(MASKS[name]) * SPACING_mm**3 / 1000


@pytest.mark.parametrize("shift", [(0, 0, 0), (1, -1, 1), (2, 1, -1)])
def test_activity_and_shift_are_found_within_two_per_cent(shift: tuple[int, int, int]) -> None:
    image, regions = scan(shift)
    for name, found in fitted(image, regions, FWHM_mm).items():
        assert found.activity_Bq == pytest.approx(true_Bq(name), rel=0.02), name
        assert found.shift_mm == pytest.approx(SPACING_mm * np.array(shift), abs=0.4), name


def test_a_sum_would_have_lost_a_third_of_the_small_one() -> None:
    image, regions = scan()
    summed = {region.name: region.activity_Bq for region in measure(image, regions, Blur(FWHM_mm))}
    assert summed["small"] < 0.75 * true_Bq("small")


def test_another_resolution_gives_another_answer() -> None:
    image, regions = scan()
    assert fitted(image, regions, 1.5 * FWHM_mm)["small"].activity_Bq > 1.1 * true_Bq("small")


def test_noise_is_told_and_covers_the_error() -> None:
    image, regions = scan((1, 0, 0))
    rng, scores = np.random.default_rng(3), []
    for _ in range(12):
        field = replace(
            image.image, array=blurred(replace(image.image, array=rng.normal(0, 6e4, image.image.shape).astype(np.float32)), FWHM_mm)
        )
        noisy = replace(image, image=replace(image.image, array=np.maximum(image.image.array + field.array, 0.0)))
        found = fitted(noisy, regions, FWHM_mm)
        scores += [(found[n].activity_Bq / true_Bq(n) - 1) / found[n].relative_sd for n in MASKS]
    assert 0.5 < float(np.std(scores)) < 2.0


def test_counts_and_a_resolution_of_nothing_are_refused() -> None:
    image, regions = scan()
    with pytest.raises(InputError, match=r"counts.*calibrate"):
        fitted(replace(image, unit="counts"), regions, FWHM_mm)
    with pytest.raises(InputError, match="resolution of 0"):
        fitted(image, regions, 0.0)

"""Cells from diffusion, and how well they are known."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.systems.breast.cellularity import REPEAT_1, VOXEL_1, ADC_WATER_mm2_s, adc_of, lowest, packing, relative_error


def test_free_water_holds_none_and_the_lowest_adc_holds_all() -> None:
    found = packing(np.array([3.0e-3, 0.8e-3, 1.9e-3, 3.4e-3, 0.5e-3]), 0.8e-3)
    np.testing.assert_allclose(found, [0.0, 1.0, 0.5, 0.0, 1.0], atol=1e-12)


def test_there_and_back() -> None:
    share = np.linspace(0, 1, 7)
    np.testing.assert_allclose(packing(adc_of(share, 0.7e-3), 0.7e-3), share, atol=1e-12)


def test_the_error_stated_is_the_error_made() -> None:
    """5,000 repeats of 200 voxels with the two errors: the spread of the sum of (ADC_w − ADC) is what is stated, within 4 %."""
    rng = np.random.default_rng(0)
    adc = rng.uniform(0.9e-3, 1.6e-3, 200)
    common = 1 + REPEAT_1 * rng.standard_normal((5000, 1))
    seen = adc * (common + VOXEL_1 * rng.standard_normal((5000, 200)))
    cells = (ADC_WATER_mm2_s - seen).sum(axis=1)
    assert cells.std() / cells.mean() == pytest.approx(relative_error(adc, 0.8e-3), rel=0.04)


def test_a_map_without_contrast_to_water_is_refused() -> None:
    with pytest.raises(RangeError, match="lowest ADC"):
        lowest(np.full((3, 3, 3), 2.9e-3), np.ones((3, 3, 3), bool))

"""Dose-volume histograms: simple cases by hand, and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError, StructureError
from gemel.engines import dvh

UNIFORM = np.full((4, 4, 4), 2.0, dtype=np.float32)
ALL = np.ones((4, 4, 4), dtype=bool)


def test_uniform_dose_is_a_step() -> None:
    assert dvh.cumulative(UNIFORM, ALL, np.array([0.0, 2.0, 2.001])) == pytest.approx([1, 1, 0])


def test_levels_may_come_in_any_order() -> None:
    dose = np.linspace(0, 10, 64, dtype=np.float32).reshape(4, 4, 4)
    levels = np.array([7.0, 1.0, 5.0])
    assert dvh.cumulative(dose, ALL, levels)[np.argsort(levels)] == pytest.approx(dvh.cumulative(dose, ALL, np.sort(levels)))


def test_a_ramp_is_resolved_inside_the_voxel() -> None:
    dose = np.broadcast_to(np.arange(4.0)[:, None, None], (4, 4, 4)).copy()
    one = np.zeros_like(ALL)
    one[2] = True
    assert dvh.cumulative(dose, one, np.array([1.6, 1.76, 2.0, 2.26, 2.4])) == pytest.approx([1, 0.75, 0.5, 0.25, 0.0])


def test_dose_and_volume_invert_each_other() -> None:
    dose = np.random.default_rng(0).gamma(4.0, 1.0, (12, 12, 12))
    mask = np.ones(dose.shape, dtype=bool)
    for fraction in (0.02, 0.5, 0.98):
        assert dvh.volume_at_dose(dose, mask, dvh.dose_at_fraction_Gy(dose, mask, fraction)) == pytest.approx(fraction, abs=2e-3)
    assert dvh.volume_at_dose_mL(dose, mask, 0.0, 0.027) == pytest.approx(12**3 * 0.027)


def test_hottest_volume_of_a_ramp() -> None:
    dose = np.broadcast_to(np.arange(10.0)[:, None, None], (10, 10, 10)).copy()
    mask = np.ones(dose.shape, dtype=bool)
    assert dvh.dose_at_volume_Gy(dose, mask, 0.1, 0.001) == pytest.approx(8.5, abs=0.15)
    assert dvh.dose_at_volume_Gy(dose, mask, 99.0, 0.001) == pytest.approx(dvh.dose_at_fraction_Gy(dose, mask, 1.0))
    assert dvh.mean_dose_Gy(dose, mask) == pytest.approx(4.5)


def test_the_histogram_of_a_uniform_dose_can_be_inverted() -> None:
    assert dvh.dose_at_fraction_Gy(UNIFORM, ALL, 0.98) == 2.0


def test_bad_input_is_refused() -> None:
    with pytest.raises(StructureError, match="empty"):
        dvh.cumulative(UNIFORM, ~ALL, np.array([1.0]))
    with pytest.raises(RangeError, match="finite"):
        dvh.mean_dose_Gy(np.full_like(UNIFORM, np.nan), ALL)
    with pytest.raises(RangeError, match="98 % is"):
        dvh.dose_at_fraction_Gy(UNIFORM, ALL, 98.0)
    with pytest.raises((GeometryError, TypeError)):
        getattr(dvh.cumulative, "__wrapped__", dvh.cumulative)(UNIFORM, ALL[:2], np.array([1.0]))

"""BED and EQD2: ways of calling, voxels, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.systems.theranostics.radiobiology import (
    bed_Gy,
    bed_of_protraction_Gy,
    eqd2_Gy,
    equivalent_uniform_bed_Gy,
    equivalent_uniform_dose_Gy,
    limits,
    limits_of,
    ntcp,
    survival,
    tumour_control,
)


def test_every_way_of_asking_for_eqd2_gives_the_same() -> None:
    bed = bed_Gy(5.0, 50.0, 2.8, 2.5)
    asked = [
        eqd2_Gy(5.0, 50.0, 2.8, 2.5),
        eqd2_Gy(dose_Gy=5.0, T_eff_h=50.0, T_rep_h=2.8, alpha_beta_Gy=2.5),
        eqd2_Gy(bed, 2.5),
        eqd2_Gy(bed, alpha_beta_Gy=2.5),
        eqd2_Gy(bed_Gy=bed, alpha_beta_Gy=2.5),
    ]
    assert asked == pytest.approx([3.072391] * 5, abs=1e-6)
    assert bed_Gy(dose_Gy=5, T_eff_h=50, T_rep_h=2.8, alpha_beta_Gy=2.5) == bed


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: eqd2_Gy(5.0),
        lambda: eqd2_Gy(5.0, 50.0, 2.8),
        lambda: eqd2_Gy(bed_Gy=5.0),
        lambda: eqd2_Gy(5.0, 50.0, 2.8, 2.5, bed_Gy=5.5),
        lambda: eqd2_Gy(),
        lambda: eqd2_Gy(5.0, 50.0, alpha_beta_Gy=2.5),
    ],
)
def test_arguments_that_are_neither_are_refused(wrong: Callable[[], object]) -> None:
    with pytest.raises(InputError, match=r"eqd2_Gy.*call eqd2_Gy"):
        wrong()


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ((-1.0, 50.0, 2.8, 2.5), "dose_Gy"),
        ((float("nan"), 50.0, 2.8, 2.5), "dose_Gy"),
        ((5.0, 0.0, 2.8, 2.5), "T_eff_h"),
        ((5.0, -50.0, 2.8, 2.5), "T_eff_h"),
        ((5.0, 50.0, 0.0, 2.5), "T_rep_h"),
        ((5.0, 50.0, 2.8, 0.0), "alpha_beta_Gy"),
        ((5.0, 50.0, 2.8, float("nan")), "alpha_beta_Gy"),
        ((5.0, float("inf"), 2.8, 2.5), "T_eff_h"),
    ],
)
def test_impossible_values_are_refused_by_name(values: tuple[float, float, float, float], name: str) -> None:
    for ask in (bed_Gy, eqd2_Gy):
        with pytest.raises(RangeError, match=name):
            ask(*values)


def test_voxels_broadcast() -> None:
    dose = np.array([[0.0, 5.0], [23.0, 28.0]])
    T_eff_h = np.array([50.0, 40.0])
    found = bed_Gy(dose, T_eff_h, 2.8, 2.5)
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 2)
    assert found[0, 0] == 0.0
    assert found[0, 1] == pytest.approx(5.654206, abs=1e-6)
    assert isinstance(bed_Gy(5, 50, 2.8, 2.5), float)
    assert bed_Gy([5.0, 5.0], 50.0, 2.8, 2.5) == pytest.approx([5.530303] * 2, abs=1e-6)


def test_without_fractions_two_gray_are_two_gray() -> None:
    """A dose of 2 Gy at once is 2 Gy in 2-Gy fractions: EQD2 of BED 2(1 + 2/(α/β)) is 2."""
    assert eqd2_Gy(bed_of_protraction_Gy(2.0, 1.0, 3.0), 3.0) == pytest.approx(2.0, rel=1e-12)


def test_a_uniform_map_is_its_own_equivalent() -> None:
    assert equivalent_uniform_bed_Gy(np.full((4, 4), 30.0), 0.3) == pytest.approx(30.0, rel=1e-12)
    assert equivalent_uniform_dose_Gy(np.full(9, 20.0), 0.2) == pytest.approx(20.0, rel=1e-12)
    assert equivalent_uniform_dose_Gy(np.zeros(3), 0.2) == 0.0


def test_cold_spots_decide_for_tumours_and_hot_spots_for_serial_organs() -> None:
    half = np.array([0.0, 100.0])
    assert equivalent_uniform_bed_Gy(half, 0.3) == pytest.approx(np.log(2) / 0.3, rel=1e-9)
    assert equivalent_uniform_dose_Gy(half, 0.01) == pytest.approx(100.0, rel=0.01)
    assert equivalent_uniform_dose_Gy([10.0, 20.0], 0.5) == pytest.approx(np.sqrt(250.0))
    assert equivalent_uniform_dose_Gy(half, 1.0) == pytest.approx(50.0, rel=1e-12)


def test_the_equivalent_of_two_doses_by_hand() -> None:
    expected = -np.log(0.5 * (np.exp(-0.3 * 10) + np.exp(-0.3 * 12))) / 0.3
    assert equivalent_uniform_bed_Gy([10.0, 12.0], 0.3) == pytest.approx(expected, rel=1e-12)


def test_volumes_weigh_and_must_fit() -> None:
    assert equivalent_uniform_dose_Gy([10.0, 20.0], 1.0, volumes=[3.0, 1.0]) == pytest.approx(12.5)
    assert equivalent_uniform_bed_Gy([10.0, 2000.0], 0.3, volumes=[0.0, 1.0]) == pytest.approx(2000.0)
    for wrong in ([1.0], [0.0, 0.0]):
        with pytest.raises(RangeError, match="volumes"):
            equivalent_uniform_bed_Gy([10.0, 20.0], 0.3, volumes=wrong)


def test_control_and_complication_at_their_middles() -> None:
    assert ntcp(28.0, 28.0, m_1=0.1) == pytest.approx(0.5)
    assert ntcp(28.0 * 1.1, 28.0, m_1=0.1) == pytest.approx(0.8413447, abs=1e-6)
    cured_Gy = np.log(1e7 / np.log(2)) / 0.3
    assert tumour_control(cured_Gy, 1e7, alpha_1_Gy=0.3) == pytest.approx(0.5)
    assert tumour_control(cured_Gy, 1e7, alpha_1_Gy=0.3, regrowth_1_d=0.05, duration_d=20.0) == pytest.approx(0.5**np.e)


def test_survival_is_the_exponential_of_bed() -> None:
    assert survival(4.0, 0.3, beta_1_Gy2=0.03, G_1=0.4) == pytest.approx(np.exp(-0.3 * float(bed_of_protraction_Gy(4.0, 0.4, 10.0))))


def test_limits_are_cited_and_unknown_organs_refused() -> None:
    assert all(limit.reference and limit.value_Gy > 0 for limit in limits())
    assert {limit.value_Gy for limit in limits_of("kidney")} == {40.0, 28.0, 23.0}
    with pytest.raises(InputError, match="choose one of kidney, red marrow"):
        limits_of("heart")

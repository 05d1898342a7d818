"""A section fed by the plasma of the whole-body model: linear where ligand is little, saturating where it is not, and what is refused."""

import numpy as np
import pytest

from gemel.core.errors import GeometryError, RangeError
from gemel.systems.theranostics import micro, pbpk

LAMBDA_1_S = np.log(2) / 574300.0
PERSON = pbpk.labelled(pbpk.corrected_parameters(), "Lu-177")
CYCLE = pbpk.Injection(10.3, 46.9)
LIGAND = micro.Ligand()
VESSELS = np.zeros((16, 2, 1))
VESSELS[0] = 0.2
RECEPTORS = 500.0


@pytest.fixture(scope="module")
def plasma() -> micro.PlasmaCourse:
    """Of a cycle, until all has decayed."""
    return micro.plasma_of(PERSON, [CYCLE], 1500, growth_1=1.4)


@pytest.fixture(scope="module")
def fortnight() -> micro.PlasmaCourse:
    return micro.plasma_of(PERSON, [CYCLE], 336, growth_1=1.4)


@pytest.fixture(scope="module")
def usual(fortnight: micro.PlasmaCourse) -> micro.Uptake:
    return micro.driven(LIGAND, VESSELS, RECEPTORS, 0.025, plasma=fortnight, decay_1_s=LAMBDA_1_S)


def scaled(plasma: micro.PlasmaCourse, factor: float) -> micro.PlasmaCourse:
    return micro.PlasmaCourse(plasma.ends_s, factor * plasma.hot_nmol_L, factor * plasma.cold_nmol_L)


def integral(plasma: micro.PlasmaCourse) -> float:
    return float(np.sum(np.diff(plasma.ends_s, prepend=0.0) * plasma.hot_nmol_L))


def test_plasma_is_that_of_the_person(plasma: micro.PlasmaCourse) -> None:
    """The integral of the artery over its volume within 0.5 %: means over steps, by trapezoids of eighths of each."""
    whole = pbpk.course(PERSON, [CYCLE], np.array([90000.0]))
    artery_nmol_min = float(whole.integrals[0, -1, whole.names.index("artery")])
    volume_L = 0.105 * 2.8 * 0.6 * 1.9
    assert integral(plasma) == pytest.approx(60 * artery_nmol_min / volume_L, rel=5e-3)
    assert plasma.hot_nmol_L[0] / plasma.cold_nmol_L[0] == pytest.approx(10.3 / 46.9, rel=1e-3)


def test_a_trace_adds_up_to_the_ligand_at_rest(plasma: micro.PlasmaCourse) -> None:
    """Σ Δt (free + bound + in cells) over a whole course is `residence` times the integral of plasma, to 1e-3 in every voxel."""
    trace = scaled(plasma, 1e-4)
    found = micro.driven(LIGAND, VESSELS, RECEPTORS, 0.025, plasma=trace, decay_1_s=LAMBDA_1_S)
    rest = micro.residence(LIGAND, VESSELS, RECEPTORS, 0.025, decay_1_s=LAMBDA_1_S) * integral(trace)
    np.testing.assert_allclose(found.integral_nmol_s_L, rest, rtol=1e-3)
    assert found.most_taken_1.max() < 1e-3


def test_receptors_fill_and_ligand_goes_further(fortnight: micro.PlasmaCourse, usual: micro.Uptake) -> None:
    """Twenty times the ligand: receptors near vessels are taken, never more than there are; less of it stays there, more of it far away."""
    much = micro.driven(LIGAND, VESSELS, RECEPTORS, 0.025, plasma=scaled(fortnight, 20.0), decay_1_s=LAMBDA_1_S)
    ratio = much.integral_nmol_s_L / (20 * usual.integral_nmol_s_L)
    near, far = slice(0, 1), slice(12, None)
    assert 0.02 < usual.most_taken_1[near].max() < 0.3
    assert 0.6 < much.most_taken_1[near].max() < 1.0
    assert ratio[near].max() < 0.8
    assert ratio[far].mean() > 1.02


def test_cold_ligand_takes_the_place_of_hot(fortnight: micro.PlasmaCourse, usual: micro.Uptake) -> None:
    """The same hot ligand with fifty times the cold: less is held. With as much in all, the hot part is its share."""
    more = micro.PlasmaCourse(fortnight.ends_s, fortnight.hot_nmol_L, 50 * fortnight.cold_nmol_L)
    filled = micro.driven(LIGAND, VESSELS, RECEPTORS, 0.025, plasma=more, decay_1_s=LAMBDA_1_S)
    assert filled.integral_nmol_s_L.sum() < 0.8 * usual.integral_nmol_s_L.sum()
    half = micro.PlasmaCourse(fortnight.ends_s, fortnight.hot_nmol_L / 2, fortnight.cold_nmol_L + fortnight.hot_nmol_L / 2)
    share = micro.driven(LIGAND, VESSELS, RECEPTORS, 0.025, plasma=half, decay_1_s=LAMBDA_1_S)
    np.testing.assert_allclose(2 * share.integral_nmol_s_L, usual.integral_nmol_s_L, rtol=1e-3)


def test_courses_that_cannot_be() -> None:
    one = np.array([1.0])
    with pytest.raises(RangeError, match="one after another"):
        micro.PlasmaCourse(np.array([2.0, 1.0]), np.ones(2), np.ones(2))
    with pytest.raises(RangeError, match="zero or more"):
        micro.PlasmaCourse(one, -one, one)
    with pytest.raises(RangeError, match="more than zero"):
        micro.plasma_of(PERSON, [CYCLE], 0)
    with pytest.raises(RangeError, match="2 persons"):
        micro.plasma_of(PERSON | {"TER_L_min": np.array([0.2, 0.3])}, [CYCLE], 1)
    course = micro.PlasmaCourse(one, one, one)
    with pytest.raises(GeometryError, match="receptors of shape"):
        micro.driven(LIGAND, VESSELS, np.ones((3, 3, 1)), 0.025, plasma=course, decay_1_s=LAMBDA_1_S)
    with pytest.raises(RangeError, match="more than zero"):
        micro.driven(LIGAND, VESSELS, 1.0, 0.025, plasma=course, decay_1_s=0.0)

"""Mixed radiation, RBE as a distribution, oxygen, and the exploratory immune rates."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gemel.core.errors import InputError, RangeError
from gemel.systems.theranostics.immune import DYING, TUMOUR, ImmuneParameters, rates
from gemel.systems.theranostics.mixed_radiation import alpha_bed_Gy, draw_rbe, mixed_bed_Gy, mixed_survival
from gemel.systems.theranostics.oxygen_modification import hypoxic_survival, oxygen_modification_1
from gemel.systems.theranostics.radiobiology import bed_of_protraction_Gy, survival


def test_without_dense_radiation_or_with_an_rbe_of_one_the_mixture_is_one_dose() -> None:
    plain = bed_of_protraction_Gy(7.0, 0.2, 3.0)
    assert mixed_bed_Gy(7.0, 0.0, rbe_1=5.0, G_1=0.2, alpha_beta_Gy=3.0) == pytest.approx(plain, rel=1e-14)
    assert mixed_bed_Gy(3.0, 4.0, rbe_1=1.0, G_1=0.2, alpha_beta_Gy=3.0) == pytest.approx(plain, rel=1e-14)
    assert alpha_bed_Gy(7.0, 1.0, G_1=0.2, alpha_beta_Gy=3.0) == pytest.approx(plain, rel=1e-14)


def test_a_mixture_by_hand() -> None:
    """2 + 4·1 + 0.5 (2 + 2·1)²/10 = 6.8."""
    bed = mixed_bed_Gy(2.0, 1.0, rbe_1=4.0, G_1=0.5, alpha_beta_Gy=10.0)
    assert bed == pytest.approx(6.8, rel=1e-14)
    assert mixed_survival(bed, 0.1) == pytest.approx(np.exp(-0.68))


@pytest.mark.parametrize(("kind", "mean", "sd"), [("beta", 1.0, 0.9), ("Auger", 2.0, 1.3)])
def test_drawn_rbe_has_the_published_mean_and_deviation(kind: str, mean: float, sd: float) -> None:
    drawn = draw_rbe(kind, 200_000, np.random.default_rng(1))
    assert (drawn > 0).all()
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.std() == pytest.approx(sd, rel=0.05)


def test_alpha_rbe_spans_the_cell_lines() -> None:
    drawn = draw_rbe("alpha", 200_000, np.random.default_rng(2))
    assert np.quantile(drawn, [0.025, 0.975]) == pytest.approx([2.7, 15.2], rel=0.03)
    with pytest.raises(InputError, match="choose one of beta, Auger, alpha"):
        draw_rbe("gamma", 1, np.random.default_rng(0))


def test_oxygen_between_its_ends() -> None:
    assert oxygen_modification_1(0.0) == pytest.approx(1 / 3)
    assert oxygen_modification_1(1e9) == pytest.approx(1.0)
    assert np.diff(np.asarray(oxygen_modification_1(np.linspace(0, 60, 50)))).min() > 0
    assert oxygen_modification_1(0.0, m_1=1.0) == 1.0
    for wrong in (0.5, float("nan")):
        with pytest.raises(RangeError, match="m_1"):
            oxygen_modification_1(1.0, m_1=wrong)


def test_hypoxic_cells_die_as_at_a_smaller_dose() -> None:
    oxic = survival(6.0 * 0.5, 0.2, beta_1_Gy2=0.02, G_1=0.3)
    assert hypoxic_survival(6.0, 0.5, alpha_1_Gy=0.2, beta_1_Gy2=0.02, G_1=0.3) == pytest.approx(oxic, rel=1e-14)


def test_the_dormant_tumour_of_the_immune_model_is_a_fixed_point() -> None:
    """Kuznetsov et al. 1994: without dying cells a stable spiral at 8.2e6 tumour and 1.6e6 effector cells."""
    quiet = replace(ImmuneParameters(), immunogenicity_1=0.0)
    course = solve_ivp(lambda t, y: rates(y, quiet, t), (0.0, 3000.0), [5e6, 1.5e6, 0.0], method="LSODA", rtol=1e-9, atol=1.0)
    assert course.y[:2, -1] == pytest.approx([8.19e6, 1.61e6], rel=0.01)


def test_radiation_moves_cells_from_living_to_dying() -> None:
    treated = replace(ImmuneParameters(), dose_rate_Gy_d=2.0)
    state = np.tile([1e8, 0.0, 0.0], (3, 1))
    change = rates(state, treated, 0.0) - rates(state, ImmuneParameters(), 0.0)
    assert change.shape == (3, 3)
    assert change[0, TUMOUR] == pytest.approx(-0.147 * 2.0 * 1e8)
    assert change[0, DYING] == pytest.approx(-change[0, TUMOUR])

"""Explicit steps of bioheat: closed forms, and what the implicit engine says of the same tissue."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.pde import Heating, Perfused, bioheat, domain
from gemel.engines.pde.bioheat_explicit import BOILS_OVER_K, Tissue, heated, stable_s

N, H_mm = 20, 3.0
AXIS = (np.arange(N) - (N - 1) / 2) * H_mm
RADIUS = np.sqrt(sum(np.square(one) for one in np.meshgrid(AXIS, AXIS, AXIS, indexing="ij")))


def uniform(value: float) -> np.ndarray:
    return np.full((N, N, N), value, dtype=np.float32)


BALL = Tissue(RADIUS < 27.0, np.full(3, H_mm), uniform(0.52), uniform(3.7e6), uniform(6e4), uniform(1.7e9), 0.0025)


def test_uniform_heat_without_conduction_follows_its_exponential() -> None:
    """T − T_b = (Q/w)(1 − e^{−wt/ρc}) (tumor acceptance 15); Ω stays small, so blood keeps flowing."""
    of = replace(BALL, latent_J_m3=uniform(0.0))
    heat, seconds = 3e5, 60.0
    found = heated(of, uniform(heat), seconds)[0][of.inside] - 37.0
    assert found == pytest.approx(heat / 6e4 * (1 - np.exp(-6e4 * seconds / 3.7e6)), rel=3e-3)


@pytest.mark.parametrize("peak", [1.2e6, 2.2e6])
def test_implicit_and_explicit_agree_with_all_that_changes_with_temperature(peak: float) -> None:
    """Conductivity, latent heat, blood that stands still: to 0.5 K of 50 and 60, and ln of both damages to 0.2."""
    heat = (peak * np.exp(-np.square(RADIUS / 11.0) / 2)).astype(np.float32)

    def capacity(T: np.ndarray, omega: np.ndarray) -> np.ndarray:
        return 3.7e6 + 1.7e9 / (BOILS_OVER_K * np.sqrt(2 * np.pi)) * np.exp(-0.5 * np.square((T - 100.0) / BOILS_OVER_K))

    of = Perfused(lambda T, omega: 0.52 * (1 + 0.0025 * (T - 37)), capacity, lambda T, omega: 6e4 * np.exp(-omega))
    other = bioheat(domain(BALL.inside, H_mm), of, Heating(heat), t_s=np.array([300.0]), dt_s=5.0)
    top, omega, minutes = heated(BALL, heat, 300.0)
    assert np.abs(top - other.T_degC[0])[BALL.inside].max() < 0.5
    for mine, theirs, least in ((omega, other.omega[0], 0.5), (minutes, other.cem43_min[0], 10.0)):
        harmed = theirs > least
        assert harmed.sum() > 300
        assert np.abs(np.log(mine[harmed] / theirs[harmed])).max() < 0.2  # of a ln that goes to 10 and more


def test_heat_is_kept_where_no_blood_flows() -> None:
    """Energy in = energy held, for constant properties."""
    of = replace(BALL, perfusion_W_m3_K=uniform(0.0), latent_J_m3=uniform(0.0), warming_1_K=0.0)
    heat = (1e6 * np.exp(-np.square(RADIUS / 8.0))).astype(np.float32)
    few = heated(of, heat, 5.0 * stable_s(of))[0]  # the highest temperature is the present one while all grows warmer
    given = float(heat[of.inside].sum(dtype=np.float64)) * 5.0 * stable_s(of)
    assert float((few - 37.0)[of.inside].sum(dtype=np.float64)) * 3.7e6 == pytest.approx(given, rel=2e-4)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"capacity_J_m3_K": uniform(0.0)}, RangeError),
        ({"perfusion_W_m3_K": uniform(-1.0)}, RangeError),
        ({"conductivity_W_m_K": uniform(np.nan)}, RangeError),
        ({"inside": np.zeros((N, N, N), dtype=bool)}, RangeError),
    ],
)
def test_tissue_that_cannot_be_is_refused(change: dict[str, np.ndarray], error: type[InputError]) -> None:
    with pytest.raises(error):
        replace(BALL, **change)


def test_heat_that_is_not_finite_is_refused() -> None:
    with pytest.raises(RangeError, match="heat"):
        heated(BALL, uniform(np.inf), 10.0)

"""Pennes's equation, Arrhenius's integral and equivalent minutes in closed form."""

import numpy as np
import pytest
from scipy.special import erfc

from gemel.engines.pde.bioheat import Heating, Perfused, bioheat
from gemel.engines.pde.domain import domain
from gemel.engines.pde.elliptic import Held
from gemel.engines.pde.thermal_damage import GAS_J_MOL_K, Arrhenius

BLOCK = domain(np.ones((3, 3, 3)), 1.0)
KAPPA, CAPACITY, PERFUSION = 0.5, 3.6e6, 1e4


def test_even_heating() -> None:
    """T − T_b = Q/(ρ_b c_b ω) (1 − e^{−wt}), w = ρ_b c_b ω/ρc; of second order."""
    exact = 200.0 * (1 - np.exp(-PERFUSION / CAPACITY * 300.0))
    errors = [
        abs(
            float(bioheat(BLOCK, Perfused(KAPPA, CAPACITY, PERFUSION), Heating(2e6), t_s=np.array([300.0]), dt_s=dt).T_degC[0, 1, 1, 1])
            - 37
            - exact
        )
        for dt in (30.0, 15.0)
    ]
    assert errors[1] < 1e-4 * exact
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


def test_arrhenius_at_a_constant_temperature() -> None:
    """Ω = A t e^{−Ea/RT}, of liver's constants (Jacques et al. 1996, Proc SPIE 2681:199): 1 after 24 min at 54 °C."""
    found = bioheat(BLOCK, Perfused(KAPPA, CAPACITY), Heating(start_degC=60.0), t_s=np.array([600.0]), dt_s=60.0).omega
    assert found == pytest.approx(7.39e39 * 600.0 * np.exp(-2.577e5 / (GAS_J_MOL_K * 333.15)), rel=1e-6)
    faster = Arrhenius(1e40, 2.5e5)
    found = bioheat(BLOCK, Perfused(KAPPA, CAPACITY, arrhenius=faster), Heating(start_degC=50.0), t_s=np.array([60.0]), dt_s=60.0).omega
    assert found == pytest.approx(1e40 * 60.0 * np.exp(-2.5e5 / (GAS_J_MOL_K * 323.15)), rel=1e-6)


@pytest.mark.parametrize(("degC", "minutes", "cem43"), [(43.0, 240.0, 240.0), (45.0, 60.0, 240.0), (41.0, 160.0, 10.0), (38.9, 600.0, 0.0)])
def test_equivalent_minutes(degC: float, minutes: float, cem43: float) -> None:
    """Sapareto & Dewey 1984, Int J Radiat Oncol 10:787: R = ½ above 43 °C, ¼ below, nothing under 39 °C."""
    found = bioheat(BLOCK, Perfused(KAPPA, CAPACITY), Heating(start_degC=degC), t_s=np.array([60.0 * minutes]), dt_s=600.0).cem43_min
    assert found == pytest.approx(cem43, rel=1e-6)


def test_damage_while_it_warms() -> None:
    """Warming at 0.05 K/s from 50 to 56 °C, the integrals in closed form (CEM43) and by quadrature (Ω): 1e-4 with steps of 12 s."""
    found = bioheat(BLOCK, Perfused(KAPPA, CAPACITY), Heating(0.05 * CAPACITY, start_degC=50.0), t_s=np.array([120.0]), dt_s=12.0)
    assert found.cem43_min == pytest.approx((2.0**13 - 2.0**7) / np.log(2.0) / 0.05 / 60.0, rel=1e-4)
    t = np.linspace(0.0, 120.0, 200001)
    rate = 7.39e39 * np.exp(-2.577e5 / (GAS_J_MOL_K * (323.15 + 0.05 * t)))
    assert found.omega == pytest.approx(np.trapezoid(rate, t), rel=1e-4)


def test_point_source_in_perfused_tissue() -> None:
    """ΔT = P/(8πκr)[e^{−r/L} erfc(r/√4at − √wt) + e^{r/L} erfc(r/√4at + √wt)]; of second order in the voxel: 3 % at L/6."""
    a, L, errors = KAPPA / CAPACITY, np.sqrt(KAPPA / PERFUSION), []
    for n in (25, 49):
        h = 61.25 / n
        r = np.sqrt((((np.indices((n, n, n)) - n // 2) * h) ** 2).sum(axis=0))
        heat = np.where(r == 0, 2.0 / (h * 1e-3) ** 3, 0.0)
        found = bioheat(
            domain(np.ones(r.shape), h), Perfused(KAPPA, CAPACITY, PERFUSION), Heating(heat), t_s=np.array([200.0, 600.0]), dt_s=10.0
        )
        away, worst = (r > 7.3) & (r < 22), 0.0
        far = r[away] * 1e-3
        for T, t in zip(found.T_degC, (200.0, 600.0)):
            wt, reach = np.sqrt(PERFUSION / CAPACITY * t), far / np.sqrt(4 * a * t)
            exact = 2.0 / (8 * np.pi * KAPPA * far) * (np.exp(-far / L) * erfc(reach - wt) + np.exp(far / L) * erfc(reach + wt))
            worst = max(worst, float(np.abs(T[away] - 37.0 - exact).max() / exact.max()))
        errors.append(worst)
    assert errors[1] < 0.03
    assert np.log2(errors[0] / errors[1]) > 1.7


def test_slab_between_two_temperatures() -> None:
    """At rest with κ = κ₀(1 + b (T − 37)): Kirchhoff's transform of T is straight. Carslaw & Jaeger 1959, §2.16."""
    n = 17
    held = np.zeros((n, 1, 1), dtype=bool)
    held[[0, -1]] = True
    value = np.where(np.arange(n) == 0, 97.0, 37.0)[:, None, None]
    tissue = Perfused(lambda T, omega: 0.5 * (1 + 0.01 * (T - 37.0)), CAPACITY)
    found = bioheat(domain(np.ones((n, 1, 1)), 1.0), tissue, Heating(held=Held(held, value)), t_s=np.array([2e4]), dt_s=500.0)
    rise = found.T_degC[0, :, 0, 0] - 37.0
    turned = rise + 0.005 * rise**2
    assert turned == pytest.approx(np.linspace(turned[0], 0.0, n), abs=0.05)

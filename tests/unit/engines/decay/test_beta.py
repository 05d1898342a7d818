"""Beta spectra: norm, ends, shape, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.engines.decay import BetaBranch, beta_spectrum, nuclide
from gemel.engines.decay.fermi import ALPHA, log_fermi

ALLOWED = BetaBranch(endpoint_keV=1000.0, per_decay=0.3, unique_degree=0, electron=True, Z_daughter=1, A=10)


def mean_keV(branch: BetaBranch) -> float:
    energy_keV, density = beta_spectrum(branch)
    return float(np.trapezoid(energy_keV * density, energy_keV) / branch.per_decay)


def test_the_spectrum_holds_the_branchs_intensity_and_ends_at_its_endpoint() -> None:
    energy_keV, density = beta_spectrum(ALLOWED)
    assert np.trapezoid(density, energy_keV) == pytest.approx(0.3, rel=1e-12)
    assert energy_keV[-1] == 1000.0
    assert density[-1] == 0.0
    assert (density[:-1] >= 0).all()


def test_a_nuclides_spectrum_is_the_sum_of_its_branches() -> None:
    energy_keV, density = beta_spectrum("I-131")
    branches = nuclide("I-131").betas
    assert energy_keV[-1] == max(branch.endpoint_keV for branch in branches)
    assert np.trapezoid(density, energy_keV) == pytest.approx(sum(branch.per_decay for branch in branches), rel=1e-12)
    assert beta_spectrum("Po-213")[0].shape == (0,)


def test_near_its_end_a_spectrum_falls_as_the_square_of_the_neutrinos_energy() -> None:
    energy_keV, density = beta_spectrum(ALLOWED)
    near = slice(-10, -2)
    slope = np.polyfit(np.log(1000.0 - energy_keV[near]), np.log(density[near]), 1)[0]
    assert slope == pytest.approx(2.0, abs=0.03)


def test_charge_draws_electrons_down_and_pushes_positrons_up() -> None:
    heavy = replace(ALLOWED, Z_daughter=60, A=150)
    assert mean_keV(heavy) < mean_keV(ALLOWED) - 20 < mean_keV(replace(heavy, electron=False)) - 80


def test_without_charge_the_allowed_mean_is_the_statistical_one() -> None:
    """Z = 0: the mean of p W (W0 − W)² by quadrature."""
    energy_keV = np.linspace(0.0, 1000.0, 20001)
    W = 1 + energy_keV / 510.99895
    weight = np.sqrt(W * W - 1) * W * (1000.0 - energy_keV) ** 2
    expected = np.trapezoid(weight * energy_keV) / np.trapezoid(weight)
    assert mean_keV(replace(ALLOWED, Z_daughter=0)) == pytest.approx(expected, rel=3e-4)


def test_the_fermi_function_of_small_charges_is_sommerfelds() -> None:
    """F → 2πη/(1 − e^{−2πη}) for αZ → 0, up to the constant (1+γ)/2."""
    p = np.array([0.2, 1.0, 4.0])
    for Z in (1, -1):
        eta = ALPHA * Z * np.sqrt(1 + p * p) / p
        assert np.exp(log_fermi(p, Z, 4)) == pytest.approx(2 * np.pi * eta / (1 - np.exp(-2 * np.pi * eta)), rel=1e-3)


def test_unique_forbidden_branches_are_harder() -> None:
    assert [mean_keV(replace(ALLOWED, unique_degree=n)) for n in (0, 1, 2)] == sorted(
        mean_keV(replace(ALLOWED, unique_degree=n)) for n in (0, 1, 2)
    )
    assert mean_keV(replace(ALLOWED, unique_degree=1)) > mean_keV(ALLOWED) + 5


def test_no_branch_of_the_table_jumps_where_screening_begins() -> None:
    """Steps between neighbouring nodes are small against the maximum, down to the slowest electrons."""
    for name in ("Lu-177", "Pb-212", "Re-188"):
        for branch in nuclide(name).betas:
            density = beta_spectrum(branch)[1]
            assert np.abs(np.diff(density)).max() < 0.03 * density.max()


@pytest.mark.parametrize("endpoint_keV", [0.0, -5.0, float("nan")])
def test_an_impossible_endpoint_is_refused(endpoint_keV: float) -> None:
    with pytest.raises(RangeError, match="endpoint"):
        beta_spectrum(replace(ALLOWED, endpoint_keV=endpoint_keV))

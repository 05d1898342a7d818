"""Emissions: one nuclide, its chain, and what each array means."""

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.engines.decay import emissions, names
from gemel.engines.decay.chain import equilibrium_yields


def test_betas_integrate_to_their_intensity() -> None:
    found = emissions("I-131")
    assert np.trapezoid(found.beta_1_keV, found.beta_keV) == pytest.approx(1.0, abs=1e-5)


def test_positrons_come_with_two_annihilation_photons() -> None:
    found = emissions("F-18")
    positrons = np.trapezoid(found.beta_1_keV, found.beta_keV)
    pair = found.photon_per_decay[np.abs(found.photon_keV - 511) < 0.1].sum()
    assert pair == pytest.approx(2 * positrons, rel=1e-4)


def test_a_pure_alpha_emitter_has_no_betas() -> None:
    found = emissions("Po-213")
    assert found.beta_keV.shape == (0,)
    assert found.beta_mean_keV == 0.0
    assert found.alpha_per_decay.sum() == pytest.approx(1.0, rel=1e-5)


def test_recoil_keeps_momentum() -> None:
    found = emissions("Po-213")
    assert found.recoil_keV[-1] == pytest.approx(8376 * 4.0015 / 209, rel=1e-3)


def test_a_chain_sums_its_members_by_their_yield() -> None:
    whole = emissions("Ac-225", chain=True)
    parts = {name: emissions(name) for name in equilibrium_yields("Ac-225")}
    expected = sum(share * parts[name].alpha_mean_keV for name, share in equilibrium_yields("Ac-225").items())
    assert whole.alpha_mean_keV == pytest.approx(expected, rel=1e-12)
    betas = sum(share * parts[name].beta_mean_keV for name, share in equilibrium_yields("Ac-225").items())
    assert whole.beta_mean_keV == pytest.approx(betas, rel=1e-4)
    assert whole.alpha_per_decay.sum() == pytest.approx(4.0, abs=2e-3)


def test_daughters_that_outlive_the_parent_stay_out() -> None:
    assert set(equilibrium_yields("At-211")) == {"At-211", "Po-211"}
    assert set(equilibrium_yields("Mo-99")) == {"Mo-99", "Tc-99m"}
    assert "Rn-222" in equilibrium_yields("Ra-226")
    assert "Po-210" in equilibrium_yields("Ra-226")


def test_every_nuclide_of_the_table_has_finite_emissions() -> None:
    for name in names():
        found = emissions(name)
        total = found.beta_mean_keV + found.electron_mean_keV + found.photon_mean_keV + found.alpha_mean_keV
        assert np.isfinite(total), name
        assert total > 0, name


def test_an_unknown_nuclide_is_refused() -> None:
    with pytest.raises(InputError, match="unknown nuclide"):
        emissions("Xx-1")

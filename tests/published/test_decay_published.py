"""Half-lives, chains and beta energies against evaluations: ENSDF, DDEP, and the chain of Ac-225 worked out from them."""

import numpy as np
import pytest

from gemel.engines.decay import bateman, beta_spectrum, decays, emissions, nuclide

HALF_LIVES_S = {  # ENSDF and DDEP evaluations, named for each in the table
    "Lu-177": 574300.8, "Ac-225": 864000, "Fr-221": 294.0, "At-217": 0.0323, "Bi-213": 2735.4, "Po-213": 4.2e-6, "Tl-209": 129.66,
    "Pb-209": 11710.8, "I-131": 692988.48, "Y-90": 230760, "F-18": 6586.2, "Ga-68": 4062.6, "Tc-99m": 21654, "Tb-161": 596678.4,
    "Pb-212": 38304, "Bi-212": 3633, "Cu-64": 45720, "Zr-89": 282276, "Ra-223": 987552, "In-111": 242326.08, "Lu-177m": 13858560,
    "C-11": 1223.4, "At-211": 25970.4,
}  # fmt: skip
BRANCHES = [
    ("Bi-213", "Po-213", 0.9791), ("Bi-213", "Tl-209", 0.0209), ("At-217", "Bi-213", 0.99988), ("Bi-212", "Po-212", 0.6406),
    ("Bi-212", "Tl-208", 0.3594), ("Lu-177m", "Hf-177m", 0.783), ("Lu-177m", "Lu-177", 0.217), ("At-211", "Po-211", 0.582),
    ("At-211", "Bi-207", 0.418),
]  # fmt: skip
AC225_MBQ_AT_10_D = {
    "Ac-225": 0.500000, "Fr-221": 0.500170, "At-217": 0.500170, "Bi-213": 0.501699, "Pb-209": 0.508594, "Po-213": 0.491213,
    "Tl-209": 0.010487,
}  # fmt: skip
AC225_DECAYS_IN_60_D = {
    "Ac-225": 1.2270121e12, "Bi-213": 1.2267964e12, "Po-213": 1.2011563e12, "Tl-209": 2.5640e10, "Pb-209": 1.2265278e12,
}  # fmt: skip
BETA_MEANS_KEV = {  # mean energy of all betas per beta: LOGFT values of ENSDF; F-18 and C-11 of DDEP (Table of Radionuclides, BIPM-5)
    "Lu-177": 134.0, "I-131": 181.6, "Y-90": 932.8, "P-32": 694.9, "Sr-89": 585.3, "F-18": 249.8, "C-11": 385.7, "Sr-90": 195.8,
    "C-14": 49.47, "H-3": 5.68, "Re-188": 763.0, "Ga-68": 829.5,
}  # fmt: skip


@pytest.mark.parametrize(("name", "half_life_s"), HALF_LIVES_S.items())
def test_half_life(name: str, half_life_s: float) -> None:
    assert nuclide(name).half_life_s == pytest.approx(half_life_s, rel=1e-6)


@pytest.mark.parametrize(("parent", "daughter", "fraction"), BRANCHES)
def test_branch(parent: str, daughter: str, fraction: float) -> None:
    found = sum(branch.fraction for branch in nuclide(parent).branches if branch.daughter == daughter)
    assert found == pytest.approx(fraction, abs=1e-6)


def test_ac225_after_ten_days() -> None:
    found = bateman("Ac-225", 1.0, 864000.0)
    assert found == pytest.approx(AC225_MBQ_AT_10_D, abs=1e-6)
    assert set(found) == set(AC225_MBQ_AT_10_D)


@pytest.mark.parametrize(("member", "count"), AC225_DECAYS_IN_60_D.items())
def test_decays_of_one_MBq_of_ac225_in_sixty_days(member: str, count: float) -> None:
    assert decays("Ac-225", 1e6, 60 * 86400.0)[member] == pytest.approx(count, rel=1e-5)


def test_the_chains_tolerance_bites_on_one_part_in_ten_thousand_of_a_branch() -> None:
    assert 0.491213 * 1e-4 > 10e-6


@pytest.mark.parametrize(("name", "mean_keV"), BETA_MEANS_KEV.items())
def test_mean_beta_energy(name: str, mean_keV: float) -> None:
    found = emissions(name)
    per_beta = found.beta_mean_keV / np.trapezoid(found.beta_1_keV, found.beta_keV)
    assert per_beta == pytest.approx(mean_keV, rel=0.005)


@pytest.mark.parametrize(("place", "mean_keV"), [(0, 149.3), (1, 111.65), (3, 47.7)])
def test_branches_of_lu177(place: int, mean_keV: float) -> None:
    """Kondev 2003, Nucl Data Sheets 98:801, endpoints 498.3, 385.35 and 176.98 keV."""
    branch = nuclide("Lu-177").betas[place]
    energy_keV, density = beta_spectrum(branch)
    assert np.trapezoid(energy_keV * density, energy_keV) / branch.per_decay == pytest.approx(mean_keV, rel=1e-3)


def test_energies_of_lu177() -> None:
    """Electrons 147.9 keV and photons about 35 keV per decay: Kondev 2003; Eckerman & Endo 2008, MIRD Radionuclide Data."""
    found = emissions("Lu-177")
    assert found.beta_mean_keV == pytest.approx(134.0, rel=0.01)
    assert found.beta_mean_keV + found.electron_mean_keV == pytest.approx(147.9, rel=0.005)
    assert found.photon_mean_keV == pytest.approx(34.0, abs=1.5)


def test_energy_of_the_chain_of_ac225() -> None:
    """27.6 MeV of alphas in four steps, 28.7 MeV in all with recoil and electrons: sums of the evaluated Q values."""
    found = emissions("Ac-225", chain=True)
    assert found.alpha_mean_keV == pytest.approx(27600, rel=0.01)
    local = found.alpha_mean_keV + found.recoil_mean_keV + found.beta_mean_keV + found.electron_mean_keV
    assert local == pytest.approx(28700, rel=0.01)


def test_strong_lines() -> None:
    """Gamma lines that departments image, keV and per decay: ENSDF."""
    lines = {
        "Lu-177": (208.37, 0.1036),
        "I-131": (364.49, 0.815),
        "Tc-99m": (140.51, 0.89),
        "In-111": (245.35, 0.941),
        "Bi-213": (440.45, 0.259),
    }
    for name, (energy_keV, per_decay) in lines.items():
        found = emissions(name)
        near = np.abs(found.photon_keV - energy_keV) < 0.2
        assert found.photon_per_decay[near].sum() == pytest.approx(per_decay, rel=0.02), name

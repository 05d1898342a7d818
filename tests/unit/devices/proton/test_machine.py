"""Proton machines: generated, and read from a file."""

import time
from pathlib import Path

import numpy as np
import pytest

from gemel.core.errors import InputError
from gemel.devices.proton import Machine
from gemel.devices.proton.generic import generic_beam
from gemel.engines.dose.scattering import halo_weight


def test_generic_machine_has_layers_two_to_three_mm_apart_and_the_round_energies() -> None:
    machine = Machine.generic()
    assert 2.0 < np.diff(machine.range_mm).min() <= np.diff(machine.range_mm).max() <= 3.0
    assert set(np.round(machine.energy_MeV, 9)) >= {60, 70, 100, 150, 200, 225, 230, 250}
    assert np.isinf(machine.sad_mm)
    assert "Monte Carlo" in machine.source


def test_generating_takes_seconds_at_most_and_gives_the_same_again() -> None:
    generic_beam.cache_clear()
    before = time.process_time()
    first = Machine.generic()
    assert time.process_time() - before < 10.0
    generic_beam.cache_clear()
    assert np.array_equal(first.idd_Gy_mm2, Machine.generic().idd_Gy_mm2)


def test_spread_of_energy_is_kept_for_the_monte_carlo(shared_data: Path) -> None:
    """Generic: the settings' per cent of the energy; a matRad machine: per cent of its mean, 0.90 % at 134 MeV and 0.41 % at 196 MeV."""
    own = Machine.generic()
    assert own.layer(150.0).energy_sigma_MeV == pytest.approx(0.00725 * 150, rel=1e-6)
    assert own.layer(200.0).energy_sigma_MeV == pytest.approx(0.0046 * 200, rel=1e-6)
    other = Machine.from_npz(shared_data / "proton_machine" / "matrad_protons_generic.npz")
    assert other.energy_sigma_MeV[[40, 80]] == pytest.approx([1.2147, 0.8043], abs=1e-3)


def test_tables_are_physical() -> None:
    machine = Machine.generic()
    assert (machine.idd_Gy_mm2 >= 0).all()
    assert ((machine.weight2 >= 0) & (machine.weight2 < 0.25)).all()
    assert (machine.sigma2_mm >= machine.sigma1_mm).all()
    assert (np.diff(machine.sigma1_mm, axis=1) >= -1e-9).all()
    assert (machine.let_keV_um[:, 0] < 1.2).all()
    assert (np.diff(machine.let_keV_um, axis=1) >= -1e-9).all()


@pytest.mark.parametrize(("energy_MeV", "r20_r80_mm"), [(100.0, 2.03), (150.0, 3.59), (200.0, 4.66)])
def test_distal_fall_off_is_that_of_a_machine_in_service(energy_MeV: float, r20_r80_mm: float) -> None:
    row = Machine.generic().layer(energy_MeV)
    peak = int(row.idd_Gy_mm2.argmax())
    at = np.interp([-0.8, -0.2], -row.idd_Gy_mm2[peak:] / row.idd_Gy_mm2[peak], row.depth_mm[peak:])
    assert at[1] - at[0] == pytest.approx(r20_r80_mm, abs=0.2)


def test_halo_grows_with_depth_and_range() -> None:
    weight = [float(halo_weight(np.array([0.5 * r]), r)[0]) for r in (50.0, 150.0, 300.0)]
    assert 0.03 < weight[0] < weight[1] < weight[2] < 0.2


def test_file_gives_gray_mm2_finite_tables_and_its_own_ranges(shared_data: Path) -> None:
    machine = Machine.from_npz(shared_data / "proton_machine" / "matrad_protons_generic.npz")
    assert machine.idd_Gy_mm2.shape == machine.depth_mm.shape == (114, 321)
    assert machine.sad_mm == 10000
    row = machine.layer(float(machine.energy_MeV[90]))
    assert np.trapezoid(row.idd_Gy_mm2, row.depth_mm) / 1.602176634e-1 == pytest.approx(193, abs=3)  # MeV per proton of 208 MeV
    peak = int(row.idd_Gy_mm2.argmax())
    distal = slice(peak, None)
    r80 = np.interp(-0.8, -row.idd_Gy_mm2[distal] / row.idd_Gy_mm2[peak], row.depth_mm[distal])
    assert r80 == pytest.approx(row.range_mm, abs=0.5)


def test_core_width_agrees_with_the_monte_carlo_fits_of_another_machine(shared_data: Path) -> None:
    """Gottschalk's integral against the σ1 fitted by the matRad team, at 80 % of the range."""
    other, own = Machine.from_npz(shared_data / "proton_machine" / "matrad_protons_generic.npz"), Machine.generic()
    for e in (60, 85, 105):
        depth = 0.8 * other.range_mm[e]
        nearest = int(np.argmin(np.abs(own.range_mm - other.range_mm[e])))
        fitted = np.interp(depth, other.depth_mm[e], other.sigma1_mm[e])
        assert np.interp(depth, own.depth_mm[nearest], own.sigma1_mm[nearest]) == pytest.approx(fitted, rel=0.1)


def test_absent_and_damaged_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no proton machine"):
        Machine.from_npz(tmp_path / "none.npz")
    np.savez(tmp_path / "part.npz", energy=np.arange(3.0))
    with pytest.raises(InputError, match=r"part\.npz"):
        Machine.from_npz(tmp_path / "part.npz")

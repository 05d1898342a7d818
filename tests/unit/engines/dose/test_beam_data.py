"""Layers: as tabulated at a tabulated energy, faithful between."""

import numpy as np
import pytest

from gemel.core.errors import RangeError
from gemel.devices.proton import Machine
from gemel.engines.dose.beam_data import BeamData, layer
from gemel.engines.dose.stopping_power import csda_range_mm


def thinned(machine: Machine, keep: int = 2) -> BeamData:
    """Every second (or `keep`-th) energy of the machine."""
    return BeamData(**{name: getattr(machine, name)[::keep] for name in BeamData.__dataclass_fields__})


def test_a_tabulated_energy_is_returned_as_it_stands() -> None:
    machine = Machine.generic()
    row = layer(machine, float(machine.energy_MeV[17]) + 5e-4)
    assert row.idd_Gy_mm2 is not None
    assert np.array_equal(row.idd_Gy_mm2, machine.idd_Gy_mm2[17])


def test_between_energies_range_dose_and_energy_agree_with_the_table_left_out() -> None:
    machine = Machine.generic()
    for e in (11, 61, 121):
        between, truth = layer(thinned(machine), float(machine.energy_MeV[e])), layer(machine, float(machine.energy_MeV[e]))
        assert between.range_mm == pytest.approx(truth.range_mm, abs=0.1)
        assert between.energy_sigma_MeV == pytest.approx(truth.energy_sigma_MeV, rel=2e-3)
        assert np.trapezoid(between.idd_Gy_mm2, between.depth_mm) == pytest.approx(np.trapezoid(truth.idd_Gy_mm2, truth.depth_mm), rel=2e-3)
        there = np.interp(truth.depth_mm, between.depth_mm, between.idd_Gy_mm2)
        assert np.abs(there - truth.idd_Gy_mm2).max() < 0.02 * truth.idd_Gy_mm2.max()


def test_energy_deposited_is_kept_between_distant_energies() -> None:
    machine = Machine.generic()
    coarse = thinned(machine, 20)
    for e in (5, 10, 15, 30):
        truth, between = (layer(m, float(machine.energy_MeV[e])) for m in (machine, coarse))
        energies = [np.trapezoid(row.idd_Gy_mm2, row.depth_mm) for row in (truth, between)]
        assert energies[1] == pytest.approx(energies[0], rel=3e-3)


@pytest.mark.parametrize("energy_MeV", [71.37, 143.2, 228.8])
def test_any_energy_of_the_generic_machine_has_its_csda_range(energy_MeV: float) -> None:
    assert layer(Machine.generic(), energy_MeV).range_mm == pytest.approx(float(csda_range_mm(energy_MeV)), abs=0.1)


def test_energies_outside_are_refused_with_the_valid_range() -> None:
    with pytest.raises(RangeError, match=r"59\.9 MeV.*60\.00 to 250\.00 MeV"):
        layer(Machine.generic(), 59.9)


def test_tables_that_are_not_finite_or_not_sorted_are_refused() -> None:
    fields = {name: np.array(getattr(Machine.generic(), name)) for name in BeamData.__dataclass_fields__}
    with pytest.raises(RangeError, match="not ascend"):
        BeamData(**{**fields, "energy_MeV": fields["energy_MeV"][::-1]})
    with pytest.raises(RangeError, match="negative spread"):
        BeamData(**{**fields, "energy_sigma_MeV": -fields["energy_sigma_MeV"]})
    fields["weight2"][0, 0] = np.nan
    with pytest.raises(RangeError, match="not finite"):
        BeamData(**fields)

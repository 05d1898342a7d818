"""The default calibration: rises, spans 12 bits, and lies on known tissues."""

import json
from importlib.resources import files
from itertools import pairwise

import numpy as np
import pytest

from gemel.devices.ct import default_hu_rsp_table
from gemel.engines.dose import hu_to_rsp
from gemel.engines.dose.stopping_power import WATER, mixture, relative_stopping_power


def test_table_ascends_and_covers_saturated_ct_numbers() -> None:
    table = default_hu_rsp_table()
    assert (np.diff(table[:, 0]) > 0).all()
    assert (np.diff(table[:, 1]) >= 0).all()
    assert table[0, 0] == -1024
    assert table[-1, 0] >= 3071


@pytest.mark.parametrize(("hu", "rsp", "tolerance"), [(-1000, 0.0011, 2e-4), (-100, 0.95, 0.01), (40, 1.042, 0.005), (1524, 1.70, 0.02)])
def test_air_fat_muscle_and_cortical_bone(hu: float, rsp: float, tolerance: float) -> None:
    assert float(hu_to_rsp(np.array([hu]), default_hu_rsp_table())[0]) == pytest.approx(rsp, abs=tolerance)


def test_every_composition_adds_up() -> None:
    data = json.loads(files("gemel.engines.dose").joinpath("schneider_2000.json").read_text(encoding="utf-8"))
    assert [sum(s["pct"]) for s in data["sections"]] == pytest.approx([100.0] * len(data["sections"]))
    edges = [(s["from_HU"], s["to_HU"]) for s in data["sections"]]
    assert all(a[1] == b[0] for a, b in pairwise(edges))


def test_water_by_bragg_rule_is_water() -> None:
    water = mixture({"H": 2 * 1.008, "O": 15.999})
    assert water.Z_A_mol_g == pytest.approx(WATER.Z_A_mol_g, rel=1e-3)
    assert pytest.approx(75.0, abs=0.5) == water.I_eV
    assert relative_stopping_power(1.0, water) == pytest.approx(1.0, abs=1e-3)

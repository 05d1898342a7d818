"""Reading a decay file of the ENDF-6 format, and making the table's entry from it."""

from pathlib import Path

import pytest

from gemel.core.errors import InputError
from gemel.engines.decay.commission import _entry, _merged
from gemel.engines.decay.endf import BETA_PLUS, read_decay_file

HEAD = ["ENSDF evaluation authors: A. NAME", "Parent Spin: 1+", "Mean B+ Energy: 2.416E2 +- 2.6E-1 keV", "Q effective: 1.655E3 keV"]
CARDS = """
 9.018000+3 1.784630+1          0          0          0          3
 6.586200+3 3.000000+0          0          0          6          0
 2.416185+5 2.616506+2 9.885786+5 4.087991+2 0.000000+0 0.000000+0
 1.000000+0 1.000000+0          0          0          6          1
 2.000000+0 0.000000+0 1.655300+6 6.000000+2 1.000000+0 0.000000+0
 0.000000+0 2.000000+0          0          0          6          1
 1.000000+0 0.000000+0 2.416025+5 2.616504+2 0.000000+0 0.000000+0
 1.655300+6 6.000000+2          0          0          6          0
 2.000000+0 1.000000+0 1.000000+0 0.000000+0 9.673000-1 4.000000-4
 0.000000+0 8.000000+0          0          0          6          1
 1.000000+0 0.000000+0 1.597461+1 3.236479-1 0.000000+0 0.000000+0
 5.200000+2 1.040000+1          0          0          6          0
 2.000000+0 0.000000+0 3.072041-2 9.941880-5 0.000000+0 0.000000+0
 0.000000+0 9.000000+0          0          0          6          1
 1.000000-2 0.000000+0 9.885786+5 4.087991+2 0.000000+0 0.000000+0
 5.109989+5 1.300000-2          0          0          6          0
 2.000000+0 0.000000+0 1.934600+2 8.000000-4 0.000000+0 0.000000+0
""".strip("\n").splitlines()


@pytest.fixture
def fluorine(tmp_path: Path) -> Path:
    """The file of F-18 with one annihilation line scaled by the spectrum's factor."""
    path = tmp_path / "dec-009_F_018.endf"
    path.write_text("\n".join([*HEAD, *(f"{card:66s} 104 8457" for card in CARDS)]), encoding="latin-1")
    return path


def test_a_file_is_read_in_keV_and_per_decay(fluorine: Path) -> None:
    found = read_decay_file(fluorine)
    assert (found.Z, found.A, found.isomer, found.half_life_s) == (9, 18, 0, 6586.2)
    assert found.modes == ((2.0, 0, 1655.3, 1.0),)
    assert found.lines[9][0].energy_keV == pytest.approx(510.9989)
    assert found.lines[9][0].per_decay == pytest.approx(1.9346)
    assert found.lines[BETA_PLUS][0].positrons_per_decay == 0.9673
    assert found.evaluators == "A. Name"
    assert found.mean_keV == {"B+": 241.6, "Q effective": 1655.0}


def test_positrons_and_captures_share_the_branch(fluorine: Path) -> None:
    entry = _entry(read_decay_file(fluorine), {})
    assert entry["branches"] == [["ec", "O-18", 1.0, 1655.3]]
    assert entry["beta_plus"] == [[pytest.approx(633.302, abs=1e-3), 0.9673, 0]]
    assert entry["capture"] == [[1655.3, pytest.approx(0.0327)]]
    assert entry["checked"]


def test_an_adopted_value_replaces_the_files(fluorine: Path) -> None:
    entry = _entry(read_decay_file(fluorine), {"half_life_s": 6000.0, "evaluation": "another"})
    assert (entry["half_life_s"], entry["evaluation"], entry["checked"]) == (6000.0, "another", False)


def test_weak_lines_merge_without_losing_energy() -> None:
    rows = [[100.0, 0.5], [200.0, 3e-5], [210.0, 6e-5], [900.0, 1e-5]]
    merged = _merged(rows)
    assert len(merged) == 3
    assert sum(row[0] * row[1] for row in merged) == pytest.approx(sum(row[0] * row[1] for row in rows), rel=1e-5)


def test_a_file_without_decay_data_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.endf"
    path.write_text("nothing\n", encoding="latin-1")
    with pytest.raises(InputError, match=r"MF 8, MT 457.*empty.endf"):
        read_decay_file(path)

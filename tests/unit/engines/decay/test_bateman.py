"""Chains: names, shapes, mixtures, generators, and what is refused."""

from collections.abc import Callable

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.engines.decay import bateman, decays, mixture, nuclide
from gemel.engines.decay.chain import members


@pytest.mark.parametrize("name", ["Lu-177", "Lu177", "177Lu", "lu-177", "177-Lu", " LU 177 "])
def test_a_nuclide_has_many_spellings(name: str) -> None:
    assert nuclide(name).name == "Lu-177"


@pytest.mark.parametrize("name", ["Lu-177m", "Lu177m", "177mLu", "177m-Lu"])
def test_an_isomer_is_another_nuclide(name: str) -> None:
    assert nuclide(name).name == "Lu-177m"


@pytest.mark.parametrize(("name", "near"), [("Lu-178", "Lu-177"), ("Ac-255", "Ac-225"), ("I131x", "I-131")])
def test_an_unknown_nuclide_is_refused_with_near_names(name: str, near: str) -> None:
    with pytest.raises(InputError, match=f"{name}.*the decay table.*{near}"):
        bateman(name, 1.0, 0.0)


@pytest.mark.parametrize("name", ["", "lutetium", "177"])
def test_a_word_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="unknown nuclide"):
        bateman(name, 1.0, 0.0)


@pytest.mark.parametrize("activity_Bq", [-1.0, float("nan"), float("inf")])
def test_an_impossible_activity_is_refused(activity_Bq: float) -> None:
    with pytest.raises(RangeError, match="activity"):
        bateman("Lu-177", activity_Bq, 0.0)


@pytest.mark.parametrize("t_s", [-1.0, float("nan"), float("inf"), [0.0, -1e-9]])
def test_an_impossible_time_is_refused(t_s: float | list[float]) -> None:
    with pytest.raises(RangeError, match="time"):
        bateman("Lu-177", 1.0, t_s)


def test_a_number_for_a_time_and_an_array_for_times() -> None:
    assert isinstance(bateman("Lu-177", 1, 0)["Lu-177"], float)
    grid = np.array([[0.0, 1e3, 1e6], [1.0, 2.0, 3.0]])
    found = bateman("Ac-225", 5.0, grid)["Bi-213"]
    assert isinstance(found, np.ndarray)
    assert found.shape == (2, 3)
    assert found[0, 2] == pytest.approx(bateman("Ac-225", 5.0, 1e6)["Bi-213"], rel=1e-12)


def test_parents_come_before_daughters() -> None:
    assert members("Ac-225") == ("Ac-225", "Fr-221", "At-217", "Bi-213", "Tl-209", "Po-213", "Pb-209")
    assert members("Pb-212")[:2] == ("Pb-212", "Bi-212")
    assert members("Y-90") == ("Y-90",)


def test_a_mixture_is_the_sum_of_its_parts() -> None:
    t_s = np.array([0.0, 1e4, 1e6])
    both = mixture({"Bi-213": 3.0, "Ac-225": 2.0}, t_s)
    apart = bateman("Ac-225", 2.0, t_s), bateman("Bi-213", 3.0, t_s)
    for name, found in both.items():
        assert found == pytest.approx(apart[0][name] + apart[1].get(name, 0.0), rel=1e-12)


def test_an_isomer_feeds_its_ground_state() -> None:
    """Equilibrium of Lu-177 with Lu-177m: 0.217 T_m/(T_m − T)."""
    long_s = 20 * 86400 * 160.4
    found = bateman("Lu-177m", 1.0, long_s)
    expected = 0.217 * 13858560 / (13858560 - 574300.8)
    assert float(found["Lu-177"]) / float(found["Lu-177m"]) == pytest.approx(expected, rel=1e-9)


def test_decays_to_infinity_are_the_parents_atoms_times_the_branches() -> None:
    atoms = 864000 / np.log(2)
    found = decays("Ac-225", 1.0, np.inf)
    assert found["Ac-225"] == pytest.approx(atoms, rel=1e-12)
    assert found["Tl-209"] == pytest.approx(atoms * 0.99988 * 0.0209, rel=1e-12)
    later = decays("Ac-225", 1.0, [1e8, np.inf])["Pb-209"]
    assert later[0] == pytest.approx(later[1], rel=1e-9)


@pytest.mark.parametrize("number", [np.float32, np.int64, int, float])
def test_numbers_of_any_kind(number: Callable[[float], float]) -> None:
    found = bateman("Lu-177", number(8), number(574300))["Lu-177"]
    assert isinstance(found, float)
    assert found == pytest.approx(8 * 2 ** (-574300 / 574300.8), rel=1e-9)

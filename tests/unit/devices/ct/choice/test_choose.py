"""The chosen protocol meets its target at the lowest dose; who is larger needs more; what cannot be is refused."""

from dataclasses import replace

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.devices.ct.anatomy import Anatomy, trace, water_ellipse_HU
from gemel.devices.ct.choice import Allowed, Choice, Doubt, choose, dose_curve, ln_draws
from gemel.devices.ct.choice.choose import least_mAs
from gemel.devices.ct.exposure import expose
from gemel.devices.ct.protocol import Protocol
from gemel.devices.ct.scanner import generic
from gemel.devices.ct.slice_model import slice_model
from gemel.devices.ct.task import Task

SCANNER = generic()
LESION = Task(8.0, contrast_HU=-25.0)
METHOD = Doubt()
FEW = Allowed(kVp=(100.0, 120.0), slice_mm=(5.0,), kernels=("soft",), modulation=(0.0, 1.0), step_mAs=1.0)


@pytest.fixture(scope="module")
def adult() -> Anatomy:
    return trace(water_ellipse_HU(35, 26), (3.0, 3.0), SCANNER)


def draws(doubt: Doubt) -> np.ndarray:
    return ln_draws(doubt, 4000, rng=np.random.default_rng(7))


def chosen(anatomy: Anatomy, task: Task = LESION, target: float = 2.0, allowed: Allowed = FEW, doubt: Doubt = METHOD) -> Choice:
    return choose(anatomy, SCANNER, task=task, target=target, allowed=allowed, ln_draws=draws(doubt))


def test_least_exposure_gives_the_detectability_that_is_needed(adult: Anatomy) -> None:
    shot, protocol = expose(adult, SCANNER, 120.0), Protocol(120.0, 400.0, modulation=0.5)
    mAs = least_mAs(adult, SCANNER, protocol=protocol, task=LESION, exposure=shot, needed=1.7)
    found = slice_model(adult, SCANNER, protocol=replace(protocol, mAs=mAs), task=LESION, exposure=shot)
    assert found.detectability == pytest.approx(1.7, rel=1e-6)


def test_the_chosen_meets_the_target_and_no_allowed_one_does_with_less(adult: Anatomy) -> None:
    found = chosen(adult)
    best = found.chosen
    assert best is not None
    assert best.probability >= 0.95
    less = replace(best.forecast.protocol, mAs=best.forecast.protocol.mAs - 1.5)
    below = slice_model(adult, SCANNER, protocol=less, task=LESION)
    assert (below.detectability * np.exp(draws(Doubt())) >= 2.0).mean() < 0.95
    doses = [one.dose_mGy for one in found.judged if not one.against]
    assert doses == sorted(doses)


def test_more_is_needed_for_larger_patients_higher_targets_and_greater_doubt(adult: Anatomy) -> None:
    def dose(choice: Choice) -> float:
        assert choice.chosen is not None
        return choice.chosen.forecast.ctdivol_mGy

    small = trace(water_ellipse_HU(28, 20), (3.0, 3.0), SCANNER)
    assert dose(chosen(small)) < dose(chosen(adult)) < dose(chosen(adult, target=2.5))
    assert dose(chosen(adult)) < dose(chosen(adult, doubt=Doubt(method=0.07, patient=0.15)))
    worn = Doubt(scanner=np.full(100, np.log(0.9)))
    assert dose(chosen(adult)) < dose(chosen(adult, doubt=worn))


def test_a_target_out_of_reach_is_said_so_with_its_probability(adult: Anatomy) -> None:
    found = chosen(adult, target=50.0)
    assert found.chosen is None
    assert all("600 mAs" in one.against[0] for one in found.judged)
    assert found.judged[0].probability == 0.0


def test_less_contrast_agent_costs_dose_and_the_kVp_lever_is_used() -> None:
    slim, task = trace(water_ellipse_HU(24, 18), (3.0, 3.0), SCANNER), Task(5.0, iodine_mg_mL=1.0)
    full = chosen(slim, task, allowed=FEW)
    half = chosen(slim, task, allowed=replace(FEW, iodine=(0.5,)))
    assert full.chosen is not None
    assert half.chosen is not None
    assert full.chosen.forecast.protocol.kVp == 100.0
    assert half.chosen.dose_mGy > 2 * full.chosen.dose_mGy
    assert half.chosen.task.iodine_mg_mL == 0.5


def test_of_equal_doses_the_one_that_shows_more_is_first_and_nothing_is_judged_twice(adult: Anatomy) -> None:
    floor = replace(FEW, slice_mm=(2.5, 5.0, 5.0), kVp=(120.0, 120.0), least_mAs=500.0)
    found = chosen(adult, Task(20.0, contrast_HU=-60.0), allowed=floor).judged
    assert len(found) == 4
    assert {one.forecast.protocol.mAs for one in found} == {500.0}
    seen = [one.forecast.detectability for one in found]
    assert seen == sorted(seen, reverse=True)
    assert seen[0] > 1.1 * seen[-1]
    agents = chosen(adult, Task(20.0, iodine_mg_mL=8.0), allowed=replace(floor, iodine=(1.0, 0.5))).judged
    assert [one.task.iodine_mg_mL for one in agents] == [4.0] * 4 + [8.0] * 4


def test_the_curve_rises_and_its_band_holds_the_middle(adult: Anatomy) -> None:
    found = chosen(adult)
    assert found.chosen is not None
    curve = dose_curve(adult, SCANNER, judged=found.chosen, target=2.0, allowed=FEW, ln_draws=draws(Doubt()), points=12)
    assert (np.diff(curve.detectability) > 0).all()
    assert (np.diff(curve.ctdivol_mGy) > 0).all()
    assert (curve.low < curve.detectability).all()
    assert (curve.detectability < curve.high).all()
    ln_d = np.interp(np.log(found.chosen.forecast.ctdivol_mGy), np.log(curve.ctdivol_mGy), np.log(curve.detectability))
    assert np.exp(ln_d) == pytest.approx(found.chosen.forecast.detectability, rel=0.02)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: Allowed(least_mAs=0.0), "0 to 600 mAs"),
        (lambda: Allowed(iodine=(1.5,)), "shares of iodine"),
        (lambda: Doubt(method=-0.1), "-0.1"),
        (lambda: Doubt(scanner=np.array([np.nan])), "not finite"),
    ],
)
def test_what_cannot_be_is_refused(build, words: str) -> None:
    with pytest.raises(RangeError, match=words):
        build()


def test_nothing_allowed_and_impossible_targets_are_refused(adult: Anatomy) -> None:
    with pytest.raises(InputError, match="no protocol"):
        chosen(adult, allowed=replace(FEW, kVp=()))
    with pytest.raises(RangeError, match="kernel"):
        chosen(adult, allowed=replace(FEW, kernels=("bone",)))
    with pytest.raises(RangeError, match="target"):
        chosen(adult, target=0.0)

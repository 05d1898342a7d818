"""Each kind of model error is what its name says, and nothing else."""

from collections.abc import Callable

import numpy as np
import pytest

from gemel.core.image import Array
from gemel.core.model import Model
from gemel.core.parameter import Parameter
from gemel.core.system import Exam
from gemel.flow.conformance import wrong
from gemel.flow.conformance.wrong import CANDIDATES, WRONG, drift, noise, outsider, prior_sd, right
from gemel.flow.synthetic import SyntheticPatient
from tests.contract.plugins import IDLE, SPREAD, honest, system

EXAM = system(honest).exam
Live = Callable[[Model, Exam, int, np.random.Generator], tuple[Model, SyntheticPatient]]


def lived(live: Live, i: int = 0, seed: int = 1) -> SyntheticPatient:
    return live(honest(), EXAM, i, np.random.default_rng(seed))[1]


def values(patient: SyntheticPatient) -> Array:
    return np.array([scan[0].value[0] for scan in patient.observations])


def heights(patient: SyntheticPatient) -> Array:
    return np.array([state["height_mm"][0] for state in patient.states])


def test_there_are_four_kinds() -> None:
    assert list(WRONG) == ["gain", "drift", "noise", "outsider"]


def test_a_drift_adds_a_fifth_of_the_prior_sd_at_each_scan_to_what_is_seen_alone() -> None:
    straight, drifting = lived(right), lived(drift)
    assert heights(straight) == pytest.approx(heights(drifting))
    step_mm = 0.2 * float(prior_sd(honest(), EXAM)["height_mm"][0])
    assert values(drifting) - values(straight) == pytest.approx(step_mm * np.arange(6))


def test_the_prior_sd_is_that_of_what_is_observed() -> None:
    """√E[sd²] of the lognormal spread: 5·exp(0.4²) mm."""
    assert prior_sd(honest(), EXAM)["height_mm"] == pytest.approx([5 * np.exp(0.4**2)], rel=0.05)


def test_noise_grows_and_its_stated_error_does_not() -> None:
    quiet, noisy = lived(right), lived(noise)
    assert heights(quiet) == pytest.approx(heights(noisy))
    assert (values(noisy) - heights(noisy)) / (values(quiet) - heights(quiet)) == pytest.approx(1.2 ** np.arange(6))
    assert {float(scan[0].sd[0]) for scan in noisy.observations} == {0.5}


@pytest.mark.parametrize(("i", "parameter"), [(0, SPREAD), (1, IDLE), (2, SPREAD)])
def test_an_outsider_has_one_parameter_far_out(i: int, parameter: Parameter) -> None:
    places = [np.log(lived(outsider, i, seed).params[parameter.name][0] / parameter.centre) / parameter.spread for seed in range(5)]
    assert places == pytest.approx([2.5] * 5, abs=0.05)


def test_the_state_of_an_outsider_belongs_to_his_parameter(monkeypatch: pytest.MonkeyPatch) -> None:
    """A spread 2.5 sd above the median is 5·e = 13.6 mm, and the heights spread as widely; of all patients it is 5.9 mm."""
    monkeypatch.setattr(wrong, "CANDIDATES", CANDIDATES // 8)
    found = np.array([heights(lived(outsider, 0, seed))[0] for seed in range(200)])
    assert np.sqrt(np.mean(found**2)) == pytest.approx(5 * np.e, rel=0.2)

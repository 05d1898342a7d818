"""A trial of a toy: the same for any workers, paired by patient, with the answers that are known, and refusals."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemel import store
from gemel.core.errors import ConformanceError, GemelError, InputError, TaskError
from gemel.engines.inference.calibration import coverage
from gemel.flow.cohort import Arm, Trial, execute, patients, run, trial
from gemel.flow.cohort.arms import HINDSIGHT, labels
from tests.unit.flow.cohort import toy

SMALL = {"patients": 20, "draws": 50, "seed": 3}


def test_the_table_is_the_same_for_any_number_of_workers(installed: Path) -> None:
    alone = run("toy", **SMALL, executor="serial")
    pools = [run("toy", **SMALL, executor="pool", workers=n) for n in (1, 2, 8)]
    assert {held.digest for held in (alone, *pools)} == {alone.digest}
    assert run("toy", **{**SMALL, "seed": 4}, executor="serial").digest != alone.digest


def test_every_arm_meets_the_same_patient_and_the_same_chance(finished: Trial) -> None:
    """A shift moves the height by exactly its amount; the readout's own error is the same for every plan."""
    for readout in ("height_mm", "noisy_mm"):
        assert finished.values("plan-1", readout) - finished.values("fixed", readout) == pytest.approx(4.0, abs=1e-9)
    assert np.std(finished.values("fixed", "noisy_mm") - finished.values("fixed", "height_mm")) > 0.5


def test_an_arm_more_leaves_the_others_as_they_were(finished: Trial) -> None:
    fewer = run("toy", patients=12, arms=["plan-1", "twin"], draws=200, seed=3, executor="serial")
    for arm in ("plan-1", "twin"):
        for name in ("true_loss", "expected_loss", "noisy_mm"):
            assert fewer.values(arm, name).tolist() == finished.values(arm, name)[:12].tolist()


def test_arms_do_what_they_say(finished: Trial) -> None:
    assert finished.plans_of("prior") == finished.plans_of("fixed") == {"shift 0 mm": 60}
    assert finished.plans_of("plan-1") == {"shift -4 mm": 60}
    assert set(finished.plans_of("twin")) == set(labels(toy.EXAM))
    assert len(finished.plans_of("own")) > len(toy.SHIFTS_mm)
    best = np.min([finished.values(arm.name) for arm in finished.arms], axis=0)
    assert (finished.values(HINDSIGHT) <= best).all()
    assert finished.values("twin").mean() < finished.values("own").mean() < finished.values("fixed").mean()


def test_the_table_has_a_row_a_patient_and_arm(finished: Trial) -> None:
    assert {len(values) for values in finished.columns.values()} == {60 * 6}
    assert finished.columns["patient"].tolist() == [i for i in range(60) for _ in range(6)]
    assert set(finished.units) == {"miss_mm", "height_mm", "noisy_mm"}
    assert finished.values("twin").tolist() == finished.values("twin", "true_loss").tolist()


def lived(finished: Trial, number: int, draws: int) -> Trial:
    """A trial of two arms, lived in one piece."""
    asked = {"system": "toy", "arms": [["twin", "twin"], ["fixed", "fixed"]], "draws": draws, "seed": 1, "first": 0, "last": number}
    columns = trial.table_of([patients.live(asked, np.random.default_rng(0))], list(finished.units))
    return replace(finished, arms=(Arm("twin", "twin"), Arm("fixed", "fixed")), patients=number, columns=columns)


@pytest.fixture(scope="module")
def many(finished: Trial) -> Trial:
    """400 trials of 16 patients each, end to end."""
    return lived(finished, 6400, 200)


def parts(whole: Trial, size: int) -> list[Trial]:
    """The patients of a trial as many small trials."""
    rows = len(whole.columns["arm"]) // whole.patients * size
    cut = [{name: v[i : i + rows] for name, v in whole.columns.items()} for i in range(0, len(whole.columns["arm"]), rows)]
    return [replace(whole, patients=size, columns=columns) for columns in cut]


def test_means_are_those_of_theory(many: Trial) -> None:
    for arm, known in zip(("twin", "fixed"), toy.known_means()):
        held = many.values(arm)
        assert abs(held.mean() - known) < 3 * held.std() / np.sqrt(len(held))


def test_intervals_cover_the_true_difference(many: Trial) -> None:
    """93 to 97 % of 400 trials of 16 patients, many of whose differences are zero."""
    twin, fixed = toy.known_means()
    pairs = [part.paired("twin", "fixed") for part in parts(many, 16)]
    low, high = (np.array([getattr(pair, end) for pair in pairs]) for end in ("low", "high"))
    assert len(pairs) == 400
    assert 0.93 <= coverage(low, high, np.full(400, twin - fixed)).fraction <= 0.97


def test_expectations_are_not_better_than_what_came(finished: Trial) -> None:
    """Of four draws of the belief; on those of the choice itself the chosen plan would look better than it is by half a millimetre."""
    held = lived(finished, 1600, 4)
    gap = held.values("twin", "expected_loss") - held.values("twin")
    assert abs(gap.mean()) < 3 * gap.std() / np.sqrt(len(gap))


def test_paired_says_which_way_and_how_often(finished: Trial) -> None:
    found, back = finished.paired("twin", "fixed"), finished.paired("fixed", "twin")
    assert found.difference == pytest.approx(finished.values("twin").mean() - finished.values("fixed").mean())
    assert (found.low, found.high) == pytest.approx((-back.high, -back.low))
    assert found.low < found.alone_low < found.difference < found.alone_high < found.high < 0
    assert found.better + found.equal + back.better == pytest.approx(1)
    assert (found.readout, found.unit) == ("miss_mm", "mm")
    same = finished.paired("prior", "fixed")
    assert (same.difference, same.low, same.high, same.equal) == (0, 0, 0, 1)
    bound = finished.paired("twin", HINDSIGHT, "height_mm")
    assert (bound.low, bound.high, bound.unit) == (bound.alone_low, bound.alone_high, "mm")


def test_two_arms_need_no_wider_intervals(many: Trial) -> None:
    found = parts(many, 40)[0].paired("twin", "fixed")
    assert (found.low, found.high) == (found.alone_low, found.alone_high)


def test_a_trial_goes_on_where_it_was_killed(installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    firsts, live = [], patients.live

    def counted(inputs: Mapping[str, Any], rng: np.random.Generator) -> Mapping[str, Any]:
        firsts.append(inputs["first"])
        return live(inputs, rng)

    monkeypatch.setattr(patients, "live", counted)
    whole = run("toy", **SMALL, executor="serial")
    code = trial._code(toy.SYSTEM, whole.arms)
    tasks = trial.tasks_of("toy", whole.arms, SMALL["patients"], draws=SMALL["draws"], seed=SMALL["seed"], code=code)
    assert [task.name for task in tasks] == list(whole.tasks)
    firsts.clear()
    with store.open(tmp_path / "work.db") as held:
        execute(tasks[:2], store=held, executor="serial")
        again = run("toy", **SMALL, executor="serial", store=held)
        third = run("toy", **SMALL, executor="serial", store=held)
    assert firsts == [0, 8, 16]
    assert again.digest == third.digest == whole.digest


@pytest.mark.parametrize(
    ("name", "asked", "kind", "said"),
    [
        ("liver", {}, InputError, "no system 'liver'"),
        ("toy-no-exam", {}, ConformanceError, "without an exam"),
        ("toy", {"patients": 1}, InputError, "patients = 1"),
        ("toy", {"draws": 1}, InputError, "draws = 1"),
        ("toy", {"seed": -1}, InputError, "seed = -1"),
        ("toy", {"arms": ["plan-5"]}, InputError, "no plan or policy 'plan-5'.*plan-4 \\(shift 0 mm\\)"),
        ("toy", {"arms": []}, InputError, "without arms"),
        ("toy", {"arms": ["twin", "twin"]}, InputError, "arms named twin, twin"),
        ("toy", {"arms": ["hindsight"]}, InputError, "hindsight as an arm"),
        ("toy", {"arms": ["=twin"]}, InputError, "an arm without a name"),
        ("toy", {"arms": ["mine=:choose"]}, InputError, "no function :choose"),
        ("toy", {"arms": ["mine=.toy:choose"]}, InputError, "no function .toy:choose"),
        ("toy-broken", {}, ConformanceError, "cannot be loaded .ZeroDivisionError"),
        ("toy", {"arms": [Arm("mine", "tests.nowhere:choose")]}, InputError, "tests.nowhere"),
        ("toy", {"arms": ["tests.unit.flow.cohort.toy:absent"]}, InputError, "absent"),
        ("toy", {"arms": ["tests.unit.flow.cohort.toy:no_plan"]}, TaskError, "a int for a plan"),
        ("toy-infinite", {}, TaskError, "bad_mm = inf"),
        ("toy", {"workers": 0}, InputError, "0 workers"),
        ("toy", {"executor": "abacus"}, InputError, "executor 'abacus'"),
    ],
)
def test_what_cannot_be_tried_is_refused(installed: Path, name: str, asked: dict[str, Any], kind: type[GemelError], said: str) -> None:
    with pytest.raises(kind, match=said):
        run(name, **{"patients": 4, "draws": 50, "executor": "serial", **asked})


def test_names_that_are_not_there_are_refused(finished: Trial) -> None:
    with pytest.raises(InputError, match=r"no arm 'plan-2'.*choose from twin, prior, fixed, plan-1, own, hindsight"):
        finished.paired("twin", "plan-2")
    with pytest.raises(InputError, match=r"no readout 'curve'.*choose from true_loss, expected_loss, miss_mm, height_mm"):
        finished.paired("twin", "fixed", "curve")


def test_plans_that_differ_in_time_alone_have_names_of_their_own() -> None:
    later = tuple(replace(action, t_s=action.t_s + 43200.0) for action in toy.EXAM.plans[0])
    names = labels(replace(toy.EXAM, plans=(toy.EXAM.plans[0], later, toy.EXAM.plans[1], ())))
    assert names == ("shift -8 mm at 2 d", "shift -8 mm at 2.5 d", "shift -4 mm", "nothing")

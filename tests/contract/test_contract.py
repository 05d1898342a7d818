"""The contract every model keeps. A system is conformant only when all of this is green for it."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.badge import badge
from gemel.core.errors import InputError
from gemel.core.forecast import forecast
from gemel.core.model import Model
from gemel.core.record import Action, Observation
from gemel.core.system import Exam, System
from gemel.engines.inference.calibration import coverage, paired_difference, rank_p_value
from gemel.flow.session import belief_digest
from gemel.flow.synthetic import SyntheticPatient, synthetic_patient
from tests.contract.conftest import PATIENTS, Course, inside


@pytest.fixture(scope="module")
def patient(system: System, model: Model) -> SyntheticPatient:
    return synthetic_patient(model, system.exam.times_s, system.exam.sd, np.random.default_rng(11))


def followed(model: Model, patient: SyntheticPatient, seed: int, order: tuple[int, ...]) -> twins.Twin:
    twin = twins.new(model, 0.0, seed)
    for day in order:
        twin = twins.assimilate(twin, patient.observations[day])
    return twin


def test_every_array_leads_with_the_draws(system: System, model: Model) -> None:
    rng = np.random.default_rng(1)
    state, params = model.prior.draw(7, rng)
    state = model.dynamics(state, params, (), 0.0, 3600.0, rng)
    assert {len(v) for v in (*state.values(), *params.values())} == {7}
    for kind, observe in model.observe.items():
        assert observe(state, params).shape == (7, *system.exam.sd[kind].shape)
    for readout in model.readouts.values():
        assert len(readout.compute(state, params, system.exam.plans[0], rng)) == 7


def test_every_parameter_states_unit_bounds_and_reference(model: Model) -> None:
    assert model.parameters
    for parameter in model.parameters:
        assert parameter.unit
        assert len(parameter.reference) > 10, parameter.name
    assert all(readout.unit and readout.what for readout in model.readouts.values())


def test_a_seed_determines_the_belief(model: Model, patient: SyntheticPatient) -> None:
    first, again, other = (belief_digest(followed(model, patient, seed, (0, 1, 2)).belief) for seed in (5, 5, 6))
    assert first == again
    assert first != other


def test_replay_and_late_scans_give_the_same_belief_to_the_last_bit(model: Model, patient: SyntheticPatient) -> None:
    twin = followed(model, patient, 5, (0, 1, 2, 3))
    replayed = twins.replay(twin, tuple(reversed(twin.record)))
    late = followed(model, patient, 5, (0, 3, 1, 2))
    assert belief_digest(twin.belief) == belief_digest(replayed.belief) == belief_digest(late.belief)


def test_a_forecast_does_not_change_the_twin_and_time_between_scans_counts(model: Model, patient: SyntheticPatient) -> None:
    twin = followed(model, patient, 5, (0, 1, 2))
    kind = next(iter(model.observe))
    before = belief_digest(twin.belief)
    soon, later = (
        forecast(twin, (), [kind], twin.t_s + dt, 4000, np.random.default_rng(3)).values[kind].std() for dt in (600.0, 30 * 86400.0)
    )
    assert belief_digest(twin.belief) == before
    assert soon < later


def test_learning_narrows_the_forecast_and_keeps_the_truth(model: Model, system: System, courses: list[Course]) -> None:
    rng = np.random.default_rng(2)
    state, params = model.prior.draw(4000, rng)
    for kind, observe in model.observe.items():
        prior_sd = observe(state, params).std(axis=0)
        posterior_sd = np.mean([c.forecasts[kind].std(axis=0) for c in courses], axis=0)
        assert (posterior_sd < 0.97 * prior_sd).all(), kind
        assert inside(courses, kind, 0.998).mean() > 0.98, kind


def test_ninety_per_cent_forecast_intervals_cover_85_to_95_per_cent(model: Model, courses: list[Course]) -> None:
    for kind in model.observe:
        held = inside(courses, kind)
        assert 0.85 <= held.mean() <= 0.95, f"{kind}: {held.mean(axis=0)}"


def test_ranks_of_the_truth_among_posterior_draws_are_uniform(courses: list[Course]) -> None:
    names = list(courses[0].ranks)
    p_values = {name: rank_p_value(np.array([c.ranks[name] for c in courses])) for name in names}
    assert min(p_values.values()) > 0.01 / len(names), p_values


def test_the_one_scan_ahead_error_beats_the_running_mean_and_as_planned(model: Model, courses: list[Course]) -> None:
    """Mean squared error over all scans but the first, patient by patient; the 95 % interval of the paired gain lies above zero."""
    for kind in model.observe:
        per_patient = np.array([c.squared[kind].mean(axis=0) for c in courses])
        for rival, name in ((1, "running mean"), (2, "as planned")):
            _, low, _ = paired_difference(per_patient[:, rival], per_patient[:, 0])
            assert low > 0, f"{kind} against {name}: RMS {np.sqrt(per_patient.mean(axis=0))}"


def test_the_decision_beats_the_naive_plan_on_the_truth(courses: list[Course]) -> None:
    chosen = np.array([c.true_losses[np.argmin(c.losses)] for c in courses])
    naive = np.array([c.true_losses[-1] for c in courses])
    _, low, _ = paired_difference(naive, chosen)
    assert low > 0


def test_the_coverage_test_would_notice_intervals_that_are_a_third_too_narrow(model: Model, courses: list[Course]) -> None:
    kind = next(iter(model.observe))
    held = inside(courses, kind, 0.9 * 2 / 3)
    assert coverage(np.zeros(PATIENTS), np.ones(PATIENTS), np.where(held[:, 0], 0.5, 2.0)).high < 0.85


def test_bad_input_is_refused(system: System, model: Model, patient: SyntheticPatient) -> None:
    twin = followed(model, patient, 5, (0,))
    kind = next(iter(model.observe))
    good = patient.observations[1][0]
    with pytest.raises(InputError, match="kind"):
        twins.assimilate(twin, (Observation("shoe_size", good.t_s, good.value, good.sd, "x"),))
    with pytest.raises(InputError, match="start"):
        twins.assimilate(twin, (Observation(good.kind, -1.0, good.value, good.sd, "x"),))
    with pytest.raises(InputError):
        Observation(kind, 0.0, np.full(3, np.nan), np.ones(3), "x")
    with pytest.raises(InputError):
        Observation(kind, 0.0, np.zeros(3), np.zeros(3), "x")
    with pytest.raises(InputError, match="readout"):
        forecast(twin, (), ["happiness"], twin.t_s, 10, np.random.default_rng(0))
    with pytest.raises(InputError, match="forecast"):
        forecast(twin, (), [kind], twin.t_s - 1, 10, np.random.default_rng(0))


def test_the_badge_follows_the_record(model: Model, system: System, patient: SyntheticPatient) -> None:
    twin = twins.new(model, 0.0, 1)
    assert badge(twin.record) == "model"
    twin = twins.assimilate(twin, patient.observations[0])
    assert badge(twin.record) == "shadow"
    proposed = system.exam.plans[0][0]
    twin = twins.assimilate(twin, (Action(proposed.kind, twin.t_s + 60, proposed.amount, proposed.unit, "decision"),))
    assert badge(twin.record) == "shadow"
    assert badge(twins.assimilate(twin, patient.observations[1]).record) == "twin"


def test_the_exam_names_what_the_model_has(system: System, model: Model) -> None:
    exam: Exam = system.exam
    assert set(exam.sd) == set(model.observe)
    assert exam.loss in model.readouts

"""`plan`: what it returns, how it stops and says so, how it starts, and every input that it refuses."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from gemel.core.errors import GeometryError, InputError, RangeError
from gemel.engines.optimise import MaxDVH, MeanDose, MinDVH, Search, SquaredDeviation, SquaredOverdose, plan

PACKED = 1e-4  # what 16 bits of each value may change a value here, where a dose has ten contributions: half a step of 1/65535 in each
LIMITS = Search(decrease=1e-5, cosine=1e-3)


def line_of_spots(shift_mm=0.0, voxels=120, spots=30, sigma_mm=6.0):
    """Gaussian spots 4 mm apart on a line of 1 mm voxels: smooth, overlapping columns as of neighbouring pencil beams."""
    x, centre = np.arange(voxels), np.linspace(0, voxels - 1, spots)
    dose = np.exp(-0.5 * ((x[:, None] - centre - shift_mm) / sigma_mm) ** 2) / sigma_mm
    return sparse.csc_array(np.where(dose > 1e-4, dose, 0.0).astype(np.float32))


TARGET, LEFT, RIGHT = np.arange(40, 81), np.arange(0, 40), np.arange(81, 120)
OBJECTIVES = [SquaredDeviation(TARGET, 26.0, 100.0), SquaredOverdose(np.concatenate([LEFT, RIGHT]), 5.0, 10.0)]


@pytest.fixture(scope="module")
def influence():
    return line_of_spots()


def test_target_is_covered_and_the_rest_spared(influence):
    result = plan(influence, OBJECTIVES, search=LIMITS)
    dose = influence @ result.weights
    assert result.converged, result.status
    assert result.status.startswith("converged")
    assert (result.weights >= 0).all()
    assert np.percentile(dose[TARGET], 5) > 24.0
    assert dose[TARGET].mean() == pytest.approx(26.0, abs=0.5)
    assert dose[LEFT[:30]].max() < 6.0
    value = 100 * ((dose[TARGET] - 26) ** 2).mean() + 10 * (np.maximum(dose[np.r_[LEFT, RIGHT]] - 5, 0) ** 2).mean()
    assert result.value == pytest.approx(value, rel=PACKED)


def test_start_gives_the_target_its_mean_dose(influence):
    result = plan(influence, OBJECTIVES, search=Search(max_iterations=0))
    assert result.iterations == 0
    assert (influence @ result.weights)[TARGET].mean() == pytest.approx(26.0, rel=1e-5)
    np.testing.assert_allclose(result.weights, result.weights[0], rtol=1e-12)
    assert not result.converged


def test_the_cap_is_named_in_the_status(influence):
    result = plan(influence, OBJECTIVES, search=Search(decrease=1e-9, cosine=1e-9, max_iterations=7))
    assert (result.iterations, result.converged) == (7, False)
    assert "cap of 7" in result.status


def test_objectives_that_are_met_end_the_search(influence):
    result = plan(influence, [SquaredOverdose(TARGET, 30.0)], start=np.full(30, 0.01))
    assert (result.value, result.iterations) == (0.0, 0)
    assert "every objective is met" in result.status


def test_warm_start_goes_on_from_a_plan(influence):
    cold = plan(influence, OBJECTIVES, search=LIMITS)
    warm = plan(influence, OBJECTIVES, start=cold.weights, search=LIMITS)
    assert warm.value <= cold.value * (1 + 1e-6)
    assert warm.iterations <= 15 < cold.iterations


def test_progress_is_told_of_each_iteration(influence):
    seen = []
    result = plan(influence, OBJECTIVES, search=replace(LIMITS, progress=lambda iteration, value: seen.append((iteration, value))))
    assert [iteration for iteration, _ in seen] == list(range(1, result.iterations + 1))
    assert (np.diff([value for _, value in seen]) <= 1e-6 * seen[0][1]).all()
    assert seen[-1][1] == pytest.approx(result.value)


def test_iterations_count_all_rounds_of_a_worst_case_and_keep_the_cap():
    scenarios = [line_of_spots(shift) for shift in (-4, 0, 4)]
    seen = []
    search = Search(decrease=1e-12, cosine=1e-12, max_iterations=120, progress=lambda iteration, value: seen.append(iteration))
    result = plan(scenarios[1], OBJECTIVES, scenarios=scenarios, search=search)
    assert (result.iterations, max(seen)) == (120, 120)
    assert "cap" in result.status


def test_a_spot_that_reaches_no_judged_voxel_gets_no_weight(influence):
    result = plan(influence, [SquaredDeviation(TARGET, 26.0)], start=np.full(30, 5.0))
    judged = np.asarray(influence[TARGET].sum(axis=0)).ravel() > 0
    assert not judged.all()
    assert (result.weights[~judged] == 0).all()


def test_dose_volume_limits_are_kept(influence):
    objectives = [SquaredDeviation(TARGET, 26.0), MaxDVH(LEFT, 5.0, 0.1, 1000.0), MinDVH(TARGET, 25.0, 0.8, 1000.0), MeanDose(RIGHT, 1.0)]
    dose = influence @ plan(influence, objectives, search=LIMITS).weights
    free = influence @ plan(influence, objectives[:1], search=LIMITS).weights
    assert (dose[LEFT] > 5.2).mean() <= 0.1 < (free[LEFT] > 5.2).mean()
    assert (dose[TARGET] > 24.8).mean() >= 0.8


def test_objectives_may_be_robust_or_nominal(influence):
    """A penalty that is nominal only leaves the other scenarios out."""
    shifted = line_of_spots(5.0)
    both = [replace(OBJECTIVES[0]), replace(OBJECTIVES[1], robust=False)]
    result = plan(influence, both, scenarios=[influence, shifted], robust="expected", search=LIMITS)
    target = [100 * (((m @ result.weights)[TARGET] - 26) ** 2).mean() for m in (influence, shifted)]
    over = 10 * (np.maximum((influence @ result.weights)[np.r_[LEFT, RIGHT]] - 5, 0) ** 2).mean()
    np.testing.assert_allclose(result.scenario_values, target, rtol=PACKED)
    assert result.value == pytest.approx(np.mean(target) + over, rel=PACKED)


def test_scenarios_may_come_from_a_generator_with_relative_probabilities(influence):
    def scenarios():
        yield influence, 3.0
        yield line_of_spots(3.0), 1.0

    result = plan(influence, OBJECTIVES, scenarios=scenarios(), robust="expected", search=LIMITS)
    assert result.value == pytest.approx(0.75 * result.scenario_values[0] + 0.25 * result.scenario_values[1])


def broken(influence, value):
    other = influence.copy()
    other.data = other.data.copy()
    other.data[5] = value
    return other


@pytest.mark.parametrize(
    "change, error, words",
    [
        ({"objectives": []}, InputError, "no objectives"),
        ({"objectives": [SquaredDeviation(np.array([119, 120]), 26.0)]}, GeometryError, "row 120 .* 120 voxels"),
        ({"influence": broken(line_of_spots(), np.nan)}, RangeError, "not finite"),
        ({"influence": broken(line_of_spots(), np.inf)}, RangeError, "not finite"),
        ({"influence": broken(line_of_spots(), -1.0)}, RangeError, "negative dose"),
        ({"influence": line_of_spots().toarray()}, InputError, "ndarray"),
        ({"influence": sparse.csc_array((120, 30), dtype=np.float32)}, InputError, "empty matrix"),
        ({"start": np.ones(29)}, InputError, r"shape \(29,\) for 30 spots"),
        ({"start": np.full(30, -1.0)}, RangeError, "negative or not finite"),
        ({"start": np.full(30, np.nan)}, RangeError, "negative or not finite"),
        ({"scenarios": []}, InputError, "no scenarios"),
        ({"scenarios": [line_of_spots(), line_of_spots(spots=31)]}, GeometryError, "scenario 1"),
        ({"scenarios": [line_of_spots(voxels=121)]}, GeometryError, "scenario 0"),
        ({"scenarios": [(line_of_spots(), 0.0)]}, RangeError, "probabilities"),
        ({"scenarios": [(line_of_spots(), -1.0), (line_of_spots(), 2.0)]}, RangeError, "probabilities"),
        ({"scenarios": [line_of_spots()], "objectives": [SquaredDeviation(TARGET, 26.0, robust=False)]}, InputError, "no robust objective"),
    ],
)
def test_refused_with_a_reason(influence, change, error, words):
    arguments = {"influence": influence, "objectives": OBJECTIVES, **change}
    with pytest.raises(error, match=words):
        plan(arguments.pop("influence"), arguments.pop("objectives"), **arguments)


@pytest.mark.parametrize("scenarios", [False, True])
def test_target_voxels_that_no_spot_reaches_are_counted(influence, scenarios):
    dark = influence.tolil()
    dark[50:53] = 0
    dark = dark.tocsc()
    with pytest.raises(
        GeometryError, match=r"3 of 41 target voxels.*no spot reaches.*scenario 1" if scenarios else "3 of 41 target voxels"
    ):
        plan(influence if scenarios else dark, OBJECTIVES, scenarios=[influence, dark] if scenarios else None)


@pytest.mark.parametrize("change", [{"decrease": -1.0}, {"cosine": 2.0}, {"max_iterations": -1}, {"tail_fraction": 1.5}])
def test_search_settings_out_of_range_are_refused(change):
    with pytest.raises(RangeError):
        Search(**change)


@pytest.mark.parametrize("robust", [False, True])
def test_objectives_may_come_from_a_generator(influence, robust):
    scenarios = [influence, line_of_spots(3.0)] if robust else None
    listed = plan(influence, OBJECTIVES, scenarios=scenarios, search=LIMITS)
    result = plan(influence, (one for one in OBJECTIVES), scenarios=scenarios, search=LIMITS)
    np.testing.assert_array_equal(result.weights, listed.weights)
    assert (result.weights.any(), result.status) == (True, listed.status)


@pytest.mark.parametrize("asking", [SquaredDeviation(TARGET, 26.0, 0.0), MinDVH(TARGET, 26.0, 0.0)])
@pytest.mark.parametrize("min_weight", [0.0, 5.0])
def test_no_dose_is_never_converged_when_dose_is_asked_for(influence, asking, min_weight):
    result = plan(influence, [asking], start=np.zeros(30), search=Search(min_weight=min_weight))
    assert (result.weights == 0).all()
    assert not result.converged
    assert result.status.startswith("stopped without any dose")
    assert "converged" not in result.status


def test_no_dose_is_where_a_plan_that_asks_for_none_converges(influence):
    result = plan(influence, [SquaredOverdose(TARGET, 30.0)])
    assert (result.weights.any(), result.converged) == (False, True)

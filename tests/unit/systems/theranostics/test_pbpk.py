"""Parameters of the PSMA model that are refused, and the shapes of what is asked."""

import numpy as np
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_parameters import free_parameters, table
from gemel.systems.theranostics.pbpk_physiology import physiology

PARAMS = pbpk.default_parameters()
T = np.array([60.0, 1440.0])


def test_one_person_has_curves_and_many_have_rows():
    one = pbpk.solve(PARAMS, 10.3, 100.0, T)
    many = pbpk.solve(PARAMS | {"R_kidney_nmol_L": np.array([14.0, 28.0, 28.0])}, 10.3, np.array([100.0, 100.0, 0.0]), T)
    assert set(one) == set(pbpk.ORGANS) >= {"kidney", "salivary", "liver", "tumor1", "tumor2", "tumor_rest", "red_marrow", "whole_body"}
    assert one["kidney"].shape == (2,)
    assert many["kidney"].shape == (3, 2)
    assert (many["kidney"][0] == one["kidney"]).all()
    assert (np.diff(many["kidney"], axis=0) > 0).all()
    residence = pbpk.tiac_h(PARAMS | {"R_kidney_nmol_L": np.array([14.0, 28.0])}, 10.3, 100.0, every_min=0)
    assert residence["kidney"].shape == (2,)


def test_times_come_back_in_the_order_asked():
    there, back = pbpk.solve(PARAMS, 10.3, 0.0, T)["liver"], pbpk.solve(PARAMS, 10.3, 0.0, T[::-1])["liver"]
    assert (there == back[::-1]).all()
    assert (pbpk.solve(PARAMS, 10.3, 0, [60, 1440])["liver"] == there).all()
    assert pbpk.solve(PARAMS | {"weight_kg": 100}, 10.3, 0, 60)["liver"] == pytest.approx(there[0], rel=1e-5)
    start = pbpk.solve(PARAMS, 10.3, 0.0, np.arange(1))
    assert start["vein"][0] == pytest.approx(7391.503, rel=1e-6)
    assert start["kidney"][0] == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"hematocrit_1": 0.9}, "hematocrit_1 = 0.9 .* 0.15 to 0.65"),
        ({"TER_L_min": -0.1}, "TER_L_min = -0.1 .* GFR"),
        ({"k_on_L_nmol_min": np.nan}, "k_on_L_nmol_min = nan"),
        ({"R_kidney_nmol_L": np.array([14.0, 9000.0])}, "R_kidney_nmol_L = 9000"),
        ({"R_kidney_nmol_L": -1.0}, "R_kidney_nmol_L = -1 .* 0 to 500"),
        ({"kidney_L": -0.3}, "kidney_L = -0.3 .* volume"),
        ({"hematocrit_1": 1.2}, "hematocrit_1 = 1.2"),
        ({"TER_L_min": 0.0}, "TER_L_min = 0 .* GFR"),
        ({"flow_kidney_1": 1.1}, "flow_kidney_1 = 1.1 .* 0.02 to 0.6"),
        ({"weight_kg": np.inf}, "weight_kg = inf"),
        ({"weight_kg": 30.0, "liver_L": 6.0, "spleen_L": 2.0, "V_p_per_BSA_L_m2": 1.2}, "no plasma left"),
        ({"R_kidny": 14.0}, "unknown \\['R_kidny'\\].*near: .*R_kidney_nmol_L"),
        ({"kidney_ml": 300.0}, "near: kidney_L"),
    ],
)
def test_parameters_outside_physiology_are_named_with_their_range(change, said):
    with pytest.raises(RangeError, match=said):
        pbpk.solve(PARAMS | change, 10.3, 100.0, T)


@pytest.mark.parametrize("value", [None, "14", 1j, [], "NaN"])
def test_a_parameter_that_is_no_number_is_named(value):
    with pytest.raises(InputError, match=r"R_kidney_nmol_L|draws"):
        pbpk.solve(PARAMS | {"R_kidney_nmol_L": value}, 10.3, 100.0, T)


def test_a_kidney_that_takes_more_flow_leaves_less_to_the_others():
    """Flows are parts of one output: what is over 99 % of it lowers all parts alike, and nothing changes where there is room."""
    row = {name: np.array([value, value]) for name, value in PARAMS.items()}
    body = physiology(row | {"flow_kidney_1": np.array([0.19, 0.4])})
    output = 1.23 * 2.8 * 0.6 * 1.9
    normal = [name for name in body.flow_L_min if not name.startswith("tumor")]
    assert sum(body.flow_L_min[name] for name in normal) == pytest.approx(output)
    assert body.flow_L_min["rest"] / output == pytest.approx([0.0442, 0.01], rel=0.02)
    assert body.flow_L_min["muscle"][1] / body.flow_L_min["gi"][1] == pytest.approx(17 / 16)
    assert body.flow_L_min["kidney"] / output == pytest.approx([0.19, 0.4 * 0.989 / 1.165], rel=2e-3)


@pytest.mark.parametrize("like", [pbpk.default_parameters(), pbpk.corrected_parameters()], ids=["published", "corrected"])
def test_a_thousand_persons_of_thirty_percent_variation_all_live(like):
    """Every parameter but the variant of the model and the label differs; nobody is refused, nothing is negative, medians are kept."""
    cohort = pbpk.virtual_patients(like, 1000, np.random.default_rng(5), cv_1=0.3)
    assert sum(np.size(value) == 1000 for value in cohort.values()) >= 45
    found = pbpk.solve(cohort, 10.3, 100.0, T)
    assert all(np.isfinite(value).all() and (value >= 0).all() for value in found.values())
    ratio = cohort["R_kidney_nmol_L"] / 14.0
    assert np.median(ratio) == pytest.approx(1.0, abs=0.04)
    assert ratio.std() / ratio.mean() == pytest.approx(0.3, abs=0.03)
    again = pbpk.virtual_patients(like, 1000, np.random.default_rng(5), cv_1=0.3)
    assert all((np.asarray(again[name]) == np.asarray(cohort[name])).all() for name in cohort)


def test_persons_that_cannot_be_asked_for():
    rng = np.random.default_rng(0)
    few = pbpk.virtual_patients(PARAMS, 4, rng, names=("TER_L_min",))
    assert [name for name, value in few.items() if np.size(value) == 4] == ["TER_L_min"]
    with pytest.raises(InputError, match="choose among"):
        pbpk.virtual_patients(PARAMS, 4, rng, names=("flow_shared_1",))
    for n, cv in ((0, 0.3), (4, 0.0), (4, np.nan)):
        with pytest.raises(RangeError, match="persons"):
            pbpk.virtual_patients(PARAMS, n, rng, cv_1=cv)


def test_other_bad_input_is_refused():
    with pytest.raises(RangeError, match="unknown \\['kidney_ml'\\], missing \\['kidney_L'\\]"):
        pbpk.solve({("kidney_ml" if k == "kidney_L" else k): v for k, v in PARAMS.items()}, 10.3, 100.0, T)
    for hot, cold in ((-1.0, 100.0), (10.3, -1.0), (np.nan, 100.0), (10.3, np.inf)):
        with pytest.raises(RangeError, match="negative"):
            pbpk.solve(PARAMS, hot, cold, T)
    for times in (np.array([-5.0, 60.0]), np.array([np.nan]), []):
        with pytest.raises(InputError, match="times"):
            pbpk.solve(PARAMS, 10.3, 100.0, times)
    with pytest.raises(RangeError, match="hot ligand"):
        pbpk.tiac_h(PARAMS, 0.0, 100.0)
    with pytest.raises(RangeError, match="draws"):
        pbpk.solve(PARAMS | {"R_kidney_nmol_L": np.array([14.0, 28.0])}, np.ones(3), 100.0, T)
    with pytest.raises(InputError, match="no prior"):
        free_parameters(("phi_1",))


def test_the_table_holds_every_value_within_its_range():
    assert all(row.low <= row.value <= row.high for row in table())
    assert len(free_parameters()) >= 8


def test_volumes_add_up_to_the_body_and_flows_to_the_whole():
    body = physiology({name: np.array([value]) for name, value in PARAMS.items()})
    normal = [name for name in body.total_L if not name.startswith("tumor")]
    assert sum(body.total_L[name][0] for name in normal) == pytest.approx(100.0)
    plasma = 2.8 * 0.6 * 1.9
    assert sum(body.flow_L_min[name][0] for name in normal if name != "lungs") == pytest.approx(1.23 * plasma)
    assert body.filtered_L_min[0] == pytest.approx(0.2 / 3 * 201 / 151 * 0.66)


def test_the_half_life_may_come_from_the_one_decay_table():
    table = pbpk.labelled(PARAMS, "Lu-177")
    assert np.log(2) / table["lambda_physical_1_min"] / 60 == pytest.approx(159.5, rel=2e-3)
    assert np.log(2) / PARAMS["lambda_physical_1_min"] / 60 == pytest.approx(161.6, rel=1e-3)


def test_one_time_gives_a_number_and_draws_a_row():
    many = pbpk.solve(PARAMS, 10.3, np.array([0.0, 100.0, 300.0]), np.int64(60))["kidney"]
    one = pbpk.solve(PARAMS, np.float64(10.3), 100, 60.0)["kidney"]
    assert isinstance(one, float)
    assert many.shape == (3,)
    assert many[1] == pytest.approx(one, rel=1e-12)


@pytest.mark.parametrize("held", [np.array([]), np.array([[14.0, 28.0]])])
def test_draws_that_are_no_row_are_refused(held):
    with pytest.raises(InputError, match="one value, or one a draw"):
        pbpk.tiac_h(PARAMS | {"R_kidney_nmol_L": held}, 10.3, 100.0)
    with pytest.raises(InputError, match="one value, or one a draw"):
        pbpk.solve(PARAMS, held, 100.0, 60.0)

"""The six-state model against an independent solver, its saturation, and the table's half-life."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from gemel.core.errors import InputError, UnitError
from gemel.core.parameter import draw_free, to_value
from gemel.systems.theranostics.population_kinetics import ORGANS, STATES, amounts, default_parameters, kinetic_parameters

T_H = np.array([0.0, 1.0, 4.0, 24.0, 96.0, 168.0])
DECAY_1_H = np.log(2) / 159.5


def independent(p, injected_MBq):
    """The published equations, written out, by Radau."""
    into = {organ: p[f"to_{organ}_1_h" + ("_g" if organ == "tumour" else "")] for organ in ORGANS}

    def rates(_, y):
        change = np.zeros(6)
        change[0] = -p["excretion_1_h"] * y[0]
        for i, organ in enumerate(ORGANS, 1):
            room = 1 - y[i] / p["salivary_capacity_MBq"] if organ == "salivary" else 1.0
            flow = into[organ] * y[0] * room - p[f"from_{organ}_1_h"] * y[i]
            change[0] -= flow
            change[i] += flow
        return change - DECAY_1_H * y

    return solve_ivp(rates, (0, 168), [injected_MBq, 0, 0, 0, 0, 0], method="Radau", t_eval=T_H, rtol=1e-9, atol=1e-9).y


def test_the_published_equations():
    """Half-life of the table against 159.5 h written here: 0.1 % after a week."""
    expected = independent(default_parameters(), 7400.0)
    found = amounts(default_parameters(), 7400.0, T_H)
    for i, name in enumerate(STATES):
        np.testing.assert_allclose(found[name][0], expected[i], rtol=2e-3, atol=1e-4, err_msg=name)


def test_salivary_glands_saturate_and_kidneys_do_not():
    """Glands as Siebinga et al. 2023 have them; the more they take of a trace, the less is left to the kidneys."""
    published = default_parameters() | {"to_salivary_1_h": 0.0238, "salivary_capacity_MBq": 40.4}
    low, high = (amounts(published, MBq, np.array([24.0])) for MBq in (10.0, 7400.0))
    assert high["salivary"][0, 0] / 7400 < 0.15 * low["salivary"][0, 0] / 10
    assert high["salivary"][0, 0] < published["salivary_capacity_MBq"]
    assert high["kidney"][0, 0] / 7400 == pytest.approx(low["kidney"][0, 0] / 10, rel=0.05)


def test_many_draws_are_each_their_own():
    priors = kinetic_parameters()
    params = {p.name: to_value(p, column) for p, column in zip(priors, draw_free(priors, 200, np.random.default_rng(0)).T)}
    found = amounts(params, 7400.0, T_H[::-1])
    one = amounts({name: float(value[17]) for name, value in params.items()}, 7400.0, T_H)
    assert found["kidney"].shape == (200, 6)
    assert (found["kidney"][17, ::-1] == one["kidney"][0]).all()


def test_what_is_missing_or_unknown_is_refused():
    params = default_parameters()
    del params["to_kidney_1_h"]
    with pytest.raises(InputError, match="no to_kidney_1_h"):
        amounts(params, 7400.0, T_H)
    with pytest.raises((InputError, UnitError), match="Xx-999"):
        amounts(default_parameters(), 7400.0, T_H, label="Xx-999")

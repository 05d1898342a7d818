"""Laws of the PSMA model: nothing is lost, tracers are linear, cold ligand displaces hot, persons do not mix."""

import numpy as np
import pytest

from gemel.core.parameter import draw_free, to_value
from gemel.engines.ode import Dose, Tolerance, compiled, solve
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.pbpk_network import coefficients, network
from gemel.systems.theranostics.pbpk_parameters import CORRECTIONS, checked, free_parameters

PARAMS = pbpk.default_parameters()


def test_mass_balance():
    """What was injected is in the body, in the urine, or released: to 1e-12 (1e-8 asked), hot and cold, at a loose tolerance."""
    numbers = checked(PARAMS)
    net, k = network(), coefficients(numbers)
    found = solve(
        compiled(net, ()),
        k,
        t=np.array([60.0, 1440.0, 40000.0]),
        doses=[Dose("hot.vein", 10.3), Dose("cold.vein", 100.0)],
        tolerance=Tolerance(1e-3, 1e-8),
    )
    out = np.zeros((3,))
    for reaction in net.reactions:
        if sum(factor for _, factor in reaction.change) < 0:
            rate = k[0, net.coefficients.index(reaction.coefficient)]
            out += rate * found.integrals[0, :, net.species.index(reaction.reactants[0])]
    inside = found.values[0].sum(axis=1)
    np.testing.assert_allclose(inside + out, 110.3, rtol=1e-12)
    assert out[1] > 50.0


def test_a_label_that_does_not_decay_stays_hot_and_takes_its_share():
    """Hot and cold are the same chemistry: without decay their amounts stay in the ratio injected, everywhere and always."""
    params = PARAMS | {"lambda_physical_1_min": 1e-6, "skin_return_own_volume_1": 1.0, "decayed_stays_cold_1": 0.0}
    t = np.array([10.0, 300.0, 3000.0])
    mixed, swapped = (pbpk.course(params, [pbpk.Injection(*amounts)], t).values for amounts in ((30.0, 0.0), (3.0, 27.0)))
    np.testing.assert_allclose(swapped[..., 0] * 10, mixed[..., 0], rtol=5e-3)


def test_a_tracer_is_linear_and_a_therapy_is_not():
    t = np.array([60.0, 1440.0])
    tracer, twice = (pbpk.solve(PARAMS, hot, 0.0, t)["kidney"] for hot in (1e-4, 2e-4))
    np.testing.assert_allclose(twice, 2 * tracer, rtol=1e-4)
    therapy = pbpk.solve(PARAMS, 40.0, 0.0, t)["tumor1"] / 4e5
    assert (therapy < 0.95 * pbpk.solve(PARAMS, 1e-4, 0.0, t)["tumor1"]).all()


def test_cold_ligand_displaces_hot_and_activity_does_not_double():
    """Signs and sizes: kidney 0.808, 0.782, 0.730, 0.636 h with 0, 30, 100, 300 nmol cold; 0.7301 to 0.7235 h as hot doubles."""
    kidney = [pbpk.tiac_h(PARAMS, 10.3, cold)["kidney"] for cold in (0.0, 30.0, 100.0, 300.0)]
    np.testing.assert_allclose(kidney, [0.808, 0.782, 0.730, 0.636], atol=6e-4)
    assert pbpk.tiac_h(PARAMS, 20.6, 100.0)["kidney"] == pytest.approx(0.7235, rel=1e-4)


def test_a_person_alone_and_in_a_cohort_is_the_same():
    free = free_parameters()
    draws = draw_free(free, 11, np.random.default_rng(2))
    cohort = PARAMS | {"flow_shared_1": 1.0} | {p.name: to_value(p, column) for p, column in zip(free, draws.T)}
    together = pbpk.solve(cohort, 10.3, 100.0, np.array([60.0, 1440.0]))
    alone = pbpk.solve(
        {name: np.ravel(value)[min(7, np.size(value) - 1)] for name, value in cohort.items()}, 10.3, 100.0, np.array([60.0, 1440.0])
    )
    for organ in pbpk.ORGANS:
        assert (together[organ][7] == alone[organ]).all()


def test_cycles_share_receptors():
    """The second cycle six weeks later starts from what the first left; at once they would be one of twice the amount."""
    t = np.array([1440.0])
    twice = pbpk.course(PARAMS, [pbpk.Injection(10.3, 100.0), pbpk.Injection(10.3, 100.0)], t).values
    double = pbpk.course(PARAMS, [pbpk.Injection(20.6, 200.0)], t).values
    np.testing.assert_allclose(twice, double, rtol=1e-9)
    later = pbpk.course(PARAMS, [pbpk.Injection(10.3, 100.0), pbpk.Injection(10.3, 100.0, 60480.0)], np.array([60480.0 + 1440.0]))
    first = pbpk.course(PARAMS, [pbpk.Injection(10.3, 100.0)], t)
    np.testing.assert_allclose(later.values, first.values, rtol=2e-3)


def test_the_corrections_matter_and_say_what_they_do():
    """With portal flow leaving the liver as it came, less stays in the liver; decay in tubular cells takes from the kidney."""
    published = pbpk.tiac_h(PARAMS, 10.3, 100.0, every_min=0)
    for name, organ in (("liver_drains_portal_1", "liver"), ("kidney_cells_decay_1", "kidney")):
        assert name in CORRECTIONS
        assert pbpk.tiac_h(PARAMS | {name: 1.0}, 10.3, 100.0, every_min=0)[organ] < 0.99 * published[organ]
    assert pbpk.tiac_h(PARAMS | {"released_returns_1": 1.0}, 10.3, 100.0, every_min=0)["whole_body"] > published["whole_body"]
    assert pbpk.tiac_h(PARAMS, 10.3, 100.0)["liver"] == pytest.approx(published["liver"] / 1.0112, rel=1e-3)

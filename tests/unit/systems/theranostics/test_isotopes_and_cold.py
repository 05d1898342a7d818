"""Cycles of another nuclide, or with more cold ligand: what they give, what they are called, what is refused."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.decision import decide
from gemel.core.errors import InputError, RangeError
from gemel.core.image import Image
from gemel.core.packing import pack, unpack
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.system import silent
from gemel.core.time import DAY_S
from gemel.engines.ode import Tolerance
from gemel.systems.theranostics import pbpk
from gemel.systems.theranostics.agent import Agent, agent_of, gives
from gemel.systems.theranostics.body import Body, label
from gemel.systems.theranostics.case import Case, body_for
from gemel.systems.theranostics.cold_mass import PARTS, displacement, ligand_nmol, uptake_ratio
from gemel.systems.theranostics.course import HOUR_S, states
from gemel.systems.theranostics.isotopes import emits_alphas, isotope, isotopes
from gemel.systems.theranostics.judge import goal, judge
from gemel.systems.theranostics.mixed_radiation import mixed_bed_Gy
from gemel.systems.theranostics.model import model_of
from gemel.systems.theranostics.observe import Day
from gemel.systems.theranostics.options import choices, told
from gemel.systems.theranostics.population import population
from gemel.systems.theranostics.protraction_sampled import protraction_of_samples
from gemel.systems.theranostics.regimens import read, regimens
from gemel.systems.theranostics.system import treat

SECOND_s, END_s = 42 * DAY_S, 180 * DAY_S
KNOWN = population()
NOTHING = Image(np.zeros((1, 1, 1), dtype=np.float32), np.eye(4))
SEEN = Day({}, {}, {}, {}, {}, 0.0, NOTHING, Structures(NOTHING, {}), {}, ())
NEXT = (Action("administer Ac-225", SECOND_s, 8.0, "MBq"),)


def typical(**changed):
    """One draw of every parameter at its centre, or as told."""
    every = (*KNOWN.parameters, *KNOWN.alpha_parameters)
    return {p.name: np.array([changed.get(p.name, p.centre)]) for p in every}


def body(**asked):
    """The reference adult with 50 g of tumour; the first cycle gives next to nothing."""
    return body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 1e-6),), **asked)[0]


@pytest.fixture(autouse=True)
def _exact(monkeypatch):
    """Solutions to 1e-6, so that what is compared is the physics."""
    monkeypatch.setattr("gemel.systems.theranostics.course.TOLERANCE", Tolerance(relative=1e-6, absolute=1e-12))


@pytest.fixture(scope="module")
def mixed():
    return body(isotopes=("Lu-177", "Tb-161", "Ac-225"))


def end(held, plan, **changed):
    return states(held, typical(**changed), plan, 0.0, (END_s,))[0]


def test_a_nuclide_named_is_the_same_as_the_own_one(mixed):
    """Lu-177 as the twin's own and as another isotope: S, energy, decay and ligand agree through the whole course."""
    own, named = (end(mixed, (Action(kind, SECOND_s, 7400.0, "MBq"),)) for kind in ("administer", "administer Lu-177"))
    for name in ("dose_kidney", "dose_salivary", "dose_marrow", "weighted_kidney", "lethal_kidney", "burden", "platelets"):
        assert named[name][0] == pytest.approx(own[name][0], rel=2e-3), name


def test_doses_of_a_nuclide_scale_as_its_energy_and_decay(mixed):
    """Tb-161 leaves 1.35 times the energy of Lu-177 (199.6 to 148.0 keV a decay) and lives 3.9 % longer."""
    one, other = (end(mixed, (Action(f"administer {name}", SECOND_s, 100.0, "MBq"),)) for name in ("Lu-177", "Tb-161"))
    held = label(mixed, "Tb-161").S_Gy_MBq_h["kidney"] / label(mixed, "Lu-177").S_Gy_MBq_h["kidney"]
    assert held == pytest.approx(199.6 / 148.0, rel=0.03)
    assert label(mixed, "Ac-225").alpha_1 == pytest.approx(28.0 / 28.7, abs=2e-3)  # of 28.7 MeV a decay, the chain's electrons have 0.7
    k = typical()["from_kidney_1_h"][0]
    longer = (k + label(mixed, "Lu-177").decay_1_h) / (k + label(mixed, "Tb-161").decay_1_h)
    assert other["dose_kidney"][0] / one["dose_kidney"][0] == pytest.approx(held * longer, rel=0.01)


def test_effective_dose_of_alphas_is_that_of_mixed_radiation(mixed):
    """The course's BED against D_lo + RBE D_hi + G (D_lo + √RBE D_hi)²/(α/β) with G of the sampled curve of the kidneys' activity."""
    held, rbe = {"relocated_1": 0.0, "organ_rbe_1": 5.0}, 5.0
    plan = (Action("administer Ac-225", SECOND_s, 200.0, "MBq"),)
    hours = np.concatenate([[0.0], np.geomspace(0.1, 2000.0, 160)])
    path = states(mixed, typical(**held), plan, 0.0, tuple(SECOND_s + h * HOUR_S for h in hours[1:]))
    rate = np.concatenate([[0.0], [s["kidney"][0] for s in path]])
    G = protraction_of_samples(hours, rate, KNOWN.parameters[-5].centre)
    assert KNOWN.parameters[-5].name == "kidney_repair_h"
    dose, share = path[-1]["dose_kidney"][0], label(mixed, "Ac-225").alpha_1
    expected = mixed_bed_Gy((1 - share) * dose, share * dose, rbe_1=rbe, G_1=G, alpha_beta_Gy=2.5)
    found = path[-1]["weighted_kidney"][0] + 2 / 2.5 * path[-1]["lethal_kidney"][0]
    assert 1 - path[-1]["weighted_kidney"][0] / expected > 0.05  # damage that meets damage matters here
    assert found == pytest.approx(expected, rel=5e-3)


def test_alphas_count_for_tumour_and_marrow_too(mixed):
    """ln of tumour killed per gray, and fewest platelets, follow the weighted dose and not the absorbed one."""
    lone, heavy = (end(mixed, NEXT, relocated_1=0.0, tumour_rbe_1=rbe, tumour_growth_1_h=1e-5) for rbe in (1.0, 6.0))
    share = label(mixed, "Ac-225").alpha_1
    killed = [-np.log(s["burden"][0]) + 1e-5 * END_s / HOUR_S for s in (lone, heavy)]
    assert killed[1] / killed[0] == pytest.approx(1 - share + 6 * share, rel=0.02)
    soft, hard = (end(mixed, NEXT, organ_rbe_1=rbe)["weighted_marrow"][0] for rbe in (1.0, 5.0))
    assert hard / soft == pytest.approx(1 - share + 5 * share, rel=1e-6)


def test_daughters_that_leave_spare_the_organ_and_reach_the_kidneys(mixed):
    """With none to the kidneys S falls by the daughters' part; what the kidneys get of others rises in proportion to what reaches them."""
    used = label(mixed, "Ac-225")
    stay = end(mixed, NEXT, relocated_1=0.0, tumour_kill_1_Gy=5e-4)
    gone = {share: end(mixed, NEXT, relocated_1=1.0, freed_to_kidney_1=share, tumour_kill_1_Gy=5e-4) for share in (0.0, 0.25, 0.5)}
    for organ in ("kidney", "salivary", "tumour"):
        left = 1 - used.moving_S_Gy_MBq_h[organ] / used.S_Gy_MBq_h[organ]
        assert gone[0.0][f"dose_{organ}"][0] / stay[f"dose_{organ}"][0] == pytest.approx(left, rel=1e-3)
        assert 0.6 < left < 0.75  # Bi-213 and Po-213: 8.3 of 27.5 MeV
    kidney = [state["dose_kidney"][0] for state in gone.values()]
    assert kidney[2] - kidney[0] == pytest.approx(2 * (kidney[1] - kidney[0]), rel=1e-3)
    assert kidney[1] > 1.5 * kidney[0]
    assert gone[0.5]["lethal_kidney"][0] > 1.5 * gone[0.0]["lethal_kidney"][0]


def test_ac_225_gives_what_was_published(mixed):
    """RBE 5: kidneys 0.7 Sv/MBq (Kratochwil et al. 2017, J Nucl Med 58:1624), within a factor of two.

    Not within it: marrow (0.05; here 0.024) and salivary glands (2.3; here 0.4, the population model's glands were fitted to Lu-177).
    """
    found = end(mixed, NEXT, organ_rbe_1=5.0, relocated_1=0.0)
    assert 0.35 < found["weighted_kidney"][0] / 8 < 1.4


def test_glands_fill_with_ligand_and_not_with_becquerels(mixed):
    """The usual 8 MBq of Ac-225 come with the ligand of 7.4 GBq of Lu-177: a becquerel of either is taken up alike."""
    amounts = []
    for name, MBq in (("Lu-177", 7400.0), ("Ac-225", 8.0), ("Lu-177", 8.0)):
        state = states(mixed, typical(), (Action(f"administer {name}", SECOND_s, MBq, "MBq"),), 0.0, (SECOND_s + 4 * HOUR_S,))[0]
        amounts.append(state["salivary"][0] / MBq * np.exp(label(mixed, name).decay_1_h * 4))
    assert amounts[1] == pytest.approx(amounts[0], rel=0.01)
    assert amounts[2] > 2 * amounts[0]


def test_what_is_left_of_a_nuclide_keeps_its_energy(mixed):
    """A cycle of Lu-177, then Ac-225 three days later: the dose rate goes on where it was, to 1 % of the second cycle's."""
    body_ = Body(mixed.S_Gy_MBq_h, 50.0, mixed.energy_Gy_kg_MBq_h, mixed.decay_1_h, ((0.0, 7400.0),), mixed.labels)
    early = (Action("administer Ac-225", 3 * DAY_S, 1e-9, "MBq"),)
    plain, turned = (states(body_, typical(relocated_1=0.0), plan, 0.0, (3.5 * DAY_S,))[0] for plan in ((), early))
    assert turned["dose_kidney"][0] == pytest.approx(plain["dose_kidney"][0], rel=1e-3)
    assert turned["kidney"][0] < 0.01 * plain["kidney"][0]


def test_ligand_displaces_as_the_whole_body_model_says():
    """Ratios of the table against the model itself at 10.3 nmol hot with 300 and with 46.9 cold, to 1 %: uptake follows their sum."""
    table = displacement("Lu-177")
    params = pbpk.labelled(pbpk.default_parameters(), "Lu-177")
    more, usual = (pbpk.tiac_h(params, 10.3, cold, every_min=0) for cold in (300.0, 46.9))
    for organ, parts in PARTS.items():
        exact = sum(more[part] for part in parts) / sum(usual[part] for part in parts)
        assert uptake_ratio(table, organ, 310.3, usual_nmol=57.2) == pytest.approx(exact, rel=0.01), organ
        assert exact < 0.85
    assert ligand_nmol(table, 7400.0, -1.0) == pytest.approx(57.1)
    assert ligand_nmol(table, 7400.0, 46.9) == pytest.approx(57.1, rel=0.01)  # 7.4 GBq are 10.2 nmol


def test_a_patient_with_fewer_receptors_is_displaced_more():
    fitted = {**pbpk.default_parameters(), "R_kidney_nmol_L": 5.0}
    few, many = (uptake_ratio(displacement("Lu-177", p), "kidney", 300.0, usual_nmol=57.0) for p in (fitted, pbpk.default_parameters()))
    assert abs(few - many) > 0.02


def test_cold_ligand_changes_what_a_cycle_gives():
    """Doses of the second cycle in the ratio of uptake, and none of the activity is lost for it."""
    held = body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 7400.0),), cold=True)[0]
    table = held.displaced[""]
    kinds = ("administer", "administer with 300 nmol cold")
    first = end(held, ())
    usual, more = (end(held, (Action(kind, SECOND_s, 7400.0, "MBq"),)) for kind in kinds)
    for organ in ("kidney", "liver"):
        ratio = (more[f"dose_{organ}"] - first[f"dose_{organ}"]) / (usual[f"dose_{organ}"] - first[f"dose_{organ}"])
        assert ratio[0] == pytest.approx(uptake_ratio(table, organ, 310.2, usual_nmol=57.1), rel=0.03), organ
    alone = body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 7400.0),))[0]
    np.testing.assert_allclose(end(alone, (Action("administer", SECOND_s, 7400.0, "MBq"),))["dose_kidney"], usual["dose_kidney"], rtol=1e-6)


def test_twice_the_activity_with_its_ligand_is_less_than_twice_the_uptake():
    """Where cold ligand is asked for, the ligand of more activity counts too; where it is not, kidneys are linear."""
    ratios = []
    for cold in (False, True):
        held = body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 7400.0),), cold=cold)[0]
        none, once, twice = (
            end(held, tuple(Action("administer", SECOND_s, MBq, "MBq") for MBq in given)) for given in ((), (7400.0,), (14800.0,))
        )
        ratios.append(((twice["dose_kidney"] - none["dose_kidney"]) / (once["dose_kidney"] - none["dose_kidney"]))[0])
    assert ratios[0] == pytest.approx(2.0, abs=0.03)
    assert 1.8 < ratios[1] < 1.95


def test_names_say_what_is_given_and_are_read_back():
    every = regimens(1, ("Ac-225", "Tb-161"), (0.0, 100.0))
    assert len({r.name for r in every}) == len(every)
    for regimen in every:
        assert read(regimen.name) == regimen
        assert agent_of(regimen.agent.kind) == regimen.agent
        assert treat(regimen.name, None, 5.0, "").kind == regimen.agent.kind
    assert read("8 MBq Ac-225 x 4, 8 weeks, 100 nmol cold").agent == Agent("Ac-225", 100.0)
    assert regimens(1)[-1].name == every[-1].name == "7.4 GBq x 5, 6 weeks"
    assert {r.agent for r in regimens(1)} == {Agent()}
    for name in ("7.4 GBq", "many GBq x 2, 6 weeks", ""):
        with pytest.raises(InputError, match="no regimen"):
            read(name)
    with pytest.raises(InputError, match="action"):
        agent_of("observe")
    assert not gives(Action("administer", 0.0, 0.0, "MBq"))
    assert not gives(Action("decline", 0.0, 1.0, "1"))


def test_what_is_asked_for_is_checked():
    assert choices("Lu-177", ["Lu-177", "Ac-225", "Ac-225"], [0, 100, 100]) == (("Ac-225",), (0.0, 100.0))
    assert choices("I-131", (), ()) == ((), ())
    for own, names in (("Lu-177", ["Ra-223"]), ("I-131", ["Ac-225"])):
        with pytest.raises(InputError, match="choose from Lu-177"):
            choices(own, names, ())
    for nmol in (-1.0, 2000.0, np.nan):
        with pytest.raises(RangeError, match="cold ligand"):
            choices("Lu-177", (), nmol)
    assert len(told(("Tb-161",), ())) == 1
    assert len(told(("Ac-225",), (30.0,))) == 3
    assert emits_alphas("Ac-225")
    assert not emits_alphas("Tb-161")
    with pytest.raises(RangeError, match="nmol of ligand"):
        uptake_ratio(displacement("Lu-177"), "kidney", 5000.0, usual_nmol=57.0)
    bare = uptake_ratio(displacement("Ac-225"), "kidney", 0.008, usual_nmol=57.0)  # 8 MBq of Ac-225 with no cold ligand
    assert bare == pytest.approx(uptake_ratio(displacement("Ac-225"), "kidney", 1.0, usual_nmol=57.0))
    with pytest.raises(InputError, match="Ra-223"):
        isotope("Ra-223")
    assert list(isotopes()) == ["Lu-177", "Tb-161", "Ac-225"]


def test_a_nuclide_that_was_not_asked_for_and_two_at_once_are_refused(mixed):
    with pytest.raises(InputError, match="--set isotopes"):
        end(body(), NEXT)
    with pytest.raises(InputError, match="one nuclide a cycle"):
        end(mixed, (*NEXT, Action("administer", SECOND_s, 7400.0, "MBq")))


def few(*asked):
    """Every ninth of what is asked for."""
    return regimens(*asked)[::9]


def test_isotopes_and_cold_ligand_are_ranked_when_asked(monkeypatch):
    """Every arm is forecast on the same draws and ranked; limits weigh alphas; the case is kept and read back."""
    given = ((0.0, 7400.0),)
    held, _ = body_for("Lu-177", {"tumour": [50.0]}, given, isotopes=("Ac-225",), cold=True)
    case = Case(Structures(NOTHING, {}), NOTHING, held, "Lu-177", 1.0, 0.05, 12.0, {}, (), False, (0.0, 100.0))
    again = unpack(Case, pack(case))
    assert again.body == held
    assert again.cold_nmol == (0.0, 100.0)
    twin = twins.new(model_of(again.body), 0.0, 1)
    monkeypatch.setattr("gemel.systems.theranostics.judge.regimens", few)
    found = judge(twin, again, None, SEEN, draws=12, rng=np.random.default_rng(0), progress=silent)
    decision = decide(found.forecasts, goal())
    asked = regimens(1, ("Ac-225",), (0.0, 100.0))
    assert [o.name for o in decision.options if "Ac-225" in o.name]
    assert {o.name for o in decision.options} == {r.name for r in asked[::9]}
    assert all("marrow_weighted_dose_Gy <= 2" in option.p_limits for option in decision.options)

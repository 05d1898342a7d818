"""Regimens: what can be chosen, what it is called, when it would be given, and what it is worth."""

import numpy as np
import pytest

from gemel.core import twin as twins
from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, StructureError
from gemel.core.image import Image
from gemel.core.record import Action
from gemel.core.structures import Structures
from gemel.core.time import DAY_S
from gemel.systems.theranostics.case import Case, body_for
from gemel.systems.theranostics.judge import goal
from gemel.systems.theranostics.names import canonical, organ_of
from gemel.systems.theranostics.readouts import stops
from gemel.systems.theranostics.regimens import actions, regimens
from gemel.systems.theranostics.system import SYSTEM, due, fits, template, treat

NOTHING = Image(np.zeros((1, 1, 1), np.float32), np.eye(4))


def test_the_fixed_regimen_comes_last_and_stopping_is_a_choice() -> None:
    names = [r.name for r in regimens(1)]
    assert names[-1] == "7.4 GBq x 5, 6 weeks"
    assert names[0] == "stop"
    assert len(names) == len(set(names))
    assert [r.name for r in regimens(2)][-1] == "7.4 GBq x 4, 6 weeks"
    assert [r.name for r in regimens(6)] == ["stop"]


def test_cycles_are_weeks_apart() -> None:
    chosen = next(r for r in regimens(1) if r.name == "5.55 GBq x 3, 8 weeks")
    plan = actions(chosen, 100.0)
    assert [(a.t_s - 100.0) / DAY_S for a in plan] == [0.0, 56.0, 112.0]
    assert {a.amount for a in plan} == {5550.0}
    assert treat(chosen.name, None, 3.0, "x") == Action("administer", 3.0, 5550.0, "MBq", "x")


def test_a_regimen_that_is_none_is_refused() -> None:
    with pytest.raises(InputError, match="no regimen '9 lives'"):
        treat("9 lives", None, 0.0, "")


def test_platelets_are_looked_at_four_weeks_after_each_cycle() -> None:
    plan = (Action("administer", 42 * DAY_S, 1.0, "MBq"), Action("administer", 84 * DAY_S, 1.0, "MBq"))
    assert [t / DAY_S for t in stops(0.0, plan)] == [70.0, 112.0, 336.0]
    assert [t / DAY_S for t in stops(50 * DAY_S, plan)] == [112.0, 386.0]


def test_more_activity_is_more_of_everything() -> None:
    model, rng = template(), np.random.default_rng(2)
    state, params = model.prior.draw(60, rng)
    held = []
    for MBq in (3700.0, 7400.0):
        plan = (Action("administer", 42 * DAY_S, MBq, "MBq"),)
        held.append(
            {n: model.readouts[n].compute(state, params, plan, rng) for n in ("kidney_BED_Gy", "marrow_dose_Gy", "tumour_ln_kill_1")}
        )
    for name in held[0]:
        assert (held[1][name] > held[0][name]).all(), name
    assert (held[0]["kidney_BED_Gy"] > 0).all()


def test_the_goal_wants_kidneys_and_marrow_safe_with_95_per_cent() -> None:
    assert [(limit.readout, limit.bound, limit.probability) for limit in goal().limits] == [
        ("kidney_BED_Gy", 40.0, 0.95),
        ("marrow_weighted_dose_Gy", 2.0, 0.95),
    ]


def test_the_next_cycle_is_due_its_interval_after_the_last() -> None:
    twin, case = twins.new(template(), 0.0, 1), case_of()
    assert due(twin, case, "7.4 GBq x 4, 6 weeks") == 42 * DAY_S
    again = twins.assimilate(twin, (Action("administer", 50 * DAY_S, 7400.0, "MBq", "d"),))
    assert due(again, case, "7.4 GBq x 4, 8 weeks") == 106 * DAY_S
    stopped = twins.assimilate(twin, (Action("administer", 50 * DAY_S, 0.0, "MBq", "d"),))
    assert due(stopped, case, "7.4 GBq x 4, 6 weeks") == 42 * DAY_S


def test_a_scan_after_an_injection_that_the_twin_was_not_told_of_is_refused() -> None:
    twin, case = twins.new(template(), 0.0, 1), case_of()
    fits(twin, case, {"platelets": 200.0})
    fits(twin, case, scan_of(5 * DAY_S, injected_s=0.0))
    later = scan_of(43 * DAY_S, injected_s=42 * DAY_S)
    with pytest.raises(InputError, match=r"1970-02-12.*twin act"):
        fits(twin, case, later)
    told = twins.assimilate(twin, (Action("administer", 42.2 * DAY_S, 7400.0, "MBq", "d"),))
    fits(told, case, later)
    with pytest.raises(InputError, match="1970-01-01T00:00:00Z; the twin knows of 1970-02-12"):
        fits(told, case, scan_of(43 * DAY_S, injected_s=0.0))


def test_an_injection_is_known_whatever_ligand_and_name_of_its_own_nuclide_came_with_it() -> None:
    case = case_of()
    kinds = ("administer", "administer Lu-177", "administer with 300 nmol cold", "administer Ac-225 with 300 nmol cold")
    done = [Action(kind, 42 * DAY_S, 7400.0, "MBq") for kind in kinds]
    assert SYSTEM.given is not None
    assert SYSTEM.receive is not None
    assert [one.kind for one in SYSTEM.given(case, done)] == [*["administer"] * 4, "administer Ac-225"]
    assert SYSTEM.receive(case, done[1]).kind == "administer"


def scan_of(acquired_s: float, *, injected_s: float) -> ActivityImage:
    return ActivityImage(NOTHING, "Bq/mL", "Lu-177", acquired_s, 60.0, injected_s, 7400.0, "none")


def case_of() -> Case:
    """A patient with the template's body."""
    body, _ = body_for("Lu-177", {"tumour": [50.0]}, ((0.0, 7400.0),))
    return Case(Structures(NOTHING, {}), NOTHING, body, "Lu-177", 0.0, 0.05, 10.0, {}, ())


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Kidney_L", "kidney_left"),
        ("RightKidney", "kidney_right"),
        ("parotid left", "salivary_parotid_left"),
        ("LESION 3", "tumour_3"),
        ("Liver", "liver"),
        ("salivary_submandibular_right", "salivary_submandibular_right"),
    ],
)
def test_names_that_hospitals_write(written: str, meant: str) -> None:
    assert canonical(written) == meant
    assert canonical(meant) == meant
    assert organ_of(meant) in ("kidney", "salivary", "tumour", "liver")


def test_a_name_that_the_model_lacks_is_refused_with_its_mapping() -> None:
    with pytest.raises(StructureError, match=r"'Spleen'.*--map"):
        canonical("Spleen")


def test_the_system_begins_with_scans_regions_and_labs() -> None:
    assert SYSTEM.planning == ("spect", "ct", "structures", "labs", "pet")
    assert SYSTEM.scans == ("spect", "labs", "pet")

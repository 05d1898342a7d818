"""What other records state of a patient: taken once, whatever the order; corrected, withdrawn, and never counted twice."""

import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemel import flow, store
from gemel.core import twin as twins
from gemel.core.errors import ConflictError, InputError, RangeError
from gemel.core.system import silent
from gemel.core.time import DAY_S, iso
from gemel.flow.heard import CHANGED, KNOWN, NEW, UNUSED, WITHDRAWN, Said, hear, stated_in, weighed
from gemel.flow.session import belief_digest, open_session
from gemel.io.fhir.vocabulary import table, taken_by
from gemel.store import Store
from gemel.systems.glioma.judge import weeks_left
from tests.unit.flow import heights
from tests.unit.flow.test_glioma import START_s, installed, written

__all__ = ["installed"]
MOST = 900.0
RADIOTHERAPY_s = START_s + 21 * DAY_S


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("heard")
    with store.open(made / "twins.db") as record:
        visits = [written(made, START_s), written(made, START_s + 14 * DAY_S)]
        flow.new(record, "glioma", visits, options={"radiotherapy": iso(RADIOTHERAPY_s)})
    return made


@pytest.fixture
def record(folder: Path, tmp_path: Path) -> Store:
    shutil.copytree(folder, tmp_path / "store")
    return store.open(tmp_path / "store" / "twins.db")


def given(day: int, what: str = "temozolomide", amount: float = 1.0, name: str = "", **more: object) -> Said:
    """Something given so many days after the first fraction was due."""
    unit = {"temozolomide": "1"}.get(what, "Gy")
    made = Said(f"{name or what + str(day)}".encode().hex().ljust(64, "0")[:64], f"{amount}", "given", what)
    return replace(made, at=iso(RADIOTHERAPY_s + day * DAY_S), amount=amount, unit=unit, **more)  # type: ignore[arg-type]


def drug(record: Store) -> list[float]:
    """Doses of the drug that the twin knows."""
    session = open_session(record, record.twins()[0])
    return [a.amount for a in twins.given(session.twin) if a.kind == "temozolomide"]


def states(found: object) -> list[str]:
    return [one.state for one in found]  # type: ignore[attr-defined]


def test_what_was_given_changes_what_is_expected_and_is_taken_once(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        before = flow.show(record, twin).expected
        said = [given(-5, "radiotherapy fraction", 2.0), given(-5), given(-4)]
        assert states(hear(record, twin, said, actor="ehr")) == [NEW] * 3
        after = flow.show(record, twin).expected
        assert [row.median for row in after] != [row.median for row in before]
        version = record.version(twin)
        assert states(hear(record, twin, said, actor="ehr")) == [KNOWN] * 3
        assert (record.version(twin), drug(record)) == (version, [1.0, 1.0])
        assert record.verify()
        entry = record.events(twin)[-1]
        assert (entry.kind, entry.actor, len(record.artefacts.get(entry.inputs[0])) > 0) == ("Acted", "ehr", True)


def test_the_order_in_which_it_is_told_does_not_matter(record: Store) -> None:
    with record:
        twin, said = record.twins()[0], [given(0), given(1), given(0, "radiotherapy fraction", 2.0)]
        seen = set()
        for turn in permutations(said):
            for one in turn:
                hear(record, twin, [one])
            session = open_session(record, twin)
            later = session.twin.model.dynamics(
                *session.twin.belief.draw(8, np.random.default_rng(0)), twins.given(session.twin), session.twin.t_s,
                RADIOTHERAPY_s + 9 * DAY_S, np.random.default_rng(0),
            )  # fmt: skip
            seen.add((belief_digest(session.twin.belief), later["burden_mL"].tobytes()))
            hear(record, twin, [replace(one, withdrawn="entered-in-error") for one in said])
            assert stated_in(open_session(record, twin).entries) == {}
        assert len(seen) == 1


def test_a_correction_stands_in_place_of_what_it_corrects(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        hear(record, twin, [given(0, amount=1.0), given(1)])
        assert states(hear(record, twin, [given(0, amount=2.0)])) == [CHANGED]
        assert sorted(drug(record)) == [1.0, 2.0]
        assert states(hear(record, twin, [given(0, amount=3.0, once=True)])) == [KNOWN]
        assert states(hear(record, twin, [given(0, withdrawn="entered-in-error")])) == [WITHDRAWN]
        assert drug(record) == [1.0]
        assert states(hear(record, twin, [given(0, withdrawn="entered-in-error")])) == [KNOWN]
        assert states(hear(record, twin, [given(0, amount=2.0)])) == [NEW]


def test_what_is_said_twice_at_once_is_given_once(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        assert states(hear(record, twin, [given(0), given(0), given(1)])) == [NEW, KNOWN, NEW]
        assert drug(record) == [1.0, 1.0]


def test_a_correction_to_what_is_not_taken_withdraws_what_was(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        flow.decide(record, twin, draws=24)
        flow.act(record, twin, "5 x 2/2/2/2/2/2 Gy")
        before = drug(record)
        hear(record, twin, [given(9, name="moved"), given(9, "radiotherapy fraction", 3.0, name="known")])
        corrected = [given(-60, name="moved", amount=2.0), given(1, "radiotherapy fraction", 2.0, name="known")]
        assert states(hear(record, twin, corrected)) == [WITHDRAWN, WITHDRAWN]
        assert (drug(record), stated_in(open_session(record, twin).entries)) == (before, {})


def test_a_week_begins_on_its_day_though_an_hour_earlier(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        early = replace(given(7, "radiotherapy fraction", 2.0), at=iso(RADIOTHERAPY_s + 7 * DAY_S - 3600.0))
        hear(record, twin, [given(0, "radiotherapy fraction", 2.0), given(4, "radiotherapy fraction", 2.0), early])
        session = open_session(record, twin)
        assert weeks_left(session.twin, session.case) == 4


def test_what_gemel_recorded_itself_is_not_counted_again(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        flow.decide(record, twin, draws=24)
        flow.act(record, twin, "5 x 2/2/2/2/2/2 Gy")
        said = [given(day, "radiotherapy fraction", 2.0) for day in range(5)]
        assert states(weighed(open_session(record, twin), said)) == [KNOWN] * 5
        with pytest.raises(ConflictError, match="3 Gy of radiotherapy fraction, where the record has 2 Gy"):
            weighed(open_session(record, twin), [given(1, "radiotherapy fraction", 3.0)])
        assert states(weighed(open_session(record, twin), [given(7, "radiotherapy fraction", 3.0)])) == [NEW]


def test_fractions_told_one_by_one_use_up_their_week(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        hear(record, twin, [given(day, "radiotherapy fraction", 2.0) for day in range(5)])
        plans = [row["name"] for row in flow.decide(record, twin, draws=24).event.payload["options"]]
        assert {name.count("/") + 1 for name in plans if name.startswith("5 x")} == {5}


def test_nothing_is_taken_where_one_statement_is_refused(record: Store) -> None:
    with record:
        twin = record.twins()[0]
        version = record.version(twin)
        with pytest.raises(InputError, match="of radiotherapy fraction"):
            hear(record, twin, [given(0), given(0, "radiotherapy fraction", 60.0)])
        assert (record.version(twin), record.leases()) == (version, [])


def test_what_was_before_the_twin_is_not_used(record: Store) -> None:
    with record:
        (found,) = hear(record, record.twins()[0], [given(-60)])
        assert (found.state, "before the twin's start" in found.words) == (UNUSED, True)


def laboratory(case: heights.Case, seen: Any, progress: object) -> heights.Day:
    """The day of an image, or of a PSA that is the height in mm."""
    if isinstance(seen, Mapping) and seen["psa"] > MOST:
        raise RangeError(f"a PSA of {seen['psa']:g}", where="the test", remedy="send less")
    return heights.Day(seen["psa"], {"similarity": 1.0}, ()) if isinstance(seen, Mapping) else heights._observe(case, seen, silent)


@pytest.fixture
def small(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Store, str]]:
    """A record of the system in miniature, which takes laboratory values as well."""
    heights.installed(monkeypatch)
    taking = replace(heights.SYSTEM, scans=("cbct", "labs"), observe=laboratory)
    monkeypatch.setattr(flow.registry, "system", lambda name: taking)
    with store.open(tmp_path / "small.db") as record:
        twin = heights.begun(record, files)
        heights.live(record, twin, files, (1,))
        yield record, twin


def value(what: str, amount: float, **more: Any) -> Said:
    mark = (more.pop("name", what)).encode().hex().ljust(64, "0")
    unit = "ng/mL" if what == "psa" else "10*9/L"
    return replace(Said(mark, f"{amount}", "seen", what, iso(heights.day_s(2)), amount, unit), **more)


def counts(record: Store, twin: str) -> list[list[str]]:
    """Names of the values of each time that were stated."""
    return [sorted(e.payload["stated"]) for e in open_session(record, twin).entries if e.kind == "Observed" and "stated" in e.payload]


def test_values_of_one_time_are_joined_corrected_and_withdrawn(small: tuple[Store, str]) -> None:
    record, twin = small
    psa, platelets = value("psa", 5.0), value("platelets", 200.0)
    assert states(hear(record, twin, [psa])) == [NEW]
    belief = belief_digest(open_session(record, twin).twin.belief)
    assert states(hear(record, twin, [platelets, psa])) == [NEW, KNOWN]
    assert counts(record, twin) == [["platelets", "psa"]]
    assert states(hear(record, twin, [value("psa", 9.0)])) == [CHANGED]
    assert belief_digest(open_session(record, twin).twin.belief) != belief
    assert states(hear(record, twin, [replace(platelets, withdrawn="entered-in-error"), psa])) == [WITHDRAWN, CHANGED]
    assert counts(record, twin) == [["psa"]]
    assert belief_digest(open_session(record, twin).twin.belief) == belief
    with pytest.raises(InputError, match="a second psa"):
        hear(record, twin, [value("psa", 5.0, name="another")])
    assert states(hear(record, twin, [replace(psa, withdrawn="entered-in-error")])) == [WITHDRAWN]
    assert (counts(record, twin), record.verify(), record.leases()) == ([], True, [])


def test_values_of_one_second_are_of_one_time(small: tuple[Store, str]) -> None:
    record, twin = small
    at = iso(heights.day_s(2)).replace("Z", ".250Z")
    for one in (value("psa", 5.0), value("platelets", 200.0)):
        assert states(hear(record, twin, [replace(one, at=at)])) == [NEW]
    assert counts(record, twin) == [["platelets", "psa"]]


def test_what_was_begun_is_undone_where_a_later_value_cannot_be_used(small: tuple[Store, str]) -> None:
    record, twin = small
    before = record.version(twin), record.head()
    later = replace(value("psa", MOST + 1), mark="e" * 64, at=iso(heights.day_s(3)))
    with pytest.raises(RangeError):
        hear(record, twin, [value("psa", 5.0), later])
    assert ((record.version(twin), record.head()), record.leases(), record.verify()) == (before, [], True)


def test_every_action_of_the_table_is_one_of_its_system() -> None:
    """A system's own words; what they mean is said in its dynamics."""
    from gemel.systems.breast.drugs import DRUGS, UNIT
    from gemel.systems.glioma.events import UNITS
    from gemel.systems.theranostics.agent import agent_of

    for what in table()["given"]:
        for system, use in taken_by(what).items():
            known = {"glioma": lambda u: UNITS[u.action] == u.unit, "breast": lambda u: u.action in DRUGS and u.unit == UNIT}
            assert known.get(system, lambda u: bool(agent_of(u.action).nuclide) and u.unit == "MBq")(use), (system, use)

"""A remembered belief is the folded one to the last bit, is served for exactly what it follows from, and is missed by nobody."""

import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest

import gemel.store
from gemel.core.belief import Belief, Gaussian
from gemel.core.digest import digest
from gemel.core.model import Model
from gemel.core.packing import pack
from gemel.core.record import Action, Observation
from gemel.core.time import DAY_S
from gemel.core.twin import Twin
from gemel.flow import registry, remembered, session
from gemel.flow.session import belief_digest, open_session, rebuilt, row
from gemel.store import Event, Store, derived
from tests.contract import plugins

ID = "height-1"
HEIGHTS_mm = (6.0, 4.5, 7.0, 5.0, 6.5, 3.0)


@dataclass
class Learned:
    """A record of one synthetic patient, and the moments at which something was learned since it was last asked."""

    store: Store
    template: Callable[[], Model] = plugins.honest
    times_d: list[float] = field(default_factory=list)

    def model(self, case: object, library: object) -> Model:
        made = self.template()

        def condition(twin: Twin, new: Sequence[Observation], rng: np.random.Generator) -> Belief:
            self.times_d.append(new[0].t_s / DAY_S)
            return made.condition(twin, new, rng)

        return replace(made, condition=condition)

    def observe(self, day: float, value_mm: float) -> Event:
        seen = Observation("height_mm", day * DAY_S, np.array([value_mm]), np.array([0.5]), f"scan {day}")
        return self.store.append(ID, "Observed", {"observations": [row(seen)], "source": seen.source}, valid_s=seen.t_s)

    def act(self, day: float) -> Event:
        done = Action("choose", day * DAY_S, 1.0, "level", "decision")
        return self.store.append(ID, "Acted", {"action": vars(done), "plan": "1"}, valid_s=done.t_s)

    def opened(self) -> tuple[str, list[float]]:
        """Digest of the belief as opened, and the days at which something had to be learned for it."""
        self.times_d.clear()
        return _digest(open_session(self.store, ID).twin), list(self.times_d)

    def folded(self) -> str:
        """Digest of the belief folded from the prior on."""
        return _digest(rebuilt(self.store, tuple(self.store.events(ID)), self.store.tainted(), fresh=True).twin)

    @property
    def kept(self) -> list[Path]:
        return sorted(self.store.artefacts.folder.glob("derived/*/*"))


def _digest(twin: Twin) -> str:
    """Every array of the belief, and what is drawn from it: a difference in any last bit shows."""
    parts = remembered.taken_apart(twin.belief, twin.model.prior) or {}
    return digest([parts, belief_digest(twin.belief), twin.t_s, list(twin.record)])


@pytest.fixture
def learned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Learned:
    held = Learned(gemel.store.open(tmp_path / "twins.db"))
    system = replace(plugins.system(plugins.honest), model=held.model)
    monkeypatch.setattr(registry, "system", lambda name: system)
    case = held.store.artefacts.put_arrays(pack(Gaussian(("a",), (), np.zeros(1), np.eye(1))))
    held.store.append(ID, "Ingested", {"system": "height", "case": case, "seed": 3}, valid_s=0.0, outputs=[case])
    for day, value_mm in enumerate(HEIGHTS_mm, start=1):
        held.observe(day, value_mm)
    return held


def test_the_second_opening_learns_nothing_and_believes_the_same(learned: Learned) -> None:
    first, second = learned.opened(), learned.opened()
    assert first == (learned.folded(), [1, 2, 3, 4, 5, 6])
    assert second == (first[0], [])
    assert len(learned.kept) == 1


def test_a_scan_more_is_learned_from_alone(learned: Learned) -> None:
    learned.opened()
    learned.observe(7, 5.5)
    assert learned.opened() == (learned.folded(), [7])
    assert learned.opened() == (learned.folded(), [])


def test_what_was_given_since_does_not_ask_for_another_fold(learned: Learned) -> None:
    learned.opened()
    learned.act(6.5)
    assert learned.opened() == (learned.folded(), [])
    learned.observe(7, 5.5)
    assert learned.opened() == (learned.folded(), [7])


def test_a_late_scan_is_folded_in_at_its_time(learned: Learned) -> None:
    learned.opened()
    learned.observe(3.5, 5.5)
    assert learned.opened() == (learned.folded(), [1, 2, 3, 3.5, 4, 5, 6])


def test_an_earlier_moment_is_not_given_a_later_belief(learned: Learned) -> None:
    now = learned.opened()[0]
    then = open_session(learned.store, ID, as_of_s=3 * DAY_S).twin
    assert [e.t_s / DAY_S for e in then.record] == [1, 2, 3]
    assert _digest(then) != now
    learned.times_d.clear()
    assert _digest(open_session(learned.store, ID, as_of_s=3.5 * DAY_S).twin) == _digest(then)
    assert learned.times_d == []


def test_a_retracted_scan_is_never_served(learned: Learned) -> None:
    before = learned.opened()[0]
    learned.store.retract(learned.store.events(ID)[4], "another patient")
    assert learned.opened() == (learned.folded(), [1, 2, 3, 5, 6])
    assert learned.opened()[0] != before


def test_other_code_folds_again(learned: Learned, monkeypatch: pytest.MonkeyPatch) -> None:
    before = learned.opened()[0]
    monkeypatch.setattr(remembered, "code_digest", lambda system: "of other code")
    assert learned.opened() == (before, [1, 2, 3, 4, 5, 6])
    assert learned.opened() == (before, [])


def test_another_prior_folds_again(learned: Learned) -> None:
    before = learned.opened()[0]
    wider = replace(plugins.SPREAD, centre=6.0)

    def other() -> Model:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(plugins, "SPREAD", wider)
            return plugins.honest()

    learned.template = other
    assert learned.opened()[0] == learned.folded() != before


@pytest.mark.parametrize("harm", ["deleted", "a bit", "cut", "empty", "of another"])
def test_a_file_that_was_harmed_is_not_believed(learned: Learned, harm: str) -> None:
    before, _ = learned.opened()
    (file,) = learned.kept
    content = file.read_bytes()
    flipped = content[:-9] + bytes([content[-9] ^ 1]) + content[-8:]
    harmed = {"a bit": flipped, "cut": content[:-100], "empty": b"", "of another": content[:32] + content[40:]}
    if harm == "deleted":
        file.unlink()
    else:
        file.write_bytes(harmed[harm])
    assert learned.opened() == (before, [1, 2, 3, 4, 5, 6])
    assert learned.opened() == (before, [])


def test_it_is_no_part_of_the_record(learned: Learned, tmp_path: Path) -> None:
    head = learned.store.head()
    learned.opened()
    assert learned.store.head() == head
    assert learned.store.check(head, artefacts=True) == []
    swept = learned.store.sweep()
    assert (swept.orphans, swept.temporary, swept.quarantined) == ((), (), ())
    gemel.store.export(learned.store, ID, tmp_path / "crate.zip")
    with zipfile.ZipFile(tmp_path / "crate.zip") as crate:
        assert not [name for name in crate.namelist() if "derived" in name or learned.kept[0].name in name]
    assert len(learned.kept) == 1


def test_only_the_newest_are_kept(learned: Learned) -> None:
    for day in range(7, 7 + 2 * derived.KEPT):
        learned.observe(day, 5.0)
        learned.opened()
    assert len(learned.kept) == derived.KEPT
    assert learned.opened()[1] == []


def test_an_erased_patient_is_not_remembered(learned: Learned) -> None:
    learned.opened()
    gemel.store.erase(learned.store, ID, "asked by the person")
    assert learned.kept == []


def test_a_belief_that_holds_functions_is_folded_every_time(learned: Learned) -> None:
    learned.template = plugins.too_sure_of_parameters
    assert learned.opened()[1] == learned.opened()[1] == [1, 2, 3, 4, 5, 6]
    assert learned.kept == []


def test_a_disk_that_refuses_is_no_error(learned: Learned) -> None:
    (learned.store.artefacts.folder / "derived").write_text("in the way")
    assert learned.opened() == (learned.folded(), [1, 2, 3, 4, 5, 6])


def test_arrays_in_another_order_are_left_alone() -> None:
    """A sum over a copy in C order may end in another bit."""
    held = Gaussian(("a", "b"), (), np.zeros(2), np.arange(4.0).reshape(2, 2))
    assert remembered.taken_apart(held, plugins.honest().prior) is not None
    turned = replace(held, covariance=held.covariance.T)
    assert remembered.taken_apart(turned, plugins.honest().prior) is None


def test_a_class_that_is_not_there_is_not_made() -> None:
    prior = plugins.honest().prior
    parts = remembered.taken_apart(Gaussian(("a",), (), np.zeros(1), np.eye(1)), prior)
    assert parts is not None
    for kind in (["gemel.core.belief", "Gone"], ["not.loaded", "Gaussian"], ["gemel.core.belief", "Belief"], ["os", "remove"]):
        assert remembered.put_together(parts | {remembered.KIND: np.array(kind)}, prior) is None
    assert remembered.put_together(parts, prior) is not None


def test_the_prostate_twin_is_remembered(lived: Store, life: object) -> None:
    """Its belief holds the model's structure, which is lent by the model it is opened with."""
    twin_id = lived.twins()[0]
    derived.forget(lived.artefacts, twin_id)
    folded = rebuilt(lived, tuple(lived.events(twin_id)), lived.tainted(), fresh=True).twin
    first = open_session(lived, twin_id).twin
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(session.twins, "_fold", lambda twin, ordered, condition: replace(twin, record=(*twin.record, *ordered)))
        again = open_session(lived, twin_id).twin
    assert _digest(first) == _digest(again) == _digest(folded)

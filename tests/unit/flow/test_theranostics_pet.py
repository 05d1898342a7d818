"""A PET before or during therapy teaches the theranostic twin uptake; one that cannot be used is refused with nothing stored."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gemel import flow, io, store
from gemel.core.activity import ActivityImage
from gemel.core.errors import GemelError, IdentityError, InputError, RangeError, UnitError
from gemel.core.image import with_array
from gemel.core.time import DAY_S
from gemel.flow.session import open_session
from gemel.store import Store
from gemel.systems.theranostics.observe_pet import typical
from gemel.systems.theranostics.virtual import pet_of, spect_of
from tests.unit.flow.test_bad_input import refused
from tests.unit.flow.test_theranostics import OPTIONS, Files, H, START_s, beside, files, write_scan

__all__ = ["files"]
BEFORE_s, DURING_s = START_s - 9 * DAY_S, START_s + 20 * DAY_S


@pytest.fixture(scope="module")
def pet(files: Files) -> ActivityImage:
    return pet_of(files.patient, BEFORE_s, np.random.default_rng(4))


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    with store.open(tmp_path / "t.db") as record:
        yield record


def given(path: Path, scan: ActivityImage, **fields: object) -> Path:
    """The PET as NIfTI with its sidecar, some fields changed or left out (None)."""
    write_scan(path, scan)
    said = json.loads(beside(path).read_text()) | {"ImageDecayCorrected": True, "DecayCorrectedTo": "start", **fields}
    beside(path).write_text(json.dumps({name: value for name, value in said.items() if value is not None}))
    return path


def begun(record: Store, files: Files, *pets: Path, **options: object) -> str:
    return flow.new(record, "theranostics", files.scans[:1], None, files.regions, files.labs, pets, options={**OPTIONS, **options})


@pytest.fixture(scope="module")
def plain(files: Files) -> Iterator[tuple[Store, str]]:
    """A record with a twin that saw no PET."""
    with store.open(files.folder / "plain.db") as record:
        yield record, begun(record, files)


@pytest.fixture(scope="module")
def met(files: Files, pet: ActivityImage) -> Iterator[tuple[Store, str]]:
    """A record with one that saw a PET before therapy."""
    with store.open(files.folder / "met.db") as record:
        yield record, begun(record, files, given(files.folder / "pet.nii.gz", pet))


def test_a_pet_before_therapy_is_the_first_thing_seen(met: tuple[Store, str], files: Files) -> None:
    record, twin_id = met
    seen = [event for event in record.events(twin_id) if event.kind == "Observed"]
    assert [event.payload["input"] for event in seen] == ["pet", "spect"]
    assert seen[0].valid_s == BEFORE_s + 3600.0
    assert open_session(record, twin_id).twin.start_s == BEFORE_s
    rows = {row["kind"]: row for row in seen[0].payload["observations"]}
    for organ, of in typical().items():
        row, truth = rows[f"ln_pet_{organ}_ratio_1"], np.log(files.patient.params[of.parameter.name][0] / of.parameter.centre)
        assert row["sd"][0] == pytest.approx(of.sd_1, rel=0.05)
        assert abs(row["value"][0] - truth) < 3 * of.sd_1, organ
    after = open_session(record, twin_id, as_of_s=BEFORE_s + 7200.0).twin
    assert len(after.record) == len(typical())
    for organ, of in typical().items():  # normal prior and error: the exact posterior of each uptake
        ln = np.log(after.belief.draw(4000, np.random.default_rng(1))[1][of.parameter.name] / of.parameter.centre)
        precision = 1 / of.parameter.spread**2 + 1 / rows[f"ln_pet_{organ}_ratio_1"]["sd"][0] ** 2
        mean = rows[f"ln_pet_{organ}_ratio_1"]["value"][0] / rows[f"ln_pet_{organ}_ratio_1"]["sd"][0] ** 2 / precision
        assert ln.mean() == pytest.approx(mean, abs=0.1 / np.sqrt(precision)), organ
        assert ln.std() == pytest.approx(1 / np.sqrt(precision), rel=0.1), organ


def test_a_pet_leaves_what_therapy_s_scans_say_in_place(met: tuple[Store, str], plain: tuple[Store, str]) -> None:
    """The injection is where it was: activity a day after it is foreseen alike with and without a PET nine days before."""
    with_pet, without = (open_session(*of).twin for of in (met, plain))
    means = []
    for twin in (with_pet, without):
        state, params = twin.belief.draw(2000, np.random.default_rng(1))
        means.append(twin.model.observe["ln_kidney_MBq"](state, params).mean())
    assert means[0] == pytest.approx(means[1], abs=0.03)
    first = with_pet.model.prior.draw(5, np.random.default_rng(0))
    then = with_pet.model.dynamics(*first, (), BEFORE_s, START_s, np.random.default_rng(0))
    assert (then["burden"] == 1.0).all()
    assert (then["blood"] == 0.0).all()


def test_a_pet_during_therapy_is_observed(plain: tuple[Store, str], pet: ActivityImage, tmp_path: Path) -> None:
    """Its own injection is no cycle of the therapy; its activity is no point of a time-activity curve."""
    record, twin_id = plain
    later = replace(pet, injected_s=DURING_s, acquired_s=DURING_s + 3600.0)
    event = flow.observe(record, twin_id, given(tmp_path / "pet.nii.gz", later), kind="pet")
    assert event.payload["alarms"] == []
    seen = next(e for e in record.events(twin_id) if e.kind == "Observed" and e.payload["input"] == "pet")
    assert {row["kind"] for row in seen.payload["observations"]} == {f"ln_pet_{organ}_ratio_1" for organ in typical()}


def scaled(factor: float) -> Callable[[ActivityImage], ActivityImage]:
    return lambda pet: replace(pet, image=with_array(pet.image, pet.image.array * factor))


def after(seconds: float) -> Callable[[ActivityImage], ActivityImage]:
    return lambda pet: replace(pet, acquired_s=pet.injected_s + seconds)


def same(pet: ActivityImage) -> ActivityImage:
    return pet


BAD: dict[str, tuple[Callable[[ActivityImage], ActivityImage], dict[str, object], type[GemelError], str]] = {
    "counts": (same, {"Units": "CNTS"}, UnitError, "CNTS"),
    "no injected activity": (same, {"InjectedRadioactivity": None}, InputError, "InjectedRadioactivity"),
    "no injection time": (same, {"InjectionDateTime": None}, InputError, "(?i)injection"),
    "another nuclide": (same, {"TracerRadionuclide": "F-18"}, InputError, "F-18"),
    "five minutes after injection": (after(300.0), {}, RangeError, "5 min after injection"),
    "more than was injected": (scaled(50.0), {}, RangeError, "of the injected activity in the regions"),
    "nothing there": (scaled(0.0), {}, InputError, "a PET without activity"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_pet_is_refused_at_the_beginning(case: str, empty: Store, files: Files, pet: ActivityImage, tmp_path: Path) -> None:
    spoil, fields, error, match = BAD[case]
    path = given(tmp_path / "pet.nii.gz", spoil(pet), **fields)
    with refused(empty, error, match):
        begun(empty, files, path, nuclide="Lu-177", injected_MBq=7400.0)  # which tell of the therapy, not of the PET


def test_a_pet_of_somebody_else_is_refused(empty: Store, files: Files, pet: ActivityImage, tmp_path: Path) -> None:
    spect = spect_of(files.patient, (), START_s + 24 * H, np.random.default_rng(24))
    io.write_nm(tmp_path / "spect.dcm", spect, io.Identity("P"))
    io.write_pet(tmp_path / "pet", pet, io.Identity("Q"), half_life_s=4062.6)
    with refused(empty, IdentityError, "patient"):
        flow.new(empty, "theranostics", tmp_path / "spect.dcm", None, files.regions, files.labs, tmp_path / "pet", options=OPTIONS)

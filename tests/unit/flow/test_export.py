"""A twin travels as one file, with its person or without: then no byte of the file tells who it was, and it believes the same."""

import io as bytes_io
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
import pytest

from gemel import flow, store
from gemel.core.errors import ConflictError, InputError, StoreError
from gemel.flow.session import open_session
from gemel.flow.standing import standing
from gemel.io.deidentify_pseudonyms import Pseudonyms, new_uid, shift_days
from gemel.store import Store
from tests.unit.flow import heights

KEY = bytes(range(32))
PERSON = f"{heights.IDENTITY.patient_id}\x1f{heights.IDENTITY.issuer}"
# Name, number, issuer, actors, notes, dates of the images and of the record, what private attributes hold
CANARIES = (
    *(b"lovelace", b"p-471147", b"471147", b"hospital", b"nightingale", b"telephone", b"2026-03", b"202603", b"canary", b"ward 7"),
    *(b"1.2.840.471147", b"a made-up"),
)


@pytest.fixture
def infested(tmp_path: Path, files: Path) -> Path:
    """The same files, with canaries in names, UIDs, private attributes and file names."""
    folder = tmp_path / "LOVELACE ADA"
    for path in sorted(files.rglob("*.dcm")):
        held = pydicom.dcmread(path)
        held.add_new(0x00190010, "LO", "CANARY CORP")
        held.add_new(0x00191001, "LO", "CANARY of WARD 7")
        held.InstitutionName, held.OperatorsName, held.StudyID = "HOSPITAL CANARY", "NIGHTINGALE^FLORENCE", "471147"
        held.StudyInstanceUID = "1.2.840.471147.1"
        target = folder / path.parent.name / f"LOVELACE {path.name}"
        target.parent.mkdir(parents=True, exist_ok=True)
        held.save_as(target)
    return folder


@pytest.fixture
def lived(tower: Store, infested: Path) -> str:
    """Three days, the second withdrawn and all computed again."""
    twin = heights.begun(tower, infested)
    seen = heights.live(tower, twin, infested, [1, 2, 3])
    flow.retract(tower, twin, seen[2].version, "LOVELACE had moved", actor="NIGHTINGALE")
    flow.recompute(tower, twin, actor="NIGHTINGALE")
    return twin


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Store]:
    with store.open(tmp_path / "elsewhere.db") as opened:
        yield opened


def unpacked(path: Path) -> dict[str, bytes]:
    """Every file of the zip, its names, and within artefacts of arrays every array, its text as text."""
    found: dict[str, bytes] = {}
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            content = archive.read(name)
            found[name] = name.encode() + content
            if zipfile.is_zipfile(bytes_io.BytesIO(content)):
                with np.load(bytes_io.BytesIO(content)) as arrays:
                    texts = [" ".join(map(str, arrays[key].ravel())) if arrays[key].dtype.kind in "US" else "" for key in arrays.files]
                found[name] += " ".join((*arrays.files, *texts)).encode()
    return found


def survivors(path: Path) -> list[tuple[str, bytes]]:
    return [(name, canary) for name, content in unpacked(path).items() for canary in CANARIES if canary in content.lower()]


def test_no_byte_of_the_file_tells_who_it_was(tower: Store, lived: str, tmp_path: Path) -> None:
    plain = flow.export(tower, lived, tmp_path / "plain.zip", with_persons=True)
    assert {canary for _, canary in survivors(plain.path)} == set(CANARIES)
    hidden = flow.export(tower, lived, tmp_path / "hidden.zip", hidden=flow.Deidentified(KEY))
    assert survivors(hidden.path) == []
    assert (hidden.originals, hidden.left_out) == (16, 0)
    assert lived.rpartition("-")[2] not in "".join(unpacked(hidden.path))


def test_elsewhere_it_verifies_opens_and_believes_the_same(tower: Store, lived: str, other: Store, tmp_path: Path) -> None:
    hidden = flow.export(tower, lived, tmp_path / "hidden.zip", hidden=flow.Deidentified(KEY))
    loaded = flow.load(other, hidden.path, seal=hidden.seal)
    here, there = flow.show(tower, lived), flow.show(other, loaded.twin)
    assert loaded.compared
    assert loaded.belief == there.belief == here.belief
    assert (there.expected, there.badge) == (here.expected, here.badge)
    assert other.check(artefacts=True) == []
    assert flow.replay(other, loaded.twin, quick=True).identical
    assert flow.replay(other, loaded.twin).identical
    assert "de-identified at its origin" in there.history[-2][2]
    mine, theirs = (standing(tuple(r.events(t)), r.tainted()) for r, t in ((tower, lived), (other, loaded.twin)))
    assert [(e.version, e.kind) for e in mine] == [(e.version, e.kind) for e in theirs]


def test_times_go_back_by_one_number_of_days_and_intervals_stay(tower: Store, lived: str, other: Store, tmp_path: Path) -> None:
    hidden = flow.export(tower, lived, tmp_path / "hidden.zip", hidden=flow.Deidentified(KEY))
    twin = flow.load(other, hidden.path).twin
    shift_s = shift_days(Pseudonyms(KEY), PERSON) * 86_400.0
    for mine, theirs in zip(tower.events(lived), other.events(twin), strict=False):
        assert (mine.valid_s - theirs.valid_s, mine.known_s - theirs.known_s) == (shift_s, shift_s)
        for key in ("made_s", "for_s", "forecast_for_s"):
            assert mine.payload.get(key, 0) - theirs.payload.get(key, 0) == (shift_s if key in mine.payload else 0)
    record, away = open_session(tower, lived).twin.record, open_session(other, twin).twin.record
    assert {a.t_s - b.t_s for a, b in zip(record, away, strict=True)} == {shift_s}


def test_images_and_entries_go_by_the_same_new_names(tower: Store, lived: str, other: Store, tmp_path: Path) -> None:
    hidden = flow.export(tower, lived, tmp_path / "hidden.zip", hidden=flow.Deidentified(KEY))
    twin = flow.load(other, hidden.path).twin
    source = next(e for e in tower.events(lived) if e.kind == "Observed").payload["source"]
    observed = next(e for e in other.events(twin) if e.kind == "Observed")
    image = pydicom.dcmread(bytes_io.BytesIO(other.artefacts.get(observed.inputs[-1])))
    assert observed.payload["source"] == str(image.SeriesInstanceUID) == new_uid(Pseudonyms(KEY), source) != source
    assert other.person(other.events(twin)[0])["patient_id"] == str(image.PatientID)
    assert image.PatientIdentityRemoved == "YES"


def test_actors_are_told_apart_and_not_named(tower: Store, lived: str, other: Store, tmp_path: Path) -> None:
    twin = flow.load(other, flow.export(tower, lived, tmp_path / "hidden.zip", hidden=flow.Deidentified(KEY)).path).twin
    pairs = {(mine.actor, theirs.actor) for mine, theirs in zip(tower.events(lived), other.events(twin), strict=False)}
    assert len(pairs) == 1
    assert next(iter(pairs))[1].startswith("P")


def test_another_key_gives_other_names(tower: Store, lived: str, tmp_path: Path) -> None:
    one, again, two = (
        flow.export(tower, lived, tmp_path / f"{i}.zip", hidden=flow.Deidentified(key)).twin for i, key in enumerate((KEY, KEY, KEY[::-1]))
    )
    assert one == again != two


def test_sex_size_weight_and_age_class_stay_when_asked_for(tower: Store, files: Path, other: Store, tmp_path: Path) -> None:
    folder = tmp_path / "with weight"
    for path in sorted((files / "ct").iterdir()):
        held = pydicom.dcmread(path)
        held.PatientSex, held.PatientAge, held.PatientSize, held.PatientWeight = "F", "067Y", "1.65", "71.5"
        (folder / "ct").mkdir(parents=True, exist_ok=True)
        held.save_as(folder / "ct" / path.name)
    twin = heights.begun(tower, folder)
    for kept in (True, False):
        done = flow.export(tower, twin, tmp_path / f"{kept}.zip", hidden=flow.Deidentified(KEY, characteristics=kept))
        with zipfile.ZipFile(done.path) as archive:
            images = [archive.read(name) for name in archive.namelist() if archive.read(name)[128:132] == b"DICM"]
        image = pydicom.dcmread(bytes_io.BytesIO(images[0]))
        told = [str(image.get(name) or "") for name in ("PatientSex", "PatientAge", "PatientSize", "PatientWeight")]
        assert told == (["F", "065Y", "1.65", "71.5"] if kept else [""] * 4)
        codes = {item.CodeValue for item in image.DeidentificationMethodCodeSequence}
        assert ("113108" in codes) == kept


def test_with_its_person_it_is_the_same_twin(tower: Store, lived: str, other: Store, tmp_path: Path) -> None:
    done = flow.export(tower, lived, tmp_path / "plain.zip", with_persons=True)
    assert done.twin == lived
    loaded = flow.load(other, done.path, seal=done.seal)
    assert loaded.twin == lived
    assert flow.replay(other, lived).identical
    assert other.person(other.events(lived)[0])["patient_name"] == "LOVELACE^ADA"


def test_nothing_is_overwritten_and_nothing_half_written(tower: Store, lived: str, tmp_path: Path) -> None:
    there = tmp_path / "there.zip"
    there.write_bytes(b"precious")
    with pytest.raises(InputError, match="there already"):
        flow.export(tower, lived, there)
    assert there.read_bytes() == b"precious"
    with pytest.raises(StoreError, match="a folder that does not exist"):
        flow.export(tower, lived, tmp_path / "none" / "x.zip")
    with pytest.raises(InputError, match="no twin 'nobody'"):
        flow.export(tower, "nobody", tmp_path / "x.zip", hidden=flow.Deidentified(KEY))
    with pytest.raises(InputError, match="a key of 3 bytes"):
        flow.export(tower, lived, tmp_path / "x.zip", hidden=flow.Deidentified(b"abc"))
    assert sorted(path.name for path in tmp_path.glob("*.zip")) == ["there.zip"]
    assert list(tmp_path.glob(".tmp-*")) == []


@pytest.mark.parametrize("harm", ["cut", "changed", "no zip", "missing", "another seal"])
def test_a_file_that_is_not_whole_is_not_loaded(tower: Store, lived: str, other: Store, tmp_path: Path, harm: str) -> None:
    done = flow.export(tower, lived, tmp_path / "x.zip")
    content = bytearray(done.path.read_bytes())
    if harm == "cut":
        content = content[: len(content) * 2 // 3]
    elif harm == "changed":
        with zipfile.ZipFile(done.path) as archive:
            largest = max(archive.infolist(), key=lambda info: info.compress_size)
        content[largest.header_offset + 30 + len(largest.filename) + largest.compress_size // 2] ^= 1
    done.path.write_bytes(b"not a file of gemel" if harm == "no zip" else content)
    seal = "0" * 64 if harm == "another seal" else done.seal
    path = tmp_path / "none.zip" if harm == "missing" else done.path
    with pytest.raises((StoreError, InputError), match=r"no file|ask the sender"):
        flow.load(other, path, seal=seal)
    assert other.twins() == []
    assert list(other.artefacts.folder.glob("??/*")) == []


def test_a_twin_that_is_here_already_is_not_loaded(tower: Store, lived: str, tmp_path: Path) -> None:
    done = flow.export(tower, lived, tmp_path / "x.zip")
    head = tower.head()
    with pytest.raises(ConflictError, match="already"):
        flow.load(tower, done.path, seal=done.seal)
    assert tower.head() == head


def test_an_erased_twin_is_gone_and_is_not_erased_twice(tower: Store, lived: str, tmp_path: Path) -> None:
    gone = flow.erase(tower, lived, "asked by the person", actor="dpo")
    assert gone.payload["artefacts"]
    with pytest.raises(StoreError, match="a twin that was erased: asked by the person"):
        flow.show(tower, lived)
    with pytest.raises(InputError, match="was erased at version"):
        flow.erase(tower, lived, "again")
    with pytest.raises(StoreError, match="were erased"):
        flow.export(tower, lived, tmp_path / "x.zip", hidden=flow.Deidentified(KEY))
    for twin, reason in ((lived, " "), ("nobody", "why")):
        with pytest.raises(InputError):
            flow.erase(tower, twin, reason)
    assert tower.check(artefacts=True) == []

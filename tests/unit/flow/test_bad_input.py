"""Bad input is refused in one line with its remedy, and the record stays as it was."""

import errno
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset

from gemel import flow, io, store
from gemel.core.errors import ConflictError, GemelError, GeometryError, IdentityError, InputError, StoreError, StructureError
from gemel.core.image import Image
from gemel.core.time import iso
from gemel.store import GENESIS, Store
from gemel.store.artefacts import stored
from tests.unit.flow.life import DRAWS, IDENTITY, START, Life, day_s
from tests.unit.io.dicom_edit import edit, edit_all

Spoil = Callable[[Path], object]


@contextmanager
def refused(record: Store, error: type[GemelError], match: str) -> Iterator[None]:
    """The block raises `error` in one line that matches and holds its remedy; not one event is added, no lease is left."""
    before = record.head(), record.twins()
    with pytest.raises(error, match=match) as caught:
        yield
    assert caught.value.remedy
    assert str(caught.value).endswith(caught.value.remedy)
    assert "\n" not in str(caught.value)
    assert (record.head(), record.twins()) == before
    assert record.leases() == []


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Store]:
    with store.open(tmp_path / "twins.db") as record:
        yield record


@pytest.fixture
def plan(life: Life, tmp_path: Path) -> Path:
    """A folder with a planning CT (ct) and contours (RTSTRUCT.dcm) to be spoilt."""
    shutil.copytree(life.ct, tmp_path / "plan" / "ct")
    shutil.copy(life.structures, tmp_path / "plan" / "RTSTRUCT.dcm")
    return tmp_path / "plan"


def contours(dataset: Dataset, name: str) -> Dataset:
    number = next(roi.ROINumber for roi in dataset.StructureSetROISequence if roi.ROIName == name)
    return next(item for item in dataset.ROIContourSequence if item.ReferencedROINumber == number)


def rename(own: str, name: str) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        next(roi for roi in dataset.StructureSetROISequence if roi.ROIName == own).ROIName = name

    return change


def moved(name: str, by_mm: float) -> Callable[[Dataset], None]:
    def change(dataset: Dataset) -> None:
        for contour in contours(dataset, name).ContourSequence:
            points = np.array(contour.ContourData, dtype=float).reshape(-1, 3) + np.array([by_mm, 0.0, 0.0])
            contour.ContourData = [f"{v:.4f}" for v in points.ravel()]

    return change


def other_frame(dataset: Dataset) -> None:
    for item in (*dataset.ReferencedFrameOfReferenceSequence,):
        item.FrameOfReferenceUID = "1.2.3.4"
    for roi in dataset.StructureSetROISequence:
        roi.ReferencedFrameOfReferenceUID = "1.2.3.4"


def on_contours(change: Callable[[Dataset], object]) -> Spoil:
    return lambda plan: edit(plan / "RTSTRUCT.dcm", change)


def on_slices(change: Callable[[Dataset], object]) -> Spoil:
    return lambda plan: edit_all(plan / "ct", change)


def slices(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.dcm"))


def drop_slice(folder: Path) -> None:
    slices(folder)[20].unlink()


def repeat_slice(folder: Path) -> None:
    again = folder / "CT_again.dcm"
    shutil.copy(slices(folder)[20], again)
    edit(again, lambda dataset: setattr(dataset, "SOPInstanceUID", io.content_uid("test", "again")))


def truncate(path: Path) -> None:
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])


def tilt(dataset: Dataset) -> None:
    dataset.ImageOrientationPatient = ["1", "0", "0", "0", "0.9848078", "0.1736482"]


def undate(dataset: Dataset) -> None:
    for name in ("AcquisitionDate", "AcquisitionDateTime", "SeriesDate", "StudyDate"):
        if name in dataset:
            setattr(dataset, name, "")


NEW: dict[str, tuple[Spoil, type[GemelError], str]] = {
    "contours of another frame of reference": (on_contours(other_frame), IdentityError, "frame of reference 1.2.3.4"),
    "contours of another patient": (on_contours(lambda d: setattr(d, "PatientID", "P-002")), IdentityError, "P-002.*P-001"),
    "an empty CTV": (on_contours(lambda d: setattr(contours(d, "CTV"), "ContourSequence", [])), StructureError, "no contour.*CTV"),
    "a structure outside the CT": (on_contours(moved("CTV", 1000.0)), StructureError, "outside the image.*CTV"),
    "a structure that leaves the CT": (on_contours(moved("BLADDER", 180.0)), StructureError, "mm beyond the last column.*BLADDER"),
    "an unknown name": (on_contours(rename("DIL", "PTV_final2")), StructureError, "PTV_final2.*--map PTV_final2="),
    "two of one meaning": (on_contours(rename("DIL", "Prostate")), StructureError, "two structures that mean CTV.*--map"),
    "truncated contours": (lambda plan: truncate(plan / "RTSTRUCT.dcm"), InputError, "RTSTRUCT.dcm"),
    "a missing slice": (lambda plan: drop_slice(plan / "ct"), GeometryError, "(?i)slice"),
    "a repeated slice": (lambda plan: repeat_slice(plan / "ct"), GeometryError, "(?i)same position|repeat|duplicate|twice"),
    "a truncated slice": (lambda plan: truncate(slices(plan / "ct")[20]), InputError, "CT_0020.dcm"),
    "another modality": (on_slices(lambda d: setattr(d, "Modality", "MR")), InputError, "no CT series.*MR"),
    "one orientation among others": (lambda plan: edit(slices(plan / "ct")[20], tilt), GeometryError, "(?i)orient|tilt"),
    "a tilted gantry": (on_slices(tilt), GeometryError, "(?i)orient|tilt|shear|perpendicular"),
    "a CT without a time": (on_slices(undate), InputError, "no acquisition time.*--time"),
}


@pytest.mark.parametrize("case", NEW)
def test_new_refuses(case: str, empty: Store, plan: Path) -> None:
    spoil, error, match = NEW[case]
    spoil(plan)
    with refused(empty, error, match):
        flow.new(empty, "prostate", plan / "ct", plan / "RTSTRUCT.dcm")
    assert empty.head() == GENESIS
    assert list(stored(empty.artefacts)) == []


def test_new_refuses_a_system_that_is_not_installed(empty: Store, life: Life) -> None:
    with refused(empty, InputError, "no system 'kidney'.*installed are .*prostate"):
        flow.new(empty, "kidney", life.ct, life.structures)


def test_an_unknown_name_goes_in_once_it_is_mapped_or_left_out(empty: Store, plan: Path, life: Life) -> None:
    edit(plan / "RTSTRUCT.dcm", rename("DIL", "PTV_final2"))
    without = flow.new(empty, "prostate", plan / "ct", plan / "RTSTRUCT.dcm", names={"PTV_final2": ""})
    assert "DIL" not in empty.events(without)[0].payload["structures"]
    assert flow.new(empty, "prostate", plan / "ct", plan / "RTSTRUCT.dcm", names={"PTV_final2": "DIL"}) == life.id
    with refused(empty, StructureError, "no region 'PTV_final3'.*PTV_final2"):
        flow.new(empty, "prostate", plan / "ct", plan / "RTSTRUCT.dcm", names={"PTV_final3": "DIL"})


def test_a_required_name_is_asked_for_when_it_is_left_out(empty: Store, plan: Path, life: Life) -> None:
    edit(plan / "RTSTRUCT.dcm", rename("CTV", "PTV_final2"))
    with refused(empty, StructureError, "no contoured CTV.*--map OWN=CTV"):
        flow.new(empty, "prostate", plan / "ct", plan / "RTSTRUCT.dcm", names={"PTV_final2": ""})
    assert flow.new(empty, "prostate", plan / "ct", plan / "RTSTRUCT.dcm", names={"PTV_final2": "CTV"}) == life.id


@pytest.fixture
def scan(life: Life, tmp_path: Path) -> Path:
    """A copy of the first CBCT, to be spoilt."""
    return Path(shutil.copytree(life.cbct(1), tmp_path / "scan"))


def of_the_year_before(dataset: Dataset) -> None:
    for name in ("AcquisitionDate", "SeriesDate"):
        if name in dataset:
            setattr(dataset, name, "20250302")


OBSERVE: dict[str, tuple[Spoil, type[GemelError], str]] = {
    "another patient": (lambda f: edit_all(f, lambda d: setattr(d, "PatientID", "P-002")), IdentityError, "P-002.*P-001"),
    "another issuer": (lambda f: edit_all(f, lambda d: setattr(d, "IssuerOfPatientID", "CLINIC")), IdentityError, "CLINIC.*HOSPITAL"),
    "older than the planning CT": (lambda f: edit_all(f, of_the_year_before), InputError, "2025-03-02.*later than the twin's start"),
    "no time": (lambda f: edit_all(f, undate), InputError, "states no time.*--time"),
    "a missing slice": (drop_slice, GeometryError, "(?i)slice"),
    "a repeated slice": (repeat_slice, GeometryError, "(?i)same position|repeat|duplicate|twice"),
    "a truncated slice": (lambda f: truncate(slices(f)[3]), InputError, "CT_0003.dcm"),
    "another modality": (lambda f: edit_all(f, lambda d: setattr(d, "Modality", "PT")), InputError, "no CT series.*PT"),
}


@pytest.mark.parametrize("case", OBSERVE)
def test_observe_refuses(case: str, prepared: Store, scan: Path, life: Life) -> None:
    spoil, error, match = OBSERVE[case]
    spoil(scan)
    with refused(prepared, error, match):
        flow.observe(prepared, life.id, scan)


def test_observe_refuses_a_nifti_without_a_time(prepared: Store, life: Life, tmp_path: Path) -> None:
    io.write_nifti(tmp_path / "scan.nii.gz", io.read_dicom(life.cbct(1)))
    with refused(prepared, InputError, "states no time.*--time 2026"):
        flow.observe(prepared, life.id, tmp_path / "scan.nii.gz")
    with refused(prepared, InputError, "'yesterday'.*ISO 8601"):
        flow.observe(prepared, life.id, tmp_path / "scan.nii.gz", time="yesterday")


@pytest.mark.parametrize("time", ["", "2026-03-20T09:00"])
def test_observe_refuses_the_same_scan_twice(lived: Store, life: Life, time: str) -> None:
    with refused(lived, IdentityError, "observed already.*once"):
        flow.observe(lived, life.id, life.cbct(1), time=time)


def test_observe_refuses_another_scan_of_the_same_time(lived: Store, life: Life, tmp_path: Path) -> None:
    io.write_nifti(tmp_path / "scan.nii", io.read_dicom(life.cbct(1)))
    with refused(lived, IdentityError, "observed already"):
        flow.observe(lived, life.id, tmp_path / "scan.nii", time=iso(day_s(1)))


def written(folder: Path, image: Image) -> Path:
    io.write_image(folder, image, IDENTITY, acquired="2026-03-09T09:00:00")
    return folder


def test_observe_refuses_a_scan_without_the_isocentre(prepared: Store, life: Life, tmp_path: Path) -> None:
    image = io.read_dicom(life.cbct(1))
    away = image.affine_mm.copy()
    away[2, 3] += 400.0
    with refused(prepared, GeometryError, "does not contain the isocentre"):
        flow.observe(prepared, life.id, written(tmp_path / "away", Image(image.array, away, image.frame)))


def test_observe_refuses_a_scan_that_does_not_match(prepared: Store, life: Life, tmp_path: Path) -> None:
    image = io.read_dicom(life.cbct(1))
    noise = np.random.default_rng(0).normal(0.0, 400.0, image.shape).clip(-1000.0, 1500.0).astype(np.float32)
    with refused(prepared, GemelError, "correlation|in common"):
        flow.observe(prepared, life.id, written(tmp_path / "noise", Image(noise, image.affine_mm, image.frame)))


def verbs(life: Life, folder: Path, twin_id: str) -> dict[str, Callable[[Store], object]]:
    return {
        "prepare": lambda record: flow.prepare(record, twin_id, k=1),
        "observe": lambda record: flow.observe(record, twin_id, life.cbct(2)),
        "decide": lambda record: flow.decide(record, twin_id, draws=DRAWS),
        "adapt": lambda record: flow.adapt(record, twin_id),
        "check": lambda record: flow.check(record, twin_id),
        "act": lambda record: flow.act(record, twin_id, "clinical"),
        "show": lambda record: flow.show(record, twin_id),
        "report": lambda record: flow.report(record, twin_id, folder / "out", made_s=0.0),
    }


@pytest.mark.parametrize("verb", ["prepare", "observe", "decide", "adapt", "check", "act", "show", "report"])
def test_every_verb_refuses_an_unknown_twin(lived: Store, life: Life, tmp_path: Path, verb: str) -> None:
    with refused(lived, InputError, f"no twin 'prostate-0'.*the store holds {life.id}"):
        verbs(life, tmp_path, "prostate-0")[verb](lived)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "stage, verb, match",
    [
        ("begun", "decide", "no plan library.*gemel twin prepare"),
        ("begun", "act", "no plan library.*gemel twin prepare"),
        ("begun", "report", "no plan library.*gemel twin prepare"),
        ("prepared", "decide", "no scan to decide on.*gemel twin observe"),
        ("prepared", "act", "no decision to act on.*gemel twin decide"),
        ("prepared", "report", "no decision to report.*gemel twin decide"),
    ],
)
def test_a_verb_before_its_turn_says_which_comes_first(
    request: pytest.FixtureRequest, life: Life, tmp_path: Path, stage: str, verb: str, match: str
) -> None:
    record: Store = request.getfixturevalue(stage)
    with refused(record, StoreError, match):
        verbs(life, tmp_path, life.id)[verb](record)
    assert not (tmp_path / "out").exists()


def test_act_refuses_a_plan_that_the_library_does_not_hold(lived: Store, life: Life) -> None:
    with refused(lived, InputError, "no plan 'day-99'.*choose from .*clinical"):
        flow.act(lived, life.id, "day-99")


def test_show_refuses_a_time_before_the_twin(lived: Store, life: Life) -> None:
    with refused(lived, InputError, "no twin .* at that time"):
        flow.show(lived, life.id, as_of_s=day_s(-1))


HOLD = """
import sys
from gemel import store
with store.open(sys.argv[1]) as record, record.lease(sys.argv[2], "night run"):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_while_another_process_works_on_the_twin_no_verb_changes_it(lived: Store, life: Life, tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(lived.rows.path), life.id]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        head = lived.head()
        for verb in ("prepare", "observe", "decide", "adapt", "check", "act"):
            with pytest.raises(ConflictError, match=f"held by night run .process {other.pid} .*repeat when it has finished"):
                verbs(life, tmp_path, life.id)[verb](lived)
        assert lived.head() == head
        assert flow.show(lived, life.id).badge == "twin"  # reading is free
        other.communicate("")
    flow.act(lived, life.id, "clinical", another=True)
    assert lived.head() != head


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("call", ["write", "fsync", "replace"])
def test_a_full_disk_leaves_no_twin_and_with_space_again_it_is_made(empty: Store, life: Life, call: str) -> None:
    with pytest.MonkeyPatch.context() as patch, refused(empty, StoreError, "the disk is full: free some space"):
        patch.setattr(os, call, full)
        flow.new(empty, "prostate", life.ct, life.structures)
    assert empty.head() == GENESIS
    if call == "write":
        assert flow.new(empty, "prostate", life.ct, life.structures) == life.id


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("room_for", [0, 1, 20])
def test_a_disk_that_fills_while_a_scan_is_kept_leaves_the_record_as_it_was(prepared: Store, life: Life, room_for: int) -> None:
    replace, done = os.replace, []

    def filling(source: str, target: str) -> None:
        done.append(target)
        if len(done) > room_for:
            full()
        replace(source, target)

    with pytest.MonkeyPatch.context() as patch, refused(prepared, StoreError, "the disk is full"):
        patch.setattr(os, "replace", filling)
        flow.observe(prepared, life.id, life.cbct(1))
    assert flow.show(prepared, life.id).badge == "model"
    flow.observe(prepared, life.id, life.cbct(1))
    assert flow.show(prepared, life.id).belief == life.seen["observe 1"][1]


def test_the_files_that_are_spoilt_here_are_good_before(plan: Path, life: Life) -> None:
    assert pydicom.dcmread(slices(plan / "ct")[0]).AcquisitionDate == START[:10].replace("-", "")
    assert io.read_series(plan / "ct").digest == io.read_series(life.ct).digest

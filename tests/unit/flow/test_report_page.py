"""The report of a system that says what it shows: a page and DICOM after the first scan, with or without a decision."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pydicom
import pytest

from gemel import flow, io, store
from gemel.core.image import Image
from gemel.flow.report import NOTICE
from gemel.store import Store
from tests.unit.systems.theranostics import patient

FILES = ("NM.dcm", "SEG.dcm", "PM_TIA.dcm", "RTDOSE.dcm", "RRDSR_1.dcm", "PRDSR.dcm")
WHO = io.Identity("N1", patient_name="NUCLEAR^TEST")


@dataclass(frozen=True)
class Reported:
    """The store, the twin's id, and the folder of its report before any decision."""

    record: Store
    id: str
    folder: Path


@pytest.fixture(scope="module")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reported]:
    folder = tmp_path_factory.mktemp("nuclear")
    scans = [_scan(folder, hours) for hours in patient.TIMES_h[1:]]
    with store.open(folder / "twins.db") as record:
        twin_id = flow.new(record, "theranostics", scans, None, _regions(folder), None)
        flow.report(record, twin_id, folder / "out", made_s=0.0)
        yield Reported(record, twin_id, folder / "out")


def _scan(folder: Path, hours: float) -> Path:
    path = folder / f"spect_{hours:g}" / "scan.dcm"
    path.parent.mkdir()
    io.write_nm(path, replace(patient.scan(hours), decay_corrected_to="none"), WHO)
    return path


def _regions(folder: Path) -> Path:
    held, path = patient.regions(), folder / "regions.nii.gz"
    labels = sum((n * mask for n, mask in enumerate(held.masks.values(), 1)), start=0 * held.grid.array)
    io.write_nifti(path, Image(labels.astype("float32"), held.grid.affine_mm))
    path.with_name("regions.json").write_text(json.dumps({str(n): name for n, name in enumerate(held.masks, 1)}), encoding="utf-8")
    return path


def test_a_report_needs_no_decision_and_says_that_there_is_none(reported: Reported) -> None:
    text = (reported.folder / "report.html").read_text(encoding="utf-8")
    assert NOTICE in text
    assert "No decision yet" in text
    for heading in (
        "Activity, cycle 1",
        "Forecasts against scans",
        "Dose by voxel against dose by model",
        "Uncertainty budget",
        "Model card",
    ):
        assert heading in text
    assert text.count("data:image/png;base64,") == 6


def test_all_objects_lie_in_one_frame_of_one_patient_and_study(reported: Reported) -> None:
    found = {name: pydicom.dcmread(reported.folder / name) for name in FILES}
    assert len({(str(f.PatientID), str(f.StudyInstanceUID)) for f in found.values()}) == 1
    placed = [found[name] for name in ("NM.dcm", "SEG.dcm", "PM_TIA.dcm", "RTDOSE.dcm")]
    assert {str(f.FrameOfReferenceUID) for f in placed} == {"1.2.840.99"}
    assert {str(f.PatientID) for f in found.values()} == {"N1"}
    sources = found["SEG.dcm"].ReferencedSeriesSequence[0].ReferencedInstanceSequence
    assert [str(s.ReferencedSOPInstanceUID) for s in sources] == [str(found["NM.dcm"].SOPInstanceUID)]
    assert str(found["NM.dcm"].SeriesInstanceUID) == str(found["SEG.dcm"].ReferencedSeriesSequence[0].SeriesInstanceUID)
    assert all("research use" in str(f.SeriesDescription) for f in found.values())


def test_the_dose_of_the_file_is_that_of_the_page(reported: Reported) -> None:
    dose = io.read_dose(reported.folder / "RTDOSE.dcm")
    report = pydicom.dcmread(reported.folder / "PRDSR.dcm")
    names = [str(s.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) for s in _listed(report)]
    assert str(pydicom.dcmread(reported.folder / "RTDOSE.dcm").SOPInstanceUID) in names
    kidney = dose.array[patient.regions()["kidney_left"]]
    assert 1.0 < kidney.mean() < 10.0


def test_a_report_made_again_is_the_same_but_for_the_time_that_it_states(reported: Reported, tmp_path: Path) -> None:
    flow.report(reported.record, reported.id, tmp_path, made_s=0.0)
    for name in (*FILES, "report.html"):
        assert (tmp_path / name).read_bytes() == (reported.folder / name).read_bytes(), name


def _listed(report: pydicom.Dataset) -> list[pydicom.Dataset]:
    return list(report.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence)


def test_the_report_on_paper_is_the_same_twice_and_holds_every_section(reported: Reported) -> None:
    written = []
    for name in ("paper", "again"):
        flow.report(reported.record, reported.id, reported.folder / name, made_s=0.0, pdf=True)
        written.append((reported.folder / name / "report.pdf").read_bytes())
    assert written[0] == written[1]
    assert written[0].startswith(b"%PDF-")
    assert written[0].count(b"/Type /Page ") >= 4
    assert not (reported.folder / "report.pdf").exists()

"""A twin's results: whole, the same when they are asked for again, without an error in two readings of the standard, and true."""

import re
from pathlib import Path

import numpy as np
import pydicom
import pytest
from scipy.ndimage import map_coordinates

from gemel import flow, io
from gemel.core.errors import InputError
from gemel.core.image import voxel_index, world_mm
from gemel.flow.results import results
from gemel.io.deformable import source_points_mm
from gemel.io.deformable_object import read_deformable
from gemel.io.encapsulated_pdf import read_pdf_object
from gemel.io.measurement_report import read_measurements
from gemel.io.registration import read_registration
from gemel.store import Store
from tests.unit.flow.life import IDENTITY, Life, copied
from tests.unit.io.standard import dciodvfy_errors, validator_errors

WHOLE = {"PDF.dcm", "PM_SD.dcm", "REG.dcm", "REG_DEFORMABLE.dcm", "RTDOSE.dcm", "RTIONPLAN.dcm", "RTSTRUCT.dcm", "SEG.dcm", "SR.dcm"}


@pytest.fixture(scope="module")
def written(life: Life, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    with copied(life, "lived", tmp_path_factory.mktemp("record")) as record:
        results(record, life.id, folder, record.events(life.id)[-1].known_s)
    return folder


def test_the_set_is_whole_and_clean(written: Path) -> None:
    assert {path.name for path in written.glob("*.dcm")} == WHOLE
    for path in (*written.glob("*.dcm"), written / "ct_of_the_day" / "CT_0001.dcm"):
        assert validator_errors(path) == [], path.name
        assert not dciodvfy_errors(path), path.name


def test_all_are_of_the_patient_in_one_frame_and_point_at_images(written: Path) -> None:
    read = {path.name: pydicom.dcmread(path, stop_before_pixels=True) for path in written.glob("*.dcm")}
    assert {str(one.PatientID) for one in read.values()} == {IDENTITY.patient_id}
    assert {str(one.IssuerOfPatientID) for one in read.values()} == {IDENTITY.issuer}
    frames = {str(one.FrameOfReferenceUID) for one in read.values() if "FrameOfReferenceUID" in one}
    (day,) = {str(pydicom.dcmread(path).FrameOfReferenceUID) for path in (written / "ct_of_the_day").glob("*.dcm")}
    assert frames == {day}
    slices = {str(pydicom.dcmread(path).SOPInstanceUID) for path in (written / "ct_of_the_day").glob("*.dcm")}
    for name in ("SEG.dcm", "PM_SD.dcm"):
        named = {str(i.ReferencedSOPInstanceUID) for s in read[name].ReferencedSeriesSequence for i in s.ReferencedInstanceSequence}
        assert named <= slices, name
        assert named, name


@pytest.mark.full
def test_asked_again_they_are_the_same_bytes(written: Path, lived: Store, life: Life, tmp_path: Path) -> None:
    again = results(lived, life.id, tmp_path, lived.events(life.id)[-1].known_s + 1e6)
    assert len(again) == len(list(written.rglob("*.dcm")))
    for path in again:
        assert path.read_bytes() == (written / path.relative_to(tmp_path)).read_bytes(), path.name


def test_the_registration_takes_the_planning_images_to_the_day(written: Path, life: Life) -> None:
    """Planning CT pulled through the object, against the CT of the day; 1 HU is its rounding."""
    (found,) = read_deformable(written / "REG_DEFORMABLE.dcm")
    day, planning = io.read_series(written / "ct_of_the_day").image, io.read_series(life.ct).image
    index = np.argwhere(np.ones(day.shape))[::7].astype(float)
    there = voxel_index(planning, source_points_mm(found, world_mm(day, index)))
    values = map_coordinates(planning.array, there.T, order=1, mode="nearest")
    inside = (day.array[tuple(index.astype(int).T)] > -900) & ((there >= 0) & (there <= np.array(planning.shape) - 1)).all(axis=1)
    assert np.abs(values - day.array[tuple(index.astype(int).T)])[inside].mean() < 1.0
    unmoved = map_coordinates(planning.array, voxel_index(planning, world_mm(day, index)).T, order=1, mode="nearest")
    assert np.abs(unmoved - day.array[tuple(index.astype(int).T)])[inside].mean() > 3.0


def test_the_rigid_part_is_the_couch_error_undone(written: Path, lived: Store, life: Life) -> None:
    (found,) = read_registration(written / "REG.dcm")
    seen = [event for event in lived.events(life.id) if event.kind == "Observed"][-1]
    setup_mm = next(o["value"] for o in seen.payload["observations"] if o["kind"] == "setup_mm")
    assert found.matrix_mm[:3, 3] == pytest.approx(-np.array(setup_mm), abs=1e-6)
    assert np.allclose(found.matrix_mm[:3, :3], np.eye(3))


def test_the_numbers_are_those_that_show_tells(written: Path, lived: Store, life: Life) -> None:
    first, *plans = read_measurements(written / "SR.dcm")
    told = flow.show(lived, life.id).expected
    assert [one.name for one in first.measured] == [row.name for row in told]
    numbers = [value for one in first.measured for value in (one.median, one.low, one.high)]
    assert numbers == pytest.approx([value for row in told for value in (row.median, row.low, row.high)], abs=1e-6)
    decided = [event for event in lived.events(life.id) if event.kind == "Decided"][-1].payload
    assert [group.name for group in plans] == [row["name"] for row in decided["options"]]
    assert {one.ucum for one in first.measured} >= {"mm", "deg"}


def test_the_report_is_a_pdf_that_names_the_badge(written: Path) -> None:
    title, pdf = read_pdf_object(written / "PDF.dcm")
    assert title.endswith("(twin)")
    assert pdf.rstrip().endswith(b"%%EOF")
    assert len(re.findall(rb"/Type /Page\b", pdf)) >= 2


def test_before_a_decision_there_are_numbers_alone(lived: Store, life: Life, tmp_path: Path) -> None:
    first = next(event for event in lived.events(life.id) if event.kind == "Assimilated")
    assert [path.name for path in results(lived, life.id, tmp_path, first.known_s)] == ["SR.dcm"]
    assert dciodvfy_errors(tmp_path / "SR.dcm") in ([], None)
    with pytest.raises(InputError, match="no twin"):
        results(lived, life.id, tmp_path / "b", lived.events(life.id)[0].known_s - 1.0)

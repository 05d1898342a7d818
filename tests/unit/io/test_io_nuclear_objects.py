"""Segmentation, parametric map and dose reports of nuclear medicine come back as they were written, and say that nobody approved them."""

from dataclasses import replace
from pathlib import Path

import highdicom as hd
import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import (
    NuclearMedicineImageStorage,
    PatientRadiationDoseSRStorage,
    RadiopharmaceuticalRadiationDoseSRStorage,
    RTDoseStorage,
    SegmentationStorage,
)

from gemel.core.errors import GeometryError, InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.page import Administration, OrganDose
from gemel.core.structures import Structures
from gemel.io.anatomy import site
from gemel.io.frames import Volume
from gemel.io.identity import Identity
from gemel.io.parametric_map_write import TIME_INTEGRATED_ACTIVITY, write_parametric_map
from gemel.io.patient_dose_sr import Basis, write_patient_dose_sr
from gemel.io.radiation_sr import write_radiopharmaceutical_sr
from gemel.io.seg_write import write_segmentation
from gemel.io.uids import is_uid

AFFINE = np.array([[4.0, 0, 0, -10], [0, 3.0, 0, 5], [0, 0, 2.0, 7], [0, 0, 0, 1]])
WHO = Identity("P1", patient_name="A^B")
KIDNEY = OrganDose("kidney", "both", 2.5, 2.0, 3.1, 300.0, "twin")
GIVEN = Administration("Lu-177", 574300.8, 1772442000.0, 7400.0, (KIDNEY, OrganDose("tumour", "", 12.0, 9.0, 17.0, 12.9, "twin")))


@pytest.fixture
def volume() -> Volume:
    values = np.random.default_rng(1).random((8, 6, 5)).astype(np.float32)
    return Volume(str(NuclearMedicineImageStorage), "1.2.3.4", Image(values, AFFINE, "1.2.3"), WHO, "20260302", "130000")


def overlapping(volume: Volume) -> Structures:
    kidney = np.zeros(volume.image.shape, dtype=bool)
    kidney[2:4, 1:3, 1:3] = True
    tumour = kidney.copy()
    tumour[3:6, 2, 2:5] = True
    return Structures(volume.image, {"kidney_left": kidney, "tumour_1": tumour})


def items(dataset: Dataset, code: str) -> list[Dataset]:
    """Every content item of that concept, wherever it is."""
    found = [i for i in dataset.get("ContentSequence", []) if i.ConceptNameCodeSequence[0].CodeValue == code]
    return found + [i for inner in dataset.get("ContentSequence", []) for i in items(inner, code)]


def test_overlapping_regions_come_back_voxel_by_voxel_at_their_place(tmp_path: Path, volume: Volume) -> None:
    held = overlapping(volume)
    name = write_segmentation(tmp_path / "a.dcm", held, volume)
    read = hd.seg.segread(tmp_path / "a.dcm")
    assert (read.SOPInstanceUID, read.FrameOfReferenceUID, read.PatientID) == (name, "1.2.3", "P1")
    for number, (region, mask) in enumerate(held.masks.items(), 1):
        assert read.SegmentSequence[number - 1].SegmentLabel == region
        found = read.get_volume(segment_numbers=[number], combine_segments=True)
        k, row, column = np.argwhere(found.array > 0).T
        places = found.map_indices_to_reference(np.stack([k, row, column], axis=1))
        expected = (AFFINE @ np.column_stack([np.argwhere(mask), np.ones(mask.sum())]).T).T[:, :3]
        np.testing.assert_allclose(places[np.lexsort(places.T)], expected[np.lexsort(expected.T)], atol=1e-6)


def test_every_frame_names_the_frame_of_the_scan_that_it_lies_on(tmp_path: Path, volume: Volume) -> None:
    write_segmentation(tmp_path / "a.dcm", overlapping(volume), volume)
    write_parametric_map(tmp_path / "b.dcm", volume.image, volume, TIME_INTEGRATED_ACTIVITY)
    for path in ("a.dcm", "b.dcm"):
        read = pydicom.dcmread(tmp_path / path)
        for frame in read.PerFrameFunctionalGroupsSequence:
            (source,) = frame.DerivationImageSequence[0].SourceImageSequence
            z_mm = float(frame.PlanePositionSequence[0].ImagePositionPatient[2])
            assert source.ReferencedFrameNumber == round((z_mm - 7) / 2) + 1
            assert (source.ReferencedSOPInstanceUID, source.ReferencedSOPClassUID) == ("1.2.3.4", NuclearMedicineImageStorage)
        (series,) = read.ReferencedSeriesSequence
        assert [i.ReferencedSOPInstanceUID for i in series.ReferencedInstanceSequence] == ["1.2.3.4"]


def test_a_side_is_a_modifier_and_a_tumour_is_no_organ(tmp_path: Path, volume: Volume) -> None:
    write_segmentation(tmp_path / "a.dcm", overlapping(volume), volume)
    kidney, tumour = pydicom.dcmread(tmp_path / "a.dcm").SegmentSequence
    kind = kidney.SegmentedPropertyTypeCodeSequence[0]
    assert (kind.CodeValue, kind.SegmentedPropertyTypeModifierCodeSequence[0].CodeMeaning) == ("64033007", "Left")
    assert tumour.SegmentedPropertyCategoryCodeSequence[0].CodeValue == "49755003"
    assert site("salivary_parotid_right").kind.CodeMeaning == "Parotid gland"
    assert site("spleen").kind.CodeMeaning == "Organ"


def test_a_map_comes_back_as_it_was_with_its_unit(tmp_path: Path, volume: Volume) -> None:
    array = (volume.image.array * 3e10).astype(np.float32)
    write_parametric_map(tmp_path / "a.dcm", replace(volume.image, array=array), volume, TIME_INTEGRATED_ACTIVITY)
    read = pydicom.dcmread(tmp_path / "a.dcm")
    stored = np.frombuffer(read.FloatPixelData, dtype=np.float32).reshape(read.NumberOfFrames, read.Rows, read.Columns)
    z_mm = [float(frame.PlanePositionSequence[0].ImagePositionPatient[2]) for frame in read.PerFrameFunctionalGroupsSequence]
    np.testing.assert_array_equal(stored[np.argsort(z_mm)].transpose(2, 1, 0), array)
    mapping = read.SharedFunctionalGroupsSequence[0].RealWorldValueMappingSequence[0]
    assert mapping.MeasurementUnitsCodeSequence[0].CodeValue == "Bq.s/ml"
    assert (mapping.RealWorldValueSlope, mapping.RealWorldValueIntercept) == (1.0, 0.0)
    assert read.ContentQualification == "RESEARCH"


def test_writing_again_writes_equal_bytes(tmp_path: Path, volume: Volume) -> None:
    for n in (1, 2):
        write_segmentation(tmp_path / f"seg{n}.dcm", overlapping(volume), volume)
        write_parametric_map(tmp_path / f"pm{n}.dcm", volume.image, volume, TIME_INTEGRATED_ACTIVITY)
        write_radiopharmaceutical_sr(tmp_path / f"sr{n}.dcm", GIVEN, WHO)
    for kind in ("seg", "pm", "sr"):
        assert (tmp_path / f"{kind}1.dcm").read_bytes() == (tmp_path / f"{kind}2.dcm").read_bytes()


def test_an_injection_is_told_with_its_organs_and_what_nobody_stated(tmp_path: Path) -> None:
    name = write_radiopharmaceutical_sr(tmp_path / "a.dcm", GIVEN, WHO)
    read = pydicom.dcmread(tmp_path / "a.dcm")
    assert (read.SOPClassUID, read.SOPInstanceUID) == (RadiopharmaceuticalRadiationDoseSRStorage, name)
    assert read.ContentTemplateSequence[0].TemplateIdentifier == "10021"
    (activity,), (half_life,), (start,) = items(read, "113507"), items(read, "304283002"), items(read, "123003")
    assert activity.MeasuredValueSequence[0].NumericValue == 7400
    assert half_life.MeasuredValueSequence[0].NumericValue == pytest.approx(574300.8)
    assert start.DateTime == "20260302090000"
    assert [i.ConceptCodeSequence[0].CodeValue for i in items(read, "89457008")] == ["447553000"]
    assert [float(i.MeasuredValueSequence[0].NumericValue) for i in items(read, "113518")] == [2500.0, 12000.0]
    assert [i.ConceptCodeSequence[0].CodeMeaning for i in items(read, "272741003")] == ["Bilateral"]
    assert [i.ConceptCodeSequence[0].CodeMeaning for i in items(read, "272737002")] == ["Unknown"]
    assert all(is_uid(i.UID) for i in items(read, "113503"))
    assert (read.VerificationFlag, read.CompletionFlag, read.PreliminaryFlag) == ("UNVERIFIED", "PARTIAL", "PRELIMINARY")


def test_doses_of_a_patient_name_what_they_rest_on(tmp_path: Path) -> None:
    basis = Basis(("1.2.8", "1.2.9"), "1.2.10", "1.2.11")
    write_patient_dose_sr(tmp_path / "a.dcm", [KIDNEY], basis, WHO, at_s=0.0)
    read = pydicom.dcmread(tmp_path / "a.dcm")
    assert read.SOPClassUID == PatientRadiationDoseSRStorage
    assert read.ContentTemplateSequence[0].TemplateIdentifier == "10030"
    (dose,) = items(read, "128533")
    assert dose.MeasuredValueSequence[0].NumericValue == 2500
    assert [i.MeasuredValueSequence[0].NumericValue for n in ("lower", "upper") for i in items(dose, n)] == [2000, 3100]
    named = {
        (str(r.ReferencedSOPClassUID), str(r.ReferencedSOPInstanceUID)) for r in (i.ReferencedSOPSequence[0] for i in composites(read))
    }
    reports = {(str(RadiopharmaceuticalRadiationDoseSRStorage), one) for one in basis.administrations}
    assert named == {*reports, (str(SegmentationStorage), "1.2.10"), (str(RTDoseStorage), "1.2.11")}
    listed = read.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert {
        (str(s.ReferencedSOPSequence[0].ReferencedSOPClassUID), str(s.ReferencedSOPSequence[0].ReferencedSOPInstanceUID)) for s in listed
    } == named


def composites(dataset: Dataset) -> list[Dataset]:
    """Every item that names another object."""
    found = [i for i in dataset.get("ContentSequence", []) if i.ValueType == "COMPOSITE"]
    return found + [i for inner in dataset.get("ContentSequence", []) for i in composites(inner)]


def test_what_cannot_be_written_is_refused_and_leaves_no_file(tmp_path: Path, volume: Volume) -> None:
    shifted = replace(volume.image, affine_mm=np.array([[4.0, 0, 0, 0], [0, 3.0, 0, 5], [0, 0, 2.0, 7], [0, 0, 0, 1]]))
    empty = Structures(volume.image, {"kidney_left": np.zeros(volume.image.shape, dtype=bool)})
    gone = replace(volume.image, array=np.full(volume.image.shape, np.nan, dtype=np.float32))
    path = tmp_path / "a.dcm"
    with pytest.raises(StructureError, match="empty structure"):
        write_segmentation(path, empty, volume)
    with pytest.raises(GeometryError, match="two grids"):
        write_parametric_map(path, shifted, volume, TIME_INTEGRATED_ACTIVITY)
    with pytest.raises(RangeError, match="not finite"):
        write_parametric_map(path, gone, volume, TIME_INTEGRATED_ACTIVITY)
    with pytest.raises(InputError, match="0 MBq"):
        write_radiopharmaceutical_sr(path, replace(GIVEN, activity_MBq=0.0), WHO)
    with pytest.raises(InputError, match="0 injections"):
        write_patient_dose_sr(path, [KIDNEY], Basis((), "1.2", "1.3"), WHO, at_s=0.0)
    assert not path.exists()

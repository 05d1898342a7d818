"""No trace of a person leaves: not in any value representation, at any depth, in private attributes or in structured reports."""

import struct
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from pydicom.datadict import DicomDictionary, keyword_for_tag
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.sr.codedict import codes
from pydicom.tag import Tag
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    RTStructureSetStorage,
)

from gemel.core.errors import InputError
from gemel.core.structures import Structures
from gemel.io import Series, read_series, read_structures, write_structures
from gemel.io.deidentify import Pseudonyms, deidentify
from gemel.io.deidentify_pseudonyms import earlier, new_uid, shift_days
from gemel.io.deidentify_table import action

KEY = b"a secret of thirty-two bytes...."
OF = Pseudonyms(KEY)
NUMBER, BIRTH, UID = 47114711, "19470611", "1.2.840.47114711.19470611"
TEXT = {"AE", "AS", "CS", "LO", "LT", "PN", "SH", "ST", "TM", "UC", "UR", "UT"}
CANARIES: dict[str, Any] = (
    dict.fromkeys(TEXT, "CANARY")
    | dict.fromkeys(("DS", "IS"), str(NUMBER))
    | dict.fromkeys(("OB", "OW", "OF", "OL", "OD", "OV", "UN"), b"CANARYCANARYCANARYCANARY")
    | dict.fromkeys(("UL", "SL", "UV", "SV"), NUMBER)
    | {"FD": float(NUMBER), "DA": BIRTH, "DT": f"{BIRTH}101112", "UI": UID}
)
LEFT_BEHIND = [b"CANARY", str(NUMBER).encode(), BIRTH.encode(), *(struct.pack(form, NUMBER) for form in ("<i", "<q", "<d"))]
# Numbers of the image itself; and the character set, without which no parser could read the canaries.
NOT_SEARCHED = {"PixelData", "FloatPixelData", "DoubleFloatPixelData", "VectorGridData", "SpecificCharacterSet"}
NEEDED = {"SOPClassUID": CTImageStorage, "Modality": "CT", "BurnedInAnnotation": "NO", "PatientID": str(NUMBER), "SOPInstanceUID": UID}


def vr_of(tag: int) -> str:
    return str(DicomDictionary[tag][0]).split(" or ")[0]


ATTRIBUTES = [tag for tag in DicomDictionary if tag >> 16 > 2 and vr_of(tag) in CANARIES and keyword_for_tag(tag) not in NOT_SEARCHED]
# One of each representation, of those that the profile's table leaves alone where there is one; a code's attributes make their item a code.
PLAIN = [tag for tag in ATTRIBUTES if "Code" not in keyword_for_tag(tag)]
FEW = [min((tag for tag in PLAIN if vr_of(tag) == vr), key=lambda tag: action(Tag(tag)), default=0) for vr in CANARIES]
FEW = [tag for tag in FEW if tag]
NESTS = [tag for tag in DicomDictionary if vr_of(tag) == "SQ" and tag >> 16 > 2]


def infested(attributes: list[int], depth: int, private: bool = True) -> Dataset:
    """Canaries in standard and private attributes, and below them the same, `depth` times, in a private sequence too."""
    dataset = Dataset()
    for tag in attributes:
        dataset.add_new(tag, vr_of(tag), CANARIES[vr_of(tag)])
    if not private:
        return dataset
    block = dataset.private_block(0x0099, "CANARY CORPORATION", create=True)
    for offset, (vr, value) in enumerate(CANARIES.items()):
        block.add_new(offset, vr, value)
    if depth:
        block.add_new(0xF0, "SQ", [infested(attributes, 0)])
        dataset.ContentSequence = [infested(attributes, depth - 1)]
    return dataset


def as_file(dataset: Dataset, syntax: str = ExplicitVRLittleEndian, sop_class: str = CTImageStorage) -> bytes:
    """The bytes of a file, canaries in its preamble and header."""
    for keyword, value in ({} if "Modality" in dataset and dataset.Modality != "CANARY" else NEEDED).items():
        setattr(dataset, keyword, value)
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = syntax
    dataset.file_meta.MediaStorageSOPClassUID = sop_class
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.get("SOPInstanceUID") or "1.2.3"
    dataset.file_meta.SourceApplicationEntityTitle = "CANARY"
    dataset.file_meta.PrivateInformationCreatorUID = UID
    dataset.file_meta.PrivateInformation = b"CANARY"
    dataset.preamble = b"CANARY" + bytes(122)
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


@pytest.fixture
def lenient() -> Iterator[None]:
    """Bad values may be written: hospitals do."""
    with pydicom.config.disable_value_validation():
        yield


def survivors(data: bytes) -> list[bytes]:
    return [trace for trace in LEFT_BEHIND if trace in data]


def read(data: bytes) -> Dataset:
    return pydicom.dcmread(BytesIO(data))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian])
def test_no_canary_survives_in_any_attribute_of_the_standard(syntax: str, lenient: None) -> None:
    source = as_file(infested(ATTRIBUTES, 0), syntax)
    assert len(ATTRIBUTES) > 3000
    assert len(survivors(source)) == len(LEFT_BEHIND)
    clean = deidentify(source, OF)
    assert survivors(clean) == []
    held, wanted = read(clean), {tag: action(Tag(tag)) for tag in ATTRIBUTES}
    assert len(held) > 100
    assert [keyword_for_tag(tag) for tag, code in wanted.items() if code == "X" and tag in held] == []
    emptied = {keyword_for_tag(tag): held[tag].value for tag, code in wanted.items() if code in ("Z", "X/Z")}
    assert {keyword for keyword, value in emptied.items() if value} == {"PatientName", "ROIName"}
    assert all(held[tag].value == new_uid(OF, UID) for tag, code in wanted.items() if code == "U")


def test_no_canary_survives_at_any_depth(lenient: None) -> None:
    source = as_file(infested(FEW, 8))
    assert source.count(b"CANARY CORPORATION") > 8
    clean = deidentify(source, OF)
    assert survivors(clean) == []
    assert {vr_of(tag) for tag in FEW} >= TEXT | {"DS", "IS", "DA", "DT", "UI", "OB", "OW", "UL", "SL", "FD"}
    item, depth = read(clean), 0
    while "ContentSequence" in item:
        item, depth = item.ContentSequence[0], depth + 1
    assert depth == 8


def test_no_canary_survives_within_any_sequence_of_the_standard(lenient: None) -> None:
    source, text = Dataset(), [tag for tag in FEW if vr_of(tag) in ("LO", "PN", "DA", "UI", "OB", "IS")]
    for tag in NESTS:
        source.add_new(tag, "SQ", [infested(text, 0, private=False)])
    assert survivors(deidentify(as_file(source), OF)) == []
    assert len(NESTS) > 500


def coded(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item


def content(kind: str, **values: Any) -> Dataset:
    item = Dataset()
    item.ValueType, item.RelationshipType = kind, "CONTAINS"
    item.ConceptNameCodeSequence = [coded("121071", "DCM", "Finding")]
    for keyword, value in values.items():
        setattr(item, keyword, value)
    return item


def test_a_structured_report_keeps_its_measurements_and_loses_its_words() -> None:
    measured = Dataset()
    measured.NumericValue = "41.5"
    measured.MeasurementUnitsCodeSequence = [coded("mL", "UCUM", "CANARY mL")]
    image = Dataset()
    image.ReferencedSOPClassUID, image.ReferencedSOPInstanceUID = CTImageStorage, "1.2.3.4"
    report = Dataset()
    report.SOPClassUID, report.SOPInstanceUID, report.Modality = pydicom.uid.Comprehensive3DSRStorage, "1.2.3.5", "SR"
    report.PatientID, report.StudyDate, report.ValueType = str(NUMBER), "20260301", "CONTAINER"
    report.ContentSequence = [
        content("TEXT", TextValue="Seen by Dr CANARY, patient born 19470611"),
        content("PNAME", PersonName="CANARY^ADA"),
        content("NUM", MeasuredValueSequence=[measured]),
        content("CODE", ConceptCodeSequence=[coded("CANARY", "99CANARY", "CANARY")]),
        content("CODE", ConceptCodeSequence=[coded("10200004", "SCT", "CANARY liver")]),
        content("IMAGE", ReferencedSOPSequence=[image]),
        content("DATETIME", DateTime="20260228101112"),
        content("UIDREF", UID=UID),
    ]
    clean = read(deidentify(as_file(report, sop_class=report.SOPClassUID), OF))
    text, person, number, secret, organ, seen, moment, _ = clean.ContentSequence
    assert text.TextValue == person.PersonName == "REMOVED"
    assert number.MeasuredValueSequence[0].NumericValue == 41.5
    assert number.MeasuredValueSequence[0].MeasurementUnitsCodeSequence[0].CodeValue == "mL"
    assert secret.ConceptCodeSequence[0].CodeValue == "REMOVED"
    assert organ.ConceptCodeSequence[0].CodeValue == "10200004"
    assert organ.ConceptCodeSequence[0].CodeMeaning.startswith("Liver")
    assert seen.ReferencedSOPSequence[0].ReferencedSOPInstanceUID == new_uid(OF, "1.2.3.4")
    assert seen.ReferencedSOPSequence[0].ReferencedSOPClassUID == CTImageStorage
    assert (datetime.strptime(clean.StudyDate, "%Y%m%d") - datetime.strptime(moment.DateTime[:8], "%Y%m%d")).days == 1
    assert survivors(deidentify(as_file(report, sop_class=report.SOPClassUID), OF)) == []


def everything(folder: Path, out: Path) -> Path:
    """Every file of a folder without its person, under names that tell nothing."""
    out.mkdir()
    for i, path in enumerate(sorted(folder.glob("*.dcm"))):
        (out / f"{i}.dcm").write_bytes(deidentify(path.read_bytes(), OF, where=str(path)))
    return out


def test_images_and_contours_still_belong_together_and_hold_every_voxel(
    series: Series, structures: Structures, folder: Path, tmp_path: Path
) -> None:
    contours = tmp_path / "contours"
    contours.mkdir()
    write_structures(contours / "rs.dcm", structures, series)
    images, clean = everything(folder, tmp_path / "a"), everything(contours, tmp_path / "b")
    again = read_series(images)
    assert np.array_equal(again.image.array, series.image.array)
    assert np.array_equal(again.image.affine_mm, series.image.affine_mm)
    masks = read_structures(clean / "0.dcm", again).masks
    assert masks.keys() == {"Core", "ROI 1"} or len(masks) == 2
    for mine, theirs in zip(read_structures(contours / "rs.dcm", series).masks.values(), masks.values(), strict=True):
        assert np.array_equal(mine, theirs)
    text = b"".join(path.read_bytes() for path in (*images.iterdir(), *clean.iterdir()))
    assert not [trace for trace in (b"P-001", b"TEST^IO", b"HOSPITAL", series.identity.study_uid.encode(), b"SHELL") if trace in text]


def scan(date: str, time: str, patient: str = "P-001", **more: str) -> Dataset:
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID, dataset.Modality = CTImageStorage, f"1.2.3.{date}", "CT"
    dataset.PatientID, dataset.StudyInstanceUID, dataset.AcquisitionDate, dataset.AcquisitionTime = patient, "1.2.3", date, time
    dataset.PatientName, dataset.PatientBirthDate = "CANARY^ADA", BIRTH
    for keyword, value in more.items():
        setattr(dataset, keyword, value)
    return dataset


def test_dates_move_together_and_intervals_stay() -> None:
    days = [("20240228", "235959"), ("20240301", "000001.5"), ("20250101", "12")]
    clean = [read(deidentify(as_file(scan(*day)), OF)) for day in days]
    moved = [datetime.strptime(str(c.AcquisitionDate), "%Y%m%d") for c in clean]
    assert [(b - moved[0]).days for b in moved] == [0, 2, 308]
    assert 1 <= (datetime(2024, 2, 28) - moved[0]).days <= 3650
    assert [str(c.AcquisitionTime) for c in clean] == [time for _, time in days]
    assert clean[0].PatientBirthDate == ""
    assert all(c.LongitudinalTemporalInformationModified == "MODIFIED" for c in clean)


def test_one_person_gets_one_pseudonym_and_another_key_another() -> None:
    a, b = (read(deidentify(as_file(scan(date, "12")), OF)) for date in ("20240228", "20240301"))
    other = read(deidentify(as_file(scan("20240228", "12", "P-002")), OF))
    elsewhere = read(deidentify(as_file(scan("20240228", "12")), Pseudonyms(KEY[::-1])))
    assert a.PatientID == b.PatientID == a.PatientName
    assert len({a.PatientID, other.PatientID, elsewhere.PatientID}) == 3
    assert a.StudyInstanceUID == b.StudyInstanceUID == other.StudyInstanceUID != elsewhere.StudyInstanceUID
    assert len({a.SOPInstanceUID, b.SOPInstanceUID}) == 2
    assert a.SOPInstanceUID == a.file_meta.MediaStorageSOPInstanceUID
    assert len({shift_days(OF, str(i)) for i in range(200)}) > 150


def test_what_was_done_is_said_in_the_codes_of_the_standard() -> None:
    clean = read(deidentify(as_file(scan("20240228", "12")), OF))
    assert clean.PatientIdentityRemoved == "YES"
    said = {(item.CodeValue, item.CodingSchemeDesignator) for item in clean.DeidentificationMethodCodeSequence}
    assert said == {("113100", "DCM"), ("113104", "DCM"), ("113105", "DCM"), ("113107", "DCM")}
    assert codes.DCM.BasicApplicationConfidentialityProfile.value == "113100"
    assert "basic profile" in clean.DeidentificationMethod


def test_the_same_file_gives_the_same_bytes() -> None:
    assert deidentify(as_file(scan("20240228", "12")), OF) == deidentify(as_file(scan("20240228", "12")), OF)


@pytest.mark.parametrize(
    ("keyword", "expected"),
    [
        ("AccessionNumber", "Z"), ("InstitutionName", "X/Z/D"), ("PatientBirthDate", "Z"), ("PatientAge", "X"), ("StudyInstanceUID", "U"),
        ("ROIName", "Z"), ("PersonName", "D"), ("ContentSequence", "D"), ("SourceImageSequence", "X/Z/U*"), ("StudyDate", "C"),
        ("SeriesDescription", "X"), ("OtherPatientIDsSequence", "X"), ("FrameOfReferenceUID", "U"), ("Rows", ""), ("Modality", ""),
    ],
)  # fmt: skip
def test_the_table_is_that_of_the_standard(keyword: str, expected: str) -> None:
    assert action(Tag(keyword)) == expected


@pytest.mark.parametrize("tag", [0x00091001, 0x50000010, 0x60003000, 0x60020022])
def test_private_attributes_curves_and_overlays_are_removed(tag: int) -> None:
    assert action(Tag(tag)) == "X"


def structure_set(*names: str) -> Dataset:
    dataset = scan("20240228", "12", Modality="RTSTRUCT", SOPClassUID=RTStructureSetStorage, StructureSetLabel="ADA")
    rois = []
    for number, name in enumerate(names, start=7):
        roi = Dataset()
        roi.ROINumber, roi.ROIName = number, name
        rois.append(roi)
    dataset.StructureSetROISequence = rois
    return dataset


def test_structures_keep_names_that_name_organs_and_targets_only() -> None:
    source = structure_set("bladder", "PTV_5000", "CTVp", "Prostate ADA", "PTV_47114711", "SPINAL CORD")
    clean = read(deidentify(as_file(source, sop_class=RTStructureSetStorage), OF))
    names = [str(roi.ROIName) for roi in clean.StructureSetROISequence]
    assert names == ["Bladder", "PTV_5000", "CTVp", "ROI 10", "ROI 11", "Spinal cord"]
    assert clean.StructureSetLabel == "REMOVED"


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("20240301", "20240229"), ("20240301101112.5+0100", "20240229101112.5+0100"), ("2024", ""), ("CANARY", ""), ("20240230", ""),
        ("00010101", ""), ("20240301-20240302", ""),
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_removed(date: str, expected: str) -> None:
    assert earlier(date, 1) == expected


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"BurnedInAnnotation": "YES"}, "may show a person's name"),
        ({"Modality": "US", "BitsAllocated": 8, "PixelData": b"\0\0"}, "may show a person's name"),
        ({"Modality": "OT", "EncapsulatedDocument": b"%PDF"}, "may show a person's name"),
        ({"PatientID": ""}, "state whose it is"),
        ({"SOPInstanceUID": ""}, "SOPInstanceUID"),
    ],
)
def test_what_cannot_be_cleaned_is_refused(change: dict[str, Any], named: str) -> None:
    source = scan("20240228", "12")
    for keyword, value in change.items():
        setattr(source, keyword, value)
    with pytest.raises(InputError, match=named):
        deidentify(as_file(source), OF)


def test_an_object_without_a_patient_id_is_given_to_the_person_that_is_stated() -> None:
    clean = read(deidentify(as_file(scan("20240228", "12", "")), Pseudonyms(KEY, "p-1")))
    assert clean.PatientID.startswith("P")
    assert clean.PatientID != read(deidentify(as_file(scan("20240228", "12")), OF)).PatientID


def test_a_short_key_is_refused() -> None:
    with pytest.raises(InputError, match=r"secrets\.token_bytes"):
        Pseudonyms(b"guess")


def test_nesting_without_end_and_hidden_compression_are_refused() -> None:
    source = scan("20240228", "12")
    for _ in range(80):
        wrapped = Dataset()
        wrapped.RTReferencedStudySequence = [source]
        source = wrapped
    source.update(scan("20240228", "12"))
    with pytest.raises(InputError):
        deidentify(as_file(source), OF)
    with pytest.raises(InputError, match="deflated"):
        deidentify(as_file(scan("20240228", "12"), DeflatedExplicitVRLittleEndian), OF)


def test_a_real_patient_is_read_as_before(shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "cort_dicom" / "TG119"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    before = read_series(folder)
    clean = everything(folder, tmp_path / "clean")
    after = read_series(clean)
    assert np.array_equal(after.image.array, before.image.array)
    assert np.array_equal(after.image.affine_mm, before.image.affine_mm)
    assert after.identity.patient_id != before.identity.patient_id
    raw = b"".join(path.read_bytes() for path in clean.iterdir())
    assert before.identity.study_uid.encode() not in raw

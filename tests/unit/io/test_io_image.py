"""CT series in and out."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEG2000Lossless

from gemel.core.errors import GeometryError, IdentityError, InputError, RangeError, UnitError
from gemel.core.image import Image, is_axis_aligned, same_grid, with_array
from gemel.io import Identity, Series, content_uid, is_uid, read_dicom, read_series, write_image
from tests.unit.io.dicom_edit import FRAME, edit, edit_all


def test_a_written_series_reads_back_voxel_for_voxel(folder: Path, phantom: Image, series: Series) -> None:
    back = read_series(folder)
    assert np.array_equal(back.image.array, phantom.array)
    assert same_grid(back.image, phantom)
    assert back.image.array.dtype == np.float32
    assert back.image.frame == FRAME
    assert (back.identity, back.sop_uids, back.digest) == (series.identity, series.sop_uids, series.digest)
    assert back.acquired == "2026-03-01T10:20:30"


def test_a_written_series_is_derived_and_valid_to_another_reader(folder: Path, series: Series) -> None:
    for path in sorted(folder.iterdir()):
        dataset = pydicom.dcmread(path)
        assert list(dataset.ImageType) == ["DERIVED", "SECONDARY", "AXIAL"]
        assert "APPROVED" not in str(dataset.get("ApprovalStatus", ""))
        assert is_uid(dataset.SOPInstanceUID)
        assert dataset.SOPInstanceUID == dataset.file_meta.MediaStorageSOPInstanceUID
        assert dataset.pixel_array.shape == (16, 20)


def test_writing_again_gives_equal_bytes_and_other_content_other_uids(
    folder: Path, phantom: Image, identity: Identity, series: Series
) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    (folder / "RS.dcm").write_bytes(b"contours written beside the series")
    again = write_image(folder, phantom, identity, acquired="2026-03-01T10:20:30")
    (folder / "RS.dcm").unlink()
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    other = write_image(folder.parent / "other", with_array(phantom, phantom.array + 1), identity)
    assert again.identity == series.identity
    assert not set(other.sop_uids) & set(series.sop_uids)
    assert other.identity.series_uid != series.identity.series_uid


def test_a_folder_of_another_series_is_not_mixed_with(folder: Path, phantom: Image, identity: Identity, series: Series) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(InputError, match=r"already holds 8 other files.*empty or new folder"):
        write_image(folder, with_array(phantom, phantom.array + 1), identity)
    assert sorted(folder.iterdir()) == before
    assert sorted(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("value", [np.nan, np.inf, 40000.0])
def test_values_that_a_ct_cannot_hold_are_refused_and_nothing_is_written(
    tmp_path: Path, phantom: Image, identity: Identity, value: float
) -> None:
    array = phantom.array.copy()
    array[3, 4, 5] = value
    with pytest.raises(RangeError, match="not finite or beyond int16"):
        write_image(tmp_path / "out", with_array(phantom, array), identity)
    assert list(tmp_path.iterdir()) == []


def test_a_file_stands_for_its_series_and_other_objects_in_the_folder_do_not_matter(folder: Path, series: Series) -> None:
    (folder / "README.md").write_text("not DICOM")
    assert np.array_equal(read_dicom(folder / "CT_0003.dcm").array, series.image.array)
    assert np.array_equal(read_dicom(folder).array, series.image.array)


@pytest.mark.parametrize("order", [np.arange(8)[::-1], np.array([3, 1, 7, 0, 6, 2, 5, 4])])
def test_file_names_and_instance_numbers_do_not_decide_the_order(folder: Path, series: Series, order: np.ndarray) -> None:
    for k, name in enumerate(order):
        (folder / f"CT_{k:04d}.dcm").rename(folder / f"slice{name}")
    assert np.array_equal(read_dicom(folder).array, series.image.array)


@pytest.mark.parametrize("signs", [(-1, -1, 1), (-1, 1, -1), (1, -1, -1)], ids=["prone", "feet first supine", "feet first prone"])
def test_prone_and_feet_first_scans_are_turned_to_lps(folder: Path, series: Series, signs: tuple[int, int, int]) -> None:
    sx, sy, _ = signs
    array = series.image.array[::sx, ::sy, :]
    last_mm = (np.array(series.image.shape) - 1) * series.image.spacing_mm
    corner_mm = series.image.origin_mm + last_mm * (np.array(signs) < 0) * [1, 1, 0]

    def turn(dataset: Dataset) -> None:
        k = int(dataset.InstanceNumber) - 1
        dataset.ImageOrientationPatient = [sx, 0, 0, 0, sy, 0]
        dataset.ImagePositionPatient = [*corner_mm[:2], float(dataset.ImagePositionPatient[2])]
        dataset.PixelData = np.ascontiguousarray(array[:, :, k].T + 1024).astype("<i2").tobytes()

    edit_all(folder, turn)
    back = read_series(folder)
    assert is_axis_aligned(back.image)
    assert same_grid(back.image, series.image)
    assert np.array_equal(back.image.array, series.image.array)
    assert back.sop_uids == series.sop_uids


def test_an_oblique_orthogonal_series_keeps_its_affine(folder: Path, series: Series) -> None:
    angle = np.radians(10)
    row, column = np.array([np.cos(angle), np.sin(angle), 0]), np.array([-np.sin(angle), np.cos(angle), 0])
    edit_all(folder, lambda dataset: setattr(dataset, "ImageOrientationPatient", [*row.round(8), *column.round(8)]))
    image = read_dicom(folder)
    assert not is_axis_aligned(image)
    np.testing.assert_allclose(image.affine_mm[:3, 0], 2.0 * row, atol=1e-6)
    assert np.array_equal(image.array, series.image.array)


def test_a_localizer_beside_the_series_is_no_part_of_it(folder: Path, series: Series) -> None:
    scout = folder / "scout.dcm"
    scout.write_bytes((folder / "CT_0000.dcm").read_bytes())
    edit(
        scout,
        lambda dataset: (setattr(dataset, "ImageType", ["ORIGINAL", "PRIMARY", "LOCALIZER"]), setattr(dataset, "PixelSpacing", [9, 9])),
    )
    assert np.array_equal(read_dicom(folder).array, series.image.array)
    edit(scout, lambda dataset: setattr(dataset, "SeriesInstanceUID", content_uid("scout")))
    assert np.array_equal(read_dicom(folder).array, series.image.array)


def test_one_slice_takes_its_thickness_and_is_refused_without_it(folder: Path, series: Series) -> None:
    for path in sorted(folder.iterdir())[1:]:
        path.unlink()
    assert read_dicom(folder).spacing_mm[2] == 3.0
    edit_all(folder, lambda dataset: delattr(dataset, "SliceThickness"))
    with pytest.raises(InputError, match="no SliceThickness"):
        read_dicom(folder)


def test_acquisition_time_comes_from_the_acquisition_then_the_series_never_the_study(folder: Path, series: Series) -> None:
    edit_all(folder, lambda dataset: setattr(dataset, "AcquisitionDate", ""))
    assert read_series(folder).acquired == "2026-03-01T10:20:30"
    edit_all(folder, lambda dataset: (setattr(dataset, "SeriesDate", ""), setattr(dataset, "StudyDate", "20200101")))
    assert read_series(folder).acquired == ""


# ---- bad input: what is found, where, and a remedy


def _refuse(folder: Path, error: type[InputError], match: str) -> None:
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(error, match=match) as caught:
        read_dicom(folder)
    assert str(folder) in str(caught.value), "the error names the file or folder"
    assert caught.value.remedy
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_missing_slice_is_refused(folder: Path, series: Series) -> None:
    (folder / "CT_0003.dcm").unlink()
    _refuse(folder, GeometryError, r"1 missing slice\(s\): 6.000 mm between .*CT_0002.dcm and the next, 3.000 mm elsewhere in .*CT_0004")


def test_a_duplicated_slice_is_refused(folder: Path, series: Series) -> None:
    (folder / "copy.dcm").write_bytes((folder / "CT_0005.dcm").read_bytes())
    _refuse(folder, GeometryError, r"duplicated slice: .*CT_0005.dcm and .*copy.dcm lie at the same place \(-105.12 mm\)")


def test_uneven_spacing_is_refused(folder: Path, series: Series) -> None:
    edit(folder / "CT_0007.dcm", lambda dataset: setattr(dataset, "ImagePositionPatient", [-31.25, 17.5, -98.0]))
    _refuse(folder, GeometryError, "uneven slice spacing: 4.125 mm")


def test_mixed_orientation_is_refused(folder: Path, series: Series) -> None:
    edit(folder / "CT_0004.dcm", lambda dataset: setattr(dataset, "ImageOrientationPatient", [0, 1, 0, 0, 0, -1]))
    _refuse(folder, GeometryError, r"mixed orientation.*CT_0000.*CT_0004.dcm")


def test_a_sagittal_stack_is_refused(folder: Path, series: Series) -> None:
    def turn(dataset: Dataset) -> None:
        dataset.ImageOrientationPatient = [0, 1, 0, 0, 0, -1]
        dataset.ImagePositionPatient = [3.0 * int(dataset.InstanceNumber), 0, 0]

    edit_all(folder, turn)
    _refuse(folder, GeometryError, "stacked along x")


def test_gantry_tilt_is_refused_with_its_angle(folder: Path, series: Series) -> None:
    def shear(dataset: Dataset) -> None:
        x, y, z = (float(v) for v in dataset.ImagePositionPatient)
        dataset.ImagePositionPatient = [x, round(y + np.tan(np.radians(5)) * (z + 120.125), 4), z]

    edit_all(folder, shear)
    _refuse(folder, GeometryError, r"gantry tilt of 5.00°.*CT_0007.dcm.*resample")


def test_a_slice_moved_sideways_is_refused(folder: Path, series: Series) -> None:
    edit(folder / "CT_0002.dcm", lambda dataset: setattr(dataset, "ImagePositionPatient", [-30.25, 17.5, -114.125]))
    _refuse(folder, GeometryError, r"a slice 1.00 mm to the side of the stack in .*CT_0002.dcm")


def test_mixed_pixel_spacing_and_size_are_refused(folder: Path, series: Series) -> None:
    edit(folder / "CT_0004.dcm", lambda dataset: setattr(dataset, "PixelSpacing", [1.5, 1.9]))
    _refuse(folder, GeometryError, r"mixed pixel spacing: \(1.9, 1.5\) mm where")

    def crop(dataset: Dataset) -> None:
        dataset.Rows, dataset.PixelSpacing, dataset.PixelData = 8, [1.5, 2.0], dataset.PixelData[: 8 * 20 * 2]

    edit(folder / "CT_0004.dcm", crop)
    _refuse(folder, GeometryError, r"mixed size: \(20, 8\) pixels where .*CT_0000.dcm has \(20, 16\)")


@pytest.mark.parametrize("cosines", [[1, 0, 0, 1, 0, 0], [1, 0.1, 0, 0, 1, 0], [2, 0, 0, 0, 1, 0]])
def test_directions_that_are_not_orthonormal_are_refused(folder: Path, series: Series, cosines: list[float]) -> None:
    edit_all(folder, lambda dataset: setattr(dataset, "ImageOrientationPatient", cosines))
    _refuse(folder, GeometryError, "not orthonormal")


def test_another_modality_is_refused(folder: Path, series: Series) -> None:
    edit_all(folder, lambda dataset: setattr(dataset, "Modality", "MR"))
    _refuse(folder, InputError, r"no CT series \(modalities present: MR\)")


def test_another_class_that_calls_itself_ct_is_refused(folder: Path, series: Series) -> None:
    edit(folder / "CT_0003.dcm", lambda dataset: setattr(dataset, "SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"))  # secondary capture
    _refuse(folder, InputError, r"SOPClassUID 1\.2\.840\.10008\.5\.1\.4\.1\.1\.7 in .*CT_0003\.dcm — name a file of CT Image Storage")


def test_two_series_are_named_and_one_is_chosen_by_its_uid(folder: Path, series: Series) -> None:
    second = content_uid("second")
    for path in sorted(folder.glob("*.dcm")):
        (folder / f"second_{path.name}").write_bytes(path.read_bytes())
    for path in folder.glob("second_*"):
        edit(path, lambda dataset: setattr(dataset, "SeriesInstanceUID", second))
    _refuse(folder, InputError, rf"2 CT series: .*{second}.*series_uid=")
    assert read_series(folder, series_uid=second).identity.series_uid == second
    assert read_series(folder / "CT_0001.dcm").identity.series_uid == series.identity.series_uid
    with pytest.raises(InputError, match=r"no CT series 1\.2\.3"):
        read_dicom(folder, series_uid="1.2.3")


@pytest.mark.parametrize(
    "keyword, other",
    [("PatientID", "P-002"), ("IssuerOfPatientID", "OTHER"), ("FrameOfReferenceUID", "1.2.3"), ("StudyInstanceUID", "1.2.3")],
)
def test_a_slice_of_another_patient_study_or_frame_is_refused(folder: Path, series: Series, keyword: str, other: str) -> None:
    edit(folder / "CT_0006.dcm", lambda dataset: setattr(dataset, keyword, other))
    _refuse(folder, IdentityError, rf"{other}.*CT_0006.dcm")


@pytest.mark.parametrize("keyword", ["SeriesInstanceUID", "SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID"])
@pytest.mark.parametrize("bad", ["../../etc/x", "1.2.03", "01.2", "1..2", "1.2.a", "1." + "2" * 80, "1.2\n", "٣.١"])
def test_an_invalid_uid_is_refused(folder: Path, series: Series, keyword: str, bad: str) -> None:
    assert not is_uid(bad)
    if bad.isascii() and bad == bad.strip():
        edit_all(folder, lambda dataset: setattr(dataset, keyword, bad))
        _refuse(folder, IdentityError, rf"invalid UID .*{keyword} of ")


@pytest.mark.parametrize(
    "keyword", ["FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "PixelData"]
)
def test_a_missing_element_is_named(folder: Path, series: Series, keyword: str) -> None:
    edit(folder / "CT_0002.dcm", lambda dataset: delattr(dataset, keyword))
    _refuse(folder, InputError, rf"no {keyword} in .*CT_0002.dcm")


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_a_missing_or_impossible_rescale_is_refused(folder: Path, series: Series, keyword: str) -> None:
    edit(folder / "CT_0002.dcm", lambda dataset: delattr(dataset, keyword))
    _refuse(folder, UnitError, r"no RescaleSlope or RescaleIntercept in .*CT_0002.dcm")
    edit_all(folder, lambda dataset: (setattr(dataset, "RescaleIntercept", -1024), setattr(dataset, "RescaleSlope", 0)))
    _refuse(folder, UnitError, r"RescaleSlope = 0")


def test_values_of_another_unit_are_refused(folder: Path, series: Series) -> None:
    edit_all(folder, lambda dataset: setattr(dataset, "RescaleType", "US"))
    _refuse(folder, UnitError, "pixel values in US, not HU")
    edit_all(folder, lambda dataset: (delattr(dataset, "RescaleType"), setattr(dataset, "ModalityLUTSequence", [Dataset()])))
    _refuse(folder, UnitError, "pixel values in a look-up table, not HU")


@pytest.mark.parametrize("bad", ["nan", "inf", "1e400", "five"])
def test_a_rescale_that_is_not_finite_is_refused(folder: Path, series: Series, bad: str) -> None:
    path = folder / "CT_0001.dcm"
    padded = (bad + " " * (len(bad) % 2)).encode()
    head = b"\x28\x00\x53\x10DS"
    data = path.read_bytes().replace(head + b"\x04\x001.0 ", head + len(padded).to_bytes(2, "little") + padded)
    assert padded in data
    path.write_bytes(data)
    _refuse(folder, InputError, r"RescaleSlope = |damaged")


def test_a_multi_frame_image_is_refused_with_a_remedy(folder: Path, series: Series) -> None:
    edit_all(folder, lambda dataset: setattr(dataset, "NumberOfFrames", 2))
    _refuse(folder, GeometryError, r"multi-frame.*export it as single-frame")


def test_a_file_cut_anywhere_is_refused(folder: Path, series: Series) -> None:
    path = folder / "CT_0004.dcm"
    whole = path.read_bytes()
    for length in [*range(0, len(whole) - 700, 37), *range(len(whole) - 700, len(whole), 61), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError) as caught:
            read_dicom(folder)
        assert "CT_0004.dcm" in str(caught.value)


def test_a_length_beyond_the_file_is_refused_without_allocating_it(folder: Path, series: Series) -> None:
    path = folder / "CT_0004.dcm"
    data = bytearray(path.read_bytes())
    at = data.find(b"\xe0\x7f\x10\x00OW")
    data[at + 8 : at + 12] = (0xFFFFFFF0).to_bytes(4, "little")
    path.write_bytes(data)
    _refuse(folder, InputError, r"claims 4294967280 bytes and has 640.*CT_0004.dcm")


def test_a_size_without_bound_is_refused_before_decoding(folder: Path, series: Series) -> None:
    edit_all(folder, lambda dataset: (setattr(dataset, "Rows", 65535), setattr(dataset, "Columns", 65535)))
    _refuse(folder, InputError, "65535 x 65535 x 1 pixels")


def test_compressed_pixels_that_cannot_be_decoded_are_refused(folder: Path, series: Series) -> None:
    def compress(dataset: Dataset) -> None:
        dataset.PixelData = encapsulate([b"\x00" * 64])
        dataset["PixelData"].is_undefined_length = True
        dataset.file_meta.TransferSyntaxUID = JPEG2000Lossless

    edit(folder / "CT_0004.dcm", compress)
    _refuse(folder, InputError, r"cannot be decoded from JPEG 2000.*CT_0004.dcm.*Explicit VR Little Endian")


def test_deflated_files_are_refused_before_they_inflate(folder: Path, series: Series) -> None:
    path = folder / "CT_0004.dcm"
    data = path.read_bytes()
    data = data[:140] + bytes([data[140] + 2]) + data[141:]  # the length of group 2, which grows by two
    path.write_bytes(data.replace(b"UI\x14\x001.2.840.10008.1.2.1\x00", b"UI\x16\x001.2.840.10008.1.2.1.99", 1))
    _refuse(folder, InputError, r"deflated transfer syntax.*CT_0004.dcm")


def test_a_file_that_is_not_dicom_is_refused(tmp_path: Path, folder: Path, series: Series) -> None:
    note = tmp_path / "note.txt"
    note.write_text("CT of Monday")
    with pytest.raises(InputError, match=r"not a DICOM file.*note.txt"):
        read_dicom(note)
    with pytest.raises(InputError, match="no such file or folder"):
        read_dicom(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"no DICOM file in .*empty"):
        read_dicom(tmp_path / "empty")
    (folder / "CT_0004.dcm").write_bytes(b"")
    _refuse(folder, InputError, r"not a DICOM file.*CT_0004.dcm")


def test_colour_and_inverted_grey_are_refused(folder: Path, series: Series) -> None:
    edit_all(folder, lambda dataset: setattr(dataset, "PhotometricInterpretation", "MONOCHROME1"))
    _refuse(folder, InputError, "pixels of MONOCHROME1 interpretation")


def test_deep_nesting_is_an_error_not_a_crash(folder: Path, series: Series) -> None:
    path = folder / "CT_0004.dcm"
    item = b"\x08\x00\x40\x11SQ\x00\x00\xff\xff\xff\xff\xfe\xff\x00\xe0\xff\xff\xff\xff"
    data = path.read_bytes()
    at = data.find(b"\x08\x00\x60\x00CS")
    path.write_bytes(data[:at] + item * 2000 + data[at:])
    _refuse(folder, InputError, "sequences nested deeper than 64.*CT_0004.dcm")

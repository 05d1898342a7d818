"""RTDOSE in and out."""

from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from gemel.core.errors import GeometryError, IdentityError, InputError, RangeError, UnitError
from gemel.core.image import Image, same_grid, with_array
from gemel.io import DoseForm, Identity, Series, content_uid, read_dicom, read_dose, write_dose
from tests.unit.io.dicom_edit import FRAME, edit


@pytest.fixture
def dose(phantom: Image) -> Image:
    """Up to 71.3 Gy, with values down to a millionth of it."""
    rng = np.random.default_rng(1)
    return with_array(phantom, (71.3 * 10.0 ** rng.uniform(-6, 0, phantom.shape)).astype(np.float32))


@pytest.fixture
def file(tmp_path: Path, dose: Image, identity: Identity) -> Path:
    """The dose as written."""
    path = tmp_path / "RD.dcm"
    write_dose(path, dose, identity, plan_uid=content_uid("plan"))
    return path


def test_a_written_dose_reads_back_within_a_millionth_of_its_maximum(file: Path, dose: Image) -> None:
    back = read_dose(file)
    assert np.abs(back.array.astype(np.float64) - dose.array).max() < 1e-6 * dose.array.max()
    assert same_grid(back, dose)
    assert back.frame == FRAME
    assert np.array_equal(read_dicom(file).array, back.array)


def test_stored_values_use_32_bits_so_that_small_doses_keep_their_digits(file: Path, dose: Image) -> None:
    dataset = pydicom.dcmread(file)
    stored = dataset.pixel_array.transpose(2, 1, 0) * float(dataset.DoseGridScaling)
    assert np.abs(stored - dose.array).max() < 2e-10 * dose.array.max()
    assert dataset.pixel_array.max() > 0.999 * 2**32


def test_what_is_written_says_what_it_is(file: Path) -> None:
    dataset = pydicom.dcmread(file)
    assert (dataset.DoseUnits, dataset.DoseType, dataset.DoseSummationType) == ("GY", "PHYSICAL", "PLAN")
    assert dataset.TissueHeterogeneityCorrection == "IMAGE"
    assert [float(v) for v in dataset.GridFrameOffsetVector] == [3.0 * k for k in range(8)]
    assert dataset.FrameIncrementPointer == 0x3004000C
    assert dataset.ReferencedRTPlanSequence[0].ReferencedSOPInstanceUID == content_uid("plan")
    assert "ApprovalStatus" not in dataset


def test_writing_again_gives_equal_bytes_and_another_dose_another_uid(file: Path, dose: Image, identity: Identity) -> None:
    before = file.read_bytes()
    uid = write_dose(file, dose, identity, plan_uid=content_uid("plan"))
    assert file.read_bytes() == before
    assert uid == pydicom.dcmread(file).SOPInstanceUID
    assert write_dose(file, with_array(dose, dose.array * np.float32(0.5)), identity, plan_uid=content_uid("plan")) != uid


def test_no_dose_at_all_is_zero(tmp_path: Path, dose: Image, identity: Identity) -> None:
    write_dose(tmp_path / "zero.dcm", with_array(dose, np.zeros(dose.shape, np.float32)), identity)
    assert not read_dose(tmp_path / "zero.dcm").array.any()


def test_frames_from_head_to_foot_and_absolute_offsets_are_understood(file: Path, dose: Image) -> None:
    def reverse(dataset: pydicom.Dataset) -> None:
        dataset.PixelData = np.ascontiguousarray(dataset.pixel_array[::-1]).tobytes()
        x, y, z = dataset.ImagePositionPatient
        dataset.ImagePositionPatient = [x, y, float(z) + 21.0]
        dataset.GridFrameOffsetVector = [-3.0 * k for k in range(8)]

    expected = read_dose(file).array
    edit(file, reverse)
    assert same_grid(read_dose(file), dose)
    assert np.array_equal(read_dose(file).array, expected)
    edit(file, lambda dataset: setattr(dataset, "GridFrameOffsetVector", [-99.125 - 3.0 * k for k in range(8)]))
    assert same_grid(read_dose(file), dose)
    assert np.array_equal(read_dose(file).array, expected)


def test_a_folder_of_ct_and_dose_gives_each_by_its_reader(folder: Path, series: Series, dose: Image, identity: Identity) -> None:
    write_dose(folder / "RD.dcm", dose, identity)
    assert np.array_equal(read_dicom(folder).array, series.image.array)
    np.testing.assert_allclose(read_dose(folder, series=series).array, dose.array, atol=1e-4)


# ---- bad input


@pytest.mark.parametrize(
    "keyword, value, error, match",
    [
        ("DoseUnits", "RELATIVE", UnitError, "DoseUnits RELATIVE"),
        ("DoseUnits", None, UnitError, "DoseUnits not stated"),
        ("DoseType", "EFFECTIVE", UnitError, "DoseType EFFECTIVE where PHYSICAL"),
        ("DoseGridScaling", "0", UnitError, "DoseGridScaling = 0"),
        ("DoseGridScaling", "nan", InputError, "DoseGridScaling = nan"),
        ("DoseGridScaling", None, InputError, "no DoseGridScaling"),
        ("GridFrameOffsetVector", [0, 3, 6, 9, 12, 15, 18, 24], GeometryError, "frames 3.000 to 6.000 mm apart"),
        ("GridFrameOffsetVector", [0, 3, 6], InputError, "GridFrameOffsetVector = "),
        ("GridFrameOffsetVector", [7 + 3 * k for k in range(8)], GeometryError, "GridFrameOffsetVector starts at 7 mm"),
        ("FrameOfReferenceUID", "1.2.03", IdentityError, "invalid UID"),
        ("Modality", "CT", InputError, "an object of modality CT"),
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.2", InputError, r"SOPClassUID 1\.2\.840\.10008\.5\.1\.4\.1\.1\.2"),
        ("DoseSummationType", "BEAM", UnitError, "DoseSummationType BEAM where PLAN or MULTI_PLAN"),
        ("DoseSummationType", None, UnitError, "DoseSummationType not stated"),
        ("PixelRepresentation", 1, InputError, "PixelRepresentation 1 .signed doses"),
        ("ImagePositionPatient", ["nan", 0, 0], InputError, "ImagePositionPatient = "),
        ("ImageOrientationPatient", None, InputError, "no ImageOrientationPatient"),
        ("PixelSpacing", ["inf", 2], InputError, "PixelSpacing = "),
        ("PixelData", b"\0" * 100, InputError, "100 bytes of pixel data where 10240 are needed"),
    ],
)
def test_a_dose_that_cannot_be_trusted_is_refused(file: Path, keyword: str, value: object, error: type[InputError], match: str) -> None:
    edit(file, lambda dataset: setattr(dataset, keyword, value))
    with pytest.raises(error, match=match) as caught:
        read_dose(file)
    assert "RD.dcm" in str(caught.value)
    assert caught.value.remedy


def test_rbe_weighted_dose_is_read_only_when_asked_for(file: Path) -> None:
    edit(file, lambda dataset: setattr(dataset, "DoseType", "EFFECTIVE"))
    assert read_dose(file, dose_type="EFFECTIVE").array.max() == pytest.approx(71.3, rel=0.1)


def test_a_dose_of_beams_names_them_and_is_read_only_when_asked_for(tmp_path: Path, dose: Image, identity: Identity) -> None:
    path, form = tmp_path / "beam.dcm", DoseForm("EFFECTIVE", "BEAM", (2, 5))
    write_dose(path, dose, identity, plan_uid="1.2.3", form=form)
    dataset = pydicom.dcmread(path)
    (group,) = dataset.ReferencedRTPlanSequence[0].ReferencedFractionGroupSequence
    assert (dataset.DoseType, dataset.DoseSummationType) == ("EFFECTIVE", "BEAM")
    assert [item.ReferencedBeamNumber for item in group.ReferencedBeamSequence] == [2, 5]
    with pytest.raises(UnitError, match="DoseSummationType BEAM"):
        read_dose(path, dose_type="EFFECTIVE")
    assert read_dose(path, dose_type="EFFECTIVE", summation=("BEAM",)).array.max() == pytest.approx(dose.array.max())
    with pytest.raises(InputError, match="a dose of BEAM without its plan"):
        write_dose(path, dose, identity, form=form)


def test_a_dose_of_a_fraction_names_the_fraction_group(tmp_path: Path, dose: Image, identity: Identity) -> None:
    write_dose(tmp_path / "fx.dcm", dose, identity, plan_uid="1.2.3", form=DoseForm(summation="FRACTION"))
    (group,) = pydicom.dcmread(tmp_path / "fx.dcm").ReferencedRTPlanSequence[0].ReferencedFractionGroupSequence
    assert group.ReferencedFractionGroupNumber == 1
    assert "ReferencedBeamSequence" not in group


@pytest.mark.parametrize(
    "fields",
    [{"dose_type": "ERROR"}, {"summation": "RECORD"}, {"bits": 8}, {"summation": "BEAM"}, {"beam_numbers": (1,)}],
)
def test_a_form_that_the_standard_does_not_know_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"dose of|DoseSummationType"):
        DoseForm(**fields)


@pytest.mark.parametrize(("bits", "rounding"), [(16, 0.5 / 65535), (32, 1.2e-10)])
def test_rounding_is_half_a_step_of_the_largest_dose(tmp_path: Path, dose: Image, identity: Identity, bits: int, rounding: float) -> None:
    write_dose(tmp_path / "RD.dcm", dose, identity, form=DoseForm(bits=bits))
    dataset = pydicom.dcmread(tmp_path / "RD.dcm")
    assert (dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation) == (bits, bits, bits - 1, 0)
    exact = dataset.pixel_array.transpose(2, 1, 0) * float(dataset.DoseGridScaling)
    largest = float(dose.array.max())
    assert np.abs(exact - dose.array).max() < 1.001 * rounding * largest
    assert dataset.pixel_array.max() > (1 - 2e-6) * (2**bits - 1)
    assert np.abs(read_dose(tmp_path / "RD.dcm").array - dose.array).max() < (1.001 * rounding + 6e-8) * largest


def test_every_cut_short_dose_is_refused(file: Path, tmp_path: Path) -> None:
    data, cut = file.read_bytes(), tmp_path / "cut.dcm"
    for length in range(0, len(data) - 1, 97):
        cut.write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut\.dcm"):
            read_dose(cut)


def test_bytes_that_change_are_an_error_or_another_dose_never_a_crash(file: Path, tmp_path: Path) -> None:
    data, rng, hit = file.read_bytes(), np.random.default_rng(8), tmp_path / "hit.dcm"
    for _ in range(150):
        changed = bytearray(data)
        for place in rng.integers(132, 1900, 3):  # the header; any pixel is as good as another
            changed[place] = int(rng.integers(256))
        hit.write_bytes(changed)
        try:
            assert np.isfinite(read_dose(hit).array).all()
        except InputError:
            continue


def test_a_dose_of_another_patient_or_frame_is_refused(file: Path, series: Series) -> None:
    edit(file, lambda dataset: setattr(dataset, "FrameOfReferenceUID", "1.2.3"))
    with pytest.raises(IdentityError, match=r"frame of reference 1.2.3"):
        read_dose(file, series=series)
    edit(file, lambda dataset: setattr(dataset, "PatientID", "P-002"))
    with pytest.raises(IdentityError, match="'P-002'"):
        read_dose(file, series=series)


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.5])
def test_a_dose_that_is_negative_or_not_finite_is_not_written(tmp_path: Path, dose: Image, identity: Identity, value: float) -> None:
    array = dose.array.copy()
    array[1, 2, 3] = value
    with pytest.raises(RangeError, match="negative or not finite"):
        write_dose(tmp_path / "out.dcm", with_array(dose, array), identity)
    assert not (tmp_path / "out.dcm").exists()


def test_a_dose_is_not_written_into_another_frame(tmp_path: Path, dose: Image) -> None:
    with pytest.raises(IdentityError, match="frame of reference"):
        write_dose(tmp_path / "out.dcm", dose, Identity("P-001", frame_uid="1.2.3"))
    with pytest.raises(InputError, match="an empty PatientID"):
        write_dose(tmp_path / "out.dcm", dose, Identity(""))
    assert not (tmp_path / "out.dcm").exists()

"""SPECT, PET and NIfTI with a sidecar: written and read again, units, clocks, and every missing tag with its remedy."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.image import Image, same_grid
from gemel.core.time import seconds
from gemel.io import Identity, Stated, read_activity_nifti, read_nm, read_pet, write_nifti, write_nm, write_pet
from gemel.io.nuclear_header import nuclide_name
from tests.unit.io.dicom_edit import FRAME, edit, edit_all

PERSON = Identity("P-007")
INJECTED, ACQUIRED = "2026-03-01T09:00", "2026-03-02T09:30"
F18_s = 6586.2


def scan(**changes: object) -> ActivityImage:
    """6 x 5 x 4 voxels of 4 x 3 x 5 mm, Lu-177 counts one day after 7.4 GBq."""
    affine_mm = np.diag([4.0, 3.0, 5.0, 1.0])
    affine_mm[:3, 3] = (-12.0, 7.0, -300.0)
    values = np.arange(120, dtype=np.float32).reshape(6, 5, 4) * 3.5
    held = ActivityImage(Image(values, affine_mm, FRAME), "counts", "Lu-177", seconds(ACQUIRED), 1200.0, seconds(INJECTED), 7400.0, "none")
    return replace(held, **changes)


def pet_scan() -> ActivityImage:
    """F-18, an hour and a half after 300 MBq."""
    return scan(unit="Bq/mL", nuclide="F-18", injected_MBq=300.0, injected_s=seconds("2026-03-02T08:00"), decay_corrected_to="start")


@pytest.fixture
def nm(tmp_path: Path) -> Path:
    """One SPECT volume in counts."""
    write_nm(tmp_path / "spect.dcm", scan(), PERSON)
    return tmp_path / "spect.dcm"


@pytest.fixture
def pet(tmp_path: Path) -> Path:
    """One PET series in BQML."""
    write_pet(tmp_path / "pet", pet_scan(), PERSON, half_life_s=F18_s)
    return tmp_path / "pet"


def require_same(found: ActivityImage, expected: ActivityImage) -> None:
    """Same grid, values to rounding of 16 bits, same clock and unit."""
    assert same_grid(found.image, expected.image)
    np.testing.assert_allclose(found.image.array, expected.image.array, atol=1.01 * expected.image.array.max() / 65535)
    for name in ("unit", "nuclide", "acquired_s", "duration_s", "injected_s", "injected_MBq", "decay_corrected_to"):
        assert getattr(found, name) == getattr(expected, name), name


@pytest.mark.parametrize("unit", ["counts", "Bq/mL"])
def test_a_spect_volume_comes_back(tmp_path: Path, unit: str) -> None:
    write_nm(tmp_path / "a.dcm", scan(unit=unit), PERSON)
    require_same(read_nm(tmp_path), scan(unit=unit))


def test_the_same_volume_gives_the_same_bytes(tmp_path: Path, nm: Path) -> None:
    write_nm(tmp_path / "again.dcm", scan(), PERSON)
    assert (tmp_path / "again.dcm").read_bytes() == nm.read_bytes()


def test_slices_counted_downwards_are_turned(nm: Path) -> None:
    """PS3.3 C.8.4.15: SpacingBetweenSlices is signed along row × column; gantries that count from the head write it below zero."""

    def turned(dataset: Dataset) -> None:
        dataset.SpacingBetweenSlices = "-5"
        dataset.DetectorInformationSequence[0].ImagePositionPatient = [-12, 7, -285]
        frames = np.frombuffer(dataset.PixelData, "<u2").reshape(4, 5, 6)[::-1]
        dataset.PixelData = frames.tobytes()

    edit(nm, turned)
    require_same(read_nm(nm), scan())


def _drop(keyword: str) -> Callable[[Dataset], object]:
    return lambda dataset: delattr(dataset, keyword)


def _drop_dose(dataset: Dataset) -> None:
    del dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose


def _dose_in_Bq(dataset: Dataset) -> None:
    dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "7.4E9"


def _clock_alone(dataset: Dataset) -> None:
    item = dataset.RadiopharmaceuticalInformationSequence[0]
    del item.RadiopharmaceuticalStartDateTime
    item.RadiopharmaceuticalStartTime = "060000"


def _no_injection(dataset: Dataset) -> None:
    del dataset.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime


def _later_injection(dataset: Dataset) -> None:
    dataset.RadiopharmaceuticalInformationSequence[0].RadiopharmaceuticalStartDateTime = "20260305090000"


def _kryptonite(dataset: Dataset) -> None:
    dataset.RadiopharmaceuticalInformationSequence[0].RadionuclideCodeSequence[0].CodeMeaning = "Kp-12"


def _corrected(dataset: Dataset) -> None:
    dataset.CorrectedImage = ["ATTN", "DECY"]


def _tomo(dataset: Dataset) -> None:
    dataset.ImageType = ["ORIGINAL", "PRIMARY", "TOMO", "EMISSION"]


@pytest.mark.parametrize(
    ("change", "found", "remedy", "fix"),
    [
        (_no_injection, "no time of injection", "--injected", Stated(injected=INJECTED)),
        (_clock_alone, "an injection at 060000 without a date", "--injected", Stated(injected=INJECTED)),
        (_drop_dose, "no injected activity", "--injected-MBq", Stated(injected_MBq=7400.0)),
        (_dose_in_Bq, "NM states MBq", "--injected-MBq", Stated(injected_MBq=7400.0)),
        (_later_injection, "before the injection", "--injected", Stated(injected=INJECTED)),
        (_kryptonite, "an unknown nuclide 'Kp-12'", "--nuclide", Stated(nuclide="177Lu")),
        (_drop("RotationInformationSequence"), "no duration", "--duration-s", Stated(duration_s=1200.0)),
        (_corrected, "a time that is not stated", "--decay-corrected-to", Stated(decay_corrected_to="none")),
        (_drop("AcquisitionTime"), "no time of acquisition", "AcquisitionDateTime", Stated(acquired=ACQUIRED)),
    ],
)
def test_each_fault_of_a_spect_header_has_a_named_fix(
    nm: Path, change: Callable[[Dataset], object], found: str, remedy: str, fix: Stated
) -> None:
    edit(nm, change)
    with pytest.raises(InputError) as error:
        read_nm(nm)
    assert found in error.value.found
    assert remedy in error.value.remedy
    require_same(read_nm(nm, fix), scan())


def test_projections_are_no_volume(nm: Path) -> None:
    edit(nm, _tomo)
    with pytest.raises(InputError, match="RECON TOMO"):
        read_nm(nm)


def test_a_stated_factor_makes_counts_a_concentration(nm: Path) -> None:
    held = read_nm(nm, Stated(Bq_mL_per_unit=20.0))
    assert held.unit == "Bq/mL"
    np.testing.assert_allclose(held.image.array, 20.0 * scan().image.array, atol=20 * 0.01)


def test_a_pet_series_comes_back_though_every_slice_has_its_slope(pet: Path) -> None:
    slopes = {float(pydicom.dcmread(p).RescaleSlope) for p in pet.glob("*.dcm")}
    assert len(slopes) == 4
    found = read_pet(pet)
    np.testing.assert_allclose(found.image.array, pet_scan().image.array, atol=0.01)
    require_same(replace(found, image=pet_scan().image), pet_scan())
    assert same_grid(found.image, pet_scan().image)


def _suv(dataset: Dataset) -> None:
    dataset.Units, dataset.PatientWeight = "GML", "75"


def _lean(dataset: Dataset) -> None:
    dataset.Units, dataset.SUVType, dataset.PatientWeight = "GML", "LBM", "75"


def _counts(dataset: Dataset) -> None:
    dataset.Units = "CNTS"


def _philips(offset: int, factor: str) -> Callable[[Dataset], object]:
    def change(dataset: Dataset) -> None:
        dataset.Units, dataset.PatientWeight = "CNTS", "75"
        block = dataset.private_block(0x7053, "Philips PET Private Group", create=True)
        block.add_new(offset, "DS", factor)

    return change


LEFT = 300e6 * 2 ** (-5400.0 / F18_s) / 75e3
"""Bq/mL of SUV 1 at the start of the scan."""


@pytest.mark.parametrize(("change", "factor"), [(_suv, LEFT), (_philips(0x09, "2.5"), 2.5), (_philips(0x00, "0.001"), 0.001 * LEFT)])
def test_units_of_pet_become_Bq_per_mL(pet: Path, change: Callable[[Dataset], object], factor: float) -> None:
    before = read_pet(pet).image.array
    edit_all(pet, change)
    np.testing.assert_allclose(read_pet(pet).image.array, factor * before, rtol=1e-5)


def test_suv_corrected_to_the_injection_is_of_the_injected_activity(pet: Path) -> None:
    before = read_pet(pet).image.array

    def change(dataset: Dataset) -> None:
        _suv(dataset)
        dataset.DecayCorrection = "ADMIN"

    edit_all(pet, change)
    np.testing.assert_allclose(read_pet(pet).image.array, 300e6 / 75e3 * before, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "found"), [(_counts, "without a calibration factor"), (_lean, "SUV of type LBM"), (_philips(0x09, "0"), "without")]
)
def test_counts_without_a_factor_are_refused(pet: Path, change: Callable[[Dataset], object], found: str) -> None:
    edit_all(pet, change)
    with pytest.raises(UnitError, match=found):
        read_pet(pet)
    assert read_pet(pet, Stated(Bq_mL_per_unit=2.0)).unit == "Bq/mL"


def test_a_lost_slope_is_refused(pet: Path) -> None:
    edit_all(pet, _drop("RescaleSlope"))
    with pytest.raises(UnitError, match="no RescaleSlope"):
        read_pet(pet)


def test_pet_states_becquerel_not_megabecquerel(pet: Path) -> None:
    edit_all(pet, lambda d: setattr(d.RadiopharmaceuticalInformationSequence[0], "RadionuclideTotalDose", "300"))
    with pytest.raises(RangeError, match="PET states Bq"):
        read_pet(pet)


def test_a_series_time_before_the_first_frame_is_the_decay_reference(pet: Path) -> None:
    edit_all(pet, lambda d: setattr(d, "SeriesTime", "092000"))
    assert read_pet(pet).acquired_s == seconds("2026-03-02T09:20")
    edit_all(pet, lambda d: setattr(d, "SeriesTime", "180000"))  # post-processed in the evening
    assert read_pet(pet).acquired_s == seconds(ACQUIRED)


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("177Lu", "Lu-177"),
        ("lu-177", "Lu-177"),
        ("^177^Lutetium", "Lu-177"),
        ("Tc99m", "Tc-99m"),
        ("^99m^Technetium", "Tc-99m"),
        ("[18F]", "F-18"),
    ],
)
def test_nuclides_have_one_name(written: str, name: str) -> None:
    assert nuclide_name(written, "here") == name


FIELDS = {
    "TracerRadionuclide": "Lu177", "InjectedRadioactivity": 7.4, "InjectedRadioactivityUnits": "GBq", "Units": "kBq/mL",
    "InjectionDateTime": INJECTED, "AcquisitionDateTime": ACQUIRED, "FrameDuration": [1200], "ImageDecayCorrected": False,
}  # fmt: skip


def _sidecar(folder: Path, **changes: object) -> Path:
    write_nifti(folder / "spect.nii.gz", scan().image)
    fields = {k: v for k, v in (FIELDS | changes).items() if v is not None}
    (folder / "spect.json").write_text(json.dumps(fields), encoding="utf-8")
    return folder / "spect.nii.gz"


def test_nifti_with_its_sidecar(tmp_path: Path) -> None:
    found = read_activity_nifti(_sidecar(tmp_path), frame=FRAME)
    np.testing.assert_allclose(found.image.array, 1000.0 * scan().image.array, rtol=1e-6)
    require_same(replace(found, image=scan().image), scan(unit="Bq/mL"))


def test_bids_clock_in_seconds_after_time_zero(tmp_path: Path) -> None:
    path = _sidecar(
        tmp_path, InjectionDateTime=None, AcquisitionDateTime=None, InjectionStart=0, ScanStart=88200, ImageDecayCorrected=True,
        ImageDecayCorrectionTime=0,
    )  # fmt: skip
    found = read_activity_nifti(path)
    assert (found.since_injection_s, found.decay_corrected_to) == (88200.0, "injection")


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"InjectionDateTime": None}, "no InjectionDateTime"),
        ({"Units": "SUV"}, "Units = 'SUV'"),
        ({"Units": None}, "no Units"),
        ({"InjectedRadioactivity": "much"}, "InjectedRadioactivity = much"),
        ({"InjectedRadioactivityUnits": "mCi"}, "InjectedRadioactivityUnits = 'mCi'"),
        ({"TracerRadionuclide": "Unobtainium"}, "an unknown nuclide"),
        ({"FrameDuration": None}, "no FrameDuration"),
        ({"ImageDecayCorrected": True}, "ImageDecayCorrected True"),
        ({"AcquisitionDateTime": "2026-02-01T09:00"}, "before the injection"),
    ],
)
def test_a_faulty_sidecar_is_named(tmp_path: Path, changes: dict[str, object], found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_activity_nifti(_sidecar(tmp_path, **changes))


def test_negative_and_missing_values_are_refused(tmp_path: Path) -> None:
    values = scan().image.array.copy()
    values[1, 1, 1] = -2
    with pytest.raises(InputError, match="negative activity"):
        scan(image=replace(scan().image, array=values))
    values[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="not finite"):
        scan(image=replace(scan().image, array=values))


def test_two_radiopharmaceuticals_are_refused(nm: Path) -> None:
    def double(dataset: Dataset) -> None:
        item = dataset.RadiopharmaceuticalInformationSequence[0]
        dataset.RadiopharmaceuticalInformationSequence = Sequence([item, item])

    edit(nm, double)
    with pytest.raises(InputError, match="2 radiopharmaceuticals"):
        read_nm(nm)


def test_an_image_without_a_sidecar_is_told_what_to_write(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"(?s)without its JSON sidecar.*spect\.json.*AcquisitionDateTime"):
        read_activity_nifti(tmp_path / "spect.nii.gz")

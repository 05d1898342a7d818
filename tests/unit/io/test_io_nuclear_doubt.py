"""Headers, sidecars and options that would be read as something else: each is refused, or the user's word goes first."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from gemel.core.activity import ActivityImage
from gemel.core.errors import InputError, RangeError, UnitError
from gemel.core.image import Image
from gemel.core.time import seconds
from gemel.io import Identity, Stated, read_activity, read_names, read_nm, read_pet, write_nifti, write_nm, write_pet
from gemel.io.nuclear_header import nuclide_name
from tests.unit.io.dicom_edit import edit, edit_all
from tests.unit.io.test_io_nuclear import FIELDS, scan

WHO = Identity("P-007")


def _set(keyword: str, value: str) -> Callable[[Dataset], object]:
    return lambda dataset: setattr(dataset, keyword, value)


def test_a_spect_without_scale_is_refused(tmp_path: Path) -> None:
    write_nm(tmp_path / "a.dcm", scan(), WHO)
    edit(tmp_path / "a.dcm", _set("RescaleSlope", "0"))
    with pytest.raises(UnitError, match="RescaleSlope = 0"):
        read_nm(tmp_path / "a.dcm")


def _pet(folder: Path, **changes: object) -> Path:
    held = scan(unit="Bq/mL", nuclide="F-18", injected_MBq=300.0, injected_s=seconds("2026-03-02T08:00"), decay_corrected_to="start")
    write_pet(folder / "pet", replace(held, **changes), WHO, half_life_s=6586.2)
    return folder / "pet"


def test_a_weight_in_grams_is_no_suv(tmp_path: Path) -> None:
    pet = _pet(tmp_path)
    edit_all(pet, _set("Units", "GML"))
    edit_all(pet, _set("PatientWeight", "80000"))
    with pytest.raises(UnitError, match="80000 kg"):
        read_pet(pet)


def test_bed_positions_without_decay_correction_are_refused(tmp_path: Path) -> None:
    """The last of four beds 27 min after the first: F-18 would read 16 % low there."""
    pet = _pet(tmp_path, decay_corrected_to="none")
    for k, path in enumerate(sorted(pet.glob("*.dcm"))):
        edit(path, _set("AcquisitionTime", f"09{30 + 9 * k}00"))
    with pytest.raises(InputError, match="27 min apart without decay correction"):
        read_pet(pet)
    edit_all(pet, _set("DecayCorrection", "START"))
    assert read_pet(pet).acquired_s == seconds("2026-03-02T09:30")


@pytest.mark.parametrize(("written", "name"), [("P-32", "P-32"), ("117mSn", "Sn-117m"), ("^169^Erbium", "Er-169"), ("Tb-161", "Tb-161")])
def test_therapy_nuclides_have_names(written: str, name: str) -> None:
    assert nuclide_name(written, "here") == name


def _sidecar(folder: Path, **changes: object) -> Path:
    write_nifti(folder / "a.nii.gz", scan().image)
    (folder / "a.json").write_text(json.dumps(FIELDS | changes), encoding="utf-8")
    return folder / "a.nii.gz"


def test_what_is_stated_goes_before_the_sidecar(tmp_path: Path) -> None:
    told = Stated(nuclide="I-131", injected_MBq=3700.0, injected="2026-03-01T10:00", duration_s=600.0, Bq_mL_per_unit=5.0)
    held = read_activity(_sidecar(tmp_path), told).image
    assert (held.nuclide, held.injected_MBq, held.since_injection_s, held.duration_s) == ("I-131", 3700.0, 84600.0, 600.0)
    assert float(held.image.array.max()) == pytest.approx(5.0 * float(scan().image.array.max()))
    corrected = read_activity(tmp_path / "a.nii.gz", Stated(decay_corrected_to="injection")).image
    assert corrected.decay_corrected_to == "injection"


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"InjectionDateTime": "2026-03-01"}, "no date with a time of day"),
        ({"InjectionDateTime": "2026-03-01T09:00+05:00"}, "one with a time zone and one without"),
        ({"BqPerMLPerUnit": 0}, "BqPerMLPerUnit = 0"),
        ({"InjectedRadioactivity": 7.4e9, "InjectedRadioactivityUnits": "MBq"}, "more than is ever given"),
    ],
)
def test_a_sidecar_that_would_be_misread(tmp_path: Path, changes: dict[str, object], found: str) -> None:
    with pytest.raises(InputError, match=found):
        read_activity(_sidecar(tmp_path, **changes))


def test_statements_that_would_be_misread(tmp_path: Path) -> None:
    with pytest.raises(UnitError, match="a factor of 0"):
        Stated(Bq_mL_per_unit=0.0)
    write_nm(tmp_path / "a.dcm", scan(), WHO)
    with pytest.raises(InputError, match="no date with a time of day"):
        read_nm(tmp_path / "a.dcm", Stated(injected="2026-03-01"))
    with pytest.raises(RangeError, match="more than is ever given"):
        read_nm(tmp_path / "a.dcm", Stated(injected_MBq=7.4e9))


def test_the_image_itself_refuses_becquerels(tmp_path: Path) -> None:
    image: Image = scan().image
    with pytest.raises(RangeError, match="more than is ever given"):
        ActivityImage(image, "counts", "Lu-177", 1.0, 1.0, 0.0, 7.4e9, "none")


def test_two_labels_of_one_name_are_refused(tmp_path: Path) -> None:
    """The second would silently stand for both kidneys."""
    (tmp_path / "a.json").write_text('{"1": "kidney", "2": "kidney", "3": ""}', encoding="utf-8")
    with pytest.raises(InputError, match="two labels named kidney"):
        read_names(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"1": "kidney_left", "2": "kidney_right", "3": "", "4": ""}', encoding="utf-8")
    assert read_names(tmp_path / "a.json") == {1: "kidney_left", 2: "kidney_right", 3: "", 4: ""}

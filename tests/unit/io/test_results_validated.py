"""Every result that gemel hands on, by two other readings of the standard: no error in either."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import NuclearMedicineImageStorage

from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.io import write_image, write_structures
from gemel.io.deformable_object import write_deformable
from gemel.io.encapsulated_pdf import write_pdf_object
from gemel.io.frames import slices_of
from gemel.io.measurement_report import Grounds, Group, write_measurements
from gemel.io.parametric_map_write import DISPLACEMENT_SD, write_parametric_map
from gemel.io.registration import Registered, write_registration
from gemel.io.rtdose_write import DoseForm, write_dose
from gemel.io.seg_write import write_segmentation
from tests.unit.io.standard import dciodvfy_errors, validator_errors
from tests.unit.io.test_io_validated import WRITERS as NUCLEAR
from tests.unit.io.test_measurement_report import EXPECTED
from tests.unit.io.test_registration import CT, JOINED, WHO, deformed, turned

AT = ("20260302", "080000")
EXTENDED = {str(NuclearMedicineImageStorage): ("(0018,1078)", "(0028,1052)", "(0028,1053)")}
"""Elements beyond the object's own, as a Standard Extended SOP Class may have (PS3.2 §3.11.3): the date of an injection, and a scale."""


def grid() -> Image:
    values = np.random.default_rng(1).random((8, 6, 5)).astype(np.float32)
    return Image(values, np.array([[4.0, 0, 0, -10], [0, 3.0, 0, 5], [0, 0, 2.0, 7], [0, 0, 0, 1]]), WHO.frame_uid)


def _regions() -> Structures:
    mask = np.zeros((8, 6, 5), dtype=bool)
    mask[2:5, 2:4, 1:4] = True
    return Structures(grid(), {"prostate": mask, "bladder": np.roll(mask, 1, axis=0)})


def _on_ct(path: Path, what: str) -> None:
    series = write_image(path.parent / "ct", grid(), WHO, maker=True)
    on = slices_of(series, AT)
    if what == "CT":
        path.write_bytes((path.parent / "ct" / "CT_0002.dcm").read_bytes())
    elif what == "SEG":
        write_segmentation(path, _regions(), on, algorithm="a registration")
    elif what == "PM":
        write_parametric_map(path, grid(), on, DISPLACEMENT_SD)
    else:
        write_structures(path, _regions(), series, label="DAY")


WRITERS: dict[str, Callable[[Path], object]] = {
    **{name: NUCLEAR[name] for name in NUCLEAR},
    "CT of a day": lambda path: _on_ct(path, "CT"),
    "SEG on CT": lambda path: _on_ct(path, "SEG"),
    "SD map on CT": lambda path: _on_ct(path, "PM"),
    "RTSTRUCT": lambda path: _on_ct(path, "RTSTRUCT"),
    "RTDOSE of a plan": lambda path: write_dose(path, grid(), WHO, plan_uid="1.2.9", form=DoseForm("EFFECTIVE", "FRACTION")),
    "registration": lambda path: write_registration(path, Registered(turned(), "1.2.77", WHO.frame_uid), WHO, sources=JOINED),
    "deformable registration": lambda path: write_deformable(path, deformed(), WHO, sources=JOINED),
    "PDF": lambda path: write_pdf_object(path, b"%PDF-1.4\nabc", WHO, title="a report", at=AT, sources=((CT, "1.2.9.1"),)),
    "measurements": lambda path: write_measurements(path, EXPECTED, WHO, Grounds(AT, ((CT, "1.2.9.1", "1.2.3.5", "1.2.3.4"),))),
    "measurements without images": lambda path: write_measurements(path, [Group("a", "b", EXPECTED[0].measured)], WHO, Grounds(AT)),
}


@pytest.mark.parametrize("kind", list(WRITERS))
def test_the_validator_finds_no_error(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](tmp_path / "a.dcm")
    beyond = EXTENDED.get(str(pydicom.dcmread(tmp_path / "a.dcm").SOPClassUID), ())
    assert [
        line for line in validator_errors(tmp_path / "a.dcm") if not line.endswith("TagUnexpected") or not any(t in line for t in beyond)
    ] == []


@pytest.mark.parametrize("kind", [name for name in WRITERS if name not in NUCLEAR])
def test_dciodvfy_finds_no_error(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](tmp_path / "a.dcm")
    found = dciodvfy_errors(tmp_path / "a.dcm")
    if found is None:
        pytest.skip(f"dciodvfy (dicom3tools) is not installed, or does not know the {kind}")
    assert found == []


@pytest.mark.parametrize("kind", [name for name in WRITERS if name != "PET"])
def test_every_result_says_what_made_it_and_that_nobody_approved_it(tmp_path: Path, kind: str) -> None:
    WRITERS[kind](tmp_path / "a.dcm")
    read = pydicom.dcmread(tmp_path / "a.dcm")
    maker = read.ContributingEquipmentSequence[-1]
    assert (maker.Manufacturer, maker.PurposeOfReferenceCodeSequence[0].CodeValue) == ("gemel", "109102")
    assert maker.SoftwareVersions == read.SoftwareVersions
    assert maker.ContributionDescription.startswith("Research use.")
    assert "research use" in read.SeriesDescription
    assert read.get("ApprovalStatus", "UNAPPROVED") == "UNAPPROVED"
    assert read.get("VerificationFlag", "UNVERIFIED") == "UNVERIFIED"


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_re_run_writes_the_same_bytes(tmp_path: Path, kind: str) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        WRITERS[kind](tmp_path / name / "a.dcm")
    assert (tmp_path / "a" / "a.dcm").read_bytes() == (tmp_path / "b" / "a.dcm").read_bytes()
    read = pydicom.dcmread(tmp_path / "a" / "a.dcm", stop_before_pixels=True)
    assert read.SOPInstanceUID.startswith("2.25.")


def test_the_validators_see_what_is_wrong(tmp_path: Path) -> None:
    """An element of type 1 left out, one of type 2 left out, one that belongs to no module."""
    WRITERS["registration"](tmp_path / "a.dcm")
    read = pydicom.dcmread(tmp_path / "a.dcm")
    del read.RegistrationSequence[0].MatrixRegistrationSequence[0].MatrixSequence, read.ContentDescription
    read.DoseUnits = "GY"
    read.save_as(tmp_path / "b.dcm")
    found = validator_errors(tmp_path / "b.dcm")
    assert len([line for line in found if "(0070,030A)" in line and "TagMissing" in line]) == 1
    assert any("(0070,0081)" in line for line in found)
    assert any("(3004,0002)" in line and "TagUnexpected" in line for line in found)
    ours = dciodvfy_errors(tmp_path / "b.dcm")
    assert ours is None or len(ours) >= 2

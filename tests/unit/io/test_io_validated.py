"""What gemel writes of nuclear medicine, checked by another party's reading of the standard (dciodvfy of dicom3tools, where installed)."""

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.uid import NuclearMedicineImageStorage

from gemel.core.image import Image
from gemel.core.structures import Structures
from gemel.io import write_dose, write_nm, write_pet
from gemel.io.frames import Volume
from gemel.io.parametric_map_write import TIME_INTEGRATED_ACTIVITY, write_parametric_map
from gemel.io.patient_dose_sr import Basis, write_patient_dose_sr
from gemel.io.radiation_sr import write_radiopharmaceutical_sr
from gemel.io.seg_write import write_segmentation
from tests.unit.io.test_io_nuclear import pet_scan, scan
from tests.unit.io.test_io_nuclear_objects import GIVEN, KIDNEY, WHO


def volume() -> Volume:
    values = np.random.default_rng(1).random((8, 6, 5)).astype(np.float32)
    affine_mm = np.array([[4.0, 0, 0, -10], [0, 3.0, 0, 5], [0, 0, 2.0, 7], [0, 0, 0, 1]])
    return Volume(str(NuclearMedicineImageStorage), "1.2.3.4", Image(values, affine_mm, "1.2.3"), WHO, "20260302", "130000")


def _regions(path: Path) -> None:
    held = volume()
    mask = held.image.array > 0.7
    write_segmentation(path, Structures(held.image, {"kidney_left": mask, "tumour_1": ~mask}), held)


def _pet(path: Path) -> None:
    write_pet(path.parent / "pet", pet_scan(), WHO, half_life_s=6586.2)
    shutil.copy(path.parent / "pet" / "PT_0001.dcm", path)


WRITERS: dict[str, Callable[[Path], object]] = {
    "NM in counts": lambda path: write_nm(path, scan(), WHO),
    "NM in Bq/mL": lambda path: write_nm(path, scan(unit="Bq/mL"), WHO),
    "PET": _pet,
    "SEG": _regions,
    "parametric map": lambda path: write_parametric_map(path, volume().image, volume(), TIME_INTEGRATED_ACTIVITY),
    "RTDOSE": lambda path: write_dose(path, volume().image, replace(WHO, frame_uid="1.2.3")),
    "RRDSR": lambda path: write_radiopharmaceutical_sr(path, GIVEN, WHO),
    "Patient RDSR": lambda path: write_patient_dose_sr(path, [KIDNEY], Basis(("1.2.8", "1.2.9"), "1.2.10", "1.2.11"), WHO, at_s=0.0),
}


@pytest.mark.parametrize("kind", list(WRITERS))
def test_another_reading_of_the_standard_finds_no_error(tmp_path: Path, kind: str) -> None:
    program = shutil.which("dciodvfy")
    if program is None:
        pytest.skip("dciodvfy (dicom3tools) is not installed")
    WRITERS[kind](tmp_path / "a.dcm")
    told = subprocess.run([program, str(tmp_path / "a.dcm")], capture_output=True, text=True, check=False)
    if "Information Object Not found" in told.stderr + told.stdout:
        pytest.skip(f"this dciodvfy does not know the {kind}")
    assert [line for line in (told.stdout + told.stderr).splitlines() if line.startswith("Error")] == []


def test_elements_of_a_spect_that_must_be_there_are(tmp_path: Path) -> None:
    """PS3.3 C.8.4.6 to C.8.4.12: type 1 with a value, type 2 present."""
    write_nm(tmp_path / "a.dcm", scan(), WHO)
    read = pydicom.dcmread(tmp_path / "a.dcm")
    for keyword in ("PatientOrientationCodeSequence", "PatientGantryRelationshipCodeSequence", "EnergyWindowInformationSequence"):
        assert keyword in read
    assert "CountsAccumulated" in read
    assert "CollimatorType" in read.DetectorInformationSequence[0]
    rotation = read.RotationInformationSequence[0]
    assert all(rotation[name].value not in ("", None) for name in ("StartAngle", "AngularStep", "ScanArc", "RotationDirection"))


TID_10030 = {  # PS3.16: concept, relationship to its parent, value type, least and most, parent ("" the root)
    "121049": ("HAS CONCEPT MOD", "CODE", 1, 1, ""),
    "128402": ("CONTAINS", "CONTAINER", 1, 99, ""),
    "128403": ("CONTAINS", "TEXT", 1, 1, "128402"),
    "128533": ("CONTAINS", "NUM", 1, 99, "128402"),
    "363698007": ("HAS CONCEPT MOD", "CODE", 1, 99, "128533"),
    "128412": ("CONTAINS", "CONTAINER", 0, 99, "128402"),
    "128413": ("CONTAINS", "CODE", 1, 1, "128412"),
    "128414": ("CONTAINS", "COMPOSITE", 1, 99, "128412"),
    "128415": ("CONTAINS", "CONTAINER", 1, 1, "128402"),
    "128416": ("CONTAINS", "COMPOSITE", 1, 99, "128415"),
    "128500": ("CONTAINS", "CONTAINER", 1, 99, "128415"),
    "128417": ("CONTAINS", "CODE", 1, 1, "128500"),
    "128476": ("CONTAINS", "CONTAINER", 1, 99, "128415"),
    "128477": ("CONTAINS", "CODE", 1, 1, "128476"),
}


def _placed(dataset: pydicom.Dataset, parent: str = "") -> list[tuple[str, str, str, str]]:
    """Concept, relationship, value type and parent of every content item."""
    found = []
    for item in dataset.get("ContentSequence", []):
        name = str(item.ConceptNameCodeSequence[0].CodeValue)
        found += [(name, str(item.RelationshipType), str(item.ValueType), parent), *_placed(item, name)]
    return found


def test_the_patients_dose_report_has_the_rows_of_its_template(tmp_path: Path) -> None:
    """dciodvfy of 2022 has no Patient Radiation Dose SR: rows of TID 10030, 10031 and 10033 checked one by one."""
    WRITERS["Patient RDSR"](tmp_path / "a.dcm")
    read = pydicom.dcmread(tmp_path / "a.dcm")
    assert read.ConceptNameCodeSequence[0].CodeValue == "128401"
    assert (read.ValueType, read.ContinuityOfContent) == ("CONTAINER", "SEPARATE")
    rows = _placed(read)
    for concept, (relation, kind, least, most, parent) in TID_10030.items():
        own = [row for row in rows if row[0] == concept]
        assert least <= len(own) <= most, concept
        assert {row[1:] for row in own} <= {(relation, kind, parent)}, concept
    assert all(read.get(name) not in (None, "") for name in ("CompletionFlag", "VerificationFlag", "StudyInstanceUID", "Manufacturer"))

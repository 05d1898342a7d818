"""The recommended protocol in DICOM: its numbers with their units, the images that it rests on, one UID for one content."""

from dataclasses import replace
from pathlib import Path

import pydicom
import pytest
from pydicom.dataset import Dataset

from gemel.core.errors import InputError
from gemel.io.identity import Identity
from gemel.io.protocol_sr import Advice, write_protocol_sr

ADVICE = Advice(120.0, 85.0, 1.0, 2.5, "kernel soft", 7.5, 9.6, 28.9, 3.4, 3.05, 3.8, 96.5, "6 mm", "the lowest dose of 58", "generic 1")
WHO = Identity("P1", study_uid="1.2.3", frame_uid="1.2.4")
IMAGES = ("1.2.3.1", "1.2.3.2")


def numbers(item: Dataset) -> dict[str, list[tuple[float, str]]]:
    """Code value → (value, unit) of every number in the tree."""
    found: dict[str, list[tuple[float, str]]] = {}
    for child in item.get("ContentSequence", []):
        if child.ValueType == "NUM":
            measured = child.MeasuredValueSequence[0]
            unit = str(measured.MeasurementUnitsCodeSequence[0].CodeValue)
            found.setdefault(str(child.ConceptNameCodeSequence[0].CodeValue), []).append((float(measured.NumericValue), unit))
        for name, values in numbers(child).items():
            found.setdefault(name, []).extend(values)
    return found


def test_numbers_units_and_images(tmp_path: Path) -> None:
    uid = write_protocol_sr(tmp_path / "sr.dcm", ADVICE, WHO, IMAGES, at_s=1.7e9)
    read = pydicom.dcmread(tmp_path / "sr.dcm")
    held = numbers(read)
    assert held["113733"] == [(120.0, "kV")]
    assert held["113736"] == [(85.0, "mA.s")]
    assert held["113930"] == [(9.6, "mGy")]
    assert held["113980"] == [(289.0, "mm")]
    assert sorted(value for value, _ in held["DPRIME"]) == [3.05, 3.4, 3.8]
    assert read.SOPInstanceUID == uid
    assert (read.PatientID, read.VerificationFlag) == ("P1", "UNVERIFIED")
    told = read.CurrentRequestedProcedureEvidenceSequence[0].ReferencedSeriesSequence
    assert [one.ReferencedSOPSequence[0].ReferencedSOPInstanceUID for one in told] == list(IMAGES)


def test_one_content_one_uid(tmp_path: Path) -> None:
    def uid(advice: Advice) -> str:
        return write_protocol_sr(tmp_path / "sr.dcm", advice, WHO, IMAGES, at_s=1.7e9)

    assert uid(ADVICE) == uid(ADVICE)
    assert uid(ADVICE) != uid(replace(ADVICE, mAs=86.0))


def test_without_an_ssde_none_is_written(tmp_path: Path) -> None:
    write_protocol_sr(tmp_path / "sr.dcm", replace(ADVICE, ssde_mGy=None), WHO, IMAGES, at_s=1.7e9)
    assert "113930" not in numbers(pydicom.dcmread(tmp_path / "sr.dcm"))


def test_advice_that_rests_on_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image"):
        write_protocol_sr(tmp_path / "sr.dcm", ADVICE, WHO, (), at_s=1.7e9)
    assert not list(tmp_path.iterdir())

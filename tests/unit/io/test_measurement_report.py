"""A Measurement Report and an Encapsulated PDF, out and in; the report also by another library's reading of TID 1500."""

from pathlib import Path

import highdicom as hd
import pydicom
import pytest

from gemel.core.errors import InputError, RangeError
from gemel.io.encapsulated_pdf import read_pdf_object, write_pdf_object
from gemel.io.identity import Identity
from gemel.io.interval import Interval, ucum, unit_in
from gemel.io.measurement_report import Grounds, Group, read_measurements, write_measurements

WHO = Identity("P1", "H", "1.2.3.4", patient_name="A^B")
AT = ("20260302", "080000")
EXPECTED = [
    Group(
        "next scan",
        "expected at the next scan",
        (Interval("prostate_mm[x]", "mm", 1.25, -2.0, 3.5), Interval("ln_bladder_ratio", "{ratio}", 0.1, -0.2, 0.4)),
    ),
    Group("day-1", "readouts of plan day-1", (Interval("a readout whose name is longer than a code may be", "Gy", 24.7, 24.1, 25.0),)),
]
PDF = b"%PDF-1.4\nodd"


def test_medians_and_intervals_come_back(tmp_path: Path) -> None:
    write_measurements(tmp_path / "a.dcm", EXPECTED, WHO, Grounds(AT))
    found = read_measurements(tmp_path / "a.dcm")
    assert [(group.name, group.what) for group in found] == [(group.name, group.what) for group in EXPECTED]
    for one, sent in zip((m for g in found for m in g.measured), (m for g in EXPECTED for m in g.measured), strict=True):
        assert (one.name, one.ucum) == (sent.name, sent.ucum)
        assert (one.median, one.low, one.high) == pytest.approx((sent.median, sent.low, sent.high), abs=1e-9)


def test_another_library_reads_the_template(tmp_path: Path) -> None:
    """highdicom's own reading of TID 1500, 1501 and 300, with the uncertainties of TID 310."""
    write_measurements(tmp_path / "a.dcm", EXPECTED, WHO, Grounds(AT))
    report = hd.sr.srread(tmp_path / "a.dcm").content
    assert isinstance(report, hd.sr.MeasurementReport)
    (measured,) = (
        m for group in report.get_image_measurement_groups() for m in group.get_measurements() if m.name.meaning == "prostate_mm[x]"
    )
    assert (measured.value, measured.unit.value, measured.derivation.value) == (1.25, "mm", "373099004")
    beside = {str(item.ConceptNameCodeSequence[0].CodeValue): item for item in measured[0].ContentSequence}
    assert float(beside["371886008"].MeasuredValueSequence[0].NumericValue) == pytest.approx(2.25)
    assert float(beside["371885007"].MeasuredValueSequence[0].NumericValue) == pytest.approx(3.25)


def test_what_cannot_be_said_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="without a number"):
        write_measurements(tmp_path / "a.dcm", [Group("a", "b", ())], WHO, Grounds(AT))
    with pytest.raises(RangeError, match="a median"):
        Interval("x", "mm", 3.0, 0.0, 1.0)
    with pytest.raises(RangeError, match="a median"):
        Interval("x", "mm", 1.0, 0.0, float("inf"))
    with pytest.raises(InputError, match="no PDF"):
        write_pdf_object(tmp_path / "a.dcm", b"<html>", WHO, title="t", at=AT)


UNITS = {
    "prostate_mm[x]": "mm",
    "outlined volume, mL": "mL",
    "enhancing volume / mL": "mL",
    "cells, % of the first visit": "%",
    "ln_blood_MBq_L": "{ln}",
    "blood_MBq_L": "MBq/L",
    "D_mm2_s": "mm2/s",
    "alpha_1_Gy": "/Gy",
    "loss_1": "1",
    "bladder_V20.8_cc": "cm3",
    "k": "1",
}


def test_units_are_codes_or_said_to_be_none() -> None:
    """A logarithm has no unit of what it is of, and a quotient not that of its denominator."""
    assert {name: ucum(unit_in(name)) for name in UNITS} == UNITS
    said = {"HU": "[hnsf'U]", "": "1", "points": "{points}", "points/fraction": "{points/fraction}", "Gy": "Gy"}
    assert {unit: ucum(unit) for unit in said} == said


def test_a_pdf_comes_back_without_its_padding(tmp_path: Path) -> None:
    write_pdf_object(tmp_path / "a.dcm", PDF + b"x", WHO, title="a report", at=AT)
    assert read_pdf_object(tmp_path / "a.dcm") == ("a report", PDF + b"x")
    assert len(pydicom.dcmread(tmp_path / "a.dcm").EncapsulatedDocument) % 2 == 0
    dataset = pydicom.dcmread(tmp_path / "a.dcm")
    dataset.EncapsulatedDocument = b"MZ" + b"\0" * 20
    dataset.save_as(tmp_path / "b.dcm")
    with pytest.raises(InputError, match="no PDF"):
        read_pdf_object(tmp_path / "b.dcm")

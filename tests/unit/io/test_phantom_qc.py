"""Daily checks in: slices, exposure and the tube's log; each thing that is wrong is one error that names it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemel.core.errors import GemelError, IdentityError, InputError
from gemel.io import read_quality
from tests.unit.io.quality_days import made_day, write_day


@pytest.fixture(scope="module")
def slices() -> Any:
    return made_day(3)


def test_a_check_is_read_as_it_was_written(slices: Any, tmp_path: Path) -> None:
    found = read_quality(write_day(tmp_path / "day", slices))
    assert found.day.exposure.words == "120 kV, 300 mAs, 5 mm, made"
    assert found.day.scanner.endswith("CT1")
    assert found.acquired.startswith("2023-11-17")
    assert len(found.day.slices) == 2
    for read, written in zip(found.day.slices, slices.slices):
        assert np.abs(read.array - written.array).max() <= 0.51
        assert read.spacing_mm[:2] == pytest.approx(written.spacing_mm[:2])
    assert found.day.tube == pytest.approx(slices.tube, abs=1e-3)


def test_current_and_time_make_a_load(slices: Any, tmp_path: Path) -> None:
    folder = write_day(tmp_path / "day", slices, Exposure=None, XRayTubeCurrent="600", ExposureTime="500")
    assert read_quality(folder).day.exposure.mAs == pytest.approx(300.0)


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"KVP": None}, "no KVP"),
        ({"Exposure": None}, "no Exposure"),
        ({"SliceThickness": None}, "SliceThickness"),
        ({"KVP": "0"}, "0 kV"),
        ({"Exposure": "-300"}, "-300 mAs"),
        ({"RescaleSlope": None}, "not in HU"),
        ({"RescaleSlope": "0"}, "RescaleSlope 0"),
        ({"RescaleType": "US"}, "not in HU"),
        ({"AcquisitionDate": None, "SeriesDate": None, "AcquisitionDateTime": None}, "without a time"),
        ({"SOPClassUID": "1.2.840.10008.5.1.4.1.1.4"}, "SOPClassUID"),
        ({"Modality": "MR"}, "modality MR"),
        ({"ImageOrientationPatient": [1, 0, 0, 0, 0.93969262, 0.34202014]}, "tilted by 20°"),
    ],
)
def test_a_header_that_does_not_say_how_it_was_exposed_is_refused(slices: Any, tmp_path: Path, tags: dict[str, Any], words: str) -> None:
    with pytest.raises(GemelError) as error:
        read_quality(write_day(tmp_path / "day", slices, **tags))
    assert words in str(error.value)
    assert error.value.where
    assert error.value.remedy


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("2023-11-17,0,300", "0 kV"),
        ("2023-11-17,120,-300", "-300 mAs"),
        ("2023-11-17,nan,300", "nan kV"),
        ("2123-11-17,120,300", "future"),
        ("17.11.2023,120,300", "a row"),
        ("2023-11-17,120", "a row"),
        ("2023-11-17,high,300", "a row"),
    ],
)
def test_a_tube_log_without_sense_is_refused_with_its_line(slices: Any, tmp_path: Path, rows: str, words: str) -> None:
    folder = write_day(tmp_path / "day", slices)
    (folder / "tube_log.csv").write_text(f"date,kV,mAs\n2023-11-16,120,300\n{rows}\n", encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_quality(folder)
    assert words in str(error.value)
    assert "line 3" in error.value.where


def test_only_the_days_own_rows_of_a_log_count(slices: Any, tmp_path: Path) -> None:
    folder = write_day(tmp_path / "day", slices)
    (folder / "tube_log.csv").write_text("date,kV,mAs\n2023-11-16,110,300\n2023-11-17,121,299\n", encoding="utf-8")
    assert read_quality(folder).day.tube.tolist() == [[121.0, 299.0]]


def test_folders_that_are_no_single_check_are_refused(slices: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        read_quality(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="0 CT slices"):
        read_quality(tmp_path / "empty")
    folder = write_day(tmp_path / "two", slices)
    other = write_day(tmp_path / "other", slices, Exposure="150")
    (folder / "other.dcm").write_bytes((other / "0.dcm").read_bytes())
    with pytest.raises(InputError, match="150 mAs"):
        read_quality(folder)
    station = write_day(tmp_path / "station", slices, StationName="CT2")
    (folder / "other.dcm").write_bytes((station / "0.dcm").read_bytes())
    with pytest.raises(InputError, match="CT2"):
        read_quality(folder)


def test_a_turned_or_flipped_slice_is_still_transverse(slices: Any, tmp_path: Path) -> None:
    for i, row in enumerate(([-1, 0, 0, 0, 1, 0], [0.96592583, 0.25881905, 0, -0.25881905, 0.96592583, 0])):
        assert len(read_quality(write_day(tmp_path / str(i), slices, ImageOrientationPatient=row)).day.slices) == 2


def test_slices_of_two_patients_are_no_check(slices: Any, tmp_path: Path) -> None:
    folder, other = write_day(tmp_path / "day", slices), write_day(tmp_path / "other", slices, PatientID="SOMEONE")
    (folder / "other.dcm").write_bytes((other / "0.dcm").read_bytes())
    with pytest.raises(IdentityError, match="SOMEONE"):
        read_quality(folder)


@pytest.mark.parametrize("text", [b"", b"\xff\xfe\x00", b"date;kV;mAs\n2023-11-17;120;300\n", b"a,b\n1,2\n"])
def test_a_log_without_its_header_is_not_passed_over(slices: Any, tmp_path: Path, text: bytes) -> None:
    folder = write_day(tmp_path / "day", slices)
    (folder / "tube_log.csv").write_bytes(text)
    with pytest.raises(GemelError, match="without its header"):
        read_quality(folder)


def test_a_byte_order_mark_before_the_log_is_taken(slices: Any, tmp_path: Path) -> None:
    folder = write_day(tmp_path / "day", slices)
    (folder / "tube_log.csv").write_bytes("date,kV,mAs\n2023-11-17,121,299\n".encode("utf-8-sig"))
    assert read_quality(folder).day.tube.tolist() == [[121.0, 299.0]]

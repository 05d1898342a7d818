"""DICOM JSON written from bytes, beside what pydicom makes of the same file; frames where they lie."""

import json
from pathlib import Path
from typing import Any

import pydicom
import pytest
from pydicom.encaps import generate_frames

from gemel.core.errors import InputError
from gemel.io.dicom_frames import frames_of
from gemel.io.dicom_json import dicom_json, value_at
from gemel.io.prescan import scan
from tests.hostile.build import element, file, item
from tests.hostile.crafted import fresh

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"
SOUND = ("CT_small", "MR_small_bigendian", "MR_small_implicit", "MR_small_RLE", "JPEG2000", "reportsi", "test-SR", "waveform_ecg",
    "liver_1frame", "examples_palette", "examples_overlay", "SC_rgb_rle_2frame", "rtdose_rle")  # fmt: skip


def _file(name: str) -> bytes:
    return next(FOLDER.rglob(f"{name}.dcm")).read_bytes()


def _alike(ours: Any, theirs: Any) -> None:
    """Equal, but for what the standard leaves open: empty sequences and values, retired group lengths, large values, text of UN."""
    for tag in (ours.keys() | theirs.keys()) - {tag for tag in theirs if tag.endswith("0000")} - {"00080005", "FFFCFFFC"}:
        mine, other = ours[tag], theirs.get(tag)
        if other is None or "BulkDataURI" in mine or other["vr"] == "UN":
            continue
        assert mine["vr"] == other["vr"], tag
        if mine["vr"] == "SQ":
            for a, b in zip(mine.get("Value", []), other.get("Value", []), strict=True):
                _alike(a, b)
        elif "Value" in mine:
            assert [_plain(value) for value in mine["Value"]] == [_plain(value) for value in other["Value"]], tag


def _plain(value: Any) -> Any:
    return None if value in ("", None) else value.strip() if isinstance(value, str) else value


@pytest.mark.parametrize("name", SOUND)
def test_the_JSON_is_that_of_pydicom(name: str) -> None:
    content = _file(name)
    read = pydicom.dcmread(next(FOLDER.rglob(f"{name}.dcm")))
    theirs = read.to_json_dict(bulk_data_threshold=1024, bulk_data_element_handler=lambda _: "x", suppress_invalid_tags=True)
    ours = json.loads(dicom_json(content, bulk="x", where=name))
    assert len(ours) > 10
    _alike(ours, theirs)


def test_a_large_value_is_left_out_named_and_found_again() -> None:
    deep = element(0x00081140, "SQ", item(b"") + item(element(0x00091010, "OB", bytes(range(256)) * 8)))
    content = file(fresh(), {0x00081140: deep})
    found = json.loads(dicom_json(content, bulk="/b", where="here"))
    assert found["7FE00010"] == {"vr": "OW", "BulkDataURI": "/b/7FE00010"}
    assert found["00081140"]["Value"] == [{}, {"00091010": {"vr": "OB", "BulkDataURI": "/b/00081140/2/00091010"}}]
    assert value_at(content, (0x00081140, 2, 0x00091010), "here") == bytes(range(256)) * 8
    assert value_at(content, (0x7FE00010,), "here") == content[-128:]
    assert value_at(content, (0x00081140, 3, 0x00091010), "here") is None


def test_numbers_that_are_none_are_JSON_all_the_same() -> None:
    replaced = {
        0x00281053: element(0x00281053, "DS", "NaN\\1e999\\ 1.5 "),
        0x00189074: element(0x00189087, "FD", b"\0\0\0\0\0\0\xf8\x7f\0\0\0\0\0\0\xf0\x7f"),
    }
    found = json.loads(dicom_json(file(fresh(), replaced), bulk="b", where="here"))
    assert found["00281053"]["Value"] == ["NaN", "1e999", 1.5]
    assert found["00189087"]["Value"] == [None, None]


@pytest.mark.parametrize("name", ["SC_rgb_rle_2frame", "JPEG2000", "MR_small_RLE", "SC_rgb_jpeg_dcmtk"])
def test_compressed_frames_are_those_of_pydicom(name: str) -> None:
    frames = frames_of(_file(name), name)
    read = pydicom.dcmread(next(FOLDER.rglob(f"{name}.dcm")))
    theirs = list(generate_frames(read.PixelData, number_of_frames=len(frames.spans)))
    assert [frames.stored(number) for number in range(1, len(frames.spans) + 1)] == theirs


def test_native_frames_lie_one_behind_the_other() -> None:
    content = file(fresh(), {0x00280008: element(0x00280008, "IS", "2"), 0x7FE00010: element(0x7FE00010, "OW", b"\1" * 128 + b"\2" * 128)})
    frames = frames_of(content, "here")
    assert frames.stored(2) == b"\2" * 128
    with pytest.raises(InputError, match="no frame 3 of 2"):
        frames.stored(3)
    with pytest.raises(InputError, match="without pixels"):
        frames_of(_file("test-SR"), "here")
    assert scan(content).tags["NumberOfFrames"] == "2"

"""Bytes from outside: what is let through, what is read of it, what is refused."""

import time
import zlib
from io import BytesIO
from pathlib import Path

import pydicom
import pytest
from pydicom.uid import DeflatedExplicitVRLittleEndian

from gemel.core.errors import IdentityError, InputError
from gemel.io.prescan import require_sound, scan, with_zero_preamble
from gemel.io.prescan_inflate import inflated
from tests.hostile.build import BIG, DEFLATED, EXPLICIT, data_set, element, file, fragments, head, us
from tests.hostile.crafted import (
    KEPT,
    Crafted,
    codecs,
    crafted,
    depths,
    fresh,
    heads,
    lengths,
    odd,
    orders,
    pixels,
    preambles,
    tables,
    texts,
    uids,
)

FILES = sorted((Path(pydicom.__file__).parent / "data" / "test_files").rglob("*.dcm"))
SMALL = [*lengths(), *depths(), *uids(), *preambles(), *texts(), *pixels(), *tables(), *orders(), *heads(), *codecs(), *odd()]
REFUSED = {
    "DICOMDIR-empty": "twice",
    "ExplVR_BigEndNoMeta": "no DICM",
    "ExplVR_LitEndNoMeta": "no DICM",
    "JPEGLSNearLossless_08": "no StudyInstanceUID",
    "JPEGLSNearLossless_16": "no StudyInstanceUID",
    "MR_truncated": "truncated",
    "SC_rgb_jls_lossy_line": "no StudyInstanceUID",
    "SC_rgb_jls_lossy_sample": "no StudyInstanceUID",
    "SC_rgb_jpeg": "unknown VR",
    "UN_sequence": "no SOPClassUID",
    "badVR": "calls itself",
    "empty_charset_LEI": "no UID",
    "image_dfl": "deflated",
    "meta_missing_tsyntax": "invalid UID",
    "nested_priv_SQ": "invalid UID",
    "no_meta": "no DICM",
    "no_meta_group_length": "no SOPClassUID",
    "priv_SQ": "no SOPClassUID",
    "rtdose": "calls itself",
    "rtdose_1frame": "calls itself",
    "rtdose_expb": "calls itself",
    "rtdose_expb_1frame": "calls itself",
    "rtplan": "calls itself",
    "rtplan_truncated": "truncated",
    "rtstruct": "no DICM",
}
"""Of the files that pydicom brings, those that are broken on purpose, and why they are refused."""


@pytest.mark.parametrize("one", SMALL, ids=[one.name for one in SMALL])
def test_a_crafted_class_ends_as_it_must(one: Crafted) -> None:
    content = one.make()
    if one.outcome == KEPT:
        assert scan(content).sop_instance_uid
    else:
        with pytest.raises(InputError) as refused:
            scan(content)
        assert refused.value.found
        assert refused.value.where.startswith(("the object received", "SOP", "Study", "Series", "Frame"))
        assert refused.value.remedy


def test_the_classes_have_names_of_their_own() -> None:
    names = [one.name for one in crafted()]
    assert len(names) == len(set(names)) >= 150


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_what_pydicom_reads_is_read_alike_or_refused_with_a_reason(path: Path) -> None:
    if path.stem in REFUSED:
        with pytest.raises(InputError, match=REFUSED[path.stem]):
            scan(path.read_bytes())
        return
    found, read = scan(path.read_bytes()), pydicom.dcmread(path)
    assert found.sop_instance_uid == read.SOPInstanceUID
    assert found.transfer_syntax == read.file_meta.TransferSyntaxUID
    assert not found.notes
    for keyword, value in found.tags.items():
        assert value.replace("\\", "") == "".join(str(part) for part in _parts(read[keyword].value)).strip(), keyword


def _parts(value: object) -> list[object]:
    return list(value) if isinstance(value, pydicom.multival.MultiValue) else [value]


def test_real_objects_are_let_through(shared_data: Path) -> None:
    files = [path for name in ("cort_dicom", "openkbp/pt_1_dicom", "pelvis_dicom") for path in sorted((shared_data / name).rglob("*.dcm"))]
    assert len(files) > 200
    others = [path for path in files if not path.name.startswith("CT")]
    assert {scan(path.read_bytes()).tags["Modality"] for path in (*files[::6], *others)} == {"CT", "RTSTRUCT", "RTDOSE"}


def test_a_slice_of_a_hundred_elements_is_scanned_within_a_millisecond() -> None:
    content = (FILES[0].parent / "CT_small.dcm").read_bytes()
    assert len(pydicom.dcmread(BytesIO(content))) > 75
    scan(content)
    assert min(_cpu_s(content) for _ in range(30)) < 0.003  # three times as much under the type checks of the tests


def _cpu_s(content: bytes) -> float:
    begun = time.process_time()
    scan(content)
    return time.process_time() - begun


def test_a_bare_data_set_is_read_by_its_transfer_syntax() -> None:
    uid = fresh()
    assert scan(data_set(uid), transfer_syntax=EXPLICIT).sop_instance_uid == uid
    with pytest.raises(InputError):
        scan(data_set(uid), transfer_syntax=BIG)
    with pytest.raises(InputError, match="unknown transfer syntax"):
        scan(data_set(uid), transfer_syntax="1.2.3")


def test_big_endian_and_implicit_are_read_like_explicit() -> None:
    read = pydicom.dcmread(FILES[0].parent / "CT_small.dcm")
    read.file_meta.clear()
    found = []
    for syntax, implicit, little in (("1.2.840.10008.1.2", True, True), (EXPLICIT, False, True), (BIG, False, False)):
        stream = BytesIO()
        read = pydicom.Dataset({tag: read[tag] for tag in read.keys() if little or tag < 0x7FE00010})  # noqa: SIM118
        pydicom.dcmwrite(stream, read, implicit_vr=implicit, little_endian=little, enforce_file_format=False)
        found.append(scan(_without_head(stream.getvalue()), transfer_syntax=syntax).tags)
    assert found[0] == found[1] == found[2]


def _without_head(content: bytes) -> bytes:
    """What follows group 2, where there is one."""
    return content[144 + int.from_bytes(content[140:144], "little") :] if content[128:132] == b"DICM" else content


def test_a_deflated_object_is_read_only_where_it_is_asked_for_and_within_its_ratio() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    content = head(uid := fresh(), DEFLATED) + packer.compress(data_set(uid)) + packer.flush()
    with pytest.raises(InputError, match="deflated"):
        scan(content)
    assert scan(content, deflated=True).transfer_syntax == DeflatedExplicitVRLittleEndian
    with pytest.raises(InputError, match="inflate to more than"):
        inflated(zlib.compress(bytes(1 << 20), 9)[2:-4], "here")
    with pytest.raises(InputError, match="without its end"):
        inflated(zlib.compress(bytes(range(256)) * 4)[2:-40], "here")


def test_a_name_is_decoded_by_its_character_set() -> None:
    for term, name in (
        ("ISO_IR 192", "Müller^Jörg"), ("ISO_IR 100", "Buc^Jérôme"), ("ISO_IR 144", "Люкceмбypг"), ("ISO_IR 126", "Διονυσιος"),
        ("GB18030", "Wang^XiaoDong=王^小东"), ("\\ISO 2022 IR 149", "Hong^Gildong=洪^吉洞"), ("\\ISO 2022 IR 87", "Yamada^Tarou=山田^太郎"),
    ):  # fmt: skip
        written = pydicom.Dataset()
        written.SpecificCharacterSet, written.PatientName = term.split("\\"), name
        stream = BytesIO()
        pydicom.dcmwrite(stream, written, implicit_vr=False, little_endian=True, enforce_file_format=False)
        replaced = {0x00080005: stream.getvalue()[: stream.getvalue().index(b"\x10\0\x10\0PN")], 0x00100010: _last(stream.getvalue())}
        assert scan(file(fresh(), replaced)).tags["PatientName"] == name, term


def _last(content: bytes) -> bytes:
    return content[content.index(b"\x10\0\x10\0PN") :]


def test_what_cannot_be_shown_is_replaced_and_told() -> None:
    found = scan(file(fresh(), {0x00100010: element(0x00100010, "PN", "a\x1b[2Jb")}))
    assert found.tags["PatientName"] == "a�[2Jb"
    assert any("PatientName" in note for note in found.notes)


def test_a_preamble_that_is_not_zero_is_told_and_can_be_zeroed() -> None:
    content = file(fresh(), preamble=b"written by ACME")
    assert not scan(content).preamble_is_zero
    assert scan(with_zero_preamble(content)).preamble_is_zero
    assert with_zero_preamble(content)[128:] == content[128:]


def test_a_UID_may_be_padded_by_one_byte_and_no_more() -> None:
    odd_uid, tag = "1.2.345", 0x0020000D
    assert scan(file(fresh(), {tag: element(tag, "UI", odd_uid)})).study_instance_uid == odd_uid
    for raw in (b"1.2.345\0\0\0", b"1.2.34\0\0", b" 1.2.345"):
        with pytest.raises(IdentityError):
            scan(file(fresh(), {tag: element(tag, "UI", raw)}))


def test_files_for_twins_need_structure_and_not_identity() -> None:
    content = file(fresh(), {0x0020000D: b""})
    require_sound(content, "here")
    with pytest.raises(IdentityError):
        scan(content)
    with pytest.raises(InputError, match="here"):
        require_sound(content[:-1], "here")


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_as_many_fragments_as_frames_at_least(frames: int) -> None:
    jpeg, tag = "1.2.840.10008.1.2.4.50", 0x00280008
    eight = {0x00280100: us(0x00280100, 8), 0x00280101: us(0x00280101, 8), 0x00280102: us(0x00280102, 7)}
    replaced = {**eight, tag: element(tag, "IS", str(frames)), 0x7FE00010: fragments(b"\xff\xd8", b"\xff\xd8")}
    if frames <= 2:
        scan(file(fresh(), replaced, jpeg))
    else:
        with pytest.raises(InputError, match="2 fragments of 3 frames"):
            scan(file(fresh(), replaced, jpeg))

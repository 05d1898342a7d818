"""What the node asks of others, against real peers on loopback: Orthanc, dcmtk's dcmqrscp, and pynetdicom."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest

from gemel.core.errors import InputError, PeerError
from gemel.service.node import commitment, query, query_retrieve
from gemel.service.node.rules import Peer
from gemel.service.node.scu import Ours, associated, context, echo
from gemel.service.node.sending_store import item_of, store
from tests.unit.service.node_peers import ORTHANC, free_port, orthanc, receiver, slices

GROUP_LENGTH = b"\x08\0\0\0UL\x04\0\x10\0\0\0"
OURS = Ours("GEMELJ", connect_s=3.0, answer_s=10.0)
needs_orthanc = pytest.mark.skipif(not ORTHANC.exists(), reason="Orthanc is not installed (apt install orthanc)")


@pytest.fixture(scope="module")
def listening() -> Iterator[tuple[Peer, list[tuple[str, bytes]], list[Any]]]:
    with receiver(aet="GEMELJ") as here:
        yield here


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory, listening: Any) -> Iterator[tuple[Peer, list[Path]]]:
    """An Orthanc that knows us and holds four slices that we sent."""
    folder = tmp_path_factory.mktemp("orthanc")
    with orthanc(folder, {"GEMELJ": listening[0].port}) as (peer, _):
        files = slices(folder / "ct")
        assert all(sent.stored for sent in store([item_of(path) for path in files], peer, OURS))
        yield peer, files


@pytest.fixture
def study(archive: tuple[Peer, list[Path]]) -> dict[str, str]:
    return {"StudyInstanceUID": str(pydicom.dcmread(archive[1][0]).StudyInstanceUID)}


@needs_orthanc
def test_an_archive_answers_echo_and_find_at_every_level(archive: tuple[Peer, list[Path]]) -> None:
    peer, files = archive
    assert echo(peer, OURS) < 5.0
    (patient,) = query.find("patient", {"PatientID": "P1"}, peer, OURS)
    assert patient["PatientName"] == "TEST^ONE"
    (study,) = query.find("study", {"PatientID": "P*"}, peer, OURS)
    (series,) = query.find("series", {"StudyInstanceUID": study["StudyInstanceUID"]}, peer, OURS)
    assert series["Modality"] == "CT"
    found = query.find("instance", {key: series[key] for key in ("StudyInstanceUID", "SeriesInstanceUID")}, peer, OURS)
    assert {row["SOPInstanceUID"] for row in found} == {item_of(path).sop_instance_uid for path in files}
    assert query.find("study", {"PatientID": "NOBODY"}, peer, OURS) == []


@needs_orthanc
def test_priors_come_by_move_and_by_get_with_the_same_bytes(archive: Any, listening: Any, study: dict[str, str], tmp_path: Path) -> None:
    peer, files = archive
    _, kept, _ = listening
    moved = query_retrieve.move(study, peer, OURS, to="GEMELJ")
    assert (moved.completed, moved.failed) == (4, 0)
    got: list[bytes] = []
    assert query_retrieve.get(study, peer, OURS, keep=got.append).completed == 4
    wanted = {item_of(path).sop_instance_uid: pydicom.dcmread(path) for path in files}
    for number, content in enumerate([content for _, content in kept[-4:]] + got):
        (path := tmp_path / f"{number}.dcm").write_bytes(content)
        found = pydicom.dcmread(path)
        assert found == wanted[str(found.SOPInstanceUID)]


@needs_orthanc
def test_a_title_that_the_archive_does_not_know_falls_back_to_get(archive: Any, study: dict[str, str]) -> None:
    stranger = Ours("STRANGER", connect_s=3.0, answer_s=10.0)
    with pytest.raises(PeerError):
        query_retrieve.move(study, archive[0], stranger, to="NOBODY")
    got: list[bytes] = []
    assert query_retrieve.pull(study, archive[0], stranger, keep=got.append).completed == len(got) == 4


@needs_orthanc
def test_an_object_that_we_refuse_is_told_to_the_archive_and_named(archive: Any, study: dict[str, str]) -> None:
    def refuse(content: bytes) -> None:
        raise InputError("a disk that is full", where="the archive", remedy="free some space")

    done = query_retrieve.get(study, archive[0], OURS, keep=refuse)
    assert (done.completed, done.failed) == (0, 4)
    assert sum("a disk that is full" in why for why in done.why) == 4


@needs_orthanc
def test_the_archive_answers_for_what_it_holds_on_an_association_of_its_own(archive: Any, listening: Any) -> None:
    peer, files = archive
    items = [item_of(path) for path in files]
    held = [commitment.Reference(item.sop_class_uid, item.sop_instance_uid) for item in items]
    strange = commitment.Reference(items[0].sop_class_uid, "1.2.3.4")
    now = commitment.ask([*held, strange], peer, OURS, transaction_uid="2.25.77", wait_s=0.5)
    end_s = time.monotonic() + 15.0
    while now is None and not listening[2] and time.monotonic() < end_s:
        time.sleep(0.05)
    report = now or commitment.report_of(listening[2][-1])
    assert report.transaction_uid == "2.25.77"
    assert {reference.sop_instance_uid for reference in report.committed} == {item.sop_instance_uid for item in items}
    assert [(reference, status) for reference, status in report.failed] == [(strange, commitment.NO_SUCH_OBJECT)]


def test_files_go_out_as_they_are(tmp_path: Path) -> None:
    """To the byte: also a group's length, which readers that write again leave out."""
    files = slices(tmp_path / "ct")
    odd = files[0].read_bytes()
    at = len(odd) - len(data_set(odd))
    files[0].write_bytes(odd[:at] + GROUP_LENGTH + odd[at:])
    with receiver() as (peer, kept, _):
        ends = store([item_of(path) for path in files], peer, OURS)
    assert [end.stored for end in ends] == [True] * 4
    assert [uid for uid, _ in kept] == [item_of(path).sop_instance_uid for path in files]
    for path, (_, content) in zip(files, kept):
        assert data_set(content) == data_set(path.read_bytes())
    assert data_set(kept[0][1]).startswith(GROUP_LENGTH)


def data_set(content: bytes) -> bytes:
    """What follows the file meta information."""
    return content[144 + int.from_bytes(content[140:144], "little") :]


def test_small_messages_leave_at_once() -> None:
    with receiver() as (peer, _, _), associated(peer, [context("1.2.840.10008.1.1")], OURS) as association:
        connected = association.dul.socket
        assert connected is not None
        assert connected.socket is not None
        assert connected.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_a_refused_file_is_named_with_the_reason_and_the_others_go(tmp_path: Path) -> None:
    items = [item_of(path) for path in slices(tmp_path / "ct")]
    with receiver(refuse=frozenset({items[1].sop_instance_uid})) as (peer, kept, _):
        ends = store(items, peer, OURS)
    assert [end.stored for end in ends] == [True, False, True, True]
    assert "0xC000" in ends[1].why
    assert not ends[1].later
    assert len(kept) == 3


def test_a_peer_that_is_busy_may_be_asked_later(tmp_path: Path) -> None:
    with receiver(answer=0xA700) as (peer, _, _):
        (end,) = store([item_of(slices(tmp_path / "ct", 1)[0])], peer, OURS)
    assert (end.stored, end.later) == (False, True)


def test_nobody_there_is_said_at_once_and_with_words(tmp_path: Path) -> None:
    nobody = Peer("NOBODY", "127.0.0.1", free_port())
    with pytest.raises(PeerError, match="check host, port"):
        echo(nobody, OURS)
    with pytest.raises(PeerError, match="no answer"):
        store([item_of(slices(tmp_path / "ct", 1)[0])], nobody, OURS)


def test_a_file_that_is_no_dicom_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match=r"notes\.txt"):
        item_of(tmp_path / "notes.txt")


def test_a_question_with_a_keyword_that_dicom_does_not_know_is_refused() -> None:
    with pytest.raises(InputError, match="PatientsID"):
        query.identifier("study", {"PatientsID": "P1"})


@pytest.mark.skipif(not Path("/usr/bin/dcmqrscp").exists(), reason="dcmtk is not installed (apt install dcmtk)")
def test_a_second_kind_of_archive_answers_too(tmp_path: Path) -> None:
    port, held = free_port(), tmp_path / "held"
    held.mkdir()
    (tmp_path / "dcmqrscp.cfg").write_text(
        f"NetworkTCPPort = {port}\nMaxPDUSize = 16384\nMaxAssociations = 8\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\nDCMTK {held} RW (9, 1024mb) ANY\nAETable END\n"
    )
    peer = Peer("DCMTK", "127.0.0.1", port)
    with subprocess.Popen(["/usr/bin/dcmqrscp", "-c", str(tmp_path / "dcmqrscp.cfg")]) as server:
        try:
            _wait_until_it_answers(peer)
            items = [item_of(path) for path in slices(tmp_path / "ct", 2)]
            assert all(end.stored for end in store(items, peer, OURS))
            (found,) = query.find("study", {"PatientID": "P1"}, peer, OURS)
            got: list[bytes] = []
            pulled = query_retrieve.get({"StudyInstanceUID": found["StudyInstanceUID"]}, peer, OURS, keep=got.append)
        finally:
            server.terminate()
    shutil.rmtree(held)
    assert pulled.completed == len(got) == 2


def _wait_until_it_answers(peer: Peer) -> None:
    for _ in range(50):
        try:
            echo(peer, OURS)
            return
        except PeerError:
            time.sleep(0.1)
    raise AssertionError("the peer does not start")

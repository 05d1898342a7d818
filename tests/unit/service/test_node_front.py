"""The node as a peer that keeps the standard sees it."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gemel.core.errors import InputError, StoreError
from gemel.service.node import Node
from gemel.service.node.front_limits import Limits
from gemel.service.node.front_peers import Allowed
from gemel.service.node.scp_request import Answer, Request
from tests.unit.service import node_wire as wire
from tests.unit.service.node_running import QUICK, node
from tests.unit.service.slices import bare, ct_slice

COMMITMENT = "1.2.840.10008.1.20.1"


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Node]:
    """A node with short times."""
    with node(tmp_path) as opened:
        yield opened


def send(port: int, number: int, **tags: object) -> int:
    """The status of one C-STORE."""
    line = wire.associated(port)
    with line.socket:
        line.send(wire.store(bare(ct_slice(number, **tags)), f"1.2.826.0.1.1.1.{number}"))
        return line.status()


def test_echo(running: Node) -> None:
    assert wire.echoed(running.port)


def test_answers_are_not_held_back(running: Node) -> None:
    line = wire.associated(running.port)
    with line.socket:
        (taken,) = running.shared.register.associated
        assert taken.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)  # type: ignore[attr-defined]


def test_an_object_is_durable_and_found_when_it_is_acknowledged(running: Node) -> None:
    archive = running.shared.offload.archive
    assert send(running.port, 1) == 0x0000
    (row,) = archive.find("instance", {})
    assert row["TransferSyntaxUID"] == wire.EXPLICIT
    content = archive.read("1.2.826.0.1.1.1.1")
    assert content.endswith(bare(ct_slice(1)))
    assert content[:132] == bytes(128) + b"DICM"
    assert b"TESTER" in content[:400]


def test_an_object_sent_twice_is_held_once(running: Node) -> None:
    assert [send(running.port, 1), send(running.port, 1)] == [0, 0]
    assert len(running.shared.offload.archive.find("instance", {})) == 1


def test_other_bytes_are_taken_with_a_warning(running: Node) -> None:
    assert [send(running.port, 1), send(running.port, 1, RescaleSlope=2)] == [0x0000, 0xB000]
    assert running.status()["events"]["quarantined"] == 1


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_fragments_of_any_size_join(running: Node, size: int) -> None:
    content = bare(ct_slice(1, Rows=8, Columns=8))
    line = wire.associated(running.port)
    with line.socket:
        whole = wire.store(content, "1.2.826.0.1.1.1.1", size=size)
        for at in range(0, len(whole), 777):
            line.send(whole[at : at + 777])
        assert line.status() == 0
    assert running.shared.offload.archive.read("1.2.826.0.1.1.1.1").endswith(content)


def test_several_values_in_one_unit_and_one_unit_in_single_bytes(running: Node) -> None:
    content = bare(ct_slice(1, Rows=8, Columns=8))
    asked = wire.command(0x0001, sop_class=wire.CT, instance="1.2.826.0.1.1.1.1", data=True)
    values = wire.fragment(3, 3, asked) + wire.fragment(3, 0, content[:100]) + wire.fragment(3, 2, content[100:])
    line = wire.associated(running.port)
    with line.socket:
        for byte in wire.unit(4, values)[:300]:
            line.send(bytes((byte,)))
        line.send(wire.unit(4, values)[300:])
        assert line.status() == 0


def test_messages_sent_ahead_are_answered_in_order(running: Node) -> None:
    line = wire.associated(running.port)
    with line.socket:
        line.send(b"".join(wire.store(bare(ct_slice(number)), f"1.2.826.0.1.1.1.{number}") + wire.echo() for number in range(1, 9)))
        assert [line.status() for _ in range(16)] == [0] * 16
    assert len(running.shared.offload.archive.files("1.2.826.0.1.1.1")) == 8


def test_a_thousand_echoes_behind_an_object_are_answered_in_order(running: Node) -> None:
    """As many as a call that called itself for each could not go down."""
    line = wire.associated(running.port)
    with line.socket:
        line.send(wire.store(bare(ct_slice(1, Rows=128, Columns=128)), "1.2.826.0.1.1.1.1") + wire.echo() * 1000)
        assert [line.status() for _ in range(1001)] == [0] * 1001


@pytest.mark.parametrize(
    ("content", "asked", "status"),
    [
        (bare(ct_slice(1))[:-20], "1.2.826.0.1.1.1.1", 0xC000),
        (b"nonsense" * 20, "1.2.826.0.1.1.1.1", 0xC000),
        (bare(ct_slice(1)), "1.2.826.0.1.1.1.2", 0xA900),
        (bare(ct_slice(1)).replace(b"1.2.826.0.1.1.1.1", b"../../etc/passwd\0"), "1.2.3", 0xA900),
    ],
)
def test_what_cannot_be_kept_is_refused_with_a_status(running: Node, content: bytes, asked: str, status: int) -> None:
    line = wire.associated(running.port)
    with line.socket:
        line.send(wire.store(content, asked))
        assert line.status() == status
        line.send(wire.echo())
        assert line.status() == 0
    assert running.shared.offload.archive.find("instance", {}) == []


def test_a_full_disk_is_out_of_resources(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    archive = running.shared.offload.archive

    def full(*arguments: object) -> None:
        raise StoreError("No space left on device", where="a segment", remedy="free some space")

    monkeypatch.setattr("gemel.service.archive.segments.append", full)
    assert send(running.port, 1) == 0xA700
    assert archive.find("instance", {}) == []
    monkeypatch.undo()
    assert send(running.port, 1) == 0x0000


def test_a_fault_of_our_own_is_answered(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemel.service.node.scp.scan", lambda *arguments, **named: 1 // 0)
    assert send(running.port, 1) == 0x0110


def test_a_great_object_waits_in_a_file(tmp_path: Path) -> None:
    with node(tmp_path, Limits(spooled_bytes=20_000, memory_bytes=10**6, free_bytes=1)) as running:
        assert send(running.port, 1, Rows=256, Columns=256) == 0
        assert running.shared.room.used == 0
        content = running.shared.offload.archive.read("1.2.826.0.1.1.1.1")
    assert content.endswith(bare(ct_slice(1, Rows=256, Columns=256)))
    assert {file.suffix for file in (tmp_path / "archive").iterdir()} <= {".segment", ".db", ""}


def test_a_great_object_for_which_no_file_can_be_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def scarce(**named: object) -> None:
        raise OSError(24, "Too many open files")

    with node(tmp_path, replace(QUICK, spooled_bytes=20_000)) as running:
        with monkeypatch.context() as patch:
            patch.setattr("gemel.service.node.front_body.tempfile.TemporaryFile", scarce)
            assert send(running.port, 1, Rows=256, Columns=256) == 0xA700
        assert send(running.port, 1, Rows=256, Columns=256) == 0


def test_a_great_object_without_room_on_the_disk_is_refused(tmp_path: Path) -> None:
    with node(tmp_path, Limits(spooled_bytes=20_000, free_bytes=1 << 60)) as running:
        assert send(running.port, 1, Rows=256, Columns=256) == 0xA700
        assert send(running.port, 2) == 0


def test_contexts_are_taken_by_what_is_known(running: Node) -> None:
    contexts = (
        (1, wire.VERIFICATION, ("1.2.3", wire.IMPLICIT)),
        (3, "1.2.840.99999.1", (wire.EXPLICIT,)),
        (5, wire.CT, ("1.2.840.10008.1.2.1.99",)),
        (7, wire.CT, ("1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.4.70")),
    )
    line = wire.connect(running.port)
    with line.socket:
        line.send(wire.request(contexts))
        _, body = line.unit()
    results = {body[at + 4]: body[at + 6] for at in range(68, len(body)) if body[at] == 0x21 and body[at + 1] == 0}
    assert results == {1: 0, 3: 3, 5: 4, 7: 0}  # deflate is not taken


def test_an_answer_keeps_to_the_peers_longest_unit(running: Node) -> None:
    line = wire.associated(running.port, longest=20)
    with line.socket:
        line.send(wire.echo())
        units = []
        while not units or not units[-1][1][5] & 2:
            units.append(line.unit())
        assert max(len(body) for _, body in units) <= 20
        assert len(units) > 3


@pytest.mark.parametrize(
    ("changes", "refusal"),
    [({"longest": 1}, (2, 3, 2)), ({"calling": "NOBODY"}, (1, 1, 3)), ({"called": "OTHER"}, (1, 1, 7))],
)
def test_who_may_not_come_in_is_told_why(tmp_path: Path, changes: dict[str, object], refusal: tuple[int, int, int]) -> None:
    limits = Limits(called_must_match=True)
    with node(tmp_path, limits, allowed=(Allowed("TESTER", ("127.0.0.0/8",)),)) as running:
        line = wire.connect(running.port)
        with line.socket:
            line.send(wire.request(**changes))  # type: ignore[arg-type]
            kind, body = line.unit()
        assert (kind, tuple(body[1:])) == (wire.REJECTED, refusal)
        assert wire.echoed(running.port)


def test_addresses_and_certificates_are_asked_for() -> None:
    from gemel.service.node.front_peers import is_allowed

    certificate = {"subject": ((("commonName", "ct1.hospital"),),), "subjectAltName": (("DNS", "ct2.hospital"),)}
    allowed = (Allowed("CT1", ("10.0.0.0/8",), "ct2.hospital"),)
    assert is_allowed(allowed, "CT1", "10.1.2.3", certificate)
    assert not is_allowed(allowed, "CT1", "10.1.2.3", None)
    assert not is_allowed(allowed, "CT1", "192.168.0.1", certificate)
    assert not is_allowed(allowed, "CT2", "10.1.2.3", certificate)
    with pytest.raises(InputError, match="no network"):
        Allowed("CT1", ("10.0.0.0/99",))


def test_another_service_is_answered_by_who_was_handed_in(tmp_path: Path) -> None:
    seen: list[Request] = []

    def commit(request: Request) -> Answer:
        seen.append(request)
        return Answer(0x0000)

    contexts = ((1, wire.VERIFICATION, (wire.IMPLICIT,)), (3, COMMITMENT, (wire.IMPLICIT,)))
    role = wire.item(0x54, len(COMMITMENT).to_bytes(2, "big") + COMMITMENT.encode() + b"\0\1")
    with node(tmp_path, handlers={COMMITMENT: commit}) as running:
        line = wire.connect(running.port)
        with line.socket:
            line.send(wire.request(contexts, user=role))
            assert COMMITMENT.encode() + b"\0\1" in line.unit()[1]
            asked = wire.command(0x0130, sop_class=COMMITMENT, instance="1.2.840.10008.1.20.1.1", data=True)
            line.send(wire.data(3, 3, asked) + wire.data(3, 2, b"\x08\0\0\0"))
            assert line.status() == 0
            line.send(wire.data(3, 3, wire.command(0x0001, sop_class=COMMITMENT, instance="1.2.3", data=True)) + wire.data(3, 2, b"xx"))
            assert line.status() != 0
    (request,) = seen
    assert (bytes(request.data), request.calling, request.host) == (b"\x08\0\0\0", "TESTER", "127.0.0.1")


def test_what_is_not_a_service_is_said(running: Node) -> None:
    line = wire.associated(running.port)
    with line.socket:
        line.send(wire.data(3, 3, wire.command(0x0020, sop_class=wire.CT)))
        assert line.status() == 0x0211


def test_the_port_of_another_is_an_error_in_words(running: Node, tmp_path: Path) -> None:
    from gemel.service.node import start
    from gemel.service.settings import Settings

    settings = Settings(store="unused", folder=tmp_path, dicom_port=running.port)
    with pytest.raises(InputError, match="--dicom-port"):
        start(settings, running.shared.offload.archive)


def test_it_closes_with_associations_open(tmp_path: Path) -> None:
    with node(tmp_path) as running:
        lines = [wire.associated(running.port) for _ in range(3)]
    assert [line.unit()[0] for line in lines] == [wire.ABORT] * 3
    for line in lines:
        line.socket.close()


def test_status(running: Node) -> None:
    send(running.port, 1)
    status = running.status()
    assert (status["aet"], status["received"], status["refused"]) == ("GEMEL", 1, 0)
    assert [peer["peer"] for peer in status["peers"]] == ["TESTER@127.0.0.1"]
    assert status["rate_per_s"] == 0.1
    assert status["disk_free_bytes"] > 0


def test_a_sender_with_nagles_algorithm_is_acknowledged_at_once(running: Node) -> None:
    """Small pieces from a sender that waits for acknowledgements: with delayed ones (40 ms each) this would take 2 s."""
    line = wire.associated(running.port)
    line.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)
    import time

    with line.socket:
        start_s = time.monotonic()
        for _ in range(25):
            asked = wire.echo()
            line.send(asked[:12])
            line.send(asked[12:])
            assert line.status() == 0
        assert time.monotonic() - start_s < 0.5


@pytest.mark.skipif(not shutil.which("/usr/bin/storescu"), reason="dcmtk's storescu is not installed")
def test_storescu_of_dcmtk(running: Node, tmp_path: Path) -> None:
    from tests.unit.service.slices import ct_file

    for number in (1, 2, 3):
        (tmp_path / f"{number}.dcm").write_bytes(ct_file(number))
    files = [str(path) for path in tmp_path.glob("*.dcm")]
    subprocess.run(["/usr/bin/storescu", "127.0.0.1", str(running.port), *files], check=True, timeout=30)
    assert len(running.shared.offload.archive.files("1.2.826.0.1.1.1")) == 3
    assert QUICK.artim_s == 1.0

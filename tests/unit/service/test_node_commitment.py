"""Storage commitment over the node's own front: others ask us, and others' reports reach the outbox."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE

from gemel.core.errors import InputError, PeerError
from gemel.service.node import commitment, sending_outbox
from gemel.service.node.commitment import CLASS_CONFLICT, NO_SUCH_OBJECT, Reference, Report
from gemel.service.node.commitment_scp import information
from gemel.service.node.rules import Peer
from gemel.service.node.scp_command import Command
from gemel.service.node.scp_request import Request
from gemel.service.node.scu import Ours, associated, context
from gemel.service.node.sending_outbox import DONE, STORED
from gemel.service.node.sending_store import item_of, store
from gemel.service.opening import open_service
from gemel.service.settings import Settings
from tests.unit.service.node_peers import Receiver, free_port, receiver, slices

PACS = Ours("PACS", connect_s=3.0, answer_s=10.0)
CT, MR = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4"


@pytest.fixture(scope="module")
def pacs() -> Iterator[Receiver]:
    with receiver(aet="PACS") as there:
        yield there


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, pacs: Receiver) -> Iterator[Any]:
    """A running service that knows the PACS."""
    folder = tmp_path_factory.mktemp("service")
    config = folder / "gemel.toml"
    config.write_text(f'[[destination]]\naet = "PACS"\nname = "pacs"\nhost = "127.0.0.1"\nport = {pacs[0].port}\nsend = ["CT"]\n')
    settings = Settings(str(folder / "twins.db"), folder / "service", dicom=True, dicom_port=0, config=config)
    with ExitStack() as things:
        yield open_service(settings, things)


@pytest.fixture(scope="module")
def node(service: Any) -> Peer:
    return Peer("GEMEL", "127.0.0.1", service.node.port)


def until(true: Callable[[], bool], within_s: float = 15.0) -> None:
    end_s = time.monotonic() + within_s
    while not true() and time.monotonic() < end_s:
        time.sleep(0.02)
    assert true()


def test_we_answer_for_what_is_durably_here_and_for_nothing_else(service: Any, node: Peer, pacs: Receiver, tmp_path: Path) -> None:
    items = [item_of(path) for path in slices(tmp_path / "ct", 2)]
    assert all(end.stored for end in store(items, node, PACS))
    held = [Reference(CT, item.sop_instance_uid) for item in items]
    wrong = [Reference(MR, items[0].sop_instance_uid), Reference(CT, "1.2.3.4")]
    before = len(pacs[2])
    assert commitment.ask([*held, *wrong], node, PACS, transaction_uid="2.25.5", wait_s=0.1) is None
    until(lambda: len(pacs[2]) > before)
    report = commitment.report_of(pacs[2][-1])
    assert report.transaction_uid == "2.25.5"
    assert set(report.committed) == set(held)
    assert dict(report.failed) == {wrong[0]: CLASS_CONFLICT, wrong[1]: NO_SUCH_OBJECT}


def test_a_stranger_is_told_nothing_and_the_node_lives_on(service: Any, node: Peer) -> None:
    stranger = Ours("STRANGER", connect_s=3.0, answer_s=10.0)
    assert commitment.ask([Reference(CT, "1.2.3")], node, stranger, transaction_uid="2.25.6", wait_s=0.1) is None
    assert commitment.ask([Reference(CT, "1.2.3")], node, PACS, transaction_uid="2.25.7", wait_s=0.1) is None


def test_a_report_on_the_peers_own_association_ends_the_waiting(service: Any, node: Peer, tmp_path: Path) -> None:
    (path,) = slices(tmp_path / "ct", 1, seed=3)
    item, outbox = item_of(path), service.work.post.outbox
    named = Reference(item.sop_class_uid, item.sop_instance_uid)
    sending_outbox.put(outbox, path.read_bytes(), named, "elsewhere", kind="CT", twin="t1", now_s=1.0)
    (one,) = [row for row in sending_outbox.latest(outbox) if row.destination == "elsewhere"]
    sending_outbox.keep(outbox, replace(one, state=STORED, asked="2.25.9", due_s=1e12))
    commitment.deliver(Report("2.25.9", (named,)), node, PACS)
    until(lambda: [row.state for row in sending_outbox.latest(outbox) if row.destination == "elsewhere"] == [DONE])


@pytest.mark.parametrize(
    ("action", "instance"), [(2, commitment.WELL_KNOWN), (commitment.ASK, "1.2.3")], ids=["an action that is none", "another instance"]
)
def test_requests_that_mean_nothing_are_refused(node: Peer, action: int, instance: str) -> None:
    asked = commitment.request_of([Reference(CT, "1.2.3")], "2.25.8")
    with associated(node, [context(commitment.PUSH_MODEL)], PACS) as association:
        answer, _ = association.send_n_action(asked, action, commitment.PUSH_MODEL, instance)
    assert answer.Status in (0x0123, 0x0112)


def test_a_request_without_objects_is_refused(node: Peer) -> None:
    empty = Dataset()
    empty.TransactionUID = "2.25.8"
    with associated(node, [context(commitment.PUSH_MODEL)], PACS) as association:
        answer, _ = association.send_n_action(empty, commitment.ASK, commitment.PUSH_MODEL, commitment.WELL_KNOWN)
    assert answer.Status == 0x0115


@pytest.mark.parametrize("data", [b"\x08\x00\x99\x11\xff\xff\xff\x7f", b"\x08\x00\x99\x11SQ\0\0\xff\xff\xff\xff" * 200, b"\x01", bytes(64)])
def test_bytes_that_lie_are_refused_before_they_are_read(data: bytes) -> None:
    command = Command(0x0130, 1, commitment.PUSH_MODEL, commitment.WELL_KNOWN, True, {})
    with pytest.raises(InputError):
        information(Request(command, memoryview(data), commitment.PUSH_MODEL, "1.2.840.10008.1.2.1", "X", "GEMEL", "127.0.0.1"))


@pytest.mark.parametrize("uid", [b"*\0", b"1..2", b"../etc/x\0", b"1.2\x00.3"])
def test_a_uid_that_is_none_is_never_looked_for(uid: bytes) -> None:
    inner = _element(0x00081150, CT.encode() + b"\0") + _element(0x00081155, uid)
    data = _element(0x00081195, b"2.25.8") + _element(0x00081199, _element(0xFFFEE000, inner))
    command = Command(0x0130, 1, commitment.PUSH_MODEL, commitment.WELL_KNOWN, True, {})
    request = Request(command, memoryview(data), commitment.PUSH_MODEL, "1.2.840.10008.1.2", "X", "GEMEL", "127.0.0.1")
    with pytest.raises(InputError, match="an invalid UID"):
        commitment.requested(information(request))


def _element(tag: int, value: bytes) -> bytes:
    """Implicit VR little endian."""
    return (tag >> 16).to_bytes(2, "little") + (tag & 0xFFFF).to_bytes(2, "little") + len(value).to_bytes(4, "little") + value


def test_a_peer_that_does_not_know_the_service_says_so() -> None:
    entity = AE("ECHO")
    entity.add_supported_context("1.2.840.10008.1.1")
    port = free_port()
    server = entity.start_server(("127.0.0.1", port), block=False)
    try:
        with pytest.raises(PeerError, match="none of the object kinds"):
            commitment.ask([Reference(CT, "1.2.3")], Peer("ECHO", "127.0.0.1", port), PACS, transaction_uid="2.25.8")
    finally:
        server.shutdown()

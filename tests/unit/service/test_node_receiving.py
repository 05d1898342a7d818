"""Several receiving processes keep what one promises: one archive, one order of objects, and nothing lost with a process that dies."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gemel.service.node import Node, receiving, receiving_memory, receiving_words
from gemel.service.node.front_limits import Limits, receivers_of, share
from gemel.service.node.front_offload import Offload
from gemel.service.node.scp_request import Answer, Request
from tests.unit.service import node_wire as wire
from tests.unit.service.node_running import QUICK, node
from tests.unit.service.slices import bare, ct_slice
from tests.unit.service.test_node_front import COMMITMENT, send

pytestmark = pytest.mark.skipif(receivers_of(Limits(receivers=2)) < 2, reason="memory is shared by file on Linux alone")
TWO = replace(QUICK, receivers=2)


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Node]:
    """A node of two receiving processes."""
    with node(tmp_path, TWO) as opened:
        yield opened


def until(true: Callable[[], bool]) -> None:
    """Waits until something is so."""
    end_s = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end_s, "it did not come about"
        time.sleep(0.01)


def connected(running: Node) -> list[int]:
    """How many connections each process has."""
    assert running.staff is not None
    return [len(receiver.lines) for receiver in running.staff.receivers]


def test_an_object_is_durable_and_found_when_it_is_acknowledged(running: Node) -> None:
    assert send(running.port, 1) == 0x0000
    assert running.offload.archive.read("1.2.826.0.1.1.1.1").endswith(bare(ct_slice(1)))
    assert wire.echoed(running.port)


def test_the_connections_of_a_peer_are_spread(running: Node) -> None:
    lines = [wire.associated(running.port) for _ in range(6)]
    assert connected(running) == [3, 3]
    assert running.status()["associations"] == 6
    for line in lines[::2]:  # all that one of them has
        line.socket.close()
    until(lambda: sum(connected(running)) == 3)
    more = [wire.associated(running.port) for _ in range(3)]
    assert connected(running) == [3, 3]
    for line in lines[1::2] + more:
        line.socket.close()


def test_two_processes_with_one_uid_at_once_serve_one_and_keep_the_other_apart(running: Node) -> None:
    """The same UID with other bytes from eight associations of two processes: one is served, seven are told of it."""
    lines = [wire.associated(running.port) for _ in range(8)]
    contents = [wire.store(bare(ct_slice(1, RescaleSlope=1 + number)), "1.2.826.0.1.1.1.1") for number in range(8)]

    def sent(number: int) -> int:
        with lines[number].socket:
            lines[number].send(contents[number])
            return lines[number].status()

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(sent, range(8)))
    assert statuses == [0x0000] + [0xB000] * 7
    assert len(running.offload.archive.find("instance", {})) == 1
    assert len(running.offload.archive.quarantined()) == 7


def test_the_same_bytes_through_two_processes_are_held_once(running: Node) -> None:
    lines = [wire.associated(running.port) for _ in range(2)]
    for line in lines:
        with line.socket:
            line.send(wire.store(bare(ct_slice(1)), "1.2.826.0.1.1.1.1"))
            assert line.status() == 0
    assert len(running.offload.archive.find("instance", {})) == 1
    assert running.offload.archive.quarantined() == []


def test_memory_is_used_again_for_what_comes_next(running: Node) -> None:
    """Objects of several sizes, one after the other and ahead of each other, arrive as they were sent."""
    line = wire.associated(running.port)
    with line.socket:
        slices = {number: bare(ct_slice(number, Rows=8 * number, Columns=64)) for number in range(1, 21)}
        for number, content in slices.items():
            line.send(wire.store(content, f"1.2.826.0.1.1.1.{number}"))
        assert [line.status() for _ in slices] == [0] * 20
    for number, content in slices.items():
        assert running.offload.archive.read(f"1.2.826.0.1.1.1.{number}").endswith(content)


def test_a_great_object_waits_in_a_file(tmp_path: Path) -> None:
    with node(tmp_path, Limits(receivers=2, spooled_bytes=20_000, free_bytes=1)) as running:
        assert send(running.port, 1, Rows=256, Columns=256) == 0
        assert running.offload.archive.read("1.2.826.0.1.1.1.1").endswith(bare(ct_slice(1, Rows=256, Columns=256)))
    with node(tmp_path, Limits(receivers=2, spooled_bytes=20_000, free_bytes=1 << 60)) as running:
        assert send(running.port, 2, Rows=256, Columns=256) == 0xA700


def test_what_cannot_be_kept_is_refused_with_a_status(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    assert send(running.port, 1, StudyInstanceUID="") == 0xA900
    monkeypatch.setattr("gemel.service.node.scp.scan", lambda *arguments, **named: 1 // 0)
    assert send(running.port, 1) == 0x0110


def test_another_service_is_answered_by_who_was_handed_in(tmp_path: Path) -> None:
    seen: list[tuple[bytes, str, dict[int, int]]] = []

    def commit(request: Request) -> Answer:
        seen.append((bytes(request.data), request.calling, dict(request.command.numbers)))
        return Answer(0x0000, b"\x08\0\1\0")

    contexts = ((1, wire.VERIFICATION, (wire.IMPLICIT,)), (3, COMMITMENT, (wire.IMPLICIT,)))
    with node(tmp_path, TWO, handlers={COMMITMENT: commit}) as running:
        line = wire.connect(running.port)
        with line.socket:
            line.send(wire.request(contexts))
            line.unit()
            asked = wire.command(0x0130, sop_class=COMMITMENT, instance="1.2.840.10008.1.20.1.1", data=True)
            line.send(wire.data(3, 3, asked) + wire.data(3, 2, b"\x08\0\0\0"))
            assert line.status() == 0
            assert line.unit()[1].endswith(b"\x08\0\1\0")
    ((data, calling, numbers),) = seen
    assert (data, calling, numbers[0x0100]) == (b"\x08\0\0\0", "TESTER", 0x0130)


def test_a_process_that_dies_is_replaced_and_takes_nothing_along(running: Node) -> None:
    assert running.staff is not None
    lines = [wire.associated(running.port) for _ in range(4)]
    for number, line in enumerate(lines, 1):
        line.send(wire.store(bare(ct_slice(number)), f"1.2.826.0.1.1.1.{number}"))
        assert line.status() == 0
    first = running.staff.receivers[0]
    os.kill(first.process.pid, signal.SIGKILL)
    until(lambda: first not in running.staff.receivers)  # type: ignore[union-attr]
    assert wire.echoed(running.port)
    alive = [line for line in lines if _answers(line)]
    assert len(alive) == 2
    until(lambda: sum(receiver.ready for receiver in running.staff.receivers) == 2)  # type: ignore[union-attr]
    assert {send(running.port, number) for number in range(1, 9)} == {0}
    assert len(running.offload.archive.find("instance", {})) == 8
    for line in lines:
        line.socket.close()


def test_many_may_ask_for_the_counts_at_once(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that many look at: an answer that comes too late is nobody's, and the processes are heard on."""
    assert running.staff is not None
    before = list(running.staff.receivers)
    with monkeypatch.context() as impatient:
        impatient.setattr(receiving, "ANSWER_S", 0.0)
        for _ in range(20):
            running.status()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: running.status()["associations"], range(40)))
    assert found == [0] * 40
    assert {send(running.port, number) for number in range(1, 5)} == {0}
    assert running.staff.receivers == before
    assert not any(receiver.counted for receiver in before)


def test_a_process_that_cannot_be_understood_is_replaced(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its peers see the connection end; nobody waits for an answer that never comes."""
    monkeypatch.setattr(receiving, "SHORT_LIFE_S", 0.01)
    assert running.staff is not None
    before = list(running.staff.receivers)
    with monkeypatch.context() as broken:
        broken.setattr(receiving_words, "request_of", lambda *arguments: 1 // 0)
        assert send(running.port, 1) == -1
        until(lambda: running.staff.receivers != before)  # type: ignore[union-attr]
    until(lambda: sum(receiver.ready for receiver in running.staff.receivers) == 2)  # type: ignore[union-attr]
    assert send(running.port, 1) == 0


def test_a_system_that_gives_no_process_is_asked_again(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "SHORT_LIFE_S", 0.01)
    assert running.staff is not None
    first, tries, begun = running.staff.receivers[0], list[object](), subprocess.Popen

    def scarce(*arguments: Any, **named: Any) -> Any:
        tries.append(arguments)
        if len(tries) < 3:
            raise BlockingIOError(11, "Resource temporarily unavailable")
        return begun(*arguments, **named)

    monkeypatch.setattr("gemel.service.node.receiving.subprocess.Popen", scarce)
    first.process.kill()
    until(lambda: len(tries) == 3 and sum(receiver.ready for receiver in running.staff.receivers) == 2)  # type: ignore[union-attr]
    assert first not in running.staff.receivers


@pytest.mark.parametrize("told", [signal.SIGINT, signal.SIGTERM])
def test_who_tells_the_whole_group_to_end_ends_no_association(running: Node, told: signal.Signals) -> None:
    """Ctrl-C and systemd signal every process: the service says when to end, and peers are told."""
    assert running.staff is not None
    line = wire.associated(running.port)
    for receiver in running.staff.receivers:
        os.kill(receiver.process.pid, told)
    with line.socket:
        assert _answers(line)


def test_it_closes_when_all_that_was_handed_over_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []

    def slow(offload: Offload, line: int) -> None:
        time.sleep(0.2)
        done.append(line)

    monkeypatch.setattr(Offload, "left", slow)
    with node(tmp_path, TWO) as running:
        lines = [wire.associated(running.port) for _ in range(2)]
    assert len(done) == 2
    for line in lines:
        line.socket.close()


def _answers(line: wire.Wire) -> bool:
    line.send(wire.echo())
    return line.status() == 0


def test_receivers_end_with_the_service(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.unit.service.node_server", str(tmp_path), '{"receivers": 2, "free_bytes": 1}']
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert wire.echoed(int(process.stdout.readline()))
        children = _children(process.pid)
        assert len(children) == 2
        process.kill()
    until(lambda: not any(Path(f"/proc/{child}").exists() for child in children))


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_it_closes_with_associations_open(tmp_path: Path) -> None:
    with node(tmp_path, TWO) as running:
        lines = [wire.associated(running.port) for _ in range(3)]
    assert [line.unit()[0] for line in lines] == [wire.ABORT] * 3
    for line in lines:
        line.socket.close()


def test_status_is_of_all_of_them(running: Node) -> None:
    assert [send(running.port, number) for number in (1, 2, 2)] == [0] * 3
    assert send(running.port, 2, RescaleSlope=2) == 0xB000
    status = running.status()
    assert (status["received"], status["events"]["quarantined"], status["refused"]) == (3, 1, 0)
    assert [(peer["peer"], peer["objects"]) for peer in status["peers"]] == [("TESTER@127.0.0.1", 4)]


def test_a_receiving_process_imports_little() -> None:
    """Without NumPy, pydicom and SQLite it starts in a moment and is small."""
    script = "import sys, gemel.service.node.receiving_child; sys.exit(' '.join({'numpy', 'pydicom', 'sqlite3'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stderr == "\n"


def test_limits_are_shared_out() -> None:
    parts = share(Limits(waiting=10, associations=7), 4)
    assert (parts.waiting, parts.associations, parts.object_bytes) == (3, 2, Limits().object_bytes)
    assert receivers_of(Limits(receivers=1)) == 1


def test_memory_that_could_be_made_shorter_is_not_mapped() -> None:
    with pytest.raises(OSError, match="shorter"):
        receiving_memory.mapped(os.memfd_create("open", os.MFD_ALLOW_SEALING))


def test_memory_goes_back_after_a_great_object() -> None:
    slots = receiving_memory.slots_of(8 << 20)
    slot = receiving_memory.take(slots)
    slot.view[: 8 << 20] = b"\1" * (8 << 20)
    slot.used = 8 << 20
    receiving_memory.give(slots, slot)
    assert os.fstat(slot.file).st_blocks * 512 <= receiving_memory.KEPT_BYTES
    assert receiving_memory.take(slots) is slot

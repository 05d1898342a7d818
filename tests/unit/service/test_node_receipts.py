"""What comes over DICOM is in the audit log: one row an association and series, one at the end, and nothing is kept without."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gemel.core.errors import StoreError
from gemel.service.node import Node
from gemel.service.node.front_peers import Allowed
from gemel.service.node.receipts import Receipts
from gemel.service.node.receipts_refused import HOSTS, QUIET_S, Refusals, row
from gemel.service.node.scp_request import Answer
from gemel.service.security.audit import open_audit
from gemel.service.security.audit_check import findings
from gemel.service.security.subjects import subject_of_person
from tests.unit.service import node_wire as wire
from tests.unit.service.node_running import QUICK, node
from tests.unit.service.slices import bare, ct_slice
from tests.unit.service.test_node_front import COMMITMENT
from tests.unit.service.test_node_receiving import until

KEY = b"k" * 32


@pytest.fixture(params=[1, 2])
def running(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node that writes down what comes, in one process and in several."""
    audit = open_audit(tmp_path)
    asked: dict[str, Any] = {"handlers": {COMMITMENT: lambda asked: Answer(0)}, "receipts": Receipts(audit, KEY)}
    with node(tmp_path, replace(QUICK, receivers=request.param), **asked) as opened:
        yield opened
    audit.close()


def rows(running: Node) -> list[tuple[str, ...]]:
    """Action, outcome, user, peer, place and detail of each row."""
    assert running.offload.receipts is not None
    database = running.offload.receipts.audit.database
    names = ", ".join(f"body ->> '$.{name}'" for name in ("action", "outcome", "user", "peer", "place", "detail"))
    return database.select(f"SELECT {names} FROM audit ORDER BY sequence")


def stored(line: wire.Wire, number: int, series: int = 1, **tags: object) -> int:
    """The status of one C-STORE."""
    line.send(wire.store(bare(ct_slice(number, series=series, **tags)), f"1.2.826.0.1.1.{series}.{number}"))
    return line.status()


def test_a_row_a_series_and_one_at_the_end(running: Node) -> None:
    line = wire.associated(running.port)
    with line.socket:
        assert [stored(line, number) for number in (1, 2, 3)] == [0] * 3
        assert len(rows(running)) == 1
        assert [stored(line, 1, series=2), stored(line, 1, RescaleSlope=2), stored(line, 4, StudyInstanceUID="")] == [0, 0xB000, 0xA900]
    until(lambda: len(rows(running)) == 3)
    who = ("TESTER@127.0.0.1", "127.0.0.1")
    assert rows(running) == [
        ("dicom:receive", "begun", *who, "/studies/1.2.826.0.1.1/series/1.2.826.0.1.1.1", ""),
        ("dicom:receive", "begun", *who, "/studies/1.2.826.0.1.1/series/1.2.826.0.1.1.2", ""),
        ("dicom:receive", "ended", *who, "", "1 in quarantine, 4 kept, 1 refused; 2 series"),
    ]


def test_rows_name_the_patient_by_pseudonym_in_the_chain(running: Node) -> None:
    line = wire.associated(running.port)
    with line.socket:
        assert stored(line, 1) == 0
    until(lambda: len(rows(running)) == 2)
    assert running.offload.receipts is not None
    database = running.offload.receipts.audit.database
    found = database.select("SELECT body ->> '$.subjects' FROM audit")
    assert found == [(f'["{subject_of_person(KEY, "P1")}"]',)] * 2
    assert findings(database) == []


def test_what_cannot_be_written_down_is_not_kept(running: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: object) -> None:
        raise StoreError("the disk is full", where="audit.db", remedy="free some space")

    line = wire.associated(running.port)
    with line.socket:
        with monkeypatch.context() as broken:
            broken.setattr("gemel.service.security.audit._insert", full)
            assert stored(line, 1) == 0xA700
        assert running.offload.archive.find("instance", {}) == []
        assert stored(line, 1) == 0


def test_a_question_is_written_down_before_it_is_answered(running: Node) -> None:
    line = wire.connect(running.port)
    with line.socket:
        line.send(wire.request(((1, wire.VERIFICATION, (wire.IMPLICIT,)), (3, COMMITMENT, (wire.IMPLICIT,)))))
        line.unit()
        line.send(wire.data(3, 3, wire.command(0x0130, sop_class=COMMITMENT, instance="1.2.840.10008.1.20.1.1", data=True)))
        line.send(wire.data(3, 2, b"\x08\0\0\0"))
        assert line.status() == 0
    time.sleep(0.2)  # nothing is added at the end: no object came
    assert [row[:3] for row in rows(running)] == [("dicom:commit", "asked", "TESTER@127.0.0.1")]


def test_an_echo_and_an_association_without_objects_leave_no_row(running: Node) -> None:
    assert wire.echoed(running.port)
    time.sleep(0.1)
    assert rows(running) == []


def test_associations_that_break_off_leave_nothing_behind(running: Node) -> None:
    for number in range(5):
        line = wire.associated(running.port)
        line.send(wire.store(bare(ct_slice(number)), f"1.2.826.0.1.1.1.{number}") + wire.unit(wire.ABORT, bytes(4)))
        line.socket.close()
    assert running.offload.receipts is not None
    until(lambda: not running.offload.receipts.open and len(rows(running)) >= 5)  # type: ignore[union-attr]


@pytest.mark.parametrize("receivers", [1, 2])
def test_who_may_not_call_is_in_the_log_once_a_minute(tmp_path: Path, receivers: int) -> None:
    audit = open_audit(tmp_path)
    asked: dict[str, Any] = {"allowed": (Allowed("CT1"),), "receipts": Receipts(audit, KEY)}
    with node(tmp_path, replace(QUICK, receivers=receivers), **asked) as running:
        for _ in range(3):
            line = wire.connect(running.port)
            with line.socket:
                line.send(wire.request(calling="MALLORY"))
                assert line.unit()[0] == wire.REJECTED
        until(lambda: len(rows(running)) == 1)
        assert rows(running) == [("dicom:associate", "refused", "MALLORY@127.0.0.1", "127.0.0.1", "", "")]
        refusals = running.offload.receipts.refusals  # type: ignore[union-attr]
        until(lambda: refusals.tried["127.0.0.1"].since == 2)
    audit.close()


def test_refusals_are_summed_up_and_cannot_fill_the_log() -> None:
    refusals = Refusals()
    made = [row(refusals, "MALLORY", "10.0.0.1", now_s) for now_s in (0.0, 1.0, QUIET_S - 1, QUIET_S + 1)]
    assert [entry.detail if entry else None for entry in made] == ["", None, None, "2 more since its last row"]
    many = [row(refusals, "MALLORY", f"10.1.{n // 256}.{n % 256}", QUIET_S + 2) for n in range(3 * HOSTS)]
    assert sum(entry is not None for entry in many) == HOSTS
    assert len(refusals.tried) == HOSTS + 1
    assert row(refusals, "MALLORY", "10.2.0.1", 3 * QUIET_S) is not None
    assert len(refusals.tried) < HOSTS

"""Results on their way out: sent once, answered for, repeated with patience, never twice."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pydicom
import pytest

from gemel import store
from gemel.core.errors import PeerError, StoreError
from gemel.service.jobs.running import LAID_OUT
from gemel.service.node import routing_book as books
from gemel.service.node import sending, sending_outbox, sending_results
from gemel.service.node.commitment import Reference, Report, report_of
from gemel.service.node.rules import Destination, Peer, Routing
from gemel.service.node.scu import Ours
from gemel.service.node.sending import Post
from gemel.service.node.sending_outbox import DEAD, DONE, STORED, WAITING, Outbox
from gemel.service.node.sending_results import Maker
from gemel.service.node.sending_store import item_of
from gemel.service.node.sending_web import stow
from tests.unit.service.node_peers import DICOMWEB, ORTHANC, free_port, orthanc, receiver, slices

OURS = Ours("GEMELJ", connect_s=3.0, answer_s=10.0)


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    book = books.open_book(tmp_path / "service")
    yield Outbox(book, tmp_path / "service" / "outbox")
    book.close()


def post(outbox: Outbox, peer: Peer, **told: Any) -> Post:
    to = Destination(peer, send=("CT",), **told)
    return Post(outbox, Routing(destinations=(to,), attempts=3, retry_s=20.0), OURS, here_s=0.2)


def put(outbox: Outbox, files: list[Path], to: str) -> list[bool]:
    items = [item_of(path) for path in files]
    named = [Reference(item.sop_class_uid, item.sop_instance_uid) for item in items]
    return [sending_outbox.put(outbox, i.path.read_bytes(), n, to, kind="CT", twin="t1", now_s=100.0) for i, n in zip(items, named)]


def states(outbox: Outbox) -> list[str]:
    return sorted(one.state for one in sending_outbox.latest(outbox))


def test_what_is_put_out_is_stored_answered_for_and_never_sent_again(outbox: Outbox, tmp_path: Path) -> None:
    files = slices(tmp_path / "ct", 3)
    with receiver() as (peer, kept, told):
        here = post(outbox, peer)
        assert put(outbox, files, "store") == [True] * 3
        assert put(outbox, files, "store") == [False] * 3
        sending.step(here, 101.0)
        assert len(kept) == 3
        assert states(outbox) == [STORED] * 3
        asked = told[-1]
        references = tuple(Reference(str(i.ReferencedSOPClassUID), str(i.ReferencedSOPInstanceUID)) for i in asked.ReferencedSOPSequence)
        assert {r.sop_instance_uid for r in references} == {item_of(path).sop_instance_uid for path in files}
        assert sending_outbox.answered(outbox, Report("1.2.3", references), here.routing, 102.0) == 0  # not our transaction
        assert sending_outbox.answered(outbox, Report(str(asked.TransactionUID), references), here.routing, 102.0) == 3
        assert states(outbox) == [DONE] * 3
        assert list(outbox.folder.iterdir()) == []
        assert put(outbox, files, "store") == [False] * 3
        sending.step(here, 1e6)
    assert len(kept) == 3


def test_the_book_on_the_disk_prevents_a_second_sending_after_a_restart(outbox: Outbox, tmp_path: Path) -> None:
    files = slices(tmp_path / "ct", 2)
    with receiver() as (peer, kept, _):
        put(outbox, files, "store")
        sending.step(post(outbox, peer, commit=False), 101.0)
        outbox.book.close()
        again = Outbox(books.open_book(tmp_path / "service"), outbox.folder)
        assert put(again, files, "store") == [False] * 2
        sending.step(post(again, peer, commit=False), 1e6)
        again.book.close()
    assert len(kept) == 2


def test_a_destination_that_is_away_is_tried_with_patience_and_then_given_up(outbox: Outbox, tmp_path: Path) -> None:
    nobody = post(outbox, Peer("STORE", "127.0.0.1", free_port(), name="store"))
    put(outbox, slices(tmp_path / "ct", 1), "store")
    for now_s, attempts in ((100.0, 1), (119.0, 1), (120.0, 2), (159.0, 2), (160.0, 3), (1e6, 3)):
        sending.step(nobody, now_s)
        (one,) = sending_outbox.latest(outbox)
        assert one.attempts == attempts
    assert (one.state, "no answer" in one.why) == (DEAD, True)
    assert outbox.path(one).is_file()
    assert sending_outbox.again(outbox, "store", 2e6) == 1
    with receiver() as (peer, kept, _):
        sending.step(post(outbox, peer, commit=False), 2e6)
    assert (states(outbox), len(kept)) == ([DONE], 1)


def test_what_the_peer_does_not_answer_for_is_sent_again_and_not_for_ever(outbox: Outbox, tmp_path: Path) -> None:
    files = slices(tmp_path / "ct", 1)
    with receiver() as (peer, kept, told):
        here, now_s = post(outbox, peer), 100.0
        put(outbox, files, "store")
        for round_ in range(1, 4):
            sending.step(here, now_s)
            assert (len(kept), len(told)) == (round_, round_)
            item = told[-1].ReferencedSOPSequence[0]
            lost = Reference(str(item.ReferencedSOPClassUID), str(item.ReferencedSOPInstanceUID))
            sending_outbox.answered(outbox, Report(str(told[-1].TransactionUID), (), ((lost, 0x0112),)), here.routing, now_s)
            now_s += 1e4
        sending.step(here, now_s)
    (one,) = sending_outbox.latest(outbox)
    assert (one.state, len(kept)) == (DEAD, 3)
    assert "no such object" in one.why


def test_a_peer_that_never_reports_is_asked_again_and_then_given_up_without_sending_again(outbox: Outbox, tmp_path: Path) -> None:
    with receiver() as (peer, kept, told):
        here = post(outbox, peer)
        put(outbox, slices(tmp_path / "ct", 1), "store")
        now_s = 100.0
        for _ in range(12):
            sending.step(here, now_s)
            now_s += 300.0
    (one,) = sending_outbox.latest(outbox)
    assert (one.state, len(kept), len(told)) == (DEAD, 1, 3)
    assert len({str(request.TransactionUID) for request in told}) == 3


@pytest.mark.skipif(not (ORTHANC.exists() and DICOMWEB.exists()), reason="Orthanc with its DICOMweb plugin is not installed")
def test_a_dicomweb_server_takes_them_and_an_archive_answers_for_them(outbox: Outbox, tmp_path: Path) -> None:
    folder, files = tmp_path / "orthanc", slices(tmp_path / "ct", 3)
    folder.mkdir()
    with receiver(aet="GEMELJ") as (us, _, told), orthanc(folder, {"GEMELJ": us.port}) as (peer, http):
        ends = stow([item_of(path) for path in files], f"{http}/dicom-web")
        assert [end.stored for end in ends] == [True] * 3
        assert len(httpx.get(f"{http}/instances").json()) == 3
        here = post(outbox, peer)
        put(outbox, files, "orthanc")
        sending.step(here, 101.0)
        for _ in range(100):
            if told:
                break
            httpx.get(f"{http}/system").raise_for_status()
            time.sleep(0.05)
        assert sending_outbox.answered(outbox, report_of(told[-1]), here.routing, 102.0) == 3
    assert states(outbox) == [DONE] * 3


def test_stow_names_what_failed_and_what_may_be_tried_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = [item_of(path) for path in slices(tmp_path / "ct", 2)]
    bad = {"00081198": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": [items[1].sop_instance_uid]},
                                               "00081197": {"vr": "US", "Value": [0xA700]}}]}}  # fmt: skip
    answers = {
        "ok": httpx.Response(200, json=bad),
        "busy": httpx.Response(503),
        "no": httpx.Response(403),
        "odd": httpx.Response(200, content=b"<x/>"),
    }
    usual = httpx.Client

    def client(**told: Any) -> httpx.Client:
        return usual(transport=httpx.MockTransport(lambda request: answers[request.url.host]), timeout=told["timeout"])

    monkeypatch.setattr(httpx, "Client", client)
    assert [(end.stored, end.later) for end in stow(items, "http://ok")] == [(True, False), (False, True)]
    assert [(end.stored, end.later) for end in stow(items, "http://busy")] == [(False, True)] * 2
    for host, words in (("no", "token"), ("odd", "DICOM JSON")):
        with pytest.raises(PeerError, match=words):
            stow(items, f"http://{host}")


def test_results_are_put_out_once_for_each_change_that_calls_for_them(outbox: Outbox, tmp_path: Path) -> None:
    files, asked = slices(tmp_path / "ct", 2), []

    def make(order: Any, progress: Any) -> list[str]:
        asked.append(order.arguments)
        return [str(path) for path in files]

    with store.open(tmp_path / "twins.db") as record:
        record.append("old", "Ingested", {"system": "prostate"})
        record.append("old", "Decided", {})
        maker = Maker(record, make, outbox, post(outbox, Peer("STORE", "127.0.0.1", 1, name="store")).routing)
        assert sending_results.step(maker, 1.0) == 0  # nothing of the past
        record.append("t1", "Ingested", {"system": "prostate"})
        assert sending_results.step(maker, 2.0) == 0  # nothing to tell yet
        event = record.append("t1", "Decided", {})
        assert sending_results.step(maker, 3.0) == 2
        assert asked[-1]["made_s"] == event.known_s
        assert Path(asked[-1]["folder"]).parent == outbox.folder.parent / LAID_OUT, "an erasure looks there for what a kill leaves"
        assert sending_results.step(maker, 4.0) == 0
        record.append("t1", "Decided", {})
        assert sending_results.step(maker, 5.0) == 0  # made again, the same objects: put out before
    assert len(asked) == 2
    assert states(outbox) == [WAITING] * 2


def test_results_that_cannot_be_made_are_tried_again_and_not_for_ever(outbox: Outbox, tmp_path: Path) -> None:
    tries = []

    def fail(order: Any, progress: Any) -> list[str]:
        tries.append(order)
        raise StoreError("the person was erased", where="t1", remedy="")

    with store.open(tmp_path / "twins.db") as record:
        maker = Maker(record, fail, outbox, post(outbox, Peer("STORE", "127.0.0.1", 1, name="store")).routing)
        sending_results.step(maker, 1.0)
        record.append("t1", "Ingested", {"system": "prostate"})
        record.append("t1", "Decided", {})
        for now_s in range(2, 2000):
            sending_results.step(maker, float(now_s))
    assert len(tries) == 3


def test_results_of_other_systems_and_kinds_stay(outbox: Outbox, tmp_path: Path) -> None:
    routing = post(outbox, Peer("STORE", "127.0.0.1", 1, name="store")).routing
    to = routing.destinations[0]

    def puts(**told: Any) -> int:
        with store.open(tmp_path / f"{len(list(tmp_path.iterdir()))}.db") as record:
            maker = Maker(
                record, lambda order, progress: [str(path) for path in files], outbox, replace(routing, destinations=(replace(to, **told),))
            )
            event = record.append("t1", "Ingested", {"system": "prostate"})
            return sending_results.put_out(maker, "t1", event, 1.0)

    files = slices(tmp_path / "ct", 2)
    assert puts(systems=("glioma",)) == 0
    assert puts(send=("SEG",)) == 0
    assert puts(systems=("prostate",)) == 2


def test_every_kind_of_a_configuration_has_its_classes() -> None:
    from gemel.service.node.rules import KINDS

    assert set(sending_results.KIND_OF.values()) == set(KINDS)
    newer = {"1.2.840.10008.5.1.4.1.1.66.7"}  # label map segmentation: of 2024, not yet in pydicom's dictionary
    assert all(pydicom.uid.UID(uid).name.endswith("Storage") for uid in sending_results.KIND_OF.keys() - newer)


def test_a_class_that_the_peer_does_not_take_is_given_up_alone(outbox: Outbox, tmp_path: Path) -> None:
    """The rest goes; the reason says what to ask for; the audit log was told of both, before and after."""
    (ct, other), told = slices(tmp_path / "ct", 2), list[tuple[str, int, str]]()
    strange = pydicom.dcmread(other)
    strange.SOPClassUID = strange.file_meta.MediaStorageSOPClassUID = "1.2.826.0.1.3680043.9.9999"
    strange.save_as(other)
    with receiver() as (peer, kept, _):
        here = replace(post(outbox, peer, commit=False), note=lambda to, objects, outcome: told.append((to.name, len(objects), outcome)))
        put(outbox, [ct, other], "store")
        for at in (101.0, 1e3, 1e4, 1e5):
            sending.step(here, at)
    assert (len(kept), states(outbox)) == (1, [DEAD, DONE])
    (dead,) = [one for one in sending_outbox.latest(outbox) if one.state == DEAD]
    assert "accept these SOP classes" in dead.why
    assert told[:2] == [("store", 2, "asked"), ("store", 2, "1 of 2 stored")]


def test_what_cannot_be_written_down_is_not_sent(outbox: Outbox, tmp_path: Path) -> None:
    def full(to: Destination, objects: Any, outcome: str) -> None:
        raise StoreError("an audit row that could not be written", where="audit.db", remedy="make room")

    with receiver() as (peer, kept, _):
        put(outbox, slices(tmp_path / "ct", 2), "store")
        with pytest.raises(StoreError):
            sending.step(replace(post(outbox, peer), note=full), 101.0)
        assert (kept, states(outbox)) == ([], [WAITING, WAITING])

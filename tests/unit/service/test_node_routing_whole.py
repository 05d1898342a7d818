"""The whole way: a scanner sends a series, the node's rule has it observed, results go to the PACS, and nothing happens twice."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest

from gemel import flow, io, store
from gemel.core.time import DAY_S, iso, seconds
from gemel.flow.demos.prostate import IDENTITY, START
from gemel.flow.ledger import ledger, rows
from gemel.service import node as front
from gemel.service.archive import open_archive
from gemel.service.jobs import open_jobs
from gemel.service.node import routing_book as books
from gemel.service.node import routing_work, sending_outbox
from gemel.service.node.commitment import Reference, Report, deliver, report_of
from gemel.service.node.rules import Peer
from gemel.service.node.scu import Ours
from gemel.service.node.sending_outbox import DONE, Outbox
from gemel.service.node.sending_store import item_of
from gemel.service.node.sending_store import store as send
from gemel.service.opening import open_service
from gemel.service.settings import Settings
from gemel.store import Store
from gemel.systems.prostate_radiotherapy.day import cbct_of, virtual_patient
from tests.unit.service.node_peers import Receiver, receiver, slices

SCANNER, PACS = Ours("CT1", connect_s=3.0, answer_s=10.0), Ours("PACS", connect_s=3.0, answer_s=10.0)
CONFIG = """
[node]
settle_s = 0.5
[[rule]]
name = "daily"
when = "Modality=CT and SeriesDescription~'*CBCT*'"
then = "observe"
kind = "cbct"
system = "prostate"
[[destination]]
aet = "PACS"
host = "127.0.0.1"
port = {port}
send = ["SR", "SEG", "RTDOSE", "CT"]
"""


@pytest.fixture
def pacs() -> Iterator[Receiver]:
    with receiver(aet="PACS") as there:
        yield there


def settings(folder: Path, pacs: Receiver) -> Settings:
    (config := folder / "gemel.toml").write_text(CONFIG.format(port=pacs[0].port))
    (folder / "service").mkdir()
    return Settings(str(folder / "twins.db"), folder / "service", dicom=True, dicom_port=0, config=config)


def until(true: Callable[[], object], within_s: float = 60.0) -> None:
    end_s = time.monotonic() + within_s
    while not true() and time.monotonic() < end_s:
        time.sleep(0.05)
    assert true()


def all_answered_for(pacs: Receiver, port: int, outbox: Outbox, answered: set[str]) -> bool:
    """Whether all that went out is safe; until then the PACS reports on each request that it has not answered."""
    for asked in [request for request in pacs[2] if str(request.TransactionUID) not in answered]:
        held = tuple(Reference(str(i.ReferencedSOPClassUID), str(i.ReferencedSOPInstanceUID)) for i in asked.ReferencedSOPSequence)
        deliver(Report(str(asked.TransactionUID), held), Peer("GEMEL", "127.0.0.1", port), PACS)
        answered.add(str(asked.TransactionUID))
    return bool(answered) and {one.state for one in sending_outbox.latest(outbox)} == {DONE}


def in_folder(folder: Path, description: str, n: int = 3) -> list[Path]:
    files = slices(folder, n)
    for path in files:
        said = pydicom.dcmread(path)
        said.SeriesDescription = description
        said.save_as(path)
    return files


def test_a_scan_that_is_sent_is_observed_once_and_its_results_go_out_once(tmp_path: Path, pacs: Receiver) -> None:
    """With a stand-in for the observation and its results, which take seconds; all else is as it runs."""
    told, results = settings(tmp_path, pacs), slices(tmp_path / "results", 2, seed=5)
    with ExitStack() as things:
        record = things.enter_context(store.open(told.store))
        begin(record)

        def observe(order: Any, progress: Any) -> dict[str, str | int]:
            (folder,) = order.arguments["files"]["cbct"]
            uids = {str(pydicom.dcmread(path).SeriesInstanceUID) for path in Path(folder).iterdir()}
            record.append("t1", "Observed", {"source": uids.pop()})
            record.append("t1", "Assimilated", {})
            return {"twin": "t1", "version": record.version("t1")}

        archive = open_archive(told.folder / "archive")
        things.callback(archive.close)
        jobs = open_jobs(told.store, told.folder, export=archive.export, hands=[observe])
        things.callback(jobs.close)
        make: Any = lambda order, progress: [str(path) for path in results]  # noqa: E731
        work = routing_work.start(told, record, archive, jobs, make=make, turn_s=0.05)
        things.callback(work.close)
        here = front.start(told, archive, handlers=work.handlers)
        things.callback(here.close)
        until(lambda: books.cursor(work.book, "results begun"))

        scan = [item_of(path) for path in in_folder(tmp_path / "cbct", "daily CBCT")]
        other = [item_of(path) for path in slices(tmp_path / "other", 1, seed=9)]
        gemel = Peer("GEMEL", "127.0.0.1", here.port)
        assert all(end.stored for end in send([*scan, *other], gemel, SCANNER))
        answered: set[str] = set()
        until(lambda: len(pacs[1]) == 2)
        until(lambda: all_answered_for(pacs, here.port, work.post.outbox, answered))
        assert [event.kind for event in record.events("t1")] == ["Ingested", "Observed", "Assimilated"]
        until(lambda: {routed.state for routed in books.latest(work.book)} == {books.DONE, books.LEFT})

        assert all(end.stored for end in send(scan, gemel, SCANNER))  # the same series again
        time.sleep(1.0)
        assert (record.version("t1"), len(pacs[1]), len(jobs.listed())) == (3, 2, 1)
        assert jobs.listed()[0].actor == "node"


def begin(record: Store) -> None:
    with record.together():
        person = record.keep_person({"patient_id": "P1", "issuer": "", "patient_name": "TEST^ONE"})
        record.append("t1", "Ingested", {"system": "prostate", "person": person})


@pytest.mark.full
def test_the_digital_pelvis_is_sent_observed_reported_and_nothing_happens_twice(tmp_path: Path, pacs: Receiver) -> None:
    """As a hospital runs it: child processes register the scan, write the results, and the ledger has its row."""
    told = settings(tmp_path, pacs)
    patient = virtual_patient(1, np.random.default_rng(20261))
    series = io.write_image(tmp_path / "ct", patient.ct, IDENTITY, description="digital pelvis", acquired=START)
    io.write_structures(tmp_path / "RTSTRUCT.dcm", patient.structures, series, label="PLANNING")
    when = iso(seconds(START) + DAY_S).removesuffix("Z")
    image = cbct_of(patient, 0, np.random.default_rng(1))
    io.write_image(tmp_path / "cbct", image, IDENTITY, description="simulated CBCT", acquired=when)
    with store.open(told.store) as record:
        twin = flow.new(record, "prostate", tmp_path / "ct", tmp_path / "RTSTRUCT.dcm", actor="test")
        before = record.version(twin)
    with ExitStack() as things:
        service = open_service(told, things)
        until(lambda: books.cursor(service.work.book, "results begun"))
        gemel = Peer("GEMEL", "127.0.0.1", service.node.port)
        scan = [item_of(path) for path in sorted((tmp_path / "cbct").iterdir())]
        assert all(end.stored for end in send(scan, gemel, SCANNER))
        until(lambda: service.store.version(twin) > before, 900.0)
        until(lambda: pacs[2], 300.0)
        answered: set[str] = set()
        until(lambda: all_answered_for(pacs, service.node.port, service.work.post.outbox, answered))
        sent, version = len(pacs[1]), service.store.version(twin)
        assert sent >= 1
        assert rows(ledger(service.store))
        assert all(end.stored for end in send(scan, gemel, SCANNER))
        time.sleep(5.0)
        assert (len(pacs[1]), service.store.version(twin), len(service.jobs.listed())) == (sent, version, 1)
    with ExitStack() as things:  # and after a restart
        service = open_service(told, things)
        time.sleep(5.0)
        assert (len(pacs[1]), service.store.version(twin), len(service.jobs.listed())) == (sent, version, 1)
    assert str(pydicom.dcmread(scan[0].path).PatientID) == IDENTITY.patient_id
    assert report_of(pacs[2][-1]).transaction_uid

"""After a patient was erased no file of the record or of the service holds his name, his number or his images; others' are all there."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from gemel import store as stores
from gemel.core.errors import InputError, StoreError
from gemel.service.api import cached
from gemel.service.archive import open_archive
from gemel.service.erasing import ERASE, erase_patient
from gemel.service.fhir import book as told
from gemel.service.jobs import table as jobs
from gemel.service.jobs.job import Job
from gemel.service.jobs.running import LAID_OUT
from gemel.service.node import routing_book as books
from gemel.service.node import sending_outbox, worklist_series
from gemel.service.node.commitment import Reference
from gemel.service.node.sending_outbox import Outbox
from gemel.service.security import accounts, care
from gemel.service.security.audit import open_audit
from gemel.service.security.database import open_database
from gemel.service.security.guard import open_guard
from gemel.service.security.secret import key_of
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import Settings
from tests.unit.flow import heights
from tests.unit.service.slices import ct_file, ct_slice

NUMBER, NAME, OTHER = "CANARY-90210", "Zylophone^Quirinus", "SPARROW-1"
GONE = (NUMBER.encode(), b"Zylophone", b"ZYLOPHONE")


@pytest.fixture
def lived(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, str]:
    """A record and a service's folder in which a patient, and another, left traces everywhere; the folder, and the patient's twin."""
    heights.installed(monkeypatch)
    monkeypatch.setattr(heights, "IDENTITY", replace(heights.IDENTITY, patient_id=NUMBER, issuer="", patient_name=NAME))
    heights.write_files(tmp_path / "seen")
    with stores.open(tmp_path / "twins.db") as record:
        twin = heights.begun(record, tmp_path / "seen", prepare=False)
    shutil.rmtree(tmp_path / "seen")
    folder = tmp_path / "service"
    received(folder)
    noted(folder, twin)
    related(folder)
    return folder, twin


def received(folder: Path) -> None:
    """Three objects of his, one of them in quarantine, and two of another."""
    archive = open_archive(folder / "archive")
    his: Mapping[str, object] = {"PatientID": NUMBER, "PatientName": NAME}
    archive.put_many([ct_file(n, study=1, **his) for n in (1, 2)], source="CT@10.0.0.1")
    archive.put_many([ct_file(1, study=1, **his, StudyDescription="another")], source="CT@10.0.0.1")
    archive.put_many([ct_file(n, study=2, PatientID=OTHER) for n in (1, 2)], source="CT@10.0.0.1")
    assert len(archive.quarantined()) == 1
    archive.close()


def noted(folder: Path, twin: str) -> None:
    """A series, a result and a forward on their way out, work items, jobs, a volume made for viewers."""
    book = books.open_book(folder)
    for patient, series in ((NUMBER, "1.2.826.0.1.1.1"), (OTHER, "1.2.826.0.1.2.1")):
        why, arguments = f"no twin of {patient}", {"patient": patient}
        routed = books.Routed(series, "1.2", "d", books.ASKED, arguments=arguments, why=why, patient_id=patient)
        books.keep(book, routed)
        worklist_series.noted(book, routed, 1.0)
    outbox = Outbox(book, folder / "outbox")
    for number, whose, of in ((1, "", {"PatientID": NUMBER}), (2, "", {"PatientID": OTHER}), (3, twin, {"PatientID": NUMBER})):
        made = ct_slice(number, study=2 if number == 2 else 1)
        named = Reference(str(made.SOPClassUID), str(made.SOPInstanceUID))
        content = ct_file(number, study=2 if number == 2 else 1, **of)
        sending_outbox.put(outbox, content, named, "pacs", kind="", twin=whose, now_s=1.0)
    book.close()
    table = jobs.open_table(folder / "jobs.db")
    for number, error in enumerate((f"a scan of {NUMBER} where {OTHER} belongs", "no space", "")):
        job = Job(f"{number}", "observe", twin if number == 1 else "", "ada", "failed", "", 0, 0, "", "", error, {})
        jobs.insert(table, job, {"note": NAME if number == 1 else "x"})
    jobs.close(table)
    place = cached.place_of(folder, twin, "ct")
    place.parent.mkdir(parents=True)
    place.write_bytes(NUMBER.encode())
    for left in ("volume-killed", f"{LAID_OUT}/000"):
        (folder / left).mkdir(parents=True)
        (folder / left / "000001.dcm").write_bytes(ct_file(1, PatientID=NUMBER))


def related(folder: Path) -> None:
    """A relation whose reason names him, and a weight that an EHR told; the same of another."""
    guard = open_guard(Settings(store="", folder=folder))
    accounts.add(guard, "ada", ["physician"])
    book = told.open_book(folder)
    for number in (NUMBER, OTHER):
        subject = subject_of_person(guard.key, number)
        care.relate(guard, care.Relation("ada", subject, care.CARE, None, f"called about {number}"), made_by="root")
        told.keep(book, [told.Measured(f"w {number}", subject, "weight", 0.0, 70.0)], (), [])
    book.close()
    guard.database.close()


def traces(top: Path, words: tuple[bytes, ...] = GONE) -> list[str]:
    """Files, and names of files, in which any of the words stands."""
    found = [path for path in top.rglob("*") if any(word in str(path).encode() for word in words)]
    return [str(p) for p in (*found, *(p for p in top.rglob("*") if p.is_file() and any(word in p.read_bytes() for word in words)))]


def test_nothing_is_left_of_a_patient(lived: tuple[Path, str], tmp_path: Path) -> None:
    folder, twin = lived
    before = traces(tmp_path)
    assert {Path(path).name for path in before} >= {"index.db", "node.db", "jobs.db", "00000001.segment", "twins.db"}
    with stores.open(tmp_path / "twins.db") as record:
        done = erase_patient(record, folder, (NUMBER, ""), "asked for by the patient", actor="NIGHTINGALE")
    assert (done.twins, done.objects, done.jobs, done.outgoing) == ((twin,), 3, 2, 2)
    assert traces(tmp_path) == []


def test_what_is_of_others_stays(lived: tuple[Path, str], tmp_path: Path) -> None:
    folder, twin = lived
    with stores.open(tmp_path / "twins.db") as record:
        erase_patient(record, folder, (NUMBER, ""), "asked for")
        assert [event.kind for event in record.events(twin)][-1] == "Erased"
        with pytest.raises(StoreError):
            record.person(record.firsts()[0])
    archive = open_archive(folder / "archive")
    assert [row["PatientID"] for row in archive.find("study", {})] == [OTHER]
    assert archive.read("1.2.826.0.1.2.1.1") == ct_file(1, study=2, PatientID=OTHER)
    archive.close()
    book = books.open_book(folder)
    assert [one.patient_id for one in books.latest(book)] == [OTHER]
    assert [one.twin for one in sending_outbox.latest(Outbox(book, folder / "outbox"))] == [""]
    assert len(book.select("SELECT * FROM workitem")) == 1
    book.close()
    assert len(list((folder / "outbox").glob("*.dcm"))) == 1
    guard, known = open_guard(Settings(store="", folder=folder)), told.open_book(folder)
    assert [(one.party, one.reason) for one in care.listed(guard)] == [("ada", f"called about {OTHER}")]
    assert known.select("SELECT mark FROM body") == [(f"w {OTHER}",)]
    known.close()
    guard.database.close()


def test_it_is_in_the_audit_log_under_the_pseudonym(lived: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = lived
    open_audit(folder).close()
    with stores.open(tmp_path / "twins.db") as record:
        erase_patient(record, folder, (NUMBER, ""), "asked for")
    log = open_database(folder / "audit.db", "", create=False)
    found = log.select("SELECT body ->> '$.action', body ->> '$.outcome', body ->> '$.subjects' FROM audit ORDER BY sequence")
    log.close()
    subject = f'["{subject_of_person(key_of(folder / "subject.key"), NUMBER)}"]'
    assert found == [(ERASE, "asked", subject), (ERASE, "1 twins, 3 objects", subject)]
    assert traces(tmp_path) == []


def test_again_says_that_nothing_is_left(lived: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = lived
    with stores.open(tmp_path / "twins.db") as record:
        erase_patient(record, folder, (NUMBER, ""), "asked for")
        with pytest.raises(InputError, match="nothing of that patient"):
            erase_patient(record, folder, (NUMBER, ""), "asked for")


def test_a_call_that_was_cut_off_is_finished_by_another(lived: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, twin = lived

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with stores.open(tmp_path / "twins.db") as record:
        with monkeypatch.context() as patch:
            patch.setattr("gemel.service.erasing.cached.forget", cut)
            with pytest.raises(KeyboardInterrupt):
                erase_patient(record, folder, (NUMBER, ""), "asked for")
        assert erase_patient(record, folder, (NUMBER, ""), "asked for").twins == (twin,)
    assert traces(tmp_path) == []


def test_not_while_the_service_runs(lived: tuple[Path, str], tmp_path: Path) -> None:
    folder, _ = lived
    archive = open_archive(folder / "archive")
    with stores.open(tmp_path / "twins.db") as record, pytest.raises(StoreError, match="open in another process"):
        erase_patient(record, folder, (NUMBER, ""), "asked for")
    archive.close()


@pytest.mark.parametrize(("number", "reason"), [("", "asked for"), ("  ", "asked for"), (NUMBER, " "), ("NOBODY-1", "asked for")])
def test_what_cannot_be_meant(lived: tuple[Path, str], tmp_path: Path, number: str, reason: str) -> None:
    folder, _ = lived
    with stores.open(tmp_path / "twins.db") as record, pytest.raises(InputError):
        erase_patient(record, folder, (number, ""), reason)
    assert traces(tmp_path)

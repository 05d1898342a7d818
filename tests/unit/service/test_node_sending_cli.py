"""`gemel send`, `gemel pull`, `gemel route` as a person types them."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from typer.testing import CliRunner

from gemel import store
from gemel.cli import app
from gemel.cli.node import address
from gemel.core.errors import InputError
from gemel.service.archive import open_archive
from gemel.service.node import routing_book as books
from gemel.service.node.sending_journal import left_of
from gemel.service.node.sending_outbox import DEAD, Outbox, Outgoing, keep
from gemel.service.node.sending_store import item_of
from gemel.service.security.audit import open_audit
from gemel.service.security.secret import key_of
from gemel.service.security.subjects import subject_of_person
from gemel.service.settings import beside
from tests.unit.service.node_peers import ORTHANC, Receiver, free_port, orthanc, receiver, slices

RULES = """
[[rule]]
name = "daily"
when = "Modality=CT and PatientID='P1'"
then = "observe"
kind = "cbct"
system = "prostate"
"""


@pytest.fixture(scope="module")
def there() -> Iterator[Receiver]:
    with receiver() as found:
        yield found


def run(*words: object, code: int = 0) -> Any:
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done


def at(peer: Any) -> str:
    return f"{peer.aet}@{peer.host}:{peer.port}"


def test_a_folder_is_sent_and_what_is_no_dicom_is_told(there: Receiver, tmp_path: Path) -> None:
    slices(tmp_path / "ct", 3)
    (tmp_path / "ct" / "notes.txt").write_text("hello")
    before = len(there[1])
    said = json.loads(run("send", tmp_path / "ct", "--to", at(there[0]), "--json").stdout)
    assert (said["stored"], len(said["not_dicom"]), len(there[1]) - before) == (3, 1, 3)


def test_what_is_sent_by_hand_stands_in_the_audit_log_of_the_record(there: Receiver, tmp_path: Path) -> None:
    """Before a byte leaves, and how it ended; by whom, to whom, of which patient, under the pseudonym of the service."""
    folder, files = beside(str(tmp_path / "twins.db")), slices(tmp_path / "ct", 2, seed=3)
    run("send", *files, "--to", at(there[0]), "--store", tmp_path / "twins.db")
    assert not folder.exists()  # no service, no log
    folder.mkdir()
    open_audit(folder).close()
    run("send", *files, "--to", at(there[0]), "--store", tmp_path / "twins.db")
    rows = [json.loads(row[0]) for row in sqlite3.connect(folder / "audit.db").execute("SELECT body FROM audit ORDER BY sequence")]
    assert [row["outcome"] for row in rows] == ["asked", "2 of 2 stored"]
    assert {row["place"] for row in rows} == {at(there[0])}
    assert {row["action"] for row in rows} == {"dicom:send"}
    assert all(row["user"].startswith("terminal:") for row in rows)
    assert all(row["subjects"] == [subject_of_person(key_of(folder / "subject.key"), "P1")] for row in rows)


def test_what_was_acknowledged_is_not_sent_again_with_a_journal(there: Receiver, tmp_path: Path) -> None:
    files, journal = slices(tmp_path / "ct", 3, seed=1), tmp_path / "journal"
    run("send", files[0], "--to", at(there[0]), "--journal", journal)
    before = len(there[1])
    said = json.loads(run("send", *files, "--to", at(there[0]), "--journal", journal, "--json").stdout)
    assert (said["stored"], said["before"], len(there[1]) - before) == (2, 1, 2)
    journal.write_text(journal.read_text()[:-1])  # the last line was cut short
    assert len(left_of(journal, at(there[0]), [item_of(path) for path in files])) == 1
    assert len(left_of(journal, "OTHER@x:1", [item_of(path) for path in files])) == 3


def test_what_fails_is_named_and_the_exit_is_1(tmp_path: Path) -> None:
    files = slices(tmp_path / "ct", 2, seed=2)
    with receiver(refuse=frozenset({item_of(files[1]).sop_instance_uid})) as (peer, _, _):
        said = run("send", *files, "--to", at(peer), code=1)
    assert files[1].name in said.output.replace("\n", "")
    assert "0xC000" in said.output


@pytest.mark.parametrize(
    "text", ["PACS", "PACS@host", "@host:104", "PACS@host:0", "PACS@host:99999", "A\\B@host:1", "SEVENTEEN-LETTERS@host:1"]
)
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        address(text)


def test_addresses_may_be_of_the_newer_internet() -> None:
    assert (address("PACS@[::1]:104").host, address("PACS@pacs.example:104").port) == ("::1", 104)


def test_nobody_there_is_one_line(tmp_path: Path) -> None:
    said = run("send", slices(tmp_path / "ct", 1)[0], "--to", f"X@127.0.0.1:{free_port()}", code=1)
    assert "check host, port" in " ".join(said.output.split())


@pytest.mark.skipif(not ORTHANC.exists(), reason="Orthanc is not installed (apt install orthanc)")
def test_priors_are_listed_and_brought(tmp_path: Path) -> None:
    (tmp_path / "orthanc").mkdir()
    with orthanc(tmp_path / "orthanc", {}) as (peer, http):
        files = slices(tmp_path / "ct", 3)
        run("send", *files[:2], "--to", at(peer))
        run("send", files[2], "--to", f"{http}/dicom-web")
        (listed,) = json.loads(run("pull", at(peer), "--patient", "P1", "--json").stdout)["series"]
        assert listed["NumberOfSeriesRelatedInstances"] == "3"
        said = json.loads(run("pull", at(peer), "--patient", "P1", "--modality", "CT", "--out", tmp_path / "priors", "--json").stdout)
        assert json.loads(run("pull", at(peer), "--patient", "P1", "--modality", "MR", "--json").stdout)["series"] == []
    assert (said["received"], said["failed"]) == (3, 0)
    assert sorted(pydicom.dcmread(p).SOPInstanceUID for p in (tmp_path / "priors").iterdir()) == sorted(
        item_of(p).sop_instance_uid for p in files
    )


def test_a_dry_run_says_rule_by_rule_what_would_happen(tmp_path: Path) -> None:
    files = slices(tmp_path / "ct", 2)
    (tmp_path / "gemel.toml").write_text(RULES)
    with store.open(tmp_path / "twins.db") as record, record.together():
        person = record.keep_person({"patient_id": "P1", "issuer": ""})
        record.append("t1", "Ingested", {"system": "prostate", "person": person})
    asked = ("--config", tmp_path / "gemel.toml", "--store", tmp_path / "twins.db", "--json")
    (said,) = json.loads(run("route", *files, *asked).stdout)
    assert (said["acts"], said["act"], said["twin"], said["state"]) == ("daily", "observe", "t1", "waiting")
    archive = open_archive(tmp_path / "twins.db.service" / "archive")
    archive.put_many([path.read_bytes() for path in files], source="CT1")
    archive.close()
    (again,) = json.loads(run("route", said["series"], *asked).stdout)
    assert again == said
    other = slices(tmp_path / "other", 1, patient="P2")[0]
    assert json.loads(run("route", other, *asked).stdout)[0]["why"] == "no rule asks for it"
    with store.open(tmp_path / "twins.db") as record:
        assert record.version("t1") == 1


def test_what_was_given_up_is_listed_and_tried_anew(tmp_path: Path) -> None:
    asked = ("--store", tmp_path / "twins.db", "--json")
    assert "no node" in run("node", "status", *asked, code=1).output
    book = books.open_book(tmp_path / "twins.db.service")
    books.keep(book, books.Routed("1.2.3", "1.2", "d", books.DEAD, "observe", "daily", attempts=5, why="held by another"))
    books.keep(book, books.Routed("1.2.4", "1.2", "d", books.DONE, "observe", "daily"))
    outbox = Outbox(book, tmp_path / "twins.db.service" / "outbox")
    keep(outbox, Outgoing("pacs", "1.2.5", "1.2.6", "SR", "d", "t1", DEAD, 5, why="no answer"))
    said = json.loads(run("node", "status", *asked).stdout)
    assert [(row["series"], row["why"]) for row in said["series"]] == [("1.2.3", "held by another")]
    assert [row["uid"] for row in said["objects"]] == ["1.2.5"]
    assert "no answer" in run("node", "status", *asked[:2]).output
    for what in ("1.2.3", "pacs"):
        assert json.loads(run("node", "again", what, *asked).stdout) == {"again": 1}
        run("node", "again", what, *asked, code=1)
    found = books.known(book, "1.2.3")
    assert found is not None
    assert (found.state, found.attempts) == (books.WAITING, 0)
    book.close()

"""The audit log: whole or found out; nothing lost when many write at once; one flush for many rows."""

import sqlite3
import threading
from pathlib import Path

import pytest

from gemel.core.errors import InputError, StoreError
from gemel.service.security import audit as module
from gemel.service.security.audit import Audit, Entry, open_audit
from gemel.service.security.audit_check import findings
from gemel.service.security.database import Database, open_database

ROWS = 12


@pytest.fixture
def log(tmp_path: Path) -> Audit:
    held = open_audit(tmp_path)
    for n in range(ROWS):
        held.now(Entry(f"user{n}", "twins:read", "200", (f"subject{n}",)))
    return held


def reopened(log: Audit) -> Database:
    """The file as a check reads it."""
    return open_database(log.database.path, "", create=False)


def anchor(log: Audit) -> str:
    """The head as `gemel audit head` prints it."""
    number, sealed = log.head()
    return f"{number}:{sealed}"


def forge(log: Audit, *statements: str) -> Database:
    """What somebody with the file and a tool can do to it."""
    kept = anchor(log)
    log.close()
    with sqlite3.connect(log.database.path) as raw:
        raw.execute("DROP TRIGGER audit_stays")
        raw.execute("DROP TRIGGER audit_keeps")
        for statement in statements:
            raw.execute(statement)
    raw.close()
    assert kept
    return reopened(log)


def test_a_log_that_nobody_touched_is_whole(log: Audit) -> None:
    assert findings(reopened(log), anchor(log)) == []


def test_a_log_that_does_not_answer_is_an_error_in_words(log: Audit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_s", 0.05)
    with log.database.turn, pytest.raises(StoreError, match="does not answer"):
        log.now(Entry("late", "twins:read", "200"))


def test_the_file_itself_refuses_changes(log: Audit) -> None:
    for statement in ("UPDATE audit SET body = '{}' WHERE sequence = 3", "DELETE FROM audit WHERE sequence = 3"):
        with pytest.raises(sqlite3.IntegrityError, match="only added to"), log.database.turn:
            log.database.connection.execute(statement)


FORGERIES = {
    "a row altered": "UPDATE audit SET body = replace(body, 'user5', 'user6') WHERE sequence = 6",
    "one letter": "UPDATE audit SET body = substr(body, 1, 20) || 'x' || substr(body, 22) WHERE sequence = 1",
    "a row removed": "DELETE FROM audit WHERE sequence = 6",
    "the first removed": "DELETE FROM audit WHERE sequence = 1",
    "two exchanged": "UPDATE audit SET body = (SELECT body FROM audit b WHERE b.sequence = 9 - audit.sequence) WHERE sequence IN (4, 5)",
    "a row added": f"INSERT INTO audit VALUES ({ROWS + 1}, '{{}}', '{'0' * 64}')",
    "a seal altered": "UPDATE audit SET hash = replace(hash, substr(hash, 1, 1), 'g') WHERE sequence = 3",
}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forgery_is_found(log: Audit, how: str) -> None:
    assert findings(forge(log, FORGERIES[how])) != []


def test_a_row_altered_and_sealed_anew_is_found_by_the_next(log: Audit) -> None:
    """Who forges may know how rows are sealed: each seal covers the one before, so that all that follow would have to be made again."""
    rows = log.database.select("SELECT body, hash FROM audit ORDER BY sequence")
    body = str(rows[5][0]).replace("user5", "user6")
    anew = f"UPDATE audit SET body = '{body}', hash = '{module.hashed(rows[4][1], body)}' WHERE sequence = 6"
    assert "row 7 was altered" in findings(forge(log, anew))[0]


def test_rows_cut_off_are_found_by_the_anchor(log: Audit) -> None:
    kept = anchor(log)
    file = forge(log, f"DELETE FROM audit WHERE sequence > {ROWS - 3}")
    assert findings(file) == [], "a chain that merely ends earlier is whole in itself"
    assert "cut off" in findings(file, kept)[0]


def test_a_log_written_anew_is_found_by_the_anchor(log: Audit, tmp_path: Path) -> None:
    kept = anchor(log)
    (tmp_path / "other").mkdir()
    other = open_audit(tmp_path / "other")
    for n in range(ROWS):
        other.now(Entry(f"user{n}", "twins:read", "200"))
    assert findings(reopened(other)) == []
    assert findings(reopened(other), kept) != []


@pytest.mark.parametrize("text", ["12", "x:y", "1:abc", "-1:" + "0" * 64])
def test_an_anchor_that_is_none_is_refused(log: Audit, text: str) -> None:
    with pytest.raises(InputError, match="anchor"):
        findings(reopened(log), text)


def test_many_writers_lose_nothing_and_share_flushes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes, insert = [], module._insert

    def counted(database: Database, bodies: list[str]) -> int:
        flushes.append(len(bodies))
        return insert(database, bodies)

    monkeypatch.setattr(module, "_insert", counted)
    held = open_audit(tmp_path)

    def work(n: int) -> None:
        promised = [held.write(Entry(f"user{n}", "twins:read", str(i))) for i in range(40)]
        assert len({one.result(30.0) for one in promised}) == 40

    threads = [threading.Thread(target=work, args=(n,)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert held.head()[0] == 400
    assert findings(reopened(held)) == []
    assert len(flushes) < 200, "rows that come together share a flush"


def test_two_processes_write_one_chain(tmp_path: Path) -> None:
    one, other = open_audit(tmp_path), open_audit(tmp_path)
    for n in range(10):
        (one, other)[n % 2].now(Entry("user", "twins:read", str(n)))
    assert findings(reopened(one)) == []
    assert other.head() == one.head()


def test_what_waits_is_written_before_the_log_closes(tmp_path: Path) -> None:
    held = open_audit(tmp_path)
    promised = [held.write(Entry("user", "twins:read", str(n))) for n in range(200)]
    held.close()
    assert all(one.done() for one in promised)
    assert findings(reopened(held)) == []
    assert reopened(held).select("SELECT count(*) FROM audit") == [(200,)]


def test_who_leaves_before_the_row_is_written_stops_nobody(log: Audit) -> None:
    """A browser that closes cancels its wait; the writer goes on, and the row stays."""
    for n in range(50):
        log.write(Entry(f"gone{n}", "twins:read", "200", ("subject",))).cancel()
    assert log.now(Entry("stays", "twins:read", "200", ("subject",))) == ROWS + 51
    assert not findings(reopened(log))


def test_a_head_that_cannot_be_read_ends_no_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its writer every request would wait for ever."""

    def unreadable(database: Database) -> tuple[int, str]:
        raise StoreError("a disk that fails")

    with monkeypatch.context() as patch:
        patch.setattr(Audit, "head", lambda held: unreadable(held.database))
        held = open_audit(tmp_path)
        assert held.write(Entry("ada", "twins:read", "200")).result(timeout=2.0) == 1
        held.close()
    assert held.ended.is_set()

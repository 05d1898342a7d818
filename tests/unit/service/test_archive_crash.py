"""What a crash, a torn write, a full disk or a lost index leave: everything acknowledged, nothing torn."""

import errno
import os
import shutil
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

import pytest

from gemel.core.errors import StoreError
from gemel.io.prescan import scan
from gemel.service.archive import Archive, committing, erasing, known, open_archive, recovery, segments
from gemel.service.archive import archive as opening
from gemel.service.archive.entry import Stored
from gemel.service.archive.part10 import split
from tests.unit.service.slices import ct_file

UIDS = tuple(f"1.2.826.0.1.1.1.{number}" for number in (1, 2, 3))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The files of an archive of three objects, as a crash leaves them: the index does not know the third, space is reserved behind it."""
    archive = open_archive(tmp_path / "live")
    archive.put_many([ct_file(1), ct_file(2)], source="A")
    archive.find("study", {})
    with archive.index.turn:
        archive.index.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(archive.index.path, tmp_path / "index.db")
    archive.put(ct_file(3), source="A")
    crashed = shutil.copytree(tmp_path / "live", tmp_path / "crashed", ignore=shutil.ignore_patterns("index.db*"))
    shutil.copy(tmp_path / "index.db", crashed / "index.db")
    archive.close()
    return crashed


def held(archive: Archive) -> tuple[str, ...]:
    """UIDs that are found, each of them readable and whole."""
    uids = archive.files("1.2.826.0.1.1.1")
    assert [archive.read(uid) for uid in uids] == [ct_file(int(uid.rpartition(".")[2])) for uid in uids]
    return uids


def reopened(folder: Path) -> tuple[tuple[str, ...], int]:
    """What is held after a start, and how many damages are told."""
    archive = open_archive(folder)
    uids, damages = held(archive), len(archive.damages())
    assert archive.put(ct_file(4), source="A").status == "stored"
    assert len(held(archive)) == len(uids) + 1
    archive.close()
    return uids, damages


def test_the_tail_of_the_segments_is_indexed_at_the_next_start(folder: Path) -> None:
    assert reopened(folder) == (UIDS, 0)


def test_only_the_tail_is_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    starts = []
    walk = recovery.frame.walk
    monkeypatch.setattr(recovery.frame, "walk", lambda content, number, start: starts.append(start) or walk(content, number, start))
    assert reopened(folder)[0] == UIDS
    assert starts[0] > 1500  # two frames lie before


def test_a_lost_index_is_made_again(folder: Path) -> None:
    (folder / "index.db").unlink()
    assert reopened(folder) == (UIDS, 0)


def test_the_index_made_again_equals_the_one_that_was_lost(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a", segment_bytes=4096)
    archive.put_many([ct_file(number, study=study) for study in (1, 2) for number in (1, 2, 3)], source="A")
    archive.put(ct_file(1, RescaleSlope=2), source="B")
    before = archive.find("instance", {}), archive.find("study", {}), archive.quarantined(), archive.arrivals(0, settle_s=-1)
    archive.close()
    for file in (tmp_path / "a").glob("index.db*"):
        file.unlink()
    archive = open_archive(tmp_path / "a", segment_bytes=4096)
    after = archive.find("instance", {}), archive.find("study", {}), archive.quarantined(), archive.arrivals(0, settle_s=-1)
    archive.close()
    assert len(segments.numbers(tmp_path / "a")) > 1
    assert before == after


def _last(folder: Path) -> tuple[int, int]:
    """Where the last frame begins and the last object ends."""
    file = segments.path(folder, 1)
    with segments.mapped(file) as content:
        entries = list(recovery.frame.walk(content, 1))
    assert len(entries) == 3
    return entries[1].place.end + -entries[1].place.end % 8, entries[2].place.end


@pytest.mark.parametrize("part", [0.0, 0.02, 0.2, 0.6, 0.999])
def test_a_frame_that_was_cut_short_is_cut_off(folder: Path, part: float) -> None:
    begin, end = _last(folder)
    os.truncate(segments.path(folder, 1), begin + int(part * (end - begin)))
    assert reopened(folder) == (UIDS[:2], 0)


@pytest.mark.parametrize("part", [0.0, 0.02, 0.2, 0.6, 0.999])
def test_a_frame_of_which_a_sector_is_missing_is_cut_off(folder: Path, part: float) -> None:
    begin, end = _last(folder)
    with segments.path(folder, 1).open("r+b") as file:
        file.seek(begin + int(part * (end - begin)))
        file.write(bytes(64))
    assert reopened(folder) == (UIDS[:2], 0)


def test_damage_in_the_middle_loses_that_object_alone_and_is_told(folder: Path) -> None:
    (folder / "index.db").unlink()
    with segments.path(folder, 1).open("r+b") as file:
        file.seek(200)
        file.write(b"\xff" * 8)
    assert reopened(folder) == (UIDS[1:], 1)


def test_a_lost_segment_is_told_once(folder: Path) -> None:
    segments.path(folder, 1).unlink()
    for _ in range(2):
        archive = open_archive(folder)
        assert [row["words"] for row in archive.damages()] == ["a segment is gone: restore its file from a backup"]
        archive.close()


def test_stale_frames_of_another_segment_are_no_objects(folder: Path, tmp_path: Path) -> None:
    (folder / "index.db").unlink()
    segments.path(folder, 1).rename(segments.path(folder, 2))
    archive = open_archive(folder)
    assert archive.find("study", {}) == []
    archive.close()


def _failing(number: int) -> object:
    def fail(*arguments: object) -> None:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("call", "number", "words"), [("posix_fallocate", errno.ENOSPC, "the disk is full"), ("fdatasync", errno.EIO, "check the disk")]
)
def test_a_disk_that_refuses_leaves_nothing_half_written(tmp_path: Path, call: str, number: int, words: str) -> None:
    archive = open_archive(tmp_path / "a")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments.os, call, _failing(number))
        with pytest.raises(StoreError, match=words):
            archive.put(ct_file(1), source="A")
    assert archive.find("instance", {}) == []
    assert archive.put(ct_file(1, RescaleSlope=2), source="A").status == "stored"  # the refused one is not remembered
    archive.close()
    assert not [file for file in (tmp_path / "a").glob("*.segment") if b"intercept" in file.read_bytes()]
    again = open_archive(tmp_path / "a")
    assert len(again.find("instance", {})) == 1
    again.close()


def test_a_group_fails_together_and_can_be_sent_again(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a")
    archive.put(ct_file(1), source="A")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments.os, "pwritev", _failing(errno.ENOSPC))
        with pytest.raises(StoreError, match="the disk is full"):
            archive.put_many([ct_file(2), ct_file(3)], source="A")
    assert held(archive) == UIDS[:1]
    assert {stored.status for stored in archive.put_many([ct_file(2), ct_file(3)], source="A")} == {"stored"}
    archive.close()
    assert reopened(tmp_path / "a")[0] == UIDS


def _submitted(archive: Archive, number: int) -> Future[Stored]:
    content = ct_file(number)
    return archive.submit(*split(content), scan(content), source="A")


def _together(archive: Archive, numbers: Sequence[int]) -> list[Future[Stored]]:
    """Objects that share a group: the thread that writes has the first in its hand until the others wait."""
    with archive.committer.turn:
        first = _submitted(archive, 1)
        while not archive.committer.queue.empty():
            time.sleep(0.001)
        time.sleep(0.02)
        later = [_submitted(archive, number) for number in numbers]
    assert first.result(5).status in ("stored", "held")
    return later


def test_what_was_judged_with_one_that_could_not_be_is_not_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refused object that comes again is kept, and not answered as held."""
    archive, peek = open_archive(tmp_path / "a"), known.peek

    def refusing(index: object, statement: str, values: Sequence[object] = ()) -> object:
        if UIDS[2] in values:
            raise StoreError("the index: disk I/O error", where="index.db", remedy="check the disk")
        return peek(index, statement, values)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(known, "peek", refusing)
        assert [type(future.exception(5)) for future in _together(archive, [2, 3])] == [StoreError] * 2
    assert [stored.status for stored in archive.put_many([ct_file(2), ct_file(3)], source="A")] == ["stored"] * 2
    assert held(archive) == UIDS
    archive.close()


def test_a_fault_of_our_own_is_an_error_for_its_group_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one thread that writes lives on."""
    archive = open_archive(tmp_path / "a")
    with monkeypatch.context() as patch:
        patch.setattr(committing.frame, "encode", lambda *arguments: 1 // 0)
        assert isinstance(_submitted(archive, 1).exception(5), ZeroDivisionError)
    assert _submitted(archive, 1).result(5).status == "stored"
    archive.close()


def test_a_connection_that_another_thread_takes_first_is_made_anew(tmp_path: Path) -> None:
    class Taken(list[sqlite3.Connection]):
        def __bool__(self) -> bool:
            return True

    archive = open_archive(tmp_path / "a")
    for connection in archive.index.idle:
        connection.close()
    archive.index.idle = Taken()
    assert _submitted(archive, 1).result(5).status == "stored"
    archive.close()


def test_an_object_greater_than_a_segment_has_one_of_its_own(tmp_path: Path) -> None:
    archive = open_archive(tmp_path / "a", segment_bytes=4096)
    archive.put_many([ct_file(1), ct_file(2, Rows=128, Columns=128), ct_file(3)], source="A")
    assert len(archive.files("1.2.826.0.1.1.1")) == 3
    assert archive.read(UIDS[1]) == ct_file(2, Rows=128, Columns=128)
    archive.close()


def _two_patients(folder: Path) -> Archive:
    archive = open_archive(folder, segment_bytes=8192)
    for number in (1, 2, 3):
        archive.put_many([ct_file(number), ct_file(number, study=2)], source="A")
    archive.put(ct_file(1, RescaleSlope=2), source="A")
    archive.put(ct_file(1, study=2, RescaleSlope=2), source="A")
    return archive


def _traces(folder: Path) -> list[str]:
    """Files in which the first patient's name is still to be read."""
    return [file.name for file in folder.iterdir() if b"Marie1" in file.read_bytes()]


def test_an_erased_patient_leaves_no_byte(tmp_path: Path) -> None:
    archive = _two_patients(tmp_path / "a")
    assert _traces(archive.folder)
    assert archive.erase("P1") == 4
    assert [row["PatientID"] for row in archive.find("study", {})] == ["P2"]
    assert [archive.read(uid) for uid in archive.files("1.2.826.0.1.2.1")] == [ct_file(number, study=2) for number in (1, 2, 3)]
    assert [row["PatientID"] for row in archive.quarantined()] == ["P2"]
    archive.put(ct_file(4, study=2), source="A")
    archive.close()
    assert _traces(tmp_path / "a") == []
    archive = open_archive(tmp_path / "a")
    assert len(archive.files("1.2.826.0.1.2.1")) == 4
    assert archive.damages() == []
    archive.close()


@pytest.mark.parametrize("step", ["write_copy", "_delete", "finish_erasing", "name_copy"])
def test_a_crash_while_erasing_leaves_all_or_nothing(tmp_path: Path, step: str) -> None:
    archive = _two_patients(tmp_path / "a")
    owner = {"write_copy": segments, "_delete": erasing, "finish_erasing": recovery, "name_copy": segments}[step]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, step, _failing(errno.EIO))
        with pytest.raises((OSError, StoreError)):
            archive.erase("P1")
    archive.close()
    archive = open_archive(tmp_path / "a")
    first, second = (archive.files(f"1.2.826.0.1.{study}.1") for study in (1, 2))
    assert len(first) == (0 if step in ("finish_erasing", "name_copy") else 3)
    assert [archive.read(uid) for uid in (*first, *second)]
    assert len(second) == 3
    assert archive.damages() == []
    archive.close()
    assert bool(_traces(tmp_path / "a")) == bool(first)


def test_the_index_is_on_the_disk_before_a_segment_goes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut takes what is in the index' log: then others' objects would be looked for in a file that was deleted."""
    archive, finish = _two_patients(tmp_path / "a"), recovery.finish_erasing
    states: list[str] = []

    def seen(folder: Path, opened: object) -> None:
        shutil.copy(folder / "index.db", tmp_path / "survived.db")
        with sqlite3.connect(tmp_path / "survived.db") as survived:
            states.extend(state for (state,) in survived.execute("SELECT state FROM segment"))
        survived.close()
        finish(folder, opened)  # type: ignore[arg-type]

    monkeypatch.setattr(recovery, "finish_erasing", seen)
    archive.erase("P1")
    archive.close()
    assert {"copied", "doomed"} <= set(states)


def test_a_damaged_index_says_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    (folder / "index.db").write_bytes(b"not a database, but long enough to be looked at" * 40)
    with pytest.raises(StoreError, match="made again from the segments"):
        open_archive(folder)
    assert opening.open_archive is open_archive

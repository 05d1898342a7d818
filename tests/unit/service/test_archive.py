"""Received objects: kept once, found at once, never mixed up."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from gemel.core.errors import InputError, StoreError
from gemel.service.archive import Archive, open_archive, segments
from tests.unit.service.slices import ct_file, ct_slice, file_bytes


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An empty archive."""
    opened = open_archive(tmp_path / "archive")
    yield opened
    opened.close()


def test_an_object_is_found_at_each_level_when_put_returns(archive: Archive) -> None:
    stored = archive.put(ct_file(7, PatientID="P7"), source="CT1@10.0.0.1")
    assert stored.status == "stored"
    for level in ("study", "series", "instance"):
        (row,) = archive.find(level, {"PatientID": "P7"})
        assert row["StudyInstanceUID"] == stored.study_instance_uid
    assert (row["SOPInstanceUID"], row["InstanceNumber"], row["Rows"]) == (stored.sop_instance_uid, "7", "16")
    assert archive.read(stored.sop_instance_uid) == ct_file(7, PatientID="P7")


def test_the_same_bytes_again_change_nothing(archive: Archive) -> None:
    first = archive.put(ct_file(1), source="A")
    again = archive.put(ct_file(1), source="B")
    assert (first.status, again.status) == ("stored", "held")
    (row,) = archive.find("study", {})
    assert row["NumberOfStudyRelatedInstances"] == "1"
    assert not archive.quarantined()


def test_a_sender_that_writes_another_head_sends_the_same_object(archive: Archive) -> None:
    content = ct_file(1)
    archive.put(content, source="A")
    other = content.replace(b"1.2.826.0.9\0", b"1.2.826.0.8\0")
    assert other != content
    assert archive.put(other, source="B").status == "held"


def test_other_bytes_under_a_uid_are_kept_apart(archive: Archive) -> None:
    archive.put(ct_file(1), source="A")
    stored = archive.put(ct_file(1, RescaleIntercept=-1024), source="B")
    assert (stored.status, stored.words) == ("quarantined", "other bytes under a SOP Instance UID that is held")
    assert archive.put(ct_file(1, RescaleIntercept=-1024), source="B").status == "held"
    assert archive.read(stored.sop_instance_uid) == ct_file(1)
    (apart,) = archive.quarantined()
    assert (apart["SOPInstanceUID"], apart["source"]) == (stored.sop_instance_uid, "B")


def test_a_study_of_another_patient_is_kept_apart(archive: Archive) -> None:
    archive.put(ct_file(1), source="A")
    assert archive.put(ct_file(2, PatientID="P9"), source="A").words == "its study is held under another PatientID"
    assert archive.put(ct_file(3, IssuerOfPatientID="HOSPITAL"), source="A").status == "quarantined"
    assert archive.files("1.2.826.0.1.1.1") == ("1.2.826.0.1.1.1.1",)


def test_a_series_of_another_study_is_kept_apart(archive: Archive) -> None:
    archive.put(ct_file(1), source="A")
    stray = ct_slice(5, StudyInstanceUID="1.2.826.0.1.77")
    assert archive.put(file_bytes(stray), source="A").words == "its series is held in another study, 1.2.826.0.1.1"


def test_contradictions_within_one_group_are_seen(archive: Archive) -> None:
    group = [ct_file(1), ct_file(1), ct_file(1, RescaleIntercept=-1024), ct_file(2, PatientID="P9")]
    assert [stored.status for stored in archive.put_many(group, source="A")] == ["stored", "held", "quarantined", "quarantined"]


def test_contradictions_are_seen_after_a_restart(tmp_path: Path) -> None:
    opened = open_archive(tmp_path / "a")
    opened.put(ct_file(1), source="A")
    opened.close()
    again = open_archive(tmp_path / "a")
    statuses = [again.put(content, source="A").status for content in (ct_file(1), ct_file(1, SeriesNumber=4), ct_file(2, PatientID="P9"))]
    again.close()
    assert statuses == ["held", "quarantined", "quarantined"]


def test_what_the_scan_refuses_leaves_nothing(archive: Archive) -> None:
    with pytest.raises(InputError, match="DICM"):
        archive.put(b"MZ" + bytes(400), source="A")
    with pytest.raises(InputError, match="length"):
        archive.put(ct_file(1)[:-10], source="A")
    assert archive.find("instance", {}) == []
    assert segments.numbers(archive.folder) == []


def test_a_preamble_that_holds_something_is_emptied(archive: Archive) -> None:
    content = ct_file(1)
    stored = archive.put(b"II*\0" + bytes(124) + content[128:], source="A")
    assert archive.read(stored.sop_instance_uid) == content


def test_file_names_never_come_from_the_object(archive: Archive, tmp_path: Path) -> None:
    archive.put(ct_file(1), source="../../etc/passwd")
    archive.export("1.2.826.0.1.1", tmp_path / "out")
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert names <= {"lock", "index.db", "index.db-wal", "index.db-shm", "00000001.segment", "000001.dcm"}


def test_a_series_is_exported_in_the_order_of_its_slices(archive: Archive, tmp_path: Path) -> None:
    archive.put_many([ct_file(number) for number in (10, 9, 2)], source="A")
    paths = archive.export("1.2.826.0.1.1.1", tmp_path / "out")
    assert [path.read_bytes() for path in paths] == [ct_file(number) for number in (2, 9, 10)]
    with pytest.raises(InputError, match="no such study"):
        archive.export("1.2.3", tmp_path / "out")
    with pytest.raises(InputError, match="no such object"):
        archive.read("1.2.3")


def test_a_series_arrives_when_nothing_more_comes(tmp_path: Path) -> None:
    now_s = [1000.0]
    archive = open_archive(tmp_path / "a", clock=lambda: now_s[0])
    archive.put(ct_file(1), source="A")
    now_s[0] = 1009.0
    archive.put(ct_file(1, series=2), source="A")
    assert archive.arrivals(0.0, settle_s=10) == []
    now_s[0] = 1010.0
    (first,) = archive.arrivals(0.0, settle_s=10)
    assert (first["SeriesInstanceUID"], first["received_s"], first["instances"]) == ("1.2.826.0.1.1.1", 1000.0, 1)
    now_s[0] = 1019.0
    (second,) = archive.arrivals(1000.0, settle_s=10)
    assert second["SeriesInstanceUID"] == "1.2.826.0.1.1.2"
    archive.close()


def test_the_time_of_receipt_never_runs_backwards(tmp_path: Path) -> None:
    now_s = [1000.0]
    archive = open_archive(tmp_path / "a", clock=lambda: now_s[0])
    archive.put(ct_file(1), source="A")
    archive.close()
    now_s[0] = 900.0
    archive = open_archive(tmp_path / "a", clock=lambda: now_s[0])
    archive.put(ct_file(1, series=2), source="A")
    times = {row["SeriesInstanceUID"]: row["received_s"] for row in archive.arrivals(0.0, settle_s=-200)}
    archive.close()
    assert times == {"1.2.826.0.1.1.1": 1000.0, "1.2.826.0.1.1.2": 1000.0}


def test_many_senders_share_a_flush(archive: Archive, monkeypatch: pytest.MonkeyPatch) -> None:
    flushes = []

    def slow(descriptor: int) -> None:
        flushes.append(descriptor)
        time.sleep(0.02)

    monkeypatch.setattr(segments.os, "fdatasync", slow)
    with ThreadPoolExecutor(8) as pool:
        done = list(pool.map(lambda number: archive.put(ct_file(number), source="A"), range(64)))
    assert {stored.status for stored in done} == {"stored"}
    assert len(flushes) <= 24  # one each would be 64; eight senders in step need eight


def test_senders_at_once_lose_nothing(archive: Archive) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def look() -> None:
        while not stop.is_set():
            seen.append(len(archive.find("instance", {}, limit=1000)))

    watcher = threading.Thread(target=look)
    watcher.start()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: archive.put(ct_file(number, study=1 + number % 4), source="A"), range(80)))
    stop.set()
    watcher.join()
    assert seen == sorted(seen)
    assert sum(int(row["NumberOfStudyRelatedInstances"]) for row in archive.find("study", {})) == 80


def test_only_one_process_has_it_open(archive: Archive) -> None:
    with pytest.raises(StoreError, match="another process"):
        open_archive(archive.folder)


def test_altered_bytes_are_not_given_out(archive: Archive) -> None:
    stored = archive.put(ct_file(1), source="A")
    file = segments.path(archive.folder, 1)
    content = bytearray(file.read_bytes())
    content[content.rindex(b"Curie")] ^= 1  # the first is in what the frame knows of it
    file.write_bytes(bytes(content))
    with pytest.raises(StoreError, match="altered"):
        archive.read(stored.sop_instance_uid)

"""The archive of received objects: put, find, read, export; every verb that the service uses."""

import fcntl
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, wait
from dataclasses import dataclass
from pathlib import Path

from gemel.core.errors import InputError, StoreError
from gemel.io.prescan import Scanned, scan
from gemel.service.archive import committing, erasing, index, matching, queries, recovery, segments
from gemel.service.archive.entry import Entry, Stored
from gemel.service.archive.part10 import split
from gemel.store import files


@dataclass(frozen=True)
class Archive:
    """A folder of segments with its index, open for one process."""

    folder: Path
    index: index.Index
    committer: committing.Committer
    lock: int

    def put(self, content: bytes | memoryview, *, source: str) -> Stored:
        """Keeps a DICOM file, durable and found by queries when this returns.

        Raises InputError for what the scan refuses, StoreError when the disk is full. The same data set again changes nothing; another one
        under the same UID, or one that contradicts its study, is kept in quarantine.
        """
        return self.put_many([content], source=source)[0]

    def put_many(self, contents: Iterable[bytes | memoryview], *, source: str) -> list[Stored]:
        """The same for several, which share a flush."""
        scanned = [(scan(content, where=f"the object from {source}"), *split(content)) for content in contents]
        waiting = [self.submit(prefix, data, known, source=source) for known, prefix, data in scanned]
        wait(waiting)  # also of those behind one that failed
        return [future.result() for future in waiting]

    def submit(
        self, prefix: bytes, data: memoryview, scanned: Scanned, *, source: str, sha256: bytes = b"", here: bool = False
    ) -> Future[Stored]:
        """The same for a file's head and its data set, scanned already; they must not change until the future is done.

        sha256: of the data set, when it is known. here: write in this thread when nobody writes, for callers that put one at a time.
        """
        tags = dict(scanned.tags) | {
            "SOPInstanceUID": scanned.sop_instance_uid,
            "SOPClassUID": scanned.sop_class_uid,
            "SeriesInstanceUID": scanned.series_instance_uid,
            "StudyInstanceUID": scanned.study_instance_uid,
            "TransferSyntaxUID": scanned.transfer_syntax,
        }
        item = committing.Waiting(Entry(tags, source, 0.0, sha256 or hashlib.sha256(data).digest()), prefix, data)
        committing.take(self.committer, item, here=here)
        return item.done

    def read(self, sop_instance_uid: str) -> bytes:
        """The file as it came, its data set verified. Raises InputError for an unknown UID, StoreError for altered bytes."""
        found = queries.place_of(self.index, sop_instance_uid)
        if found is None:
            raise InputError("no such object", where=sop_instance_uid, remedy="send it, or look at what is in quarantine")
        place, sha256 = found
        content = segments.read(self.folder, place)
        if hashlib.sha256(memoryview(content)[place.prefix_bytes :]).digest() != sha256:
            raise StoreError(
                "altered bytes", where=f"segment {place.segment}, {sop_instance_uid}", remedy="restore the segment from a backup"
            )
        return content

    def find(self, level: matching.Level, filters: Mapping[str, str], *, limit: int = 100, offset: int = 0) -> list[Mapping[str, str]]:
        """Studies, series or instances by DICOM keywords and DICOM matching."""
        return queries.find(self.index, level, filters, limit=limit, offset=offset)

    def files(self, series_uid: str) -> tuple[str, ...]:
        """SOP Instance UIDs of a series, by InstanceNumber."""
        return queries.files(self.index, series_uid)

    def export(self, uid: str, folder: Path) -> list[Path]:
        """Writes the files of a study or a series under names of our own. Raises InputError when there is none."""
        uids = [sop for series in queries.series_of(self.index, uid) for sop in self.files(series)]
        if not uids:
            raise InputError("no such study or series", where=uid, remedy="send it first")
        folder.mkdir(parents=True, exist_ok=True)
        return [_export(self, sop, folder / f"{number:06d}.dcm") for number, sop in enumerate(uids, 1)]

    def arrivals(self, since: float = 0.0, *, settle_s: float = 10.0) -> list[Mapping[str, str | float]]:
        """Series whose last object came after `since` (s since 1970) and at least `settle_s` ago.

        The last row's `received_s` is the next `since`.
        """
        return queries.arrivals(self.index, since, self.committer.clock() - settle_s)

    def quarantined(self) -> list[Mapping[str, str | float]]:
        """Objects that are kept and not served, and why."""
        return queries.quarantined(self.index)

    def damages(self) -> list[Mapping[str, str | float]]:
        """What was found torn, damaged or missing at a start."""
        return queries.damages(self.index)

    def erase(self, patient_id: str, issuer: str = "") -> int:
        """Removes every object of a patient for good, by rewriting the segments that hold any; returns how many."""
        return erasing.erase(self.committer, patient_id, issuer)

    def free_bytes(self) -> int:
        """Room on the disk."""
        return shutil.disk_usage(self.folder).free

    def close(self) -> None:
        """Writes what waits, then closes."""
        committing.stop(self.committer)
        index.close(self.index)
        os.close(self.lock)


def open_archive(folder: Path, *, clock: Callable[[], float] = time.time, segment_bytes: int = segments.SEGMENT_BYTES) -> Archive:
    """Opens the archive of a folder, or makes it; what a crash left is brought in order.

    Raises StoreError when another process has it open.
    """
    files.make_folder(folder)
    lock = _lock(folder)
    opened = index.open_index(folder / "index.db")
    last = recovery.recover(folder, opened)
    committer = committing.Committer(segments.Segments(folder, number=last, segment_bytes=segment_bytes), opened, clock)
    committer.stepped_s = index.select(opened, "SELECT coalesce(max(received_s), 0) FROM series")[0][0]
    committing.start(committer)
    return Archive(folder, opened, committer, lock)


def _lock(folder: Path) -> int:
    with files.refusing(folder / "lock"):
        descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise StoreError(
            "the archive is open in another process", where=str(folder), remedy="stop the other service, or name another folder"
        ) from error
    return descriptor


def _export(archive: Archive, uid: str, target: Path) -> Path:
    with files.refusing(target):
        target.write_bytes(archive.read(uid))
    return target

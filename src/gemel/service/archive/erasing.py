"""Erasing a patient: the segments that hold any of his objects are written again without them, then deleted.

In order, so that a crash or a power cut leaves either all or nothing: copies under temporary names, one transaction of the index that
points to the copies and dooms the old segments, flushed, names for the copies, deletion. Copies of a backup, and blocks that a disk keeps,
are beyond it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from sqlite3 import Row

from gemel.service.archive import frame, index, recovery, segments
from gemel.service.archive.committing import Committer
from gemel.service.archive.entry import Entry


@dataclass(frozen=True)
class Moved:
    """One segment rewritten: which objects stay, where they lie now, how long the copy is."""

    old: int
    new: int
    kept: tuple[Entry, ...]
    end: int


def erase(committer: Committer, patient_id: str, issuer: str) -> int:
    """Removes what is held of a patient, served or in quarantine; returns how many objects."""
    with committer.turn:
        segments.seal(committer.segments)
        held = _held(committer.index, patient_id, issuer)
        moved = [_copy(committer, number, (patient_id, issuer)) for number in sorted({row["segment"] for row in held})]
        with committer.index.turn, index.changing(committer.index.writer):
            for part in moved:
                _point(committer.index, part)
            _delete(committer.index, patient_id, issuer)
        _empty_log(committer.index)  # before a file goes: the index is else flushed behind, and would look for others' objects in it
        recovery.finish_erasing(committer.segments.folder, committer.index)
        _empty_log(committer.index)
        for table in (committer.seen.objects, committer.seen.series, committer.seen.studies):
            table.clear()
    return len(held)


def uids_of(opened: index.Index, patient_id: str, issuer: str) -> list[str]:
    """SOP Instance UIDs of what is held of a patient, served or in quarantine."""
    return sorted({str(row["SOPInstanceUID"]) for row in _held(opened, patient_id, issuer)})


def _held(opened: index.Index, patient_id: str, issuer: str) -> list[Row]:
    served = (
        "SELECT segment, SOPInstanceUID FROM instance JOIN series ON series.id = instance.series JOIN study ON study.id = series.study "
        "WHERE PatientID = ? AND IssuerOfPatientID = ?"
    )
    apart = "SELECT segment, SOPInstanceUID FROM quarantine WHERE PatientID = ? AND IssuerOfPatientID = ?"
    return [row for text in (served, apart) for row in index.select(opened, text, (patient_id, issuer))]


def _copy(committer: Committer, number: int, person: tuple[str, str]) -> Moved:
    """The frames of others, one after the other, in a new segment."""
    target, kept = committer.segments.number + 1, list[Entry]()
    committer.segments.number = target

    def frames(content: memoryview) -> Iterator[bytes]:
        end = 0
        for entry in frame.walk(content, number):
            if isinstance(entry, Entry) and entry.person != person:
                pieces, placed = _again(content, entry, target, end)
                kept.append(placed)
                end += len(pieces)
                yield pieces

    with segments.mapped(segments.path(committer.segments.folder, number)) as content:
        segments.write_copy(committer.segments.folder, target, frames(content))
    return Moved(number, target, tuple(kept), kept[-1].place.end if kept else 0)


def _again(content: memoryview, entry: Entry, number: int, at: int) -> tuple[bytes, Entry]:
    middle = entry.place.offset + entry.place.prefix_bytes
    prefix = bytes(content[entry.place.offset : middle])
    pieces = frame.encode(entry, number, prefix, content[middle : entry.place.end])
    place = replace(entry.place, segment=number, offset=at + frame.data_offset(pieces, prefix))
    return b"".join(pieces), replace(entry, place=place)


def _point(opened: index.Index, part: Moved) -> None:
    execute = opened.writer.execute
    for entry in part.kept:
        table = "instance" if entry.status == "stored" else "quarantine"
        statement = f"UPDATE {table} SET segment = ?, offset = ? WHERE SOPInstanceUID = ? AND sha256 = ?"
        execute(statement, (part.new, entry.place.offset, entry.uid, entry.sha256))
    execute("INSERT INTO segment (number, indexed, state) VALUES (?, ?, 'copied')", (part.new, part.end))
    execute("UPDATE segment SET state = 'doomed' WHERE number = ?", (part.old,))


def _delete(opened: index.Index, patient_id: str, issuer: str) -> None:
    studies = "SELECT id FROM study WHERE PatientID = ? AND IssuerOfPatientID = ?"
    for statement in (
        f"DELETE FROM instance WHERE series IN (SELECT id FROM series WHERE study IN ({studies}))",
        f"DELETE FROM series WHERE study IN ({studies})",
        "DELETE FROM study WHERE PatientID = ? AND IssuerOfPatientID = ?",
        "DELETE FROM quarantine WHERE PatientID = ? AND IssuerOfPatientID = ?",
    ):
        opened.writer.execute(statement, (patient_id, issuer))


def _empty_log(opened: index.Index) -> None:
    with opened.turn:
        opened.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)").close()

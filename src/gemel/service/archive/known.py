"""Is this object new, held already, or a contradiction? Asked of the last thousands in memory, then of the index."""

from collections import OrderedDict
from dataclasses import dataclass, field, replace

from gemel.service.archive.entry import Entry
from gemel.service.archive.index import LONGEST, Index, peek

_HELD = "SELECT sha256 FROM instance WHERE SOPInstanceUID = ? UNION ALL SELECT sha256 FROM quarantine WHERE SOPInstanceUID = ?"
REMEMBERED = 16 * LONGEST  # far more than can be pending, so that nothing is both forgotten here and missing in the file

Values = tuple[bytes | str, ...]  # of an object: the hashes under its UID; of a series: its study; of a study: PatientID and issuer
Table = OrderedDict[str, Values]
Undo = tuple[Table, str, Values | None]


@dataclass(frozen=True)
class Known:
    """What was received lately, by UID."""

    objects: Table = field(default_factory=OrderedDict)
    series: Table = field(default_factory=OrderedDict)
    studies: Table = field(default_factory=OrderedDict)


def judge(known: Known, index: Index, entry: Entry) -> Entry:
    """The entry with its status: an object is served when nothing that is held contradicts it."""
    held = _objects(known, index, entry.uid)
    if entry.sha256 in held:
        return replace(entry, status="held")
    words = _contradiction(known, index, entry, held)
    return replace(entry, status="quarantined", words=words) if words else entry


def remember(known: Known, entry: Entry) -> list[Undo]:
    """Notes an entry that is about to be written; what it returns takes the note back when that fails."""
    notes: list[tuple[Table, str, Values]] = [(known.objects, entry.uid, (*known.objects.get(entry.uid, ()), entry.sha256))]
    if entry.status == "stored":
        notes += [(known.series, entry.series, (entry.study,)), (known.studies, entry.study, entry.person)]
    before = [(table, uid, table.get(uid)) for table, uid, _ in notes]
    for table, uid, value in notes:
        _keep(table, uid, value)
    return before


def undo(before: list[Undo]) -> None:
    """Takes notes back, the latest first."""
    for table, uid, value in reversed(before):
        if value is None:
            table.pop(uid, None)
        else:
            table[uid] = value


def _contradiction(known: Known, index: Index, entry: Entry, held: Values) -> str:
    if held:
        return "other bytes under a SOP Instance UID that is held"
    study = _series(known, index, entry.series)
    if study not in ((), (entry.study,)):
        return f"its series is held in another study, {study[0]!s}"
    person = _studies(known, index, entry.study)
    return "its study is held under another PatientID" if person not in ((), entry.person) else ""


def _objects(known: Known, index: Index, uid: str) -> Values:
    if uid not in known.objects:
        _keep(known.objects, uid, tuple(row["sha256"] for row in peek(index, _HELD, (uid, uid))))
    return known.objects[uid]


def _series(known: Known, index: Index, uid: str) -> Values:
    if uid not in known.series:
        statement = "SELECT StudyInstanceUID FROM series JOIN study ON study.id = series.study WHERE SeriesInstanceUID = ?"
        rows = peek(index, statement, (uid,))
        return tuple(rows[0]) if rows else ()
    return known.series[uid]


def _studies(known: Known, index: Index, uid: str) -> Values:
    if uid not in known.studies:
        rows = peek(index, "SELECT PatientID, IssuerOfPatientID FROM study WHERE StudyInstanceUID = ?", (uid,))
        return tuple(rows[0]) if rows else ()
    return known.studies[uid]


def _keep(table: Table, uid: str, value: Values) -> None:
    table[uid] = value
    table.move_to_end(uid)
    if len(table) > REMEMBERED:
        table.popitem(last=False)

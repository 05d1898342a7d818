"""Questions to the index: objects by their attributes, files of a series, series that have settled."""

from collections.abc import Mapping, Sequence
from sqlite3 import Row

from gemel.core.errors import InputError
from gemel.service.archive.columns import INSTANCE, PLACE, SERIES, STUDY, listed
from gemel.service.archive.entry import Place
from gemel.service.archive.index import Index, select
from gemel.service.archive.matching import LEVELS, Condition, Level, conditions

LARGEST = 10_000  # rows of one answer
_COUNTED = {
    "NumberOfStudyRelatedSeries": "(SELECT count(*) FROM series AS s WHERE s.study = study.id)",
    "NumberOfStudyRelatedInstances": "(SELECT sum(s.instances) FROM series AS s WHERE s.study = study.id)",
    "ModalitiesInStudy": "(SELECT group_concat(DISTINCT s.Modality) FROM series AS s WHERE s.study = study.id)",
}
_COLUMNS = {
    "study": ", ".join([listed(STUDY, "study"), *(f"{text} AS {name}" for name, text in _COUNTED.items())]),
    "series": f"{listed(STUDY, 'study')}, {listed(SERIES, 'series')}, series.instances AS NumberOfSeriesRelatedInstances",
    "instance": f"{listed(STUDY, 'study')}, {listed(SERIES, 'series')}, {listed(INSTANCE, 'instance')}",
}
_JOINS = {
    "series": "JOIN study ON study.id = series.study",
    "instance": "JOIN series ON series.id = instance.series JOIN study ON study.id = series.study",
}
_BELOW = {
    "series": "EXISTS (SELECT 1 FROM series WHERE series.study = study.id AND {})",
    "instance": "EXISTS (SELECT 1 FROM instance WHERE instance.series = series.id AND {})",
}


def find(index: Index, level: Level, filters: Mapping[str, str], *, limit: int, offset: int) -> list[Mapping[str, str]]:
    """Studies, series or instances that match all filters, in the order of their arrival. Raises InputError for an unknown attribute."""
    if level not in LEVELS or limit < 0 or offset < 0:
        raise InputError(
            f"no query of level {level!r} from {offset}, {limit} rows", remedy=f"ask for {', '.join(LEVELS)}, limit and offset from 0 on"
        )
    asked = conditions(filters)
    where, values = _where(level, asked)
    joins = _JOINS.get(level, "")
    needed = joins if any(LEVELS.index(condition.table) < LEVELS.index(level) for condition in asked) else ""
    page = f"SELECT {level}.id FROM {level} {needed} {where} ORDER BY {level}.id LIMIT ? OFFSET ?"  # what is skipped is not joined
    statement = f"SELECT {_COLUMNS[level]} FROM {level} {joins} WHERE {level}.id IN ({page}) ORDER BY {level}.id"
    rows = select(index, statement, (*values, min(limit, LARGEST), offset))
    return [_words(row) for row in rows]


def _words(row: Row) -> Mapping[str, str]:
    """Values as DICOM writes them: several in one element are parted by a backslash."""
    values = {name: str(value or "") for name, value in dict(row).items()}
    if "ModalitiesInStudy" in values:
        values["ModalitiesInStudy"] = values["ModalitiesInStudy"].replace(",", "\\")
    return values


def _where(level: Level, asked: Sequence[Condition]) -> tuple[str, list[str]]:
    """Conditions of this level and above stand as they are; those below ask whether there is one such series or instance."""
    depth = LEVELS.index(level)
    texts, values = [], []
    for table in LEVELS:
        own = [condition for condition in asked if condition.table == table]
        text = " AND ".join(condition.text for condition in own)
        if own:
            texts.append(text if LEVELS.index(table) <= depth else _nested(LEVELS[depth + 1 : LEVELS.index(table) + 1], text))
            values += [value for condition in own for value in condition.values]
    return (f"WHERE {' AND '.join(texts)}" if texts else ""), values


def _nested(tables: Sequence[str], text: str) -> str:
    for table in reversed(tables):
        text = _BELOW[table].format(text)
    return text


def place_of(index: Index, uid: str) -> tuple[Place, bytes] | None:
    """Where the object lies that is served under a SOP Instance UID, and its hash."""
    rows = select(index, f"SELECT {listed(PLACE)} FROM instance WHERE SOPInstanceUID = ?", (uid,))
    return next(((Place(*tuple(row)[:4]), row["sha256"]) for row in rows), None)


def files(index: Index, series_uid: str) -> tuple[str, ...]:
    """SOP Instance UIDs of a series, by InstanceNumber."""
    statement = "SELECT SOPInstanceUID FROM instance JOIN series ON series.id = instance.series WHERE SeriesInstanceUID = ?"
    rows = select(index, f"{statement} ORDER BY CAST(InstanceNumber AS INTEGER), instance.id", (series_uid,))
    return tuple(row["SOPInstanceUID"] for row in rows)


def series_of(index: Index, uid: str) -> tuple[str, ...]:
    """Series Instance UIDs of a study, or the series itself."""
    statement = (
        "SELECT SeriesInstanceUID FROM series JOIN study ON study.id = series.study WHERE SeriesInstanceUID = ? OR StudyInstanceUID = ?"
    )
    return tuple(row["SeriesInstanceUID"] for row in select(index, f"{statement} ORDER BY series.id", (uid, uid)))


def arrivals(index: Index, since_s: float, until_s: float) -> list[Mapping[str, str | float]]:
    """Series whose last object came after `since_s` and not after `until_s`, the earliest first; `received_s` is the next `since_s`."""
    columns = f"{listed(STUDY, 'study')}, {listed(SERIES, 'series')}, series.instances, series.received_s"
    statement = (
        f"SELECT {columns} FROM series {_JOINS['series']} WHERE series.received_s > ? AND series.received_s <= ? ORDER BY series.received_s"
    )
    return [dict(row) for row in select(index, statement, (since_s, until_s))]


def quarantined(index: Index) -> list[Mapping[str, str | float]]:
    """Objects that are kept and not served, and why, the latest first."""
    columns = "SOPInstanceUID, SeriesInstanceUID, StudyInstanceUID, PatientID, IssuerOfPatientID, words, source, received_s"
    return [dict(row) for row in select(index, f"SELECT {columns} FROM quarantine ORDER BY id DESC LIMIT {LARGEST}")]


def damages(index: Index) -> list[Mapping[str, str | float]]:
    """What was found torn, damaged or missing at a start."""
    return [dict(row) for row in select(index, "SELECT found_s, segment, offset, words FROM damage ORDER BY id DESC")]

"""Entries into the tables: one transaction for as many as have come."""

import sqlite3
from collections.abc import Sequence

from gemel.service.archive.columns import INSTANCE, PLACE, QUARANTINE, SERIES, STUDY, holes, listed
from gemel.service.archive.entry import Entry

_STUDY = f"INSERT INTO study ({listed(STUDY)}) VALUES ({holes(STUDY)}) ON CONFLICT DO NOTHING"
_SERIES = (
    f"INSERT INTO series (study, {listed(SERIES)}) "
    f"VALUES ((SELECT id FROM study WHERE StudyInstanceUID = ?), {holes(SERIES)}) ON CONFLICT DO NOTHING"
)
_INSTANCE = (
    f"INSERT INTO instance (series, {listed(INSTANCE + PLACE)}) "
    f"VALUES ((SELECT id FROM series WHERE SeriesInstanceUID = ?), {holes(INSTANCE + PLACE)}) ON CONFLICT DO NOTHING"
)
_COUNT = "UPDATE series SET instances = instances + ?, received_s = max(received_s, ?) WHERE SeriesInstanceUID = ?"
_QUARANTINE = f"INSERT INTO quarantine ({listed(QUARANTINE + PLACE)}) VALUES ({holes(QUARANTINE + PLACE)}) ON CONFLICT DO NOTHING"
_SEGMENT = "INSERT INTO segment (number, indexed) VALUES (?, ?) ON CONFLICT (number) DO UPDATE SET indexed = max(indexed, excluded.indexed)"


def write(writer: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Writes entries in a transaction of the caller's; entries that are there already change nothing."""
    served = [entry for entry in entries if entry.status == "stored"]
    studies, series = dict[str, Entry](), dict[str, Entry]()
    for entry in served:
        studies.setdefault(entry.study, entry)
        series.setdefault(entry.series, entry)
    writer.executemany(_STUDY, [_values(entry, STUDY) for entry in studies.values()])
    writer.executemany(_SERIES, [(entry.study, *_values(entry, SERIES)) for entry in series.values()])
    _write_instances(writer, served)
    writer.executemany(_QUARANTINE, [_quarantined(entry) for entry in entries if entry.status == "quarantined"])
    writer.executemany(_SEGMENT, list({entry.place.segment: entry.place.end for entry in entries}.items()))


def _write_instances(writer: sqlite3.Connection, served: Sequence[Entry]) -> None:
    """Counts of a series rise by what is new alone."""
    new: dict[str, int] = {}
    for entry in served:
        changed = writer.execute(_INSTANCE, (entry.series, *_values(entry, INSTANCE), *_place(entry))).rowcount
        new[entry.series] = new.get(entry.series, 0) + max(changed, 0)
    latest = {entry.series: entry.received_s for entry in served}
    writer.executemany(_COUNT, [(count, latest[uid], uid) for uid, count in new.items() if count])


def _values(entry: Entry, names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(entry.tags.get(name, "") for name in names)


def _place(entry: Entry) -> tuple[int | float | bytes | str, ...]:
    place = entry.place
    return place.segment, place.offset, place.prefix_bytes, place.data_bytes, entry.sha256, entry.source, entry.received_s


def _quarantined(entry: Entry) -> tuple[int | float | bytes | str, ...]:
    return (*_values(entry, QUARANTINE[:-1]), entry.words, *_place(entry))

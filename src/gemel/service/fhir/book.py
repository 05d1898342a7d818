"""What is remembered of patients whom an EHR speaks of, under their subject keys: other numbers of theirs, weight and height."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from gemel.service.security.database import Database, open_database

SCHEMA = """
CREATE TABLE IF NOT EXISTS alias (number TEXT PRIMARY KEY, subject TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS body (mark TEXT PRIMARY KEY, subject TEXT NOT NULL, what TEXT NOT NULL, at_s REAL NOT NULL,
  amount REAL NOT NULL);
CREATE INDEX IF NOT EXISTS body_subject ON body (subject, what);
"""
CLOSE_s = 180 * 86_400.0
"""How old a weight may be; assumed."""


@dataclass(frozen=True)
class Measured:
    """Weight (kg) or height (cm) of a subject; `mark` names the statement."""

    mark: str
    subject: str
    what: str
    at_s: float
    amount: float


def open_book(folder: Path) -> Database:
    """The file `fhir.db` of the service's folder. No name and no number of a person is in it: numbers are keyed hashes."""
    folder.mkdir(parents=True, exist_ok=True)
    return open_database(folder / "fhir.db", SCHEMA)


def keep(book: Database, measured: Sequence[Measured], withdrawn: Collection[str], aliases: Sequence[tuple[str, str]]) -> None:
    """Notes and forgets in one change; `aliases`: (key of a number, subject)."""
    with book.change() as connection:
        connection.executemany("DELETE FROM body WHERE mark = ?", [(mark,) for mark in withdrawn])
        rows = [(one.mark, one.subject, one.what, one.at_s, one.amount) for one in measured]
        connection.executemany("INSERT OR REPLACE INTO body VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany("INSERT OR REPLACE INTO alias VALUES (?, ?)", aliases)


def erase(book: Database, subject: str) -> None:
    """Removes what is known of one subject."""
    with book.change() as connection:
        connection.execute("DELETE FROM body WHERE subject = ?", (subject,))
        connection.execute("DELETE FROM alias WHERE subject = ? OR number = ?", (subject, subject))


def forget(book: Database, living: Collection[str]) -> None:
    """Removes what is known of everybody without a twin: those who were erased."""
    known = {str(row[0]) for row in book.select("SELECT subject FROM body UNION SELECT subject FROM alias")}
    if gone := [(subject,) for subject in known - set(living)]:
        with book.change() as connection:
            connection.executemany("DELETE FROM body WHERE subject = ?", gone)
            connection.executemany("DELETE FROM alias WHERE subject = ?", gone)


def aliased(book: Database, keys: Sequence[str]) -> list[str]:
    """Subjects to whom numbers were said to belong."""
    found = [book.select("SELECT subject FROM alias WHERE number = ?", (key,)) for key in keys]
    return [str(rows[0][0]) for rows in found if rows]


def measurements(book: Database, subject: str) -> list[Measured]:
    """Weights and heights of a subject."""
    rows = book.select("SELECT mark, subject, what, at_s, amount FROM body WHERE subject = ?", (subject,))
    return [Measured(str(m), str(s), str(w), float(t), float(a)) for m, s, w, t, a in rows]


def surface_m2(known: Sequence[Measured], at_s: float) -> float | None:
    """Body surface √(height weight/3600), cm and kg, of the values nearest in time; None without both, or with a weight of long ago.

    Mosteller 1987, N Engl J Med 317:1098.
    """
    nearest = {
        what: min((one for one in known if one.what == what), key=lambda one: abs(one.at_s - at_s), default=None)
        for what in ("weight", "height")
    }
    weight, height = nearest["weight"], nearest["height"]
    if weight is None or height is None or abs(weight.at_s - at_s) > CLOSE_s:
        return None
    return math.sqrt(height.amount * weight.amount / 3600.0)

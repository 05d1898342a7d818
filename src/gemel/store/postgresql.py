"""The record's rows in a PostgreSQL database: the same tables, one writer at a time, every commit flushed by the server."""

import getpass
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import resources
from pathlib import Path
from threading import RLock

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from gemel.core.errors import ConflictError, InputError, StoreError
from gemel.store import files
from gemel.store.rows import Row, foreign, missing_triggers
from gemel.store.stated import require_values

SCHEMA = "3"  # 2 had no tasks; the tables are added when such a record is opened
READ = ("2", SCHEMA)
DRIVER = "pg8000"
ADDRESS = "write it as postgresql://user@host/database, with host:6543 for another port than 5432"
_INTACT = "see that the server runs and may be written; what was committed before is intact"
_REMEDIES = {
    "3D000": "make the database first (createdb), or correct its name",
    "28P01": "correct user and password; an @ in a password is written %40",
    "28000": "let this user in at the server (pg_hba.conf), or name another",
}
_LOCK_NOT_AVAILABLE = "55P03"  # PostgreSQL 15 documentation, Appendix A: error codes
_DEADLOCK, _SERIALIZATION = "40P01", "40001"


@dataclass(frozen=True)
class PostgresqlRows:
    """An open connection to a server. `place` is its address without the password."""

    place: str
    connection: sa.Connection
    busy_s: float
    turn: RLock = field(default_factory=RLock)
    pid: int = field(default_factory=os.getpid)

    @property
    def address(self) -> str:
        """The server's address with the password."""
        return self.connection.engine.url.render_as_string(hide_password=False)

    @property
    def locking(self) -> str:
        """Rows that another transaction holds are passed over (PostgreSQL 15, SELECT, the locking clause)."""
        return "FOR UPDATE SKIP LOCKED"

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One exclusive change: other writers wait at the lock on the table of events, readers do not (PostgreSQL 15, §13.3.1)."""
        with self.change():
            self.connection.exec_driver_sql("LOCK TABLE event IN SHARE ROW EXCLUSIVE MODE")
            yield

    @contextmanager
    def change(self) -> Iterator[None]:
        """One change; others wait only for the rows that both write (PostgreSQL 15, §13.3.2)."""
        _require_owner(self)
        with self.turn, refusing(self.place):
            if self.connection.in_transaction():
                yield
                return
            with self.connection.begin():
                self.connection.exec_driver_sql(f"SET LOCAL lock_timeout = {max(1, round(1000 * self.busy_s))}")
                yield

    def select(self, statement: str, values: Sequence[object] = ()) -> list[Row]:
        """Rows of a query."""
        _require_owner(self)
        with self.turn, refusing(self.place), _joined(self.connection):
            return [tuple(row) for row in self.connection.execute(_text(statement), _named(values))]

    def execute(self, statement: str, values: Sequence[object] = ()) -> int:
        """Number of rows that a statement changed."""
        with self.turn, refusing(self.place):
            return self.connection.execute(_text(statement), _named(values)).rowcount

    def damage(self) -> list[str]:
        """Append-only triggers that are gone or switched off; pages are the server's own business (see pg_amcheck)."""
        present = self.select("SELECT tgname FROM pg_trigger WHERE tgrelid = 'event'::regclass AND tgenabled IN ('O', 'A')")
        return missing_triggers({name for (name,) in present})

    def forget(self) -> None:
        """Frees the space of deleted rows (VACUUM); the server's own log and its backups are the site's to expire."""
        with self.turn, refusing(self.place):
            self.connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("VACUUM FULL person")
            self.connection.rollback()
            self.connection.execution_options(isolation_level="READ COMMITTED")

    def close(self) -> None:
        """Closes the connection."""
        self.connection.close()

    def closer(self) -> Callable[[], None]:
        """Closes the connection."""
        return self.connection.close


@contextmanager
def refusing(place: str) -> Iterator[None]:
    """Turns the driver's errors into StoreError, or ConflictError when another process writes."""
    try:
        yield
    except DBAPIError as error:
        code = _code(error)
        if code in (_LOCK_NOT_AVAILABLE, _DEADLOCK, _SERIALIZATION):
            raise ConflictError("another process is writing", where=place, remedy="repeat when it has finished") from error
        raise StoreError(_words(error)[:300], where=place, remedy=_REMEDIES.get(code, _INTACT)) from error
    except SQLAlchemyError as error:
        raise StoreError(str(error)[:300], where=place, remedy="open the store again") from error
    except OSError as error:  # as the driver lets a broken connection through
        raise StoreError(error.strerror or str(error), where=place, remedy=_INTACT) from error


def connect(url: str, busy_s: float, create: bool) -> PostgresqlRows:
    """Opens, or creates, a record in an existing database. Raises InputError for a bad address, StoreError when the server refuses."""
    try:
        address = address_of(url)
        engine = sa.create_engine(address, poolclass=NullPool, isolation_level="READ COMMITTED")
    except (ArgumentError, NoSuchModuleError) as error:
        raise InputError(f"an address that cannot be read ({error})", where="open", remedy=ADDRESS) from error
    place = address.render_as_string(hide_password=True)
    with refusing(place):
        connection = engine.connect()
    rows = PostgresqlRows(place, connection, busy_s)
    try:
        _prepare(rows, create)
    except BaseException:
        connection.close()
        raise
    return rows


def address_of(url: str) -> sa.URL:
    """The address with a driver and a user: the one logged in unless stated (PostgreSQL 15, §34.1.2). Raises InputError for a bad one."""
    try:
        address = sa.make_url(url)
    except ValueError as error:  # of the port; what it says may hold the password
        raise InputError("an address whose port is no number", where="open", remedy=ADDRESS) from error
    if "@" in (address.host or ""):
        raise InputError("an address with more than one @", where="open", remedy="write the @ of a password as %40")
    if address.drivername == "postgresql":
        address = address.set(drivername=f"postgresql+{DRIVER}")
    return address if address.username else address.set(username=getpass.getuser())


def artefacts_folder(rows: PostgresqlRows, stated: Path | None) -> Path:
    """The folder of the artefacts: settled once, in the working folder unless stated. Raises StoreError when it is not on this machine."""
    held = rows.select("SELECT value FROM setting WHERE name = 'artefacts'")
    if held:
        folder = stated or Path(str(held[0][0]))
        if not folder.is_dir():
            remedy = "mount it here, or open the record with artefacts= the folder where it is mounted"
            raise StoreError("no folder of artefacts", where=str(folder), remedy=remedy)
        return folder
    name = str(rows.connection.engine.url.database)
    folder = (stated or Path(f"{re.sub(r'[^A-Za-z0-9_-]', '_', name)}.artefacts")).absolute()
    with files.refusing(folder):
        files.make_folder(folder)
    with rows.transaction():
        if not rows.select("SELECT value FROM setting WHERE name = 'artefacts'"):
            rows.execute("INSERT INTO setting (name, value) VALUES ('artefacts', ?)", (str(folder),))
    return artefacts_folder(rows, stated)


def _prepare(rows: PostgresqlRows, create: bool) -> None:
    """Settles durability, and the schema of a new record. A database that holds other tables of these names is refused."""
    for name in ("fsync", "full_page_writes"):
        if rows.select(f"SHOW {name}") != [("on",)]:
            remedy = f"set {name} = on in postgresql.conf: without it a power cut can lose what was acknowledged"
            raise StoreError(f"a server with {name} off", where=rows.place, remedy=remedy)
    with refusing(rows.place), rows.connection.begin():
        rows.connection.exec_driver_sql("SET synchronous_commit = on")
    if not (new := _is_new(rows)) and _schema(rows) == SCHEMA:
        return
    if new and not create:
        raise StoreError("no record", where=rows.place, remedy="correct the address, or let open create it")
    with refusing(rows.place), rows.connection.begin():
        rows.connection.exec_driver_sql("SELECT pg_advisory_xact_lock(1734700396)")  # "geml": one process creates
        if _is_new(rows) or _schema(rows) != SCHEMA:  # another process may have been first
            rows.connection.exec_driver_sql(resources.files("gemel.store").joinpath("schema_postgresql.sql").read_text())
            rows.execute(
                "INSERT INTO setting (name, value) VALUES ('schema', ?) ON CONFLICT (name) DO UPDATE SET value = ?", (SCHEMA, SCHEMA)
            )


def _is_new(rows: PostgresqlRows) -> bool:
    """True without a record. Raises StoreError when these tables belong to something else or to a newer gemel."""
    tables = rows.select("SELECT to_regclass('event')::text, to_regclass('setting')::text")[0]
    if tables == (None, None):
        return True
    remedy = "name a database of its own"
    if None in tables or not (found := _schema(rows)):
        raise StoreError("a database that is not a gemel record", where=rows.place, remedy=remedy)
    if found not in READ:
        raise StoreError(f"a record of schema {found}", where=rows.place, remedy=f"this gemel reads schema {SCHEMA}: install a newer one")
    return False


def _schema(rows: PostgresqlRows) -> str:
    """The schema of a record; empty without one."""
    held = rows.select("SELECT value FROM setting WHERE name = 'schema'")
    return str(held[0][0]) if held else ""


@contextmanager
def _joined(connection: sa.Connection) -> Iterator[None]:
    """Within the transaction that is open, or in one of its own."""
    if connection.in_transaction():
        yield
    else:
        with connection.begin():
            yield


@lru_cache(maxsize=256)
def _text(statement: str) -> sa.TextClause:
    """`?` marks as named ones; colons that are not marks are escaped."""
    parts = statement.replace(":", r"\:").split("?")
    return sa.text("".join(part + (f":v{i}" if i < len(parts) - 1 else "") for i, part in enumerate(parts)))


def _named(values: Sequence[object]) -> dict[str, object]:
    return {f"v{i}": value for i, value in enumerate(require_values(values))}


def _code(error: DBAPIError) -> str:
    """SQLSTATE, as pg8000 (a dictionary of the server's fields) or psycopg gives it."""
    fields = error.orig.args[0] if error.orig is not None and error.orig.args else {}
    return str(fields.get("C", "")) if isinstance(fields, dict) else str(getattr(error.orig, "sqlstate", ""))


def _words(error: DBAPIError) -> str:
    """What the server said, without its other fields, or the driver without how it tried."""
    fields = error.orig.args[0] if error.orig is not None and error.orig.args else ""
    return str(fields.get("M", fields)) if isinstance(fields, dict) else str(error.orig).partition(" (timeout is")[0]


def _require_owner(rows: PostgresqlRows) -> None:
    if os.getpid() != rows.pid:
        raise foreign(rows.place)

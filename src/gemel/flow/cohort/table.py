"""The table of a trial in DuckDB (Raasveldt & Mühleisen 2019, SIGMOD 1981): SQL over it, and Parquet."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from jaxtyping import Shaped

from gemel.core.errors import InputError
from gemel.core.image import Array
from gemel.io.files import write_atomic

TABLE = "trial"
Columns = Mapping[str, Shaped[Array, "rows"]]


def query(columns: Columns, sql: str) -> list[dict[str, Any]]:
    """Rows of a query on the table `trial`, as dicts. Raises InputError, with what DuckDB says, when it cannot be answered."""
    with _opened(columns) as connection:
        try:
            found = connection.execute(sql)
            return [dict(zip([column[0] for column in found.description or ()], row)) for row in found.fetchall()]
        except duckdb.Error as error:
            raise InputError(f"a query that fails ({error})", where=sql, remedy=f"the table {TABLE} has {', '.join(columns)}") from error


def to_parquet(columns: Columns, path: Path, about: Mapping[str, str]) -> None:
    """The table as a Parquet file with `about` as its key-value metadata, written whole or not at all. Raises InputError."""
    held = ", ".join(f"{_quoted(key)}: {_quoted(value)}" for key, value in about.items())
    with tempfile.TemporaryDirectory(prefix="gemel-trial-") as folder, _opened(columns) as connection:
        made = Path(folder) / "trial.parquet"
        connection.execute(f"copy {TABLE} to {_quoted(str(made))} (format parquet, compression zstd, kv_metadata {{{held}}})")
        write_atomic(path, made.read_bytes())


def _opened(columns: Columns) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(config={"threads": 1, "autoinstall_known_extensions": False, "autoload_known_extensions": False})
    connection.register(TABLE, {name: v.astype(object) if v.dtype.kind == "U" else np.ascontiguousarray(v) for name, v in columns.items()})
    return connection


def _quoted(text: str) -> str:
    """Text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"

"""`gemel audit`: the head of the audit log, and whether all of it is still there."""

from pathlib import Path
from typing import Annotated

import typer

from gemel.cli.shell import AsJson, StoreAt, app, say, speaking
from gemel.cli.user import FolderOf
from gemel.service.security.audit import last
from gemel.service.security.audit_check import findings
from gemel.service.security.database import Database, open_database
from gemel.service.settings import beside

audit = typer.Typer(no_args_is_help=True, help="The audit log of `gemel serve`: head, verify.")
app.add_typer(audit, name="audit")


def log_of(at: str, folder: Path | None) -> Database:
    """The log beside a record. Raises StoreError when there is none."""
    return open_database((folder or beside(at)) / "audit.db", "", create=False)


@audit.command("head")
def head(at: StoreAt = "twins.db", folder: FolderOf = None, as_json: AsJson = False) -> None:
    """Number and hash of the newest row: keep it elsewhere, for `gemel audit verify --anchor`."""
    with speaking():
        number, sealed = last(log_of(at, folder))
    say(as_json, {"number": number, "hash": sealed}, f"{number}:{sealed}")


@audit.command("verify")
def verify(
    anchor: Annotated[str, typer.Option(help="A head that was kept elsewhere, NUMBER:HASH; tells whether rows were cut off.")] = "",
    at: StoreAt = "twins.db",
    folder: FolderOf = None,
    as_json: AsJson = False,
) -> None:
    """Whether every row is as it was written; exit 1 when one is not."""
    with speaking():
        found = findings(log_of(at, folder), anchor)
    say(as_json, found, "\n".join(found) or "whole")
    raise typer.Exit(1 if found else 0)

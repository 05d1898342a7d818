"""`gemel verify`: whether a record is whole, after a restore or any other day."""

from typing import Annotated

import typer

from gemel import store
from gemel.cli.shell import AsJson, StoreAt, app, say, speaking


@app.command("verify")
def verify(
    at: StoreAt = "twins.db",
    head: Annotated[str, typer.Option(help="A head that was kept elsewhere; tells whether entries were cut off.")] = "",
    quick: Annotated[bool, typer.Option("--quick", help="The entries alone, not every artefact.")] = False,
    as_json: AsJson = False,
) -> None:
    """Whether every entry and artefact of a record is as it was written; prints its head, exit 1 when something is wrong."""
    with speaking(), store.open(at, create=False) as record:
        found = record.check(head or None, artefacts=not quick)
        newest = record.head()
    value = {"head": newest, "findings": [{"where": one.where, "what": one.what} for one in found]}
    say(as_json, value, "\n".join(f"{one.where}: {one.what}" for one in found) or f"whole: {newest}")
    raise typer.Exit(1 if found else 0)

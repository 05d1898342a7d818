"""`gemel promote`: what a record's twins taught becomes the prior of the next patients."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from gemel import flow, store
from gemel.cli.shell import AsJson, StoreAt, app, say, speaking
from gemel.flow import Prior


@app.command("promote")
def promote(
    system: Annotated[str, typer.Argument(help="An installed system; `gemel models` lists them.")],
    out: Annotated[Path, typer.Option("--out", help="File to write the prior to.", dir_okay=False)],
    at: StoreAt = "twins.db",
    as_json: AsJson = False,
) -> None:
    """Make a prior of the posteriors of a record's twins, for `gemel twin new … --set prior=FILE`."""
    with speaking() as progress, store.open(at, create=False) as record:
        made = flow.promote(record, system, out, progress=progress)
    say(as_json, asdict(made), prior_table(made))


def prior_table(made: Prior) -> Table:
    """A row for each parameter of which the patients told."""
    table = Table(
        "parameter", "centre", "spread", "told", title=escape(f"{made.version}: {made.model} {made.model_version}, {made.patients} twins")
    )
    for row in made.parameters:
        if row.told_1 > 0:
            table.add_row(row.name, f"{row.centre:.4g}", f"{row.spread:.3g}", f"{row.told_1:.0%}")
    return table

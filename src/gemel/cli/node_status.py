"""`gemel node status` and `gemel node again`: series and what became of them, objects on their way out, and what was given up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Column, Table

from gemel.cli.shell import AsJson, StoreAt, app, say, speaking
from gemel.core.errors import InputError
from gemel.core.time import iso
from gemel.service.node import routing, sending_outbox
from gemel.service.node import routing_book as books
from gemel.service.node.sending_outbox import Outbox
from gemel.service.settings import beside

node = typer.Typer(no_args_is_help=True, help="What the DICOM node did by itself: series that came, results that went.")
app.add_typer(node, name="node")
Folder = Annotated[Path | None, typer.Option(help="The service's folder; beside the record.", file_okay=False)]
WHY = 70


@contextmanager
def outbox_of(at: str, folder: Path | None) -> Iterator[Outbox]:
    """The node's book, of a service that runs or of one that does not. Raises InputError where there is none."""
    place = folder or beside(at)
    if not (place / "node.db").is_file():
        raise InputError("no node", where=str(place), remedy="start `gemel serve` with that record once, or name its --folder")
    book = books.open_book(place)
    try:
        yield Outbox(book, place / "outbox")
    finally:
        book.close()


@node.command("status")
def status(
    at: StoreAt = "twins.db",
    folder: Folder = None,
    all_: Annotated[bool, typer.Option("--all", help="Also what needs nobody any more.")] = False,
    as_json: AsJson = False,
) -> None:
    """What waits, runs, asks for a person, or was given up."""
    with speaking(), outbox_of(at, folder) as outbox:
        series = [one for one in books.latest(outbox.book) if all_ or one.state not in (books.DONE, books.LEFT)]
        objects = [one for one in sending_outbox.latest(outbox) if all_ or one.state != sending_outbox.DONE]
        counts = sending_outbox.counted(outbox)
    value = {"series": [asdict(one) for one in series], "objects": [asdict(one) for one in objects]}
    say(as_json, value, _table(series, counts, objects))


@node.command("again")
def again(
    what: Annotated[str, typer.Argument(metavar="SERIES|DESTINATION", help="A SeriesInstanceUID, or the name of a destination.")],
    at: StoreAt = "twins.db",
    folder: Folder = None,
    as_json: AsJson = False,
) -> None:
    """Try anew what was given up."""
    with speaking(), outbox_of(at, folder) as outbox:
        now_s = time.time()
        n = int(routing.again(outbox.book, what, now_s) is not None) or sending_outbox.again(outbox, what, now_s)
        if not n:
            raise InputError(f"nothing given up of {what[:64]!r}", where="the node", remedy="see `gemel node status`")
    say(as_json, {"again": n}, f"{n} tried anew")


def _table(series: list[books.Routed], counts: Any, objects: list[sending_outbox.Outgoing]) -> RenderableType:
    came = Table(
        "came", Column("series", overflow="fold"), "what", "objects", "rule", "state", "why", title=None if series else "nothing waits"
    )
    for one in series:
        row = (iso(one.received_s), one.series, f"{one.act} {one.modality}".strip(), str(one.objects), one.rule, one.state, one.why[:WHY])
        came.add_row(*map(escape, row))
    lines = [f"{destination}: {n} {state}" for (destination, state), n in sorted(counts.items())]
    lines += sorted({f"  {one.destination}, {one.state}: {one.why}" for one in objects if one.why})
    return Group(came, *map(escape, lines))

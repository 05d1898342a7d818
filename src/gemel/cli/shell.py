"""What every command is written with: the applications, options, a progress bar for each stage, errors in one line, JSON or text."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from gemel.cli.late import app as app
from gemel.core.errors import GemelError

out, err = Console(), Console(stderr=True)

twin = typer.Typer(no_args_is_help=True, help="One patient's twin: new → prepare → observe → decide → (adapt, check) → act → report.")
app.add_typer(twin, name="twin")

StoreAt = Annotated[str, typer.Option("--store", envvar="GEMEL_STORE", help="The record: an SQLite file.")]
TwinId = Annotated[str, typer.Argument(metavar="ID", help="The twin's id, as `gemel twin new` printed it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
Actor = Annotated[str, typer.Option("--actor", envvar="USER", help="Who does this; goes into the record.")]
Folder = Annotated[Path, typer.Option("--out", help="Folder to write to.", file_okay=False)]


@contextmanager
def speaking() -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar for each stage, and errors as one line with the remedy."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=err, transient=not err.is_terminal, disable=not err.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def report(what: str, done: int, total: int) -> None:
            if what not in tasks:
                if not err.is_terminal:
                    err.print(f"{what} …", highlight=False)
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        with telling(bars.stop):
            yield report


@contextmanager
def telling(first: Callable[[], None] = lambda: None) -> Iterator[None]:
    """Errors as one line with the remedy; `first` is done before it is printed."""
    try:
        yield
    except GemelError as error:
        first()
        err.print(f"[bold red]gemel:[/] {escape(' '.join(str(error).split()))}", soft_wrap=True, highlight=False)
        raise typer.Exit(1) from error


def say(as_json: bool, value: Any, text: Any) -> None:
    """Print JSON or the text."""
    if as_json:
        sys.stdout.write(json.dumps(value, sort_keys=True, default=str) + "\n")
    else:
        out.print(text)

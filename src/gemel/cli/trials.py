"""`gemel trial`: an in-silico trial from the command line."""

from functools import partial
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel.cli.shell import AsJson, Folder, app, say, speaking
from gemel.flow import cohort
from gemel.flow.cohort.arms import HINDSIGHT
from gemel.flow.cohort.finished import Trial, sql_table
from gemel.flow.cohort.pages import as_json, verdict, write_trial

SHOWN = 3
"""Plans of an arm that the table names."""


@app.command("trial")
def trial(
    system: Annotated[str, typer.Argument(help="An installed system; `gemel models` lists them.")],
    patients: Annotated[int, typer.Option(help="Virtual patients.")],
    folder: Folder,
    arms: Annotated[
        list[str] | None,
        typer.Option(help="twin, prior, fixed, a plan such as plan-2, or NAME=module:function; with commas, or repeated."),
    ] = None,
    draws: Annotated[int, typer.Option(help="Draws of each belief.")] = cohort.DRAWS,
    seed: Annotated[int, typer.Option(help="All chance derives from it.")] = 0,
    executor: Annotated[str, typer.Option(help="serial, pool, ray or queue.")] = "pool",
    workers: Annotated[int | None, typer.Option(help="Processes; all cores if not given.")] = None,
    at: Annotated[str, typer.Option("--store", help="A record to keep the work in, so that a killed trial goes on.")] = "",
    as_json_: AsJson = False,
) -> None:
    """Treat virtual patients in every arm by the same chance; writes trial.html, trial.parquet and trial.json."""
    named = [name for given in arms for name in given.split(",")] if arms else None
    with speaking() as progress:
        sql_table()
        work = partial(cohort.run, system, patients=patients, arms=named, draws=draws, seed=seed)
        done = work(store=at or None, executor=executor, workers=workers, progress=progress)
        page = write_trial(done, folder)[0]
    say(as_json_, {**as_json(done), "page": str(page)}, Group(trial_table(done), escape(verdict(done)), f"the trial: [bold]{page}[/]"))


def trial_table(done: Trial) -> RenderableType:
    """Each arm's mean loss with its interval, and the difference of the first arm from it."""
    unit = done.unit(done.loss)
    table = Table("arm", f"{done.loss} / {unit}", "95 %", "first arm less this", "95 %, all at once", "plans", title=_title(done))
    first = done.arms[0].name
    for name in (*(arm.name for arm in done.arms), HINDSIGHT):
        held = done.summary(name)
        row = [escape(name), f"{held.mean:.4g}", f"{held.low:.4g} to {held.high:.4g}"]
        if name == first:
            row += ["", ""]
        else:
            pair = done.paired(first, name)
            row += [f"{pair.difference:+.3g}", f"{pair.low:+.3g} to {pair.high:+.3g}"]
        table.add_row(*row, _plans(done, name))
    return table


def _title(done: Trial) -> str:
    return f"{done.model} {done.version}: {done.patients} virtual patients, seed {done.seed}"


def _plans(done: Trial, arm: str) -> str:
    held = [f"{count} × {plan}" for plan, count in done.plans_of(arm).items()]
    more = [f"{len(held) - SHOWN} more"] if len(held) > SHOWN else []
    return escape(", ".join(held[:SHOWN] + more))

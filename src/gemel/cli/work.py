"""`gemel worker` and `gemel cohort`: work on queued tasks anywhere, and see how the queues stand."""

import signal
from dataclasses import asdict
from typing import Annotated

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel import store
from gemel.cli.shell import AsJson, StoreAt, app, say, speaking
from gemel.core.errors import InputError
from gemel.flow.cohort.execute import reporting
from gemel.flow.cohort.stopping import Stop, on_signal
from gemel.flow.cohort.worker import BUSY_S, Patience, claim_of, nothing, work
from gemel.store import Store, queue, standing

SHOWN, SHORT = 10, 12  # failures that are shown of each queue; letters of a name

cohort = typer.Typer(no_args_is_help=True, help="Cohorts: queues of tasks in a record.")
app.add_typer(cohort, name="cohort")

QueueName = Annotated[str, typer.Option("--queue", help="The cohort, or the first letters of its name.")]


@app.command("worker")
def worker(
    at: StoreAt = "twins.db",
    name: QueueName = "",
    once: Annotated[bool, typer.Option("--once", help="End when there is nothing left to do.")] = False,
    idle_s: Annotated[float, typer.Option("--idle-seconds", help="End after so long without a task.", min=0.0)] = float("inf"),
    lease_s: Annotated[
        float, typer.Option("--lease-seconds", help="Tasks of a worker not heard of for so long go to others.", min=1.0)
    ] = 60.0,
    as_json: AsJson = False,
) -> None:
    """Work on the tasks that wait in a record: one process, for Slurm, Kubernetes or by hand. SIGTERM gives back what was not finished."""
    stop = Stop()
    with speaking() as progress, on_signal(stop, signal.SIGTERM), store.open(at, create=False, busy_s=BUSY_S) as record:
        asked = queue_named(record, name).queue if name else ""
        done = work(
            record, claim_of(asked, lease_s), Patience(once, idle_s), stop, told=reporting(record, asked, progress) if asked else nothing
        )
    say(as_json, {"tasks": done}, f"{done} tasks done")


@cohort.command("status")
def status(at: StoreAt = "twins.db", name: QueueName = "", as_json: AsJson = False) -> None:
    """How many tasks wait, are worked on, are done and failed in each queue, and why they failed."""
    with speaking(), store.open(at, create=False) as record:
        found = [queue_named(record, name)] if name else standing.standings(record.rows)
        failed = {row.queue: standing.failures(record.rows, row.queue) for row in found}
    rows = [{**asdict(row), "failures": [{"task": task, "cause": cause} for task, cause in failed[row.queue]]} for row in found]
    say(as_json, rows, status_table(found, failed))


def queue_named(record: Store, name: str) -> standing.Standing:
    """The one queue whose name begins so. Raises InputError when there is none, or more."""
    held = standing.standings(record.rows)
    found = [row for row in held if row.queue.startswith(name)]
    if len(found) != 1:
        known = ", ".join(row.queue[:SHORT] for row in held) or "none"
        raise InputError(
            f"{len(found)} queues whose name begins with {name!r}", where=record.rows.place, remedy=f"the record holds {known}"
        )
    return found[0]


def status_table(found: list[standing.Standing], failed: dict[str, list[tuple[str, str]]]) -> RenderableType:
    """A row for each queue, and the causes of the failures below."""
    table = Table("queue", "what", *queue.STATES, title="no queues" if not found else None)
    for row in found:
        numbers = (row.waiting, row.leased, row.done, row.failed)
        table.add_row(row.queue[:SHORT], escape(row.title), *(str(n) for n in numbers))
    lines = [f"  {task[:SHORT]}: {escape(cause)}" for rows in failed.values() for task, cause in rows[:SHOWN]]
    lines += [f"  … and {len(rows) - SHOWN} more" for rows in failed.values() if len(rows) > SHOWN]
    return Group(table, *(["failed:", *lines] if lines else []))

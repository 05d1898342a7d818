"""`gemel scanner`: the scanner's own twin from the command line."""

import time
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel import flow, store
from gemel.cli.shell import Actor, AsJson, StoreAt, TwinId, app, say, speaking
from gemel.flow.scanner import Standing, begin_scanner, cause_words, check_scanner, lead_words, scanner_status

scanner = typer.Typer(no_args_is_help=True, help="The scanner's own twin: new → qc, every day → status; gemel twin decide and act on it.")
app.add_typer(scanner, name="scanner")

Days = Annotated[Path, typer.Argument(metavar="FOLDER", help="The baseline: one folder inside for each day.", exists=True, file_okay=False)]
Check = Annotated[Path, typer.Argument(metavar="FOLDER", help="One day: slices of a phantom, tube_log.csv.", exists=True, file_okay=False)]


@scanner.command("new")
def scanner_new(
    folder: Days,
    at: StoreAt = "twins.db",
    run_length_days: Annotated[float, typer.Option(help="Days between false alarms of all charts together, at least.")] = 250.0,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Begin a scanner's twin from its baseline days (15 or more, better 30)."""
    with speaking() as progress, store.open(at) as record:
        made = begin_scanner(record, folder, options={"run_length_days": run_length_days}, actor=actor, progress=progress)
    say(as_json, {"twin": made}, made)


@scanner.command("qc")
def scanner_qc(
    folder: Check,
    twin_id: Annotated[str, typer.Option("--scanner", help="The scanner's twin, as `gemel scanner new` printed it.")],
    at: StoreAt = "twins.db",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Measure one day's check, assimilate it, and say how the scanner stands."""
    with speaking() as progress, store.open(at, create=False) as record:
        _, found = check_scanner(record, twin_id, folder, actor=actor, progress=progress)
    say(as_json, as_values(found), status_table(found))


@scanner.command("status")
def scanner_status_(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    folder: Annotated[Path | None, typer.Option("--out", help="Folder for the report with the control charts.", file_okay=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Alarms, likeliest cause and time to the first limit; with --out the control charts as a report."""
    with speaking() as progress, store.open(at, create=False) as record:
        found = scanner_status(record, twin_id)
        page = flow.report(record, twin_id, folder, made_s=time.time(), progress=progress) if folder else None
    value = as_values(found) | ({"report": str(page)} if page else {})
    say(as_json, value, Group(status_table(found), *([f"the charts: [bold]{page}[/]"] if page else [])))


def as_values(found: Standing) -> dict[str, Any]:
    """What stands, for scripts; null for a time beyond the horizon."""
    base = {"twin": found.session.id, "badge": found.session.badge, "scanner": found.session.case.scanner, "notes": list(found.notes)}
    now = found.status
    if now is None:
        return {**base, "alarm": None}
    lead = [day if np.isfinite(day) else None for day in now.lead_d]
    alarms = {
        "alarm": now.alarmed,
        "alarms": [bool(a) for a in now.watch.alarm],
        "cause": now.cause if now.suspected else None,
        "causes": dict(now.causes),
    }
    return {**base, **alarms, "p_fault": now.p_fault, "p_limit": now.p_limit, "lead_days": lead, "components": dict(now.components)}


def status_table(found: Standing) -> RenderableType:
    """The same in words."""
    table = Table("what", "found", title=escape(f"{found.session.case.scanner}, {found.session.id} ({found.session.badge})"))
    now = found.status
    if now is None:
        table.add_row("checks", "none since it was last set right")
        return table
    table.add_row("alarm", "[bold red]yes[/]" if now.alarmed else "no")
    table.add_row("a fault, with probability", f"{now.p_fault:.0%}")
    table.add_row("likeliest cause", cause_words(now))
    table.add_row("a limit is passed", lead_words(now))
    for note in found.notes:
        table.add_row("note", escape(note))
    return table

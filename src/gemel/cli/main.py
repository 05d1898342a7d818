"""The command line: a thin shell over `gemel.flow`. Every command takes --json; failures are one line with the remedy, and exit 1."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from gemel import flow, store
from gemel.cli import begin, custody, population, record, scanner, scanner_choice, trials, work  # register their commands
from gemel.cli.pairs import numbers, settings
from gemel.cli.shell import Actor, AsJson, Folder, StoreAt, TwinId, app, out, say, speaking, twin
from gemel.cli.tables import check_table, decision_table, models_table, overview_table
from gemel.cli.trust import conform_table, ledger_table
from gemel.core.time import iso, seconds
from gemel.flow.conformance.results import as_json as examination_json
from gemel.flow.ledger import By, rows, trust
from gemel.flow.ledger_write import write_ledger

__all__ = ["app", "begin", "custody", "population", "record", "scanner", "scanner_choice", "trials", "work"]


@twin.command("prepare")
def twin_prepare(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    k: Annotated[int, typer.Option(help="Number of plans for forecast anatomies.", min=1, max=32)] = 8,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Forecast the anatomies to come and optimise a plan for each, and the clinical plan."""
    with speaking() as progress, store.open(at, create=False) as record:
        event = flow.prepare(record, twin_id, k=k, actor=actor, progress=progress)
    say(as_json, dict(event.payload), f"library of {len(event.payload['plans'])} plans in {event.payload['seconds']:.0f} s")


@twin.command("decide")
def twin_decide(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    override: Annotated[str, typer.Option(help="Why to decide although the model's forecasts were not honest; recorded.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Rank every plan of the library on today's anatomy; recommend one and say why."""
    with speaking() as progress, store.open(at, create=False) as record:
        decided = flow.decide(record, twin_id, actor=actor, override=override, progress=progress)
    say(as_json, dict(decided.event.payload), decision_table(decided.event.payload))


@twin.command("adapt")
def twin_adapt(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    start: Annotated[str, typer.Option("--from", help="Plan to go on from; the recommended one if not given.")] = "",
    seconds: Annotated[float, typer.Option(help="Wall time for making the plan.", min=5.0, max=3600.0)] = 45.0,
    override: Annotated[str, typer.Option(help="Why to decide although the model's forecasts were not honest; recorded.")] = "",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Make a plan for today from a stored one, and rank it with the others."""
    with speaking() as progress, store.open(at, create=False) as record:
        decided = flow.adapt(record, twin_id, start=start, seconds=seconds, override=override, actor=actor, progress=progress)
    say(as_json, dict(decided.event.payload), decision_table(decided.event.payload))


@twin.command("check")
def twin_check(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    plan: Annotated[str, typer.Option(help="Name of the plan; the recommended one if not given.")] = "",
    left: Annotated[
        list[str] | None, typer.Option("--left", help="NAME=VALUE or NAME=X,Y,Z: an error left in, such as couch_mm=2,0,0.")
    ] = None,
    uncertainty: Annotated[float, typer.Option(help="Statistical error in the target, per cent.", min=0.1, max=10.0)] = 2.0,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Calculate a plan a second time by another method, and hold today against its forecast."""
    with speaking() as progress, store.open(at, create=False) as record:
        share = uncertainty / 100
        event = flow.check(record, twin_id, plan=plan, known=numbers(left), uncertainty=share, actor=actor, progress=progress)
    say(as_json, dict(event.payload), check_table(event.payload))


@twin.command("act")
def twin_act(
    twin_id: TwinId,
    plan: Annotated[str, typer.Option(help="Name of the plan that was given.")],
    at: StoreAt = "twins.db",
    note: Annotated[str, typer.Option(help="Why, when it is not the recommended one.")] = "",
    another: Annotated[bool, typer.Option("--another", help="A further fraction on the same scan.")] = False,
    time_: Annotated[str, typer.Option("--time", help="When it was given (ISO 8601), if not when it was due.")] = "",
    amount: Annotated[float | None, typer.Option(help="How much was given, in the plan's unit, if not as planned.")] = None,
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Record the plan that a person chose and gave."""
    with speaking(), store.open(at, create=False) as record:
        event = flow.act(record, twin_id, plan, actor=actor, note=note, another=another, time=time_, amount=amount)
    say(as_json, dict(event.payload), f"recorded: {plan} at {iso(event.valid_s)}")


@twin.command("show")
def twin_show(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    as_of: Annotated[str, typer.Option(help="The twin as it was at this time (ISO 8601).")] = "",
    as_json: AsJson = False,
) -> None:
    """What the twin believes, or believed at a time, and what it expects next."""
    with speaking(), store.open(at, create=False) as record:
        overview = flow.show(record, twin_id, as_of_s=seconds(as_of) if as_of else None)
    say(as_json, asdict(overview), overview_table(overview))


@twin.command("report")
def twin_report(
    twin_id: TwinId,
    folder: Folder,
    at: StoreAt = "twins.db",
    pdf: Annotated[bool, typer.Option("--pdf", help="Write report.pdf beside it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the HTML report, and DICOM for other systems beside it."""
    with speaking() as progress, store.open(at, create=False) as record:
        path = flow.report(record, twin_id, folder, made_s=time.time(), progress=progress, pdf=pdf)
    say(as_json, {"report": str(path)}, f"{path}")


@app.command("models")
def models(as_json: AsJson = False) -> None:
    """The installed models, their version and evidence."""
    with speaking():
        rows = flow.models()
    say(as_json, [asdict(row) for row in rows], models_table(rows))


@app.command("conform")
def conform(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="An installed system; `gemel models` lists them.")],
    full: Annotated[bool, typer.Option("--full", help="More synthetic patients.")] = False,
    folder: Annotated[Path | None, typer.Option("--out", help="Folder for the credibility card with plots.", file_okay=False)] = None,
    as_json: AsJson = False,
) -> None:
    """Examine a model on synthetic patients: is its uncertainty true, does it learn, are its decisions better? Exit 1 when it fails."""
    with speaking() as progress:
        done = flow.conform(model, full, folder=folder, progress=progress).examination
    if done is not None:
        say(as_json, json.loads(examination_json(done)), conform_table(done))
    raise typer.Exit(0 if done is not None and done.conformant else 1)


@app.command("ledger")
def ledger(
    at: StoreAt = "twins.db",
    by: Annotated[By, typer.Option(help="One row for each model, patient or scanner.")] = "model",
    folder: Annotated[Path | None, typer.Option("--out", help="Folder for ledger.json and plots of the ranks.", file_okay=False)] = None,
    as_json: AsJson = False,
) -> None:
    """How the forecasts of all twins of a record stood up against what came, and which models may decide."""
    with speaking(), store.open(at, create=False) as record:
        held = flow.ledger(record)
        if folder:
            write_ledger(held, folder)
        found, standing = rows(held, by), trust(held)
    value = {
        "rows": [asdict(row) for row in found],
        "trust": [asdict(t) | {"trusted": t.trusted} for t in standing],
        "left_out": held.left_out,
    }
    say(as_json, value, ledger_table(found, standing, held.left_out))


@app.command("demo")
def demo(
    system: Annotated[str, typer.Argument(help="A system that has a demo: prostate, theranostics, glioma, ...")] = "prostate",
    folder: Folder = Path("demo"),
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="NAME=NUMBER: days and plans (prostate), cycles, weeks, visits. May be repeated.")
    ] = None,
) -> None:
    """The whole loop on a digital patient that gemel generates itself; ends with report.html."""
    with speaking() as progress:
        path = flow.demo(system, folder, made_s=time.time(), options=settings(set_), progress=progress)
    out.print(f"the report: [bold]{path}[/]")
    out.print(f"in a browser: gemel serve --store {folder / 'twins.db'}", soft_wrap=True, highlight=False, markup=False)

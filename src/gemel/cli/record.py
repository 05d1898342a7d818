"""Commands that ask the record: what changed, what was wrong, what follows from it, and whether it still comes out the same."""

from dataclasses import asdict
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table

from gemel import flow, store
from gemel.cli.shell import Actor, AsJson, StoreAt, TwinId, say, speaking, twin
from gemel.core.errors import InputError
from gemel.core.time import iso, seconds
from gemel.flow.diff import Diff, Moved
from gemel.flow.words import in_words
from gemel.store import Event, Replay

Moment = Annotated[str, typer.Option(help="Two times (ISO 8601) with a comma between them, instead of versions.")]


@twin.command("diff")
def twin_diff(
    twin_id: TwinId,
    version: Annotated[int | None, typer.Argument(metavar="V1", help="The earlier version; the first when no times are given.")] = None,
    version_now: Annotated[int | None, typer.Argument(metavar="V2", help="The later version; the last one if not given.")] = None,
    at: StoreAt = "twins.db",
    as_of: Moment = "",
    known_at: Moment = "",
    as_json: AsJson = False,
) -> None:
    """What changed between two versions or two times, and because of which scan."""
    with speaking(), store.open(at, create=False) as record:
        if as_of or known_at:
            if version is not None:
                raise InputError("versions beside times", where="diff", remedy="name two versions, or two times with --as-of or --known-at")
            sides = tuple(zip(_moments(as_of), _moments(known_at)))
            found = flow.diff_times(record, twin_id, *sides)
        else:
            last = record.version(twin_id) if version_now is None else version_now
            found = flow.diff(record, twin_id, 1 if version is None else version, last)
    say(as_json, asdict(found), diff_table(found))


def _moments(text: str) -> tuple[float | None, float | None]:
    """Two times; one alone is the earlier, and now the later."""
    early, _, late = text.partition(",")
    return (seconds(early.strip()) if early.strip() else None), (seconds(late.strip()) if late.strip() else None)


def diff_table(found: Diff) -> RenderableType:
    """Beliefs that moved with their cause, new entries, what no longer counts, and the ranking."""
    title = f"{found.twin}: version {found.version} ({found.badge}) to {found.version_now} ({found.badge_now})"
    beliefs = Table("belief", "was", "is", "moved", "because of", title=title)
    for row in found.moved:
        beliefs.add_row(escape(f"{row.name} ({row.of})"), *_values(row), f"{row.moved_sd:+.1f} sd", escape(row.because))
    lines = [f"{time}  {kind}: {words}" for time, kind, words in found.entries]
    lines += [f"no longer counts: {kind} of {time}, {words}" for time, kind, words in found.fallen]
    lines += [f"{row.plan}: place {row.place or 'none'}, now {row.place_now or 'none'}" for row in found.plans]
    if found.recommended != found.recommended_now:
        lines.append(f"recommended: {found.recommended or 'nothing'}, now {found.recommended_now or 'nothing'}")
    lines += [f"alarm at {alarm}" for alarm in found.alarms]
    scored = (
        f"{found.within} of {found.scored} components of new scans within their 90 % forecast" if found.scored else "no forecast scored"
    )
    return Group(beliefs if found.moved else f"{title}: nothing else is believed", *map(escape, lines), scored)


def _values(row: Moved) -> tuple[str, str]:
    return f"{row.mean:.3g} ± {row.sd:.2g} {row.unit}", f"{row.mean_now:.3g} ± {row.sd_now:.2g} {row.unit}"


@twin.command("retract")
def twin_retract(
    twin_id: TwinId,
    which: Annotated[str, typer.Argument(metavar="EVENT", help="Version or hash of the entry; `gemel twin show --json` tells them.")],
    reason: Annotated[str, typer.Option(help="Why it is withdrawn; goes into the record.")],
    at: StoreAt = "twins.db",
    actor: Actor = "",
    as_json: AsJson = False,
) -> None:
    """Withdraw a wrong scan or entry; says what no longer counts because of it."""
    with speaking(), store.open(at, create=False) as record:
        done = flow.retract(record, twin_id, which, reason, actor=actor)
    value = {
        "retraction": done.event.version,
        "withdrawn": done.fallen[0].version,
        "fallen": [_row(event) for event in done.fallen[1:]],
        "restated": [_row(event) for event in done.restated],
    }
    say(as_json, value, "\n".join(map(escape, done.words)))


@twin.command("recompute")
def twin_recompute(twin_id: TwinId, at: StoreAt = "twins.db", actor: Actor = "", as_json: AsJson = False) -> None:
    """Compute again what rested on withdrawn entries: libraries, forecasts, beliefs, decisions."""
    with speaking() as progress, store.open(at, create=False) as record:
        made = flow.recompute(record, twin_id, actor=actor, progress=progress)
    lines = [f"version {event.version}, {event.kind} of {iso(event.valid_s)}: {in_words(event)}" for event in made]
    say(as_json, [_row(event) for event in made], "\n".join(map(escape, lines)) or "nothing rests on what was withdrawn")


@twin.command("replay")
def twin_replay(
    twin_id: TwinId,
    at: StoreAt = "twins.db",
    version: Annotated[int | None, typer.Option(help="Up to this version; the last one if not given.")] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Forecasts and beliefs alone, in seconds.")] = False,
    as_json: AsJson = False,
) -> None:
    """Compute the twin again from its originals; exit 1, and the first entry that differs, when it does not come out the same."""
    with speaking() as progress, store.open(at, create=False) as record:
        found = flow.replay(record, twin_id, version=version, quick=quick, progress=progress)
    leaf = _row(found.leaf) if found.leaf else None
    value = {"version": found.version, "identical": found.identical, "recomputed": found.recomputed, "looked_at": found.originals}
    say(as_json, {**value, "leaf": leaf, "why": found.why, "environment": list(found.environment)}, _replayed(found))
    raise typer.Exit(0 if found.identical else 1)


def _replayed(found: Replay) -> str:
    counts = f"{found.recomputed} entries computed again, {found.originals} looked at"
    if found.leaf is None:
        return f"version {found.version} comes out the same to the last bit: {counts}"
    where = f"version {found.leaf.version}, {found.leaf.kind} of {iso(found.leaf.valid_s)}"
    lines = [f"not the same from {where}: {found.why}", f"before it: {counts}", *(f"then {line}" for line in found.environment)]
    return "\n".join(map(escape, lines))


def _row(event: Event) -> dict[str, Any]:
    return {"version": event.version, "kind": event.kind, "at": iso(event.valid_s), "words": in_words(event), "hash": event.hash}

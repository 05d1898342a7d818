"""What the command line prints: tables of a decision, a twin, the models."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from gemel.flow.models import ModelRow
from gemel.flow.show import Overview

SHOWN = 3
RANKED = 12


def decision_table(payload: Mapping[str, Any]) -> RenderableType:
    """Plans from best to worst, the medians of all readouts of the best ones, and the reason."""
    options = payload["options"]
    ranking = Table("plan", title=f"recommended: {payload['recommended']}")
    for column in ("score", "± sd", "P best", *next(iter(options))["p_limits"]):
        ranking.add_column(f"P({column})" if "=" in column else column, justify="right")
    shown = [*options[:RANKED], *(option for option in options[RANKED:] if option["name"] == payload.get("baseline"))]
    for option in shown:
        chances = [f"{p:.0%}" for p in option["p_limits"].values()]
        ranking.add_row(option["name"], f"{option['utility']:.1f}", f"{option['utility_sd']:.1f}", f"{option['p_best']:.0%}", *chances)
    first = [option["name"] for option in options[:SHOWN]]
    medians = Table("median (90 %)", *first)
    for name in payload["readouts"][first[0]]:
        cells = [payload["readouts"][plan][name] for plan in first]
        medians.add_row(name.replace("_", " "), *(f"{mid:.3g} ({low:.3g}–{high:.3g})" for mid, low, high in cells))
    lines = [deviation_line(row) for row in payload.get("deviations", ())]
    more = [f"and {len(options) - len(shown)} more that rank lower"] if len(shown) < len(options) else []
    return Group(ranking, *more, medians, *_couch(payload), *lines, payload["reason"])


def _couch(payload: Mapping[str, Any]) -> list[str]:
    """How to move the patient for the recommended plan, where the plan asks for it."""
    move = payload["couch_mm"].get(payload["recommended"])
    return [f"couch: move the patient by {', '.join(f'{v:+.1f}' for v in move)} mm (left, posterior, superior)"] if move else []


def deviation_line(row: Mapping[str, Any]) -> str:
    """One deviation with its cause, in words."""
    share = f" ({100 * row['shares'][row['cause']]:.0f} % of it)" if row["cause"] in row["shares"] else ""
    return f"[yellow]outside its forecast[/]: {row['readout']}, P = {row['probability']:.3f}; likeliest cause {row['cause']}{share}"


def check_table(payload: Mapping[str, Any]) -> RenderableType:
    """Figures of the second calculation side by side, what is worse where, and today's deviations."""
    found = payload["found"]
    table = Table(payload["checked"], *(row["where"] for row in found))
    for name in dict.fromkeys(name for row in found for name in row["figures"]):
        table.add_row(name.replace("_", " "), *(f"{row['figures'][name]:.1f}" if name in row["figures"] else "" for row in found))
    worse = [f"{row['where']}: {note}" for row in found for note in row["notes"]]
    return Group(table, *worse, *(deviation_line(row) for row in payload["deviations"]))


def overview_table(overview: Overview) -> RenderableType:
    """Badge, history and expectation of a twin."""
    ahead = Table("next scan", "median", "90 % interval", title=f"expected at {overview.next_at}")
    for row in overview.expected:
        name, values = _plain(row.name, (row.median, row.low, row.high))
        ahead.add_row(name, f"{values[0]:.3g}", f"{values[1]:.3g} … {values[2]:.3g}")
    history = Table("time", "event", "", title=f"{overview.id}: {overview.badge}, version {overview.version}")
    for line in overview.history:
        history.add_row(*line)
    return Group(history, ahead, *_given(overview), *_registrations(overview), *(f"note: {note}" for note in overview.notes))


def _plain(name: str, values: Sequence[float]) -> tuple[str, list[float]]:
    """A logarithm as what it is the logarithm of, which people read."""
    return (name.removeprefix("ln_"), [math.exp(value) for value in values]) if name.startswith("ln_") else (name, list(values))


def _given(overview: Overview) -> list[RenderableType]:
    if not overview.delivered:
        return []
    title = f"given so far, {overview.parts} of {overview.planned}"
    table = Table("readout", "as registered", "90 % of draws", "whole course at this rate", title=title)
    for row in overview.delivered:
        table.add_row(row.name.replace("_", " "), f"{row.registered:.2f}", f"{row.low:.2f} … {row.high:.2f}", f"{row.course:.2f}")
    return [table]


def _registrations(overview: Overview) -> list[RenderableType]:
    seen = [row for row in overview.registrations if not math.isnan(row.similarity)]
    if not seen:
        return []
    table = Table("scan", "inverse error mm", "folding %", "similarity", title="registrations")
    for row in seen:
        table.add_row(row.at, f"{row.inverse_error_mm:.2f}", f"{100 * row.folding:.2f}", f"{row.similarity:.3f}")
    return [table]


def models_table(rows: Sequence[ModelRow]) -> RenderableType:
    """The installed models."""
    table = Table("system", "model", "version", "question", "conformance")
    for row in rows:
        table.add_row(row.system, row.model, row.version, row.question, row.conformance)
    return table

"""What the command line prints: tables of a decision, a twin, the models."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from gemel.flow.models import ModelRow
from gemel.flow.show import Overview

SHOWN = 3


def decision_table(payload: Mapping[str, Any]) -> RenderableType:
    """Plans from best to worst, the medians of all readouts of the best ones, and the reason."""
    options = payload["options"]
    ranking = Table("plan", title=f"recommended: {payload['recommended']}")
    for column in ("score", "± sd", "P best", *next(iter(options))["p_limits"]):
        ranking.add_column(f"P({column})" if "=" in column else column, justify="right")
    for option in options:
        chances = [f"{p:.0%}" for p in option["p_limits"].values()]
        ranking.add_row(option["name"], f"{option['utility']:.1f}", f"{option['utility_sd']:.1f}", f"{option['p_best']:.0%}", *chances)
    first = [option["name"] for option in options[:SHOWN]]
    medians = Table("median (90 %)", *first)
    for name in payload["readouts"][first[0]]:
        cells = [payload["readouts"][plan][name] for plan in first]
        medians.add_row(name.replace("_", " "), *(f"{mid:.1f} ({low:.1f}–{high:.1f})" for mid, low, high in cells))
    couch = ", ".join(f"{v:+.1f}" for v in payload["couch_mm"][payload["recommended"]])
    return Group(ranking, medians, f"couch: move the patient by {couch} mm (left, posterior, superior)", payload["reason"])


def overview_table(overview: Overview) -> RenderableType:
    """Badge, history and expectation of a twin."""
    ahead = Table("next scan", "median", "90 % interval", title=f"expected at {overview.next_at}")
    for row in overview.expected:
        ahead.add_row(row.name, f"{row.median:.2f}", f"{row.low:.2f} … {row.high:.2f}")
    history = Table("time", "event", "", title=f"{overview.id}: {overview.badge}, version {overview.version}")
    for line in overview.history:
        history.add_row(*line)
    return Group(history, ahead, *(f"note: {note}" for note in overview.notes))


def models_table(rows: Sequence[ModelRow]) -> RenderableType:
    """The installed models."""
    table = Table("system", "model", "version", "question", "evidence")
    for row in rows:
        table.add_row(row.system, row.model, row.version, row.question, row.evidence)
    return table

"""What the command line prints: tables of a decision, a twin, the models."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from gemel.flow.models import ModelRow
from gemel.flow.show import Overview


def decision_table(payload: Mapping[str, Any]) -> RenderableType:
    """Plans from best to worst with their medians, and the reason."""
    table = Table(title=f"recommended: {payload['recommended']}")
    table.add_column("plan")
    for column in ("score", "± sd", "P best", "P limits"):
        table.add_column(column, justify="right")
    names = list(next(iter(payload["readouts"].values())))
    for name in names:
        table.add_column(name.replace("_", " "), justify="right", overflow="fold")
    for option in payload["options"]:
        chances = " ".join(f"{p:.0%}" for p in option["p_limits"].values())
        medians = [f"{payload['readouts'][option['name']][name][0]:.1f}" for name in names]
        table.add_row(
            option["name"], f"{option['utility']:.1f}", f"{option['utility_sd']:.1f}", f"{option['p_best']:.0%}", chances, *medians
        )
    return Group(table, payload["reason"])


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

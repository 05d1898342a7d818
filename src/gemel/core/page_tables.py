"""Tables that pages of several systems have in common: options compared, and what was given."""

from collections.abc import Sequence

from gemel.core.page import Table, Told
from gemel.core.time import iso
from gemel.core.twin import given


def options_tables(told: Told, title: str, columns: Sequence[str]) -> tuple[Table, ...]:
    """The newest decision: each option's readouts with their intervals, and the probability of each limit; none before one."""
    if not told.decision:
        return ()
    values, rows = told.decision["readouts"], []
    for option in told.decision["options"]:
        shown = (f"{middle:.3g} ({low:.3g}–{high:.3g})" for middle, low, high in (values[option["name"]][name] for name in columns))
        rows.append((option["name"], *shown, ", ".join(f"P({limit}) {p:.0%}" for limit, p in option["p_limits"].items())))
    return (Table(title, ("plan", *columns, "limits"), tuple(rows), told.decision["reason"]),)


def given_table(told: Told, title: str) -> Table:
    """When what was given."""
    rows = tuple((iso(a.t_s)[:16], a.kind, f"{a.amount:g} {a.unit}") for a in given(told.twin))
    return Table(title, ("when", "what", "how long"), rows, "" if rows else "nothing yet")

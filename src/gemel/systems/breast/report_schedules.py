"""The part of a page that compares schedules: what each would leave, against what the marrow bears."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array
from gemel.core.page import Chart, Panel, Table, Told, Trace

EMPTY = np.zeros(0)
NOTE = "Median (90 %). Score: halvings of the cells in the worst fifth of draws, less the price of toxicity; total doses are not equal."
COLUMNS = {"volume_mL": "volume before surgery, mL", "longest_axis_mm": "longest axis, mm", "toxicity_1": "toxicity"}
LEFT = "cells left at surgery, % of the first visit"


def front(told: Told) -> list[Chart]:
    """What is left against toxicity; nothing before a decision."""
    if not told.decision:
        return []
    choices, readouts = told.decision["options"], told.decision["readouts"]
    toxicity = np.array([readouts[o["name"]]["toxicity_1"][0] for o in choices])
    left = 100 * np.exp([readouts[o["name"]]["ln_residual_1"][0] for o in choices])
    points = [Trace("a schedule", toxicity, left, EMPTY, EMPTY, True, 7)]
    for colour, name in enumerate((told.decision["recommended"], told.decision["baseline"]), 1):
        at = [o["name"] for o in choices].index(name)
        points.append(Trace(name, toxicity[at : at + 1], left[at : at + 1], EMPTY, EMPTY, True, colour))
    return [
        Chart(
            "Schedules",
            (Panel(LEFT, "toxicity", "median", tuple(points), logarithmic=True),),
            "Lower and farther left is better.",
        )
    ]


def options(told: Told) -> list[Table]:
    """What each schedule would leave, and what it costs; nothing before a decision."""
    if not told.decision:
        return []
    rows = []
    for o in told.decision["options"]:
        found = told.decision["readouts"][o["name"]]
        shown = [_spread(100 * np.exp(found["ln_residual_1"])), *(_spread(np.array(found[name])) for name in COLUMNS)]
        complete = told.draws.get(f"{o['name']}/pcr_1", EMPTY)
        pcr = f"{100 * float(np.mean(complete)):.0f} %" if complete.size else ""
        rows.append((o["name"], f"{o['utility']:.2f}", pcr, *shown))
    columns = ("schedule", "score", "P(complete)", LEFT, *COLUMNS.values())
    return [Table("What each schedule would leave", columns, tuple(rows), NOTE)]


def _spread(mid_low_high: Float[Array, "3"]) -> str:
    mid, low, high = mid_low_high
    return f"{mid:.3g} ({low:.3g}–{high:.3g})" if high > low else f"{mid:.3g}"

"""The page of one patient: what was seen, what is believed, where cells are, what each schedule would leave."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image, with_array
from gemel.core.page import Chart, Cut, Page, Panel, Table, Told, Trace, Views
from gemel.core.structures import Structures
from gemel.core.time import DAY_S, iso
from gemel.core.twin import given
from gemel.engines.inference.identifiability import narrowing
from gemel.systems.breast.body import Body
from gemel.systems.breast.growth import states

EMPTY = np.zeros(0)
DRAWS, POINTS = 80, 24
AHEAD_d = 42.0
NOTE = "Median (90 %). Score: minus the mean of the worst fifth, and of toxicity."
Z_90 = 1.6448536269514722
COLUMNS = ("ln_residual_1", "pcr_1", "volume_mL", "longest_axis_mm", "toxicity_1")


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far, with or without a decision."""
    sections: tuple[Chart | Views | Table, ...] = (
        *_front(told),
        *_options(told),
        _courses(told, rng),
        _maps(told, rng),
        *_ledger(told),
        _learned(told, rng),
    )
    return Page(sections, None, tuple(told.case.notes))


def _courses(told: Told, rng: np.random.Generator) -> Chart:
    """Cells and volume to those of the first visit: the belief now over all times, and what was seen."""
    model, body = told.twin.model, told.case.body
    _, params = told.twin.belief.draw(DRAWS, rng)
    last_s = max([told.twin.t_s, *(t_s for t_s, _ in told.days)]) + AHEAD_d * DAY_S
    times_s = np.linspace(body.start_s, last_s, POINTS)
    reached = states(body, params, given(told.twin), body.start_s, times_s.tolist())
    panels = []
    for kind, label in (("ln_cells_1", "cells, to the first visit"), ("ln_volume_1", "volume, to the first visit")):
        draws = np.exp([model.observe[kind](state, params)[:, 0] for state in reached])
        low, mid, high = np.quantile(draws, [0.05, 0.5, 0.95], axis=1)
        curve = Trace("the twin now, median and 90 %", (times_s - body.start_s) / DAY_S, mid, low, high)
        panels.append(Panel(label, "days", "", (curve, *_seen(told, kind)), marks=_doses_d(told, body)))
    return Chart(
        "Course", tuple(panels), "Dotted: doses given or planned. What lies beyond the last visit is a forecast of what was given so far."
    )


def _seen(told: Told, kind: str) -> tuple[Trace, ...]:
    if not told.days:
        return ()
    days = np.array([(t_s - told.case.body.start_s) / DAY_S for t_s, _ in told.days])
    value, sd = (np.array([float(part[kind][0]) for part in parts]) for parts in zip(*((day.values, day.sd) for _, day in told.days)))
    return (Trace("measured, 90 %", days, np.exp(value), np.exp(value - Z_90 * sd), np.exp(value + Z_90 * sd), True, 1),)


def _doses_d(told: Told, body: Body) -> tuple[float, ...]:
    return tuple((at_s - body.start_s) / DAY_S for at_s in (*(d.t_s for d in body.given), *(a.t_s for a in given(told.twin))))


def _maps(told: Told, rng: np.random.Generator) -> Views:
    """Density measured at each visit, and the mean of the belief at the last, on one scale."""
    body, grid = told.case.body, told.case.grid
    state, _ = told.twin.belief.draw(DRAWS, rng)
    first = _image(body, grid, body.density)
    shown = [(f"seen {iso(body.start_s)[:10]}", first), *((f"seen {iso(t_s)[:10]}", day.density) for t_s, day in told.days[-3:])]
    shown.append(("believed now, mean", _image(body, grid, state["density"].mean(axis=0))))
    at_mm = grid.affine_mm[:3, :3] @ np.argwhere(first.array > 0).mean(axis=0) + grid.origin_mm
    cuts = tuple(Cut(title, image, 2, at_mm, 1.0) for title, image in shown)
    return Views("Cells", cuts, Structures(grid, {"tumour at first": first.array > 0}), "share of capacity", "One scale for all.")


def _image(body: Body, grid: Image, values: Float[Array, "n"]) -> Image:
    found = np.zeros(grid.shape, dtype=np.float32)
    found[body.mask] = values
    return with_array(grid, found)


def _ledger(told: Told) -> list[Chart]:
    """What each visit was forecast to show before it was looked at, and what it showed."""
    kinds = [kind for kind in ("ln_cells_1", "ln_volume_1") if any(kind in row for _, row in told.ledger)]
    panels = []
    for kind in kinds:
        rows = np.array([row[kind][:, 0] for _, row in told.ledger if kind in row])
        number, (low, high, value, sd) = np.arange(1.0, len(rows) + 1), rows.T
        ahead = Trace("forecast, 90 %", number, (low + high) / 2, low, high, True, 0)
        came = Trace("came", number, value, value - Z_90 * sd, value + Z_90 * sd, True, 1)
        panels.append(Panel(kind.removesuffix("_1").replace("_", " "), "visit", "ln, to the first visit", (ahead, came)))
    return [Chart("Forecasts against visits", tuple(panels), "Frozen before the visit was looked at.")] if panels else []


def _learned(told: Told, rng: np.random.Generator) -> Table:
    """What the visits told of each parameter."""
    model = told.twin.model
    prior, now = (belief.draw(400, rng)[1] for belief in (model.prior, told.twin.belief))
    rows = []
    for parameter in model.parameters:
        low, mid, high = np.quantile(now[parameter.name], [0.05, 0.5, 0.95])
        ratio = narrowing(parameter, prior[parameter.name], now[parameter.name])
        rows.append(
            (
                parameter.name,
                f"{parameter.centre:g}",
                f"{mid:.3g} ({low:.3g}–{high:.3g})",
                f"{ratio:.2f}",
                "" if ratio < 0.95 else "not informed",
            )
        )
    columns = ("parameter", "prior centre", "believed (90 %)", "sd to prior's", "")
    return Table("What was learned", columns, tuple(rows), "On the scale where the prior is normal.")


def _front(told: Told) -> list[Chart]:
    """What is left against toxicity; nothing before a decision."""
    if not told.decision:
        return []
    options, readouts = told.decision["options"], told.decision["readouts"]
    toxicity, left = (np.array([readouts[o["name"]][name][0] for o in options]) for name in ("toxicity_1", "ln_residual_1"))
    points = [Trace("a schedule", toxicity, left, EMPTY, EMPTY, True, 7)]
    for colour, name in enumerate((told.decision["recommended"], told.decision["baseline"]), 1):
        at = [o["name"] for o in options].index(name)
        points.append(Trace(name, toxicity[at : at + 1], left[at : at + 1], EMPTY, EMPTY, True, colour))
    return [
        Chart(
            "Schedules",
            (Panel("what is left", "toxicity", "median ln of residual cells", tuple(points)),),
            "Lower and farther left is better.",
        )
    ]


def _options(told: Told) -> list[Table]:
    if not told.decision:
        return []
    rows = []
    for o in told.decision["options"]:
        found = told.decision["readouts"][o["name"]]
        shown = [f"{found[n][0]:.3g} ({found[n][1]:.3g}–{found[n][2]:.3g})" for n in COLUMNS if n != "pcr_1"]
        complete = told.draws.get(f"{o['name']}/pcr_1", EMPTY)
        pcr = f"{100 * float(np.mean(complete)):.0f} %" if complete.size else ""
        rows.append((o["name"], f"{o['utility']:.2f}", pcr, *shown))
    columns = ("schedule", "score", "P(complete)", *(n.replace("_", " ") for n in COLUMNS if n != "pcr_1"))
    return [
        Table(
            "Schedules of equal total dose", columns, tuple(rows), "Median (90 %). Score: minus the mean of the worst fifth, and toxicity."
        )
    ]

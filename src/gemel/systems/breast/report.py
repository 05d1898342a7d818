"""The page of one patient: what was seen, what is believed, where cells are, what each schedule would leave."""

import numpy as np
from jaxtyping import Float

from gemel.core.image import Array, Image, with_array
from gemel.core.page import Chart, Cut, Page, Panel, Table, Told, Trace, Views
from gemel.core.structures import Structures
from gemel.core.time import DAY_S, iso
from gemel.core.twin import given
from gemel.engines.inference.identifiability import narrowing
from gemel.systems.breast.averaging import COUPLED, UNCOUPLED, prior, weight
from gemel.systems.breast.body import Body
from gemel.systems.breast.growth import states
from gemel.systems.breast.legible import TITLES, natural
from gemel.systems.breast.report_schedules import front, options

DRAWS, POINTS = 80, 24
AHEAD_d = 42.0
Z_90 = 1.6448536269514722


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far, with or without a decision."""
    sections: tuple[Chart | Views | Table, ...] = (
        *front(told),
        *options(told),
        _courses(told, rng),
        _maps(told, rng),
        *_ledger(told),
        *_models(told, rng),
        _learned(told, rng),
    )
    return Page(sections, None)


def _courses(told: Told, rng: np.random.Generator) -> Chart:
    """Cells and volume: the belief now over all times, and what was seen."""
    model, body = told.twin.model, told.case.body
    _, params = told.twin.belief.draw(DRAWS, rng)
    last_s = max([told.twin.t_s, *(t_s for t_s, _ in told.days)]) + AHEAD_d * DAY_S
    times_s = np.linspace(body.start_s, last_s, POINTS)
    reached = states(body, params, given(told.twin), body.start_s, times_s.tolist())
    panels = []
    for kind, label in TITLES.items():
        draws = natural(body, kind, np.array([model.observe[kind](state, params)[:, 0] for state in reached]))
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
    mid, low, high = (natural(told.case.body, kind, value + z * sd) for z in (0.0, -Z_90, Z_90))
    return (Trace("measured, 90 %", days, mid, low, high, True, 1),)


def _doses_d(told: Told, body: Body) -> tuple[float, ...]:
    return tuple(
        (at_s - body.start_s) / DAY_S for at_s in (*(d.t_s for d in body.given), *(a.t_s for a in given(told.twin) if a.amount > 0))
    )


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
    kinds = [kind for kind in TITLES if any(kind in row for _, row in told.ledger)]
    panels, body = [], told.case.body
    for kind in kinds:
        rows = np.array([row[kind][:, 0] for _, row in told.ledger if kind in row])
        number, (low, high, value, sd) = np.arange(1.0, len(rows) + 1), rows.T
        mid, below, above = (natural(body, kind, ln) for ln in ((low + high) / 2, low, high))
        at, least, most = (natural(body, kind, value + z * sd) for z in (0.0, -Z_90, Z_90))
        ahead, came = Trace("forecast, 90 %", number, mid, below, above, True, 0), Trace("came", number, at, least, most, True, 1)
        panels.append(Panel(TITLES[kind], "visit", "", (ahead, came)))
    return [Chart("Forecasts against visits", tuple(panels), "Frozen before the visit was looked at.")] if panels else []


def _models(told: Told, rng: np.random.Generator) -> list[Table]:
    """How the two models stand, where both are held possible."""
    _, params = told.twin.belief.draw(1000, rng)
    if "mechanics_1" not in params:
        return []
    on, before = weight(params), prior()
    rows = zip((COUPLED, UNCOUPLED), before, (on, 1.0 - on))
    columns = ("growth", "before any visit", "after all visits")
    note = "Weights follow from how well each model foretold all visits so far; every forecast holds draws of both in this proportion."
    return [Table("Models", columns, tuple((name, f"{100 * a:.0f} %", f"{100 * b:.0f} %") for name, a, b in rows), note)]


def _learned(told: Told, rng: np.random.Generator) -> Table:
    """What the visits told of each parameter."""
    model = told.twin.model
    prior, now = (belief.draw(400, rng)[1] for belief in (model.prior, told.twin.belief))
    rows = []
    for parameter in (one for one in model.parameters if one.name != "mechanics_1"):
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

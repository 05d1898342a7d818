"""The page of one patient: zones seen and forecast, applications compared, and what was learned."""

import numpy as np

from gemel.core.errors import StoreError
from gemel.core.page import Chart, Cut, Page, Table, Told, Views
from gemel.core.structures import Structures
from gemel.core.time import iso
from gemel.core.twin import given, observations
from gemel.engines.inference.learned import learned_table
from gemel.systems.ablation.heat import LEAST_mL

COLUMNS = ("cover_1", "healthy_mL", "critical_degC")


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far. Raises StoreError before the first images."""
    if not told.days:
        raise StoreError("nothing seen to report", where=told.twin.model.name, remedy="observe the planning images first")
    sections: tuple[Chart | Views | Table, ...] = (*_options(told), _zones(told), _given(told), _cuts(told), learned_table(told.twin, rng))
    notes = (*told.case.notes, *(note for _, day in told.days for note in day.notes))
    return Page(sections, notes=tuple(dict.fromkeys(notes)))


def _options(told: Told) -> list[Table]:
    if not told.decision:
        return []
    values = told.decision["readouts"]
    rows = []
    for option in told.decision["options"]:
        shown = [f"{found[0]:.3g} ({found[1]:.3g}–{found[2]:.3g})" for found in (values[option["name"]][name] for name in COLUMNS)]
        chances = ", ".join(f"P({limit}) {p:.0%}" for limit, p in option["p_limits"].items())
        rows.append((option["name"], *shown, chances))
    return [Table("Applications", ("plan", *COLUMNS, "limits"), tuple(rows), told.decision["reason"])]


def _zones(told: Told) -> Table:
    rows = []
    for o in (o for o in observations(told.twin) if o.kind == "ln_zone_1"):
        mL, sd = float(np.exp(o.value[0]) - LEAST_mL), float(o.sd[0])
        rows.append((iso(o.t_s)[:16], f"{mL:.1f}", f"{100 * sd:.0f} %"))
    return Table("Ablated zones", ("seen", "volume / mL", "error"), tuple(rows), "" if rows else "none seen yet")


def _given(told: Told) -> Table:
    rows = tuple((iso(a.t_s)[:16], a.kind, f"{a.amount:g} {a.unit}") for a in given(told.twin))
    return Table("Applied", ("when", "what", "how long"), rows, "" if rows else "nothing yet")


def _cuts(told: Told) -> Views:
    """Share of fat through the tumour, with the outlines that are computed with."""
    body = told.case.body
    at_mm = body.entries[0].at_mm
    masks = {"tumour": body.tumour, "target": body.target} | ({"critical": body.critical} if body.critical.any() else {})
    image = type(body.grid)(body.fat_1, body.grid.affine_mm, body.grid.frame)
    cuts = tuple(Cut(title, image, axis, at_mm, 0.5) for axis, title in ((2, "axial"), (1, "coronal")))
    return Views("Share of fat", cuts, Structures(body.grid, masks), "1")

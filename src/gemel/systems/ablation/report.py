"""The page of one patient: zones seen and forecast, applications compared, and what was learned."""

import numpy as np

from gemel.core.errors import StoreError
from gemel.core.page import Chart, Cut, Page, Table, Told, Views
from gemel.core.page_tables import given_table, options_tables
from gemel.core.structures import Structures
from gemel.core.time import iso
from gemel.core.twin import observations
from gemel.engines.inference.learned import learned_table
from gemel.engines.inference.slow_model import mL

COLUMNS = ("cover_1", "healthy_mL", "critical_degC")


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far. Raises StoreError before the first images."""
    if not told.days:
        raise StoreError("nothing seen to report", where=told.twin.model.name, remedy="observe the planning images first")
    sections: tuple[Chart | Views | Table, ...] = (
        *options_tables(told, "Applications", COLUMNS),
        _zones(told),
        given_table(told, "Applied"),
        _cuts(told),
        learned_table(told.twin, rng),
    )
    notes = (*told.case.notes, *(note for _, day in told.days for note in day.notes))
    return Page(sections, notes=tuple(dict.fromkeys(notes)))


def _zones(told: Told) -> Table:
    rows = []
    for o in (o for o in observations(told.twin) if o.kind == "ln_zone_1"):
        volume_mL, sd = float(mL(o.value[:1])[0]), float(o.sd[0])
        rows.append((iso(o.t_s)[:16], f"{volume_mL:.1f}", f"{100 * sd:.0f} %"))
    return Table("Ablated zones", ("seen", "volume / mL", "error"), tuple(rows), "" if rows else "none seen yet")


def _cuts(told: Told) -> Views:
    """Share of fat through the tumour, with the outlines that are computed with."""
    body = told.case.body
    at_mm = body.entries[0].at_mm
    masks = {"tumour": body.tumour, "target": body.target} | ({"critical": body.critical} if body.critical.any() else {})
    image = type(body.grid)(body.fat_1, body.grid.affine_mm, body.grid.frame)
    cuts = tuple(Cut(title, image, axis, at_mm, 0.5) for axis, title in ((2, "axial"), (1, "coronal")))
    return Views("Share of fat", cuts, Structures(body.grid, masks), "1")

"""The page of one patient: regions seen, infusions compared, and what was learned."""

import numpy as np

from gemel.core.errors import StoreError
from gemel.core.image import Image
from gemel.core.page import Chart, Cut, Page, Table, Told, Views
from gemel.core.page_tables import given_table, options_tables
from gemel.core.structures import Structures
from gemel.core.time import iso
from gemel.core.twin import observations
from gemel.engines.inference.learned import learned_table
from gemel.engines.inference.slow_model import mL
from gemel.systems.infusion.body import PARTS

COLUMNS = ("cover_1", "covered_mL", "leak_1")


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far. Raises StoreError before the first images."""
    if not told.days:
        raise StoreError("nothing seen to report", where=told.twin.model.name, remedy="observe the planning images first")
    sections: tuple[Chart | Views | Table, ...] = (
        *options_tables(told, "Infusions", COLUMNS),
        _regions(told),
        given_table(told, "Infused"),
        _cuts(told),
        learned_table(told.twin, rng),
    )
    notes = (*told.case.notes, *(note for _, day in told.days for note in day.notes))
    return Page(sections, notes=tuple(dict.fromkeys(notes)))


def _regions(told: Told) -> Table:
    seen = [o for o in observations(told.twin) if o.kind == "ln_infused_1"]
    rows = tuple((iso(o.t_s)[:16], f"{mL(o.value)[0]:.2f}", f"{100 * o.sd[0]:.0f} %") for o in seen)
    return Table("Infused regions", ("seen", "volume / mL", "error"), rows, "" if rows else "none seen yet")


def _cuts(told: Told) -> Views:
    """Ease of flow along y through the first tip, with the outlines that are computed with."""
    body = told.case.body
    image = Image(
        np.ascontiguousarray(body.ease_1[list(PARTS).index("yy") if len(body.ease_1) == len(PARTS) else 1]),
        body.grid.affine_mm,
        body.grid.frame,
    )
    cuts = tuple(Cut(title, image, axis, body.catheters[0].at_mm, 2.5) for axis, title in ((2, "axial"), (1, "coronal")))
    return Views("Ease of flow along y", cuts, Structures(body.grid, {"target": body.target, "fluid": body.fluid}), "1")

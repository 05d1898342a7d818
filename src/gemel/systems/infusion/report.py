"""The page of one patient: regions seen, infusions compared, and what was learned."""

import numpy as np

from gemel.core.errors import StoreError
from gemel.core.image import Image
from gemel.core.page import Chart, Cut, Page, Table, Told, Views
from gemel.core.structures import Structures
from gemel.core.time import iso
from gemel.core.twin import given, observations
from gemel.engines.inference.learned import learned_table
from gemel.systems.infusion.delivery import LEAST_mL

COLUMNS = ("cover_1", "covered_mL", "leak_1")


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far. Raises StoreError before the first images."""
    if not told.days:
        raise StoreError("nothing seen to report", where=told.twin.model.name, remedy="observe the planning images first")
    sections: tuple[Chart | Views | Table, ...] = (
        *_options(told),
        _regions(told),
        _given(told),
        _cuts(told),
        learned_table(told.twin, rng),
    )
    notes = (*told.case.notes, *(note for _, day in told.days for note in day.notes))
    return Page(sections, notes=tuple(dict.fromkeys(notes)))


def _options(told: Told) -> list[Table]:
    if not told.decision:
        return []
    values, rows = told.decision["readouts"], []
    for option in told.decision["options"]:
        found = [values[option["name"]][name] for name in COLUMNS]
        limits = ", ".join(f"P({limit}) {p:.0%}" for limit, p in option["p_limits"].items())
        rows.append((option["name"], *(f"{middle:.3g} ({low:.3g}–{high:.3g})" for middle, low, high in found), limits))
    return [Table("Infusions", ("plan", *COLUMNS, "limits"), tuple(rows), told.decision["reason"])]


def _regions(told: Told) -> Table:
    seen = [o for o in observations(told.twin) if o.kind == "ln_infused_1"]
    rows = tuple((iso(o.t_s)[:16], f"{np.exp(o.value[0]) - LEAST_mL:.2f}", f"{100 * o.sd[0]:.0f} %") for o in seen)
    return Table("Infused regions", ("seen", "volume / mL", "error"), rows, "" if rows else "none seen yet")


def _given(told: Told) -> Table:
    rows = tuple((iso(a.t_s)[:16], a.kind, f"{a.amount:g} {a.unit}") for a in given(told.twin))
    return Table("Infused", ("when", "what", "how long"), rows, "" if rows else "nothing yet")


def _cuts(told: Told) -> Views:
    """Ease of flow along y through the first tip, with the outlines that are computed with."""
    body = told.case.body
    image = Image(np.ascontiguousarray(body.ease_1[1]), body.grid.affine_mm, body.grid.frame)
    cuts = tuple(Cut(title, image, axis, body.catheters[0].at_mm, 2.5) for axis, title in ((2, "axial"), (1, "coronal")))
    return Views("Ease of flow along y", cuts, Structures(body.grid, {"target": body.target, "fluid": body.fluid}), "1")

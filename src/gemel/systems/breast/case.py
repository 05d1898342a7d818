"""The patient at the first visit: the grid about the tumour, the body that the model is made of, what was given or is planned."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from gemel.core.diffusion import DiffusionVisit
from gemel.core.errors import InputError, RangeError, StructureError
from gemel.core.image import Image
from gemel.core.switch import switch
from gemel.core.time import seconds
from gemel.systems.breast.body import Body
from gemel.systems.breast.cellularity import CAPACITY_1_mm3, lowest
from gemel.systems.breast.drugs import DRUGS, Dose
from gemel.systems.breast.grid import MARGIN_mm, Working, smooth_adc_mm2_s, surroundings, working
from gemel.systems.breast.mechanics import coupled
from gemel.systems.breast.modes import modes
from gemel.systems.breast.population import parameters
from gemel.systems.breast.regions import regions

MODES, PARTS = 4, 8
LEAST_VOXELS = 30
MOST = 4.0
"""Standard doses at once: the whole course."""
_DOSE = re.compile(r"(?P<drug>AC|T)(?:x(?P<amount>\d+(?:\.\d+)?|\.\d+))?@(?P<time>.+)")


@dataclass(frozen=True)
class Case:
    """The body, the grid it lies on, the ADC map there and farther about, ADC_min of this tumour, its tissue, and what was assumed."""

    body: Body
    grid: Image
    adc_mm2_s: Image
    tissue: Image
    lowest_mm2_s: float
    notes: tuple[str, ...]


def begin(baseline: DiffusionVisit, *, doses: object = (), mechanics: object = True) -> Case:
    """A case from the first visit. `doses`: given or planned before the second visit, `AC@2026-03-03` or `Tx0.33@2026-05-01T10:00`.

    Without `mechanics` stress does not damp the motion of cells. Raises RangeError for a tumour of a few voxels or a map without
    contrast, InputError for doses that are no doses.
    """
    if not baseline.tumour.any():
        raise StructureError("a first visit without a tumour", where=baseline.source, remedy="begin with the visit before therapy")
    least = lowest(smooth_adc_mm2_s(baseline), baseline.tumour)
    held = working(baseline, least)
    count = int(np.count_nonzero(held.tumour))
    if count < LEAST_VOXELS:
        found = f"a tumour of {count} voxels of {np.round(held.grid.spacing_mm, 2).tolist()} mm"
        raise RangeError(found, where=baseline.source, remedy=f"the model needs {LEAST_VOXELS}: use a finer map")
    plain = body_of(held, baseline.acquired_s, _doses(doses))
    body = coupled(plain, held) if switch(mechanics, "mechanics") else plain
    return Case(body, held.grid, surroundings(baseline), replace(held.grid, array=held.tissue), least, notes_of(baseline, held, body))


def body_of(held: Working, start_s: float, given: tuple[Dose, ...]) -> Body:
    """The body on a working grid, growth not coupled to stress."""
    mask, spacing_mm = held.mask, held.grid.spacing_mm
    count = int(mask.sum())
    return Body(
        mask=mask,
        spacing_mm=spacing_mm,
        density=held.density[mask].astype(np.float32),
        supply=held.supply[mask].astype(np.float32),
        modes=modes(mask, held.tumour, spacing_mm, MODES),
        part=regions(mask, held.tumour, spacing_mm, PARTS),
        parts=PARTS,
        stress_basis=np.zeros((0, count), np.float32),
        stress_kPa=np.zeros((0, 6, count), np.float32),
        start_s=start_s,
        given=given,
    )


def _doses(told: object) -> tuple[Dose, ...]:
    """One dose or a list of them."""
    texts = [told] if isinstance(told, str) else told
    if not isinstance(texts, Sequence) or not all(isinstance(text, str) for text in texts):
        raise InputError(f"doses {told!r}"[:80], where="breast", remedy='write a list: doses=["AC@2026-03-03","AC@2026-03-24"]')
    return tuple(read_dose(text) for text in texts)


def read_dose(text: str) -> Dose:
    """`AC@2026-03-03`: one standard dose; `Tx0.33@…`: a part of one. Raises InputError."""
    found = _DOSE.fullmatch(text.strip())
    if found is None or not 0.0 < float(found["amount"] or 1.0) <= MOST:
        raise InputError(f"a dose {text!r}", where="breast", remedy=f"write {' or '.join(DRUGS)}, then @ and its time: AC@2026-03-03")
    return Dose(found["drug"], seconds(found["time"]), float(found["amount"] or 1.0))


def notes_of(visit: DiffusionVisit, held: Working, body: Body) -> tuple[str, ...]:
    """What was assumed, and how coarse the grid is for the fronts that the priors expect."""
    centre = {p.name: p.centre for p in parameters(0, coupled=False)}
    ratio = float(body.spacing_mm.max() * np.sqrt(centre["k_1_d"] / centre["D0_mm2_d"]))
    cells = float(body.density.sum()) * body.voxel_mm3 * CAPACITY_1_mm3
    return tuple(
        filter(
            None,
            (
                f"{cells:.3g} cells in {np.count_nonzero(held.tumour) * body.voxel_mm3 / 1000:.3g} mL at the first visit",
                "" if visit.supply is not None else "no supply map: drugs are taken to reach all of the tumour alike",
                "" if visit.tissue is not None else "no tissue labels: all is as soft as fat",
                f"a grid coarse for fronts, h√(k/D) = {ratio:.2f}: they run too fast" if ratio > 1 else "",
                "" if body.coupled else "growth is not coupled to mechanics",
                "" if body.given else f"no doses known before the second visit; the model reaches {MARGIN_mm:g} mm beyond the outline",
            ),
        )
    )

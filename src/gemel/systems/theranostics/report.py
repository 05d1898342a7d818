"""The page of one patient: what was seen, what is believed, what was given, what could be given, and how sure all of it is."""

from collections.abc import Mapping

import numpy as np

from gemel.core.activity import ActivityImage
from gemel.core.errors import StoreError
from gemel.core.image import Array, Image, with_array
from gemel.core.page import Administration, Chart, Cut, OrganDose, Page, Radionuclide, Table, Told, Views
from gemel.core.structures import Structures, centroid_mm
from gemel.devices.nuclear.outlines import onto_image
from gemel.systems.theranostics.case import DENSITY_g_mL, decay_half_life_s
from gemel.systems.theranostics.dosimetry import VoxelDoses, onto_grid, voxel_doses
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.report_budget import budget_table
from gemel.systems.theranostics.report_course import Believed, Cycle, believed, cycle_doses, scanned
from gemel.systems.theranostics.report_doses import cumulated_chart, cycle_table, histogram_chart, voxel_table
from gemel.systems.theranostics.report_kinetics import HOUR_S, activity_charts, ledger_chart
from gemel.systems.theranostics.report_regimens import front_chart, regimen_table

METHOD = "twin: kinetics of all scans and blood, sphere S values by contoured mass; median and 90 % interval"
SHOWN = 6
LEAST_mm = 0.05
BRIGHT = 3


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far, with or without a decision. Raises StoreError before the first scan."""
    cycle = scanned(told)
    if cycle is None:
        raise StoreError("no scan to report", where=told.twin.model.name, remedy="observe a SPECT or PET of the cycle first")
    seen, doses = believed(told, rng), voxel_doses(told.case, cycle.days, cycle.given_s)
    contoured = [organ for organ in ("kidney", "tumour") if any(organ_of(name) == organ for name in told.case.structures.masks)]
    sections: tuple[Chart | Views | Table, ...] = (
        *front_chart(told),
        *regimen_table(told),
        _scans(told, cycle),
        *activity_charts(seen),
        *ledger_chart(told),
        cycle_table(seen),
        cumulated_chart(seen),
        _doses(doses, cycle),
        histogram_chart(doses, cycle),
        voxel_table(seen, cycle, doses),
        budget_table(seen, cycle, contoured),
    )
    return Page(sections, _objects(seen, cycle, doses), _notes(told, cycle, doses))


def _scans(told: Told, cycle: Cycle) -> Views:
    """Coronal maximum of each scan on its own scale: what moved, and what stayed."""
    days = cycle.days[:: max(1, -(-len(cycle.days) // SHOWN))]
    grid = told.case.reference
    structures = onto_image(told.case.structures, grid)
    outlined = np.any(list(structures.masks.values()), axis=0)
    cuts = tuple(_projected(at_s - cycle.given_s, onto_grid(day.image, grid), outlined) for at_s, day in days)
    note = (
        f"Largest value from front to back at the start of the scan; each scale ends at the {BRIGHT} % brightest of what is outlined. "
        "Outlines are those of the first scan."
    )
    return Views(f"Scans of cycle {cycle.number}", cuts, structures, "kBq/mL", note)


def _projected(since_s: float, image: Image, outlined: Array) -> Cut:
    kBq_mL = with_array(image, image.array / 1000)
    return Cut(f"{since_s / HOUR_S:.0f} h", kBq_mL, 1, top=float(np.percentile(kBq_mL.array[outlined], 100 - BRIGHT)))


def _doses(doses: VoxelDoses, cycle: Cycle) -> Views:
    """Planes through a kidney and the tumour of most dose."""
    names = list(doses.structures.masks)
    kidney = centroid_mm(doses.structures, next(name for name in names if organ_of(name) == "kidney"))
    tumours = [name for name in names if organ_of(name) == "tumour"] or names
    hottest = max(tumours, key=lambda name: float(doses.dose_Gy.array[doses.structures[name]].mean()))
    top = float(np.percentile(doses.dose_Gy.array[np.any(list(doses.structures.masks.values()), axis=0)], 99.5))
    there = centroid_mm(doses.structures, hottest)
    cuts = (
        Cut("axial, kidney", doses.dose_Gy, 2, kidney, top),
        Cut("coronal, kidney", doses.dose_Gy, 1, kidney, top),
        Cut(f"axial, {hottest.replace('_', ' ')}", doses.dose_Gy, 2, there, top),
        Cut(f"coronal, {hottest.replace('_', ' ')}", doses.dose_Gy, 1, there, top),
    )
    return Views(f"Absorbed dose of cycle {cycle.number}", cuts, doses.structures, "Gy")


def _notes(told: Told, cycle: Cycle, doses: VoxelDoses) -> tuple[str, ...]:
    outlined = np.any(list(doses.structures.masks.values()), axis=0)
    held = 100 * float((doses.status[outlined] == 1).mean())
    found = (
        [f"{held:.0f} % of the outlined voxels fall no faster than the nuclide decays; they are given its half-life"] if held >= 0.5 else []
    )
    found += ["one scan: dose by voxel by the rule of Hänscheid 2018"] if len(cycle.days) == 1 else []
    moved = [(at_s, day.quality.get("moved_mm", 0.0)) for at_s, day in cycle.days]
    found += [
        f"the scan {(at_s - cycle.given_s) / HOUR_S:.0f} h after the injection was moved by {mm:.1f} mm" for at_s, mm in moved if mm > 0
    ]
    return (*found, *(() if told.decision else ("no decision yet: regimens are not compared",)))


def _objects(seen: Believed, cycle: Cycle, doses: VoxelDoses) -> Radionuclide:
    at_s, day = cycle.days[0]
    case, every = seen.told.case, cycle_doses(seen)
    scan = ActivityImage(day.image, "Bq/mL", case.nuclide, at_s, 1.0, cycle.given_s, cycle.MBq, "none", "first scan of the cycle")
    given = tuple(
        Administration(c.nuclide, decay_half_life_s(c.nuclide), c.given_s, c.MBq, _organs(case.structures, draws)) for c, draws in every
    )
    total = {organ: np.sum([draws[organ] for _, draws in every], axis=0) for organ in ORGANS}
    return Radionuclide(scan, doses.structures, doses.decays_Bq_s_mL, doses.dose_Gy, given, _organs(case.structures, total))


def _organs(structures: Structures, draws: Mapping[str, np.ndarray]) -> tuple[OrganDose, ...]:
    return tuple(_organ(structures, organ, draws[organ]) for organ in _contoured(structures))


def _contoured(structures: Structures) -> list[str]:
    return [organ for organ in ORGANS if any(organ_of(name) == organ for name in structures.masks)]


def _organ(structures: Structures, organ: str, draws: np.ndarray) -> OrganDose:
    names = [name for name in structures.masks if organ_of(name) == organ]
    sides = {side for name in names for side in ("left", "right") if name.endswith(side)}
    side = "both" if len(sides) == 2 else next(iter(sides), "")
    voxels = sum(int(np.count_nonzero(structures[name])) for name in names)
    low, mid, high = np.quantile(draws, [0.05, 0.5, 0.95])
    mass_g = voxels * structures.grid.voxel_mL * DENSITY_g_mL[organ]
    return OrganDose(organ, side, float(mid), float(low), float(high), mass_g, METHOD)

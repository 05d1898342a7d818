"""Doses of the cycles, cumulated dose and BED against limits, doses by voxel against doses by model."""

from collections.abc import Callable

import numpy as np

from gemel.core.belief import State
from gemel.core.forecast import interval
from gemel.core.image import Array
from gemel.core.page import Chart, Panel, Table, Trace
from gemel.core.time import DAY_S
from gemel.systems.theranostics.dosimetry import VoxelDoses, decays_MBq_h, histogram, mean_Gy
from gemel.systems.theranostics.judge import MARROW_Gy
from gemel.systems.theranostics.names import organ_of
from gemel.systems.theranostics.network import DOSED
from gemel.systems.theranostics.readouts import KIDNEY_BED_Gy
from gemel.systems.theranostics.report_course import Believed, Cycle, band, bed_Gy, cycle_doses, cycles, recommended

POINTS = 40
EMPTY = np.zeros(0)


def cycle_table(seen: Believed) -> Table:
    """Median and 90 % of the dose of each cycle, by organ, and of all together."""
    found = cycle_doses(seen)
    columns = ("mean dose / Gy", *(f"cycle {c.number}, {amount(c)}" for c, _ in found), "all cycles", "Gy/GBq")
    GBq = sum(cycle.MBq for cycle, _ in found) / 1000
    rows = []
    for organ in DOSED:
        each = [doses[organ] for _, doses in found]
        total = np.sum(each, axis=0)
        rows.append((organ, *(ranged(values) for values in (*each, total, total / GBq))))
    rows += [(f"{organ} BED", *[""] * len(found), ranged(_bed_at_end(seen, organ)), "") for organ in ("kidney", "tumour")]
    return Table(
        "Dose of each cycle", columns, tuple(rows), "By the model: median (90 % interval), until nothing of the last cycle is left."
    )


def cumulated_chart(seen: Believed) -> Chart:
    """BED and dose over the days, with 90 %, limits, injections, and what the recommended regimen would add."""
    every, more = cycles(seen.told), recommended(seen.told)
    start_s, now_s = every[0].given_s, max(seen.told.twin.t_s, every[-1].given_s)
    end_s = max(every[-1].end_s, more[-1].t_s + every[-1].end_s - every[-1].given_s if more else 0.0)
    past = np.linspace(start_s + 3600, every[-1].end_s, POINTS)
    ahead = np.linspace(now_s + 3600, end_s, POINTS)
    without, within = seen.at(past), seen.at(ahead, more) if more else []
    marks = tuple((t_s - start_s) / DAY_S for t_s in (*(c.given_s for c in every), *(a.t_s for a in more)))
    panels = []
    for title, limit, of in _shown():
        traces = [band("given", (past - start_s) / DAY_S, np.array([of(state) for state in without]))]
        if more:
            traces.append(band("with the recommended regimen", (ahead - start_s) / DAY_S, np.array([of(state) for state in within]), 1))
        panels.append(Panel(title, "days after the first injection", "Gy", tuple(traces), limit, marks))
    return Chart("Cumulated dose", tuple(panels), "Median and 90 %; dashed: limits of the goal; dotted: injections, given and proposed.")


def voxel_table(seen: Believed, cycle: Cycle, doses: VoxelDoses) -> Table:
    """The same cycle's doses by voxel and by model: a check of each by the other."""
    model = dict(cycle_doses(seen)[cycle.number - 1][1])
    rows = []
    for organ in dict.fromkeys(organ_of(name) for name in doses.structures.masks):
        names = [name for name in doses.structures.masks if organ_of(name) == organ]
        by_voxel, (low, high) = mean_Gy(doses, names), interval(model[organ])
        ratio = by_voxel / float(np.median(model[organ]))
        rows.append(
            (
                organ,
                f"{decays_MBq_h(doses, names):.0f}",
                f"{by_voxel:.2f}",
                ranged(model[organ]),
                f"{ratio:.2f}",
                _where(by_voxel, float(low), float(high)),
            )
        )
    columns = (f"cycle {cycle.number}", "decays / MBq h", "by voxel / Gy", "by model / Gy (90 %)", "voxel / model", "")
    note = (
        f"By voxel: mean over source mass of the dose map, activity as seen (no correction of calibration or recovery), cross-fire of "
        f"neighbours and photons within {2 * doses.half_width + 1} voxels, which hold {100 * doses.kept_1:.0f} % of the energy absorbed "
        f"within 30 cm; {_density(doses)}. By model: self-dose of spheres of the contours' mass, all scans and priors together."
    )
    return Table("Dose by voxel against dose by model", columns, tuple(rows), note)


def _density(doses: VoxelDoses) -> str:
    """What the doses are to, and where that is wrong."""
    if doses.density_g_cm3 is None:
        return "density of soft tissue"
    return "density of the CT (soft tissue beyond it and in air); wrong within an electron's range of lung and bone"


def histogram_chart(doses: VoxelDoses, cycle: Cycle) -> Chart:
    """Cumulative histograms of the dose map, region by region."""
    traces = []
    for n, name in enumerate(doses.structures.masks):
        level_Gy, part = histogram(doses, name)
        traces.append(Trace(name.replace("_", " "), level_Gy, 100 * part, EMPTY, EMPTY, colour=n))
    panel = Panel("", "dose / Gy", "volume / %", tuple(traces))
    return Chart(
        f"Dose–volume histograms, cycle {cycle.number}",
        (panel,),
        "Of the blurred image: sharper in truth than shown, in small regions above all.",
    )


def amount(cycle: Cycle) -> str:
    """What was injected."""
    return f"{cycle.MBq / 1000:.2f} GBq {cycle.nuclide}" if cycle.MBq >= 100 else f"{cycle.MBq:.3g} MBq {cycle.nuclide}"


def ranged(draws: Array) -> str:
    """Median (5 % to 95 %)."""
    low, high = interval(draws)
    return f"{np.median(draws):.3g} ({low:.3g}–{high:.3g})"


def _where(value: float, low: float, high: float) -> str:
    return "within 90 %" if low <= value <= high else ("below 90 %" if value < low else "above 90 %")


def _bed_at_end(seen: Believed, organ: str) -> Array:
    return bed_Gy(seen.at([cycles(seen.told)[-1].end_s])[0], organ)


def _shown() -> tuple[tuple[str, dict[str, float], Callable[[State], Array]], ...]:
    """Titles, limits and values of the panels."""
    return (
        ("kidney BED", {f"{KIDNEY_BED_Gy:g} Gy": KIDNEY_BED_Gy}, lambda state: bed_Gy(state, "kidney")),
        ("marrow dose", {f"{MARROW_Gy:g} Gy": MARROW_Gy}, lambda state: state["weighted_marrow"]),
        ("tumour dose", {}, lambda state: state["dose_tumour"]),
        ("salivary glands' dose", {}, lambda state: state["dose_salivary"]),
    )

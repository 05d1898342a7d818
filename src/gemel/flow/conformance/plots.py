"""Plots of the evidence. ArviZ (Kumar et al. 2019, JOSS 4:1143) draws the rank plots with their simultaneous bands."""

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemel.core.card import Evidence, Examination, Picture
from gemel.core.image import Array
from gemel.flow.conformance.honesty import parameter_ranks, scan_ranks
from gemel.flow.conformance.subject import Subject
from gemel.flow.conformance.wrong import WRONG
from gemel.flow.figures import COLOURS, png

with warnings.catch_warnings():
    warnings.simplefilter("ignore", FutureWarning)  # 0.23 announces the next series on import
    import arviz

COLUMNS = 5


def pictures(subject: Subject, examination: Examination) -> tuple[Picture, ...]:
    """The plots of one examination."""
    lines = {section: [line for line in examination.table if line.section == section] for section in ("coverage", "identifiability")}
    wrong = [line for line in examination.table if line.section == "misspecification" and "coverage" in line.line]
    covered, ratios = [*lines["coverage"], *wrong], [line for line in lines["identifiability"] if line.line != "not informed"]
    return (
        Picture("ranks_of_parameters", "Ranks of true parameters: ECDF less uniform, 95 % band.", ranks(parameter_ranks(subject.courses))),
        Picture(
            "ranks_of_scans", "Ranks of scans within their forecasts: ECDF less uniform, 95 % band.", ranks(scan_ranks(subject.courses))
        ),
        *(
            Picture(f"ranks_with_{name}", f"The same with {WRONG[name].what}.", ranks(scan_ranks(subject.wrong[name])))
            for name in subject.wrong
        ),
        Picture("coverage", "Share of the truth in 90 % forecast intervals; wanted is the grey range.", forest(covered, _wanted)),
        Picture("identifiability", "Posterior sd over prior sd; right of the line nothing was learned.", forest(ratios, _uninformed)),
    )


def ranks(held: Mapping[str, Array]) -> bytes:
    """For each name the distribution of its ranks less the uniform one, with the simultaneous 95 % band of Säilynoja et al. 2022."""
    rows = -(-len(held) // COLUMNS)
    figure = Figure(figsize=(2.6 * COLUMNS, 2.1 * rows), layout="constrained")
    for panel, (name, values) in enumerate(held.items()):
        axes = figure.add_subplot(rows, COLUMNS, panel + 1)
        draw: Callable[..., object] = arviz.plot_ecdf
        draw(values, cdf=_uniform, difference=True, confidence_bands="optimized", ci_prob=0.95, eval_points=_points(), ax=axes)
        axes.set_title(name, fontsize=7)
        axes.tick_params(labelsize=6)
    return png(figure)


def _uniform(z: Array) -> Array:
    return np.clip(z, 0.0, 1.0)


def _points() -> Array:
    return np.linspace(0.02, 0.98, 49)


def forest(lines: Sequence[Evidence], mark: Callable[[Axes], object]) -> bytes:
    """Numbers with their 95 % intervals, one below the other."""
    figure = Figure(figsize=(8, 0.3 * len(lines) + 1.0), layout="constrained")
    axes = figure.add_subplot()
    rows = np.arange(len(lines))[::-1]
    middle = np.array([line.number for line in lines])
    ends = np.array([[line.number - line.low, line.high - line.number] for line in lines]).T
    mark(axes)
    axes.errorbar(middle, rows, xerr=ends, fmt="o", ms=4, lw=1, color=COLOURS[0])
    axes.set_yticks(rows, [line.line for line in lines], fontsize=8)
    return png(figure)


def _wanted(axes: Axes) -> None:
    axes.axvspan(0.85, 0.95, color="#dddddd")


def _uninformed(axes: Axes) -> None:
    axes.axvline(0.95, color="#999999", lw=1)

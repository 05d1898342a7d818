"""Pictures of what a system shows: charts of traces with bands, points and limits, and cuts through images with outlines."""

import math

import matplotlib
import matplotlib.lines
import matplotlib.ticker
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemel.core.image import Array, voxel_index
from gemel.core.page import Chart, Cut, Panel, Trace, Views
from gemel.core.structures import Structures
from gemel.flow.figures import COLOURS, png

ACROSS = 4
MARGIN = 3


def chart(shown: Chart) -> bytes:
    """All panels of a chart, up to four in a row, as PNG."""
    across = min(ACROSS, len(shown.panels))
    down = -(-len(shown.panels) // across)
    figure = Figure(figsize=(12 if across > 1 else 8, (3.1 if across > 2 else 3.8) * down + 0.3), layout="constrained")
    for n, panel in enumerate(shown.panels):
        _panel(figure.add_subplot(down, across, n + 1), panel)
    named = {label: handle for axes in figure.axes for handle, label in zip(*axes.get_legend_handles_labels())}
    if len(figure.axes) == 1 and len(named) > 1:
        figure.axes[0].legend(fontsize=8, frameon=False)
    elif len(named) > 1:
        figure.legend(named.values(), named.keys(), loc="outside lower center", ncol=min(len(named), 5), fontsize=8, frameon=False)
    return png(figure)


def views(shown: Views) -> bytes:
    """Cuts side by side with outlines; projections have a colour bar each, planes one together."""
    sizes = [_extent(cut) for cut in shown.cuts]
    widths = [(high - low)[0] / (high - low)[1] for low, high in sizes]
    height = min(12 / sum(widths), 4.6)
    figure = Figure(figsize=(height * sum(widths) + 0.9, height + 0.8), layout="constrained")
    grid = figure.add_gridspec(1, len(shown.cuts), width_ratios=widths)
    names = list(shown.structures.masks)
    for n, cut in enumerate(shown.cuts):
        axes = figure.add_subplot(grid[0, n])
        wash = _cut(axes, cut)
        _outlines(axes, cut, shown.structures)
        if cut.at_mm is None or n == len(shown.cuts) - 1:
            place = "bottom" if cut.at_mm is None else "right"
            bar = figure.colorbar(wash, ax=axes, location=place, shrink=0.8, pad=0.02, ticks=matplotlib.ticker.MaxNLocator(4))
            bar.set_label(shown.unit, fontsize=8)
            bar.ax.tick_params(labelsize=7)
    handles = [
        matplotlib.lines.Line2D([], [], color=COLOURS[i % len(COLOURS)], label=name.replace("_", " ")) for i, name in enumerate(names)
    ]
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncol=min(len(handles), 8), fontsize=8, frameon=False)
    return png(figure)


def _panel(axes: Axes, panel: Panel) -> None:
    for trace in panel.traces:
        _trace(axes, trace)
    for name, level in panel.limits.items():
        axes.axhline(level, color="#444", ls="--", lw=0.9)
        axes.annotate(name, (0.99, level), xycoords=("axes fraction", "data"), ha="right", va="bottom", fontsize=7, color="#444")
    for mark in panel.marks:
        axes.axvline(mark, color="#888", ls=":", lw=0.9)
    if panel.logarithmic:
        axes.set_yscale("log")
        _plain_decades(axes)
    axes.set_title(panel.title, fontsize=9)
    axes.set_xlabel(panel.x_label, fontsize=8)
    axes.set_ylabel(panel.y_label, fontsize=8)
    axes.tick_params(labelsize=7)
    if panel.x_label == "scan":
        _whole_numbers(axes)


def _trace(axes: Axes, trace: Trace) -> None:
    colour = COLOURS[trace.colour % len(COLOURS)]
    if trace.points:
        bars = [trace.y - trace.low, trace.high - trace.y] if len(trace.low) else None
        axes.errorbar(trace.x, trace.y, bars, fmt="o", color=colour, ms=4, lw=1.2, label=trace.name, zorder=3 if trace.colour < 7 else 1)
        return
    if len(trace.low):
        axes.fill_between(trace.x, trace.low, trace.high, color=colour, alpha=0.22, lw=0)
    axes.plot(trace.x, trace.y, color=colour, lw=1.3, label=trace.name)


def _whole_numbers(axes: Axes) -> None:
    low, high = axes.get_xlim()
    ticks = np.arange(math.ceil(low), math.floor(high) + 1)
    axes.set_xticks(ticks[:: max(1, len(ticks) // 10)])
    axes.set_xlim(low - 0.4, high + 0.4)


def _plain_decades(axes: Axes) -> None:
    """Numbers as people write them; between decades where there are less than two."""
    low, high = axes.get_ylim()
    within = [] if high / low > 30 else [2, 5] if high / low > 3 else [1.2, 1.5, 2, 3, 4, 5, 6, 8]
    axes.yaxis.set_major_locator(matplotlib.ticker.LogLocator(subs=[1, *within]))
    axes.yaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axes.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())


def _cut(axes: Axes, cut: Cut) -> matplotlib.image.AxesImage:
    """One plane, or the largest value along the axis; LPS: the patient's right on the left, feet down, front up."""
    plane = cut.image.array.max(axis=cut.axis) if cut.at_mm is None else np.take(cut.image.array, _index(cut), cut.axis)
    low, high = _extent(cut)
    top = float(plane.max()) if math.isnan(cut.top) else cut.top
    colours = "gray" if cut.anatomy else "gray_r" if cut.at_mm is None else "inferno"
    wash = axes.imshow(
        plane.T,
        cmap=colours,
        vmin=cut.bottom,
        vmax=max(top, cut.bottom + 1e-12),
        origin="lower",
        extent=(low[0], high[0], low[1], high[1]),
        interpolation="nearest",
    )
    if cut.axis == 2:
        axes.invert_yaxis()
    axes.set_title(cut.title, fontsize=9)
    axes.set_xticks([])
    axes.set_yticks([])
    return wash


def _outlines(axes: Axes, cut: Cut, structures: Structures) -> None:
    low, high = _extent(cut)
    for n, mask in enumerate(structures.masks.values()):
        part = mask.any(axis=cut.axis) if cut.at_mm is None else np.take(mask, _index(cut), cut.axis)
        if part.any():
            x, y = (np.linspace(a, b, 2 * count + 1)[1::2] for a, b, count in zip(low, high, part.shape))
            axes.contour(x, y, part.T.astype(float), levels=[0.5], colors=[COLOURS[n % len(COLOURS)]], linewidths=1.1)


def _index(cut: Cut) -> int:
    found = voxel_index(cut.image, np.asarray(cut.at_mm)[None])[0][cut.axis]
    return int(np.clip(round(float(found)), 0, cut.image.shape[cut.axis] - 1))


def _extent(cut: Cut) -> tuple[Array, Array]:
    """Edges of the plane, in mm."""
    kept = [axis for axis in range(3) if axis != cut.axis]
    low = cut.image.origin_mm[kept] - cut.image.spacing_mm[kept] / 2
    return low, low + cut.image.spacing_mm[kept] * np.array(cut.image.shape)[kept]

"""Pictures of the report: slices with contours and dose, histogram bands, the ledger, the options. Each returns a PNG."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import matplotlib
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from gemel.core.image import Array, Image, voxel_index
from gemel.core.structures import Structures

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442", "#999999")
"""Okabe & Ito's palette, told apart with every common colour vision."""
VIEWS = ((2, "axial"), (0, "sagittal"), (1, "coronal"))


def png(figure: Figure) -> bytes:
    """The figure as PNG bytes."""
    held = BytesIO()
    figure.savefig(held, format="png", dpi=110, bbox_inches="tight")
    return held.getvalue()


def slices(ct: Image, structures: Structures, dose_Gy: Float[Array, "x y z"], at_mm: Float[Array, "3"], *, title: str) -> bytes:
    """Three planes through `at_mm`: CT, dose wash above a tenth of the maximum, contours."""
    index = np.clip(np.round(voxel_index(ct, np.asarray(at_mm)[None])[0]).astype(int), 0, np.array(ct.shape) - 1)
    figure = Figure(figsize=(13, 4.6), layout="constrained")
    shown = [name for name in structures.masks if name != "BODY" and structures.masks[name].any()]
    for panel, (axis, name) in enumerate(VIEWS):
        axes = figure.add_subplot(1, 3, panel + 1)
        axes.set_title(name, fontsize=9)
        wash = _plane(axes, (ct, dose_Gy), axis, int(index[axis]))
        for i, structure in enumerate(shown):
            _outline(axes, ct, structures.masks[structure], (axis, int(index[axis])), COLOURS[i % len(COLOURS)])
    figure.colorbar(wash, ax=figure.axes, label="dose / Gy", shrink=0.85)
    handles = [matplotlib.lines.Line2D([], [], color=COLOURS[i % len(COLOURS)], label=name) for i, name in enumerate(shown)]
    figure.legend(handles=handles, loc="outside lower center", ncol=len(handles), fontsize=8, frameon=False)
    figure.suptitle(title, fontsize=10)
    return png(figure)


def _plane(axes: Axes, values: tuple[Image, Array], axis: int, at: int) -> matplotlib.image.AxesImage:
    image, dose = values
    low, high = _extent(image, axis)
    extent = (low[0], high[0], low[1], high[1])
    top = float(dose.max())
    cut = np.take(dose, at, axis).T
    axes.imshow(np.take(image.array, at, axis).T, cmap="gray", vmin=-160, vmax=240, origin="lower", extent=extent)
    wash = axes.imshow(np.ma.masked_less(cut, 0.1 * top), cmap="inferno", alpha=0.45, vmin=0, vmax=top, origin="lower", extent=extent)
    _zoom(axes, image)
    axes.set_xticks([])
    axes.set_yticks([])
    return wash


def _zoom(axes: Axes, image: Image) -> None:
    """The picture cropped to where the image holds more than air."""
    seen = np.argwhere(image.array[::2, ::2, ::2] > -300) * 2
    low, high = (image.origin_mm + image.spacing_mm * edge for edge in (seen.min(axis=0), seen.max(axis=0)))
    sides = {"axial": (0, 1), "sagittal": (1, 2), "coronal": (0, 2)}[axes.get_title()]
    axes.set_xlim(low[sides[0]], high[sides[0]])
    axes.set_ylim(*((high[1], low[1]) if sides == (0, 1) else (low[2], high[2])))


def _extent(image: Image, axis: int) -> tuple[Array, Array]:
    kept = [a for a in range(3) if a != axis]
    low = image.origin_mm[kept] - image.spacing_mm[kept] / 2
    return low, low + image.spacing_mm[kept] * np.array(image.shape)[kept]


def _outline(axes: Axes, image: Image, mask: Bool[Array, "x y z"], plane: tuple[int, int], colour: str) -> None:
    cut = np.take(mask, plane[1], plane[0]).T
    if not cut.any():
        return
    low, high = _extent(image, plane[0])
    x, y = (np.linspace(a, b, 2 * n + 1)[1::2] for a, b, n in zip(low, high, cut.T.shape))
    axes.contour(x, y, cut.astype(float), levels=[0.5], colors=[colour], linewidths=1.1)


def bands(
    levels_Gy: Float[Array, "levels"], ahead: Mapping[str, Array], today: Mapping[str, Array], *, title: str, what: str = "today"
) -> bytes:
    """Histograms: the 90 % band forecast before the scan (shaded) and today's, with its own 90 % (line and dashes), by structure."""
    figure = Figure(figsize=(12, 5.5))
    names = list(today)
    for i, name in enumerate(names):
        axes = figure.add_subplot(2, (len(names) + 1) // 2, i + 1)
        if name in ahead:
            low, mid, high = 100 * np.quantile(ahead[name], [0.05, 0.5, 0.95], axis=0)
            axes.fill_between(levels_Gy, low, high, color=COLOURS[0], alpha=0.25, label="forecast, 90 %")
            axes.plot(levels_Gy, mid, color=COLOURS[0], lw=0.8)
        low, mid, high = 100 * np.quantile(today[name], [0.05, 0.5, 0.95], axis=0)
        axes.plot(levels_Gy, mid, color=COLOURS[1], label=what)
        axes.plot(levels_Gy, low, "--", levels_Gy, high, "--", color=COLOURS[1], lw=0.7)
        axes.set_title(name.removeprefix("DVH_"), fontsize=9)
        axes.set_xlabel("dose / Gy", fontsize=8)
        axes.set_ylabel("volume / %", fontsize=8)
    figure.axes[0].legend(fontsize=7)
    figure.suptitle(title, fontsize=10)
    figure.tight_layout()
    return png(figure)


def options(names: Sequence[str], utility: Sequence[float], sd: Sequence[float], p_best: Sequence[float], *, unit: str) -> bytes:
    """Expected utility of each plan with its spread, and how often it is the best."""
    figure = Figure(figsize=(8, 0.35 * len(names) + 1.2))
    axes = figure.add_subplot()
    rows = np.arange(len(names))[::-1]
    axes.barh(
        rows, utility, xerr=sd, color=[COLOURS[1] if i == 0 else COLOURS[0] for i in range(len(names))], height=0.65, error_kw={"lw": 1}
    )
    axes.set_yticks(rows, [f"{name}  ({p:.0%} best)" for name, p in zip(names, p_best)], fontsize=8)
    axes.set_xlim(left=max(0.0, min(utility) - 4 * max(*sd, 1.0)))
    axes.set_xlabel(f"score / {unit}", fontsize=8)
    return png(figure)


def ledger(rows: Sequence[Mapping[str, Array]], kinds: Sequence[str]) -> bytes:
    """For each kind, the frozen 90 % intervals against what came, scan after scan; rows hold kind → (low, high, value, sd)."""
    parts = [(kind, i) for kind in kinds for i in range(rows[0][kind].shape[1])]
    figure = Figure(figsize=(12, 5))
    for panel, (kind, i) in enumerate(parts):
        axes = figure.add_subplot(2, (len(parts) + 1) // 2, panel + 1)
        for day, row in enumerate(rows, 1):
            low, high, value, sd = row[kind][:, i]
            axes.plot([day, day], [low, high], color=COLOURS[0], lw=6, alpha=0.35, solid_capstyle="butt")
            axes.errorbar(day, value, 1.645 * sd, fmt="o", color=COLOURS[1], ms=4, lw=1)
        axes.set_title(f"{kind}{'[xyz]'[0] + 'xyz'[i] + ']' if rows[0][kind].shape[1] == 3 else ''}", fontsize=8)
        axes.set_xlim(0.5, len(rows) + 0.5)
        axes.set_xticks(range(1, len(rows) + 1))
        axes.tick_params(labelsize=7)
    figure.suptitle("forecast made before the scan (bar, 90 %) against the scan (point)", fontsize=10)
    figure.tight_layout()
    return png(figure)

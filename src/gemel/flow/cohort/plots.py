"""Pictures of a trial: every arm's patients, differences with their intervals, each patient's own, and how the trial grew."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from gemel.core.card import Picture
from gemel.flow.cohort.arms import HINDSIGHT
from gemel.flow.cohort.comparison import Paired, running
from gemel.flow.cohort.finished import Trial
from gemel.flow.figures import COLOURS, png

BOUND = "#777777"
BETTER, WORSE, SAME = COLOURS[2], COLOURS[1], "#bbbbbb"
WIDE = 34  # characters of a name before it is cut
ABREAST = 3


def pictures(trial: Trial) -> tuple[Picture, ...]:
    """The plots of one trial: of its loss, the first arm against each other one."""
    pairs = trial.pairs()
    first = [pair for pair in pairs if pair.a == trial.arms[0].name and pair.b != HINDSIGHT]
    shown = (
        Picture(
            "arms",
            f"{trial.loss} of every patient, by arm: points; box: median, central half and 90 %; diamond: mean with 95 %.",
            arms(trial),
        ),
        Picture("differences", "Mean differences with 95 % intervals: thick alone, thin all at once.", forest(pairs)),
    )
    if not first:
        return shown
    return (
        *shown,
        Picture("patients", "Each patient's difference, sorted; green: the first arm is better.", waterfall(trial, first)),
        Picture("growth", "Mean difference as patients came in, with its 95 % interval for one look alone.", growth(trial, first)),
    )


def arms(trial: Trial) -> bytes:
    """Each arm's patients as points beside a box, with mean and interval."""
    names = [*(arm.name for arm in trial.arms), HINDSIGHT]
    figure = Figure(figsize=(9, 0.75 * len(names) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    for row, name in enumerate(reversed(names)):
        _arm(axes, trial, name, row)
    axes.set_yticks(range(len(names)), [_name(name) for name in reversed(names)], fontsize=9)
    _finish(axes, f"{trial.loss} / {trial.unit(trial.loss)}")
    return png(figure)


def _arm(axes: Axes, trial: Trial, name: str, row: int) -> None:
    values, held = trial.values(name), trial.summary(name)
    colour = BOUND if name == HINDSIGHT else COLOURS[[arm.name for arm in trial.arms].index(name) % len(COLOURS)]
    spread = np.random.default_rng(row).uniform(-0.13, 0.13, len(values))
    axes.scatter(values, row - 0.22 + spread, s=7, alpha=0.35, color=colour, linewidths=0, rasterized=True)
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    axes.barh(row + 0.14, high - low, left=low, height=0.2, color="none", edgecolor=colour, lw=1.2)
    axes.plot([middle, middle], [row + 0.04, row + 0.24], color=colour, lw=2)
    axes.plot([held.p05, low, np.nan, high, held.p95], np.full(5, row + 0.14), color=colour, lw=1.2)
    ends = [[held.mean - held.low], [held.high - held.mean]]
    axes.errorbar([held.mean], [row + 0.34], xerr=ends, fmt="D", ms=5, lw=2, color=colour)


def forest(pairs: Sequence[Paired]) -> bytes:
    """Mean differences, one below the other; the thin interval holds for all of them at once."""
    figure = Figure(figsize=(9, 0.42 * len(pairs) + 1.2), layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0.0, color="#999999", lw=1)
    for row, pair in enumerate(reversed(pairs)):
        colour = BOUND if HINDSIGHT in (pair.a, pair.b) else COLOURS[0]
        axes.plot([pair.low, pair.high], [row, row], lw=1.2, color=colour, marker="|", ms=7)
        axes.plot([pair.alone_low, pair.alone_high], [row, row], lw=3.5, color=colour, solid_capstyle="butt")
        axes.plot([pair.difference], [row], "o", ms=6, color="white", markeredgecolor=colour, markeredgewidth=1.6)
        said = f"{pair.difference:+.3g} ({pair.low:+.3g} to {pair.high:+.3g})"
        axes.annotate(said, (1.02, row), xycoords=("axes fraction", "data"), fontsize=8, va="center")
    axes.set_yticks(range(len(pairs)), [_title(pair) for pair in reversed(pairs)], fontsize=8)
    axes.set_ylim(-0.7, len(pairs) - 0.3)
    _finish(axes, f"difference in {pairs[0].readout} / {pairs[0].unit}")
    return png(figure)


def waterfall(trial: Trial, pairs: Sequence[Paired]) -> bytes:
    """Differences of the patients, sorted, one panel a pair."""
    figure, panels = _panels(pairs)
    for axes, pair in zip(panels, pairs):
        difference = np.sort(trial.values(pair.a) - trial.values(pair.b))
        colours = np.select([difference < 0, difference > 0], [BETTER, WORSE], SAME)
        axes.bar(np.arange(1, len(difference) + 1), difference, width=1.0, color=colours)
        axes.axhline(pair.difference, color=COLOURS[0], lw=1.5, ls="--", label=f"mean {pair.difference:+.3g}")
        worse = 1 - pair.better - pair.equal
        axes.set_title(f"{_title(pair)}\n{pair.better:.0%} better, {pair.equal:.0%} equal, {worse:.0%} worse", fontsize=9)
        axes.legend(fontsize=8, frameon=False, loc="upper left")
        _finish(axes, "patients, sorted")
    return png(figure)


def growth(trial: Trial, pairs: Sequence[Paired]) -> bytes:
    """The running mean difference with its interval, after each patient, one panel a pair."""
    figure, panels = _panels(pairs)
    for axes, pair in zip(panels, pairs):
        count, mean, low, high = running(trial.values(pair.a) - trial.values(pair.b)).T
        axes.fill_between(count, low, high, color=COLOURS[0], alpha=0.2, lw=0)
        axes.plot(count, mean, color=COLOURS[0], lw=1.6)
        axes.set_title(_title(pair), fontsize=9)
        _finish(axes, "patients so far")
    return png(figure)


def _panels(pairs: Sequence[Paired]) -> tuple[Figure, Sequence[Axes]]:
    """A figure with one panel a pair, at most three abreast, all of the same scale."""
    down, across = -(-len(pairs) // ABREAST), min(len(pairs), ABREAST)
    figure = Figure(figsize=(4.7 * across if across > 1 else 7.0, 3.3 * down), layout="constrained")
    panels = figure.subplots(down, across, squeeze=False, sharey=True).ravel()
    for axes in panels[len(pairs) :]:
        axes.set_visible(False)
    for axes in panels[: len(pairs)]:
        axes.axhline(0.0, color="#999999", lw=1)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        axes.tick_params(labelsize=8)
    panels[0].set_ylabel(f"difference in {pairs[0].readout} / {pairs[0].unit}", fontsize=8)
    return figure, list(panels[: len(pairs)])


def _title(pair: Paired) -> str:
    return f"{_name(pair.a)} − {_name(pair.b)}"


def _finish(axes: Axes, what: str) -> None:
    axes.set_xlabel(what, fontsize=9)
    axes.tick_params(axis="x", labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _name(name: str) -> str:
    """A name that fits beside a plot."""
    return name if len(name) <= WIDE else name[: WIDE - 1] + "…"

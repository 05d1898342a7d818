"""Charts and tables of any twin: those that its system makes, or what a decision on doses shows; and its forecasts against what came."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from gemel.core.errors import StoreError
from gemel.core.page import Chart, Page, Panel, Table, Trace
from gemel.core.time import DAY_S
from gemel.flow.observe import rng_of
from gemel.flow.report_parts import ledger_rows
from gemel.flow.report_today import ahead, levels_Gy
from gemel.flow.session import Session, last_decision
from gemel.flow.told import told

STREAM = 6
NONE = np.zeros(0)
HISTOGRAM = "DVH_"
AGAINST = "Forecasts against"
"""How systems begin the title of a chart of their own that holds scans against forecasts."""


def page_of(session: Session) -> Page:
    """What the system shows of its twin: nothing before there is something, or for a system that has no page of its own."""
    if session.system.pages is None:
        return Page(())
    try:
        return session.system.pages(told(session), rng_of(session, STREAM))
    except StoreError:  # a system's word for: nothing to show yet
        return Page(())


def charts(session: Session, page: Page) -> tuple[tuple[Chart, ...], tuple[Table, ...]]:
    """Charts and tables in reading order."""
    shown = [section for section in page.sections if isinstance(section, Chart)]
    tables = tuple(section for section in page.sections if isinstance(section, Table))
    own = any(chart.title.startswith(AGAINST) for chart in shown)
    return (*shown, *_histograms(session), *_readouts(session), *(() if own else _ledger(session))), tables


def _histograms(session: Session) -> Iterator[Chart]:
    """Of a decision with dose–volume histograms: the recommended plan today, as forecast before the scan, and the baseline."""
    decided = last_decision(session)
    draws = session.store.artefacts.get_arrays(decided.payload["draws"]) if decided else {}
    if decided is None or not any(f"/{HISTOGRAM}" in name for name in draws):
        return
    best, baseline = decided.payload["recommended"], decided.payload["baseline"]
    today, other = _of_plan(draws, best), _of_plan(draws, baseline)
    before, x_Gy = ahead(session, decided, best), levels_Gy(today)
    panels = []
    for name, values in today.items():
        traces = [_band("forecast", x_Gy, before[name], 0)] if name in before else []
        traces += [_band(best, x_Gy, values, 1)]
        traces += [_band(baseline, x_Gy, other[name], 2)] if name in other and baseline != best else []
        panels.append(Panel(name.removeprefix(HISTOGRAM), "dose / Gy", "volume / %", tuple(traces)))
    note = f"Bands hold 90 %: {best} as forecast before the scan, {best} and {baseline} on the anatomy of the day."
    yield Chart("Dose–volume histograms", tuple(panels), note)


def _of_plan(draws: Mapping[str, Any], plan: str) -> dict[str, Any]:
    """Histogram draws of one plan by name, the planned part of them."""
    return {name.partition("/")[2]: values for name, values in draws.items() if name.startswith(f"{plan}/{HISTOGRAM}")}


def _band(name: str, x: Any, draws: Any, colour: int) -> Trace:
    low, middle, high = 100 * np.quantile(draws, [0.05, 0.5, 0.95], axis=0)
    return Trace(name, x, middle, low, high, colour=colour)


def _readouts(session: Session) -> Iterator[Chart]:
    """The newest decision's readouts, option by option, for a system without a page of its own."""
    decided = last_decision(session)
    if decided is None or session.system.pages is not None:
        return
    values = decided.payload["readouts"]
    names = [option["name"] for option in decided.payload["options"]]
    x = np.arange(1.0, len(names) + 1)
    panels = []
    for readout in next(iter(values.values())):
        middle, low, high = np.array([values[name][readout] for name in names]).T
        unit = session.twin.model.readouts[readout].unit if readout in session.twin.model.readouts else ""
        panels.append(Panel(readout, "option", unit, (Trace("options", x, middle, low, high, points=True, colour=1),)))
    yield Chart("Readouts of the options", tuple(panels), "Options from best to worst: " + ", ".join(names) + "; bars hold 90 %.")


def _ledger(session: Session) -> Iterator[Chart]:
    """Each component of each scan within the forecast that was frozen before it."""
    rows = ledger_rows(session)
    if not rows:
        return
    kinds = dict.fromkeys(kind for _, row in rows for kind in row)
    panels = tuple(panel for kind in kinds for panel in _components(kind, [(t, row[kind]) for t, row in rows if kind in row], rows[0][0]))
    yield Chart(f"{AGAINST} scans", panels, "Bars: 90 % of the forecast made before the scan. Points: the scan, with its error.")


def _components(kind: str, rows: list[tuple[float, Any]], first_s: float) -> Iterator[Panel]:
    days = np.array([(t_s - first_s) / DAY_S for t_s, _ in rows])
    for i in range(rows[0][1].shape[1]):
        low, high, value, sd = np.array([row[:, i] for _, row in rows]).T
        name = kind if rows[0][1].shape[1] == 1 else f"{kind}[{'xyz'[i] if rows[0][1].shape[1] == 3 else i}]"
        traces = (
            Trace("forecast, 90 %", days, (low + high) / 2, low, high, colour=0),
            Trace("scan", days, value, value - 1.645 * sd, value + 1.645 * sd, points=True, colour=1),
        )
        yield Panel(name, "days since the first scan", kind, traces)

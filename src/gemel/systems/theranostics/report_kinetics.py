"""Activity over time and forecasts against scans, as charts."""

import numpy as np

from gemel.core.page import Chart, Panel, Told, Trace
from gemel.systems.theranostics.network import ORGANS
from gemel.systems.theranostics.report_course import Believed, Cycle, band, cycles

HOUR_S = 3600.0
Z_90 = 1.6448536269514722
POINTS = 48
LEAST_H, AFTER = 0.5, 1.4
"""A curve begins half an hour after the injection and goes on 40 % beyond the last scan."""


def activity_charts(seen: Believed) -> list[Chart]:
    """For each cycle with scans, activity of every organ: 90 % of the belief now, and what was measured."""
    return [_chart(seen, cycle) for cycle in cycles(seen.told) if cycle.days]


def ledger_chart(told: Told) -> list[Chart]:
    """What each scan was forecast to show before it was looked at, and what it showed; nothing before the first scan."""
    kinds = list(dict.fromkeys(kind for _, row in told.ledger for kind in row))
    panels = tuple(_against(told, kind) for kind in kinds)
    note = "Bars: the 90 % interval frozen before the scan, without the noise of the scan. Points: the scan with 90 % of its own error."
    return [Chart("Forecasts against scans", panels, note)] if panels else []


def _chart(seen: Believed, cycle: Cycle) -> Chart:
    last_h = (cycle.days[-1][0] - cycle.given_s) / HOUR_S
    first_h = min(LEAST_H, (cycle.days[0][0] - cycle.given_s) / HOUR_S)
    hours = np.geomspace(first_h, max(AFTER * last_h, 24.0), POINTS)
    hours = hours[cycle.given_s + hours * HOUR_S < cycle.end_s]
    reached = seen.at(cycle.given_s + hours * HOUR_S)
    organs = [organ for organ in ORGANS if any(organ in day.activity_MBq for _, day in cycle.days)]
    panels = []
    for organ in organs:
        looked = seen.told.twin.model.observe[f"ln_{organ}_MBq"]
        draws = np.exp([looked(state, seen.params)[:, 0] for state in reached])
        curve = band("the twin now, median and 90 %", hours, draws)
        panels.append(Panel(organ, "h after injection", "activity / MBq", (curve, _points(cycle, organ)), logarithmic=True))
    title = f"Activity, cycle {cycle.number} ({cycle.MBq / 1000:.2f} GBq)"
    return Chart(title, tuple(panels), "As the camera sees it: with the error of calibration that all scans share.")


def _points(cycle: Cycle, organ: str) -> Trace:
    rows = [(at_s, day.activity_MBq[organ], day.relative_sd[organ]) for at_s, day in cycle.days if organ in day.activity_MBq]
    t_s, MBq, rel = np.array(rows).T
    return Trace("measured, 90 %", (t_s - cycle.given_s) / HOUR_S, MBq, MBq * np.exp(-Z_90 * rel), MBq * np.exp(Z_90 * rel), True, 1)


def _against(told: Told, kind: str) -> Panel:
    rows = [(n, row[kind][:, 0]) for n, (_, row) in enumerate(told.ledger, 1) if kind in row]
    number = np.array([n for n, _ in rows], dtype=float)
    low, high, value, sd = np.exp(np.array([found for _, found in rows]).T)
    ratio = np.exp(Z_90 * np.log(sd))
    ahead = Trace("forecast, 90 %", number, np.sqrt(low * high), low, high, True, 0)
    came = Trace("came", number, value, value / ratio, value * ratio, True, 1)
    return Panel(kind.removeprefix("ln_").replace("_", " "), "scan", "", (ahead, came), logarithmic=True)

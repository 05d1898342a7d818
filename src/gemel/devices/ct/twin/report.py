"""The page of a scanner: its charts with alarms and causes, what is left until a limit, what was done, and what was learned."""

import numpy as np

from gemel.core.errors import StoreError
from gemel.core.page import Chart, Page, Panel, Table, Told, Trace
from gemel.core.time import DAY_S, iso
from gemel.core.twin import given
from gemel.devices.ct.twin.names import CAUSE_OF, CAUSES, COMPONENTS, METRICS
from gemel.devices.ct.twin.watching import HORIZON_d, Status, status

NONE = np.zeros(0)
TITLES = {
    "kv_pct": "tube voltage", "filter_mm": "filtration", "bowtie_HU": "bowtie", "output_pct": "output", "gain_HU": "detector gains",
    "electronic_pct": "electronic noise", "focal_pct": "focal spot", "scale_pct": "scale",
}  # fmt: skip


def pages(told: Told, rng: np.random.Generator) -> Page:
    """Everything there is so far. Raises StoreError before the first check."""
    if not told.days:
        raise StoreError("no check to report", where=told.twin.model.name, remedy="run: gemel scanner qc FOLDER --scanner TWIN")
    now = status(told.case, [day for _, day in told.days], given(told.twin), rng)
    sections: list[Chart | Table] = [*_options(told)]
    if now is not None:
        sections += [verdict_table(now), _charts(told, now)]
    sections += [_metrics(told), _done(told)]
    notes = (*told.case.notes, *(note for _, day in told.days for note in day.notes))
    return Page(tuple(sections), notes=tuple(dict.fromkeys(notes)))


def verdict_table(now: Status) -> Table:
    """Alarms, probability of a fault, shares of the causes, and days to the first limit."""
    alarms = [iso(float(t))[:10] for t, alarm in zip(now.times_s, now.watch.alarm) if alarm]
    rows = (
        ("alarm", f"since {alarms[0]}, on {len(alarms)} of {len(now.times_s)} checks" if alarms else "none"),
        ("probability of a fault", f"{now.p_fault:.0%}"),
        ("likeliest cause", cause_words(now)),
        ("a limit is passed", lead_words(now)),
    )
    return Table("State", ("what", "found"), rows, "causes by posterior shares of single faults that step or ramp")


def cause_words(now: Status) -> str:
    """The causes by their shares, where there is a fault to find one for."""
    if not now.suspected:
        return "none to look for"
    return ", ".join(f"{cause} {now.causes[cause]:.0%}" for cause in sorted(CAUSES, key=lambda c: -now.causes[c]))


def lead_words(now: Status) -> str:
    """When a limit is passed, with 90 %."""
    low, middle, high = (f"{d:.0f}" if np.isfinite(d) else f"over {HORIZON_d}" for d in now.lead_d)
    return f"in {middle} days ({low} to {high}); within {HORIZON_d} days with {now.p_limit:.0%}"


def _charts(told: Told, now: Status) -> Chart:
    days = (now.times_s - now.times_s[0]) / DAY_S
    panels = []
    for c, (ewma, cusum) in now.watch.charts.items():
        lines = (("EWMA", ewma, 0), ("CUSUM", cusum, 1))
        traces = tuple(Trace(name, days, held.statistic / held.level, NONE, NONE, colour=colour) for name, held, colour in lines)
        title = f"{TITLES[COMPONENTS[c]]} ({CAUSE_OF[c]})"
        panels.append(Panel(title, "days", "of the limit", traces, limits={"limit": 1.0, "lower": -1.0}))
    note = f"in units of limits that together give a false alarm every {told.case.monitor.run_length_d:g} days or less often"
    return Chart("Control charts since the last action", tuple(panels), note)


def _metrics(told: Told) -> Table:
    last = told.days[-1][1]
    rows = []
    for name, value, off, sd, level in zip(METRICS, last.values, last.departures, last.sd, told.case.monitor.metrics[:, 0]):
        if np.isfinite(value):
            rows.append((name, f"{value:.4g}", f"{level:.4g}", f"{off:+.3g}", f"{off / sd:+.1f}"))
    return Table(f"Check of {iso(last.acquired_s)[:10]}", ("metric", "now", "baseline", "departure", "in errors"), tuple(rows))


def _options(told: Told) -> list[Table]:
    if not told.decision:
        return []
    values, rows = told.decision["readouts"], []
    for option in told.decision["options"]:
        cells = [f"{m:.3g} ({low:.3g}–{high:.3g})" for m, low, high in values[option["name"]].values()]
        limits = ", ".join(f"P({limit}) {p:.0%}" for limit, p in option["p_limits"].items())
        rows.append((option["name"], *cells, limits))
    columns = ("plan", *next(iter(values.values())), "limits")
    return [Table("What may be done", columns, tuple(rows), told.decision["reason"])]


def _done(told: Told) -> Table:
    rows = tuple((iso(a.t_s)[:16], a.kind) for a in given(told.twin))
    return Table("Done", ("when", "what"), rows, "" if rows else "nothing yet")

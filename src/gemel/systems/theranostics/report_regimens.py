"""What each regimen would gain and risk, and which limit binds."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gemel.core.image import Array
from gemel.core.page import Chart, Panel, Table, Told, Trace
from gemel.systems.theranostics.judge import SURE

EMPTY = np.zeros(0)
GAIN, RISK = "tumour_ln_kill_1", "kidney_BED_Gy"
SHOWN = 8
COLUMNS = ("kidney_BED_Gy", "marrow_weighted_dose_Gy", "salivary_dose_Gy", "tumour_dose_Gy", "platelets_nadir_ratio_1", "tumour_ln_kill_1")


def front_chart(told: Told) -> list[Chart]:
    """ln of tumour killed against the probability to break each limit, and tumour dose against kidney BED; nothing before a decision."""
    if not told.decision:
        return []
    options, readouts = told.decision["options"], told.decision["readouts"]
    gain = np.array([readouts[o["name"]][GAIN][0] for o in options])
    panels = []
    for limit in options[0]["p_limits"]:
        broken = np.array([100 * (1 - o["p_limits"][limit]) for o in options])
        traces = _traces(told.decision, broken, gain)
        marks = (100 * (1 - SURE),)
        panels.append(Panel(f"not {limit.replace('_', ' ')}", "probability / %", "median ln of tumour killed", traces, marks=marks))
    bed = np.array([readouts[o["name"]][RISK][0] for o in options])
    dose = np.array([readouts[o["name"]]["tumour_dose_Gy"][0] for o in options])
    panels.append(Panel("doses", "median kidney BED / Gy", "median tumour dose / Gy", _traces(told.decision, bed, dose)))
    return [
        Chart(
            "Regimens",
            tuple(panels),
            f"Line: none gains more at less risk. Dotted: the {100 * (1 - SURE):.0f} % allowed. {binding(options)}",
        )
    ]


def regimen_table(told: Told) -> list[Table]:
    """The best regimens and the fixed one; nothing before a decision."""
    if not told.decision:
        return []
    options, readouts = told.decision["options"], told.decision["readouts"]
    shown = [*options[:SHOWN], *(o for o in options[SHOWN:] if o["name"] == told.decision["baseline"])]
    limits, names = list(options[0]["p_limits"]), [n for n in COLUMNS if n in next(iter(readouts.values()))]
    columns = ("regimen", "score", *(f"P({limit.replace('_', ' ')})" for limit in limits), *(n.replace("_", " ") for n in names))
    rows = []
    for o in shown:
        medians = (f"{readouts[o['name']][n][0]:.3g} ({readouts[o['name']][n][1]:.3g}–{readouts[o['name']][n][2]:.3g})" for n in names)
        chances = (f"{100 * o['p_limits'][limit]:.0f} %" for limit in limits)
        rows.append((o["name"], f"{o['utility']:.2f} ± {o['utility_sd']:.2f}", *chances, *medians))
    return [Table("The best regimens and the fixed one", columns, tuple(rows), "Median (90 %) over the belief on the day of the decision.")]


def binding(options: Sequence[Mapping[str, Any]]) -> str:
    """Which limit keeps regimens of more gain than the best allowed one from being chosen."""
    allowed = [o for o in options if min(o["p_limits"].values()) >= SURE]
    if not allowed:
        return "No regimen keeps every limit."
    most = max(o["utility"] for o in allowed)
    kept_out = [o for o in options if o["utility"] > most and o not in allowed]
    if not kept_out:
        return "No limit binds: no regimen would gain more."
    first = Counter(min(o["p_limits"], key=o["p_limits"].__getitem__) for o in kept_out).most_common(1)[0][0]
    return f"{first.replace('_', ' ')} binds: it keeps out {len(kept_out)} regimens that would gain more."


def pareto(risk: Array, gain: Array) -> Array:
    """Indices of the points that no other one betters, by ascending risk."""
    order = np.lexsort((-gain, risk))
    best = np.maximum.accumulate(np.concatenate([[-np.inf], gain[order][:-1]]))
    return np.asarray(order[gain[order] > best])


def _traces(decision: Mapping[str, Any], risk: Array, gain: Array) -> tuple[Trace, ...]:
    names = [o["name"] for o in decision["options"]]
    front = pareto(risk, gain)
    found = [Trace("a regimen", risk, gain, EMPTY, EMPTY, True, 7), Trace("front", risk[front], gain[front], EMPTY, EMPTY, False, 0)]
    for colour, (role, name) in enumerate((("recommended", decision["recommended"]), ("fixed", decision["baseline"])), 1):
        at = names.index(name)
        found.append(Trace(f"{role}: {name}", risk[at : at + 1], gain[at : at + 1], EMPTY, EMPTY, True, colour))
    return tuple(found)

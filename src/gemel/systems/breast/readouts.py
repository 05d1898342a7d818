"""What decisions are taken on: what is left at surgery, if from now on a plan is given, and how hard the plan is to bear."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache, partial

import numpy as np

from gemel.core.belief import Params, State
from gemel.core.image import Array
from gemel.core.model import Readout
from gemel.core.record import Plan
from gemel.core.time import DAY_S
from gemel.systems.breast.body import Body
from gemel.systems.breast.drugs import Dose
from gemel.systems.breast.growth import advance, doses_of
from gemel.systems.breast.regimens import cycle_end_s
from gemel.systems.breast.response import PARTIAL_1, complete
from gemel.systems.breast.seen import cells, longest_axis_mm, volume_mL
from gemel.systems.breast.toxicity import peak_1

SURGERY_d = 21.0
"""Between the end of the last cycle and surgery: three to six weeks are usual (Sanford et al. 2016, Ann Surg Oncol 23:1515)."""
TINY = 1e-9
PRICE = 0.6
"""ln of residual cells that a standard dose must be worth: what a dose does to a tumour that answers as most do. Assumed."""


@dataclass(frozen=True, eq=False)
class _At:
    """A state and its parameters, told apart by being the same objects, so that all readouts of one forecast share one course."""

    state: State
    params: Params

    def __hash__(self) -> int:
        return id(self.state["density"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _At) and self.state["density"] is other.state["density"] and self.params is other.params


def readouts(body: Body) -> dict[str, Readout]:
    """All readouts, by name; each takes the state at some time and the plan from then on."""
    end = lru_cache(maxsize=4)(partial(_end, body))

    def readout(unit: str, what: str, of: Callable[[Mapping[str, Array]], Array]) -> Readout:
        def compute(state: State, params: Params, plan: Plan, rng: np.random.Generator) -> Array:
            return of(end(_At(state, params), tuple(plan)))

        return Readout(unit, compute, what)

    return {
        "ln_residual_1": readout("1", "ln of all cells at surgery to those of the first visit", lambda e: e["ln_residual"]),
        "pcr_1": readout(
            "1", "pathological complete response: its mean is a probability", lambda e: complete(np.exp(e["ln_residual"])) * 1.0
        ),
        "cells_1": readout("1", "cells seen before surgery, to those of the first visit", lambda e: e["cells"]),
        "volume_mL": readout("mL", "outlined volume before surgery", lambda e: e["volume_mL"]),
        "longest_axis_mm": readout("mm", "longest axis before surgery", lambda e: e["axis_mm"]),
        "partial_1": readout("1", "partial response or better by RECIST 1.1", lambda e: (e["axis_ratio"] <= PARTIAL_1) * 1.0),
        "toxicity_1": readout("1", "highest level of doses not yet recovered from", lambda e: e["toxicity"]),
        "doses_1": readout("1", "standard doses of the course", lambda e: e["doses"]),
        "loss_1": readout("1", f"ln residual plus {PRICE:g} a standard dose", lambda e: e["ln_residual"] + PRICE * e["doses"]),
    }


def surgery_s(doses: tuple[Dose, ...], now_s: float) -> float:
    """The end of the last cycle, or now, and SURGERY_d."""
    return cycle_end_s(doses, now_s) + SURGERY_d * DAY_S


def _end(body: Body, at: _At, plan: Plan) -> dict[str, Array]:
    doses, now_s = doses_of(body, plan), float(at.state["t_s"][0])
    density = advance(body, at.state, at.params, doses, surgery_s(doses, now_s))["density"]
    first, axis_mm = body.density[None], longest_axis_mm(body, density)
    left = density.sum(axis=1, dtype=np.float64) / first.sum(dtype=np.float64)
    return {
        "ln_residual": np.log(left + TINY),
        "cells": cells(body, density) / cells(body, first)[0],
        "volume_mL": volume_mL(body, density),
        "axis_mm": axis_mm,
        "axis_ratio": axis_mm / longest_axis_mm(body, first)[0],
        "toxicity": np.full(len(density), peak_1(doses)),
        "doses": np.full(len(density), sum(dose.amount for dose in doses)),
    }
